//! The publication of tables under loom: every interleaving within bounds, every value that a
//! relaxed memory model lets a load see.
//!
//! ```sh
//! RUSTFLAGS="--cfg crossbeam_loom" cargo test --release --package ringress-loom --target-dir target/loom
//! ```
//!
//! What is checked is the production file itself, over crossbeam-epoch's own loom build; without
//! the flag this is an empty test. A package of its own, because the flag's feature must not be
//! unified into the binary, and because it needs a dozen crates instead of all.
//!
//! It fails, as it must, when the guard goes before the look, when the generation is raised before
//! the swap, and when the pointer is loaded relaxed. It cannot tell a relaxed swap or a relaxed
//! generation from the stronger ones: a pin of crossbeam-epoch fences sequentially, and here one
//! always lies between. `publish.rs` does not lean on that.
#![cfg(crossbeam_loom)]

#[path = "../../src/table/publish.rs"]
mod publish;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use publish::Published;

/// What is left of a value once it has been reclaimed: outlives it, so that a late look at it is a
/// failed assertion and not undefined behaviour. The cell tells loom of a reclamation that is not
/// ordered after every look.
struct Trace {
    reclaimed: UnsafeCell<bool>,
}

#[allow(unsafe_code, reason = "sharing the cell is what the model is about")]
// SAFETY: loom ends the execution at the first access that is not ordered after the others.
unsafe impl Sync for Trace {}

/// A value that knows how many publications were before it.
struct Value {
    number: u64,
    trace: std::sync::Arc<Trace>,
}

impl Value {
    fn new(number: u64) -> Self {
        let trace = Trace { reclaimed: UnsafeCell::new(false) };
        Self { number, trace: std::sync::Arc::new(trace) }
    }

    /// The number, looked at twice with a point between at which loom may run the others.
    fn look(&self) -> u64 {
        let trace = std::sync::Arc::clone(&self.trace);
        trace.assert_alive();
        thread::yield_now();
        trace.assert_alive();
        self.number
    }
}

impl Trace {
    #[allow(unsafe_code, reason = "loom's cell gives a raw pointer")]
    fn assert_alive(&self) {
        // SAFETY: loom fails the model if this is not ordered before the one write, in `drop`.
        self.reclaimed.with(|flag| assert!(!unsafe { *flag }, "a reclaimed value was read"));
    }
}

impl Drop for Value {
    #[allow(unsafe_code, reason = "loom's cell gives a raw pointer")]
    fn drop(&mut self) {
        // SAFETY: loom fails the model if this is not ordered after every look.
        self.trace.reclaimed.with_mut(|flag| unsafe { *flag = true });
    }
}

/// The bound on preemptions keeps the run within a minute; it is a bound on what is proved, too.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}

/// Reads as a worker does: the generation, then the value.
fn read(published: &Published<Value>) -> (u64, u64) {
    let generation = published.generation();
    let number = published.read(Value::look);
    assert!(number >= generation, "generation {generation} was visible before its value");
    (generation, number)
}

#[test]
fn a_reader_sees_living_values_at_least_as_new_as_the_generation() {
    check(3, || {
        let published = Arc::new(Published::new(Value::new(0)));
        let publisher = {
            let published = Arc::clone(&published);
            thread::spawn(move || assert_eq!(published.publish(Value::new(1)), 1))
        };
        let before = read(&published);
        let after = read(&published);
        assert!(after.0 >= before.0, "the generation went back");
        assert!(after.1 >= before.1, "the value went back");
        publisher.join().unwrap();
        assert_eq!(read(&published), (1, 1), "the end of publish is the latest that it is seen");
    });
}
