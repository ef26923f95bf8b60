//! Publication of an immutable value: readers never wait, old values go when nobody looks at them.
//!
//! The value is reclaimed by epochs (crossbeam-epoch). A reader pins the epoch for the length of
//! a closure; the publisher swaps the pointer and hands the old value to the collector. The
//! generation is raised *after* the swap, so a reader that sees generation `g` sees a value that
//! is at least as new as publication `g`.
#![allow(
    unsafe_code,
    reason = "crossbeam-epoch's pointer must be dereferenced; nothing else here is unsafe"
)]

use std::sync::atomic::Ordering;

// Under the model checker every atomic has to be its own: see tests/loom.
#[cfg(crossbeam_loom)]
use loom::sync::atomic::AtomicU64;
#[cfg(not(crossbeam_loom))]
use std::sync::atomic::AtomicU64;

use crossbeam_epoch::{self as epoch, Atomic, Owned};
use crossbeam_utils::CachePadded;

/// A value of which readers always see one whole version.
pub struct Published<T: Send + Sync> {
    current: CachePadded<Atomic<T>>,
    /// On a line of its own: every worker looks at it, only publications write it.
    generation: CachePadded<AtomicU64>,
}

impl<T: Send + Sync + 'static> Published<T> {
    pub fn new(value: T) -> Self {
        Self {
            current: CachePadded::new(Atomic::new(value)),
            generation: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// Gives the closure the current value. The closure cannot suspend, so no guard is ever held
    /// over an await.
    #[inline]
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        let guard = epoch::pin();
        let current = self.current.load(Ordering::Acquire, &guard);
        // SAFETY: the pointer is never null (`new` and `publish` store owned values), and what it
        // points to was handed to the collector at the earliest after this thread was pinned, so
        // it lives until `guard` is dropped. It is only ever shared: no `&mut` to it exists.
        read(unsafe { current.deref() })
    }

    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Replaces the value and gives the number of publications so far.
    ///
    /// Callers must not publish concurrently if the order of generations matters to them; the
    /// store holds a lock over this call.
    pub fn publish(&self, value: T) -> u64 {
        {
            let guard = epoch::pin();
            let old = self.current.swap(Owned::new(value), Ordering::AcqRel, &guard);
            // SAFETY: `old` has just been unlinked by the swap and can be reached by nobody who
            // pins from now on; it was created by `Owned::new` and is destroyed only here.
            unsafe { guard.defer_destroy(old) };
            // Without this the old value would wait in a thread-local bag for 64 companions.
            guard.flush();
        }
        let generation = self.generation.fetch_add(1, Ordering::Release) + 1;
        // Each pin may advance the epoch by one; an object is free after two advances. A table
        // may be large, so it should not linger until the next publication.
        for _ in 0..3 {
            epoch::pin().flush();
        }
        generation
    }
}

impl<T: Send + Sync> Drop for Published<T> {
    fn drop(&mut self) {
        // SAFETY: `&mut self` proves that no reader is inside `read`, so nobody else holds the
        // pointer; it is never null and was created by `Owned::new`.
        drop(unsafe { std::mem::replace(&mut *self.current, Atomic::null()).into_owned() });
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    /// Counts its living instances.
    struct Counted(Arc<AtomicUsize>, u64);

    impl Counted {
        fn new(alive: &Arc<AtomicUsize>, value: u64) -> Self {
            alive.fetch_add(1, Ordering::SeqCst);
            Self(Arc::clone(alive), value)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Waits until at most `most` values are alive.
    ///
    /// The epoch is global to the process: while any thread of another test is pinned and not
    /// scheduled, garbage has to wait. What must not happen is that it stays.
    fn settle(alive: &AtomicUsize, most: usize) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while alive.load(Ordering::SeqCst) > most {
            assert!(std::time::Instant::now() < deadline, "{alive:?} values stay alive");
            epoch::pin().flush();
            std::thread::yield_now();
        }
    }

    #[test]
    fn publications_without_readers_keep_memory_flat() {
        let alive = Arc::new(AtomicUsize::new(0));
        let published = Published::new(Counted::new(&alive, 0));
        for i in 1..=10_000 {
            assert_eq!(published.publish(Counted::new(&alive, i)), i);
            if i % 100 == 0 {
                settle(&alive, 1);
            }
        }
        assert_eq!(published.read(|v| v.1), 10_000);
    }

    #[test]
    fn publications_with_busy_readers_keep_memory_flat_and_order() {
        let alive = Arc::new(AtomicUsize::new(0));
        let published = Arc::new(Published::new(Counted::new(&alive, 0)));
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (published, stop) = (Arc::clone(&published), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut last = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let generation = published.generation();
                        let value = published.read(|v| v.1);
                        assert!(value >= generation, "a generation was visible before its value");
                        assert!(value >= last, "a reader went back in time");
                        last = value;
                    }
                    last
                })
            })
            .collect();
        for i in 1..=5_000 {
            published.publish(Counted::new(&alive, i));
            if i % 100 == 0 {
                settle(&alive, 1);
            }
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("reader");
        }
        drop(Arc::into_inner(published).expect("the readers are gone"));
        settle(&alive, 0);
    }
}
