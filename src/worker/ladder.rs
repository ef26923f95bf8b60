//! The driver ladder: the fastest way to the kernel that this kernel, this container and this
//! configuration allow.
//!
//! io_uring with a single issuer and deferred task work, then with cooperative task work, then
//! plain; then epoll. Docker Engine 25 and later forbids io_uring in services by its default
//! seccomp profile, so epoll is not a fallback for strange places: it is what an unmodified stack
//! gets on a modern swarm.

use std::future::Future;
use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use io_uring::IoUring;
use monoio::time::TimeDriver;
use monoio::{Driver, IoUringDriver, LegacyDriver, Runtime, RuntimeBuilder};

use crate::config::DriverChoice;

/// Submission entries of a ring. A turn of the loop rarely fills more; a full queue is submitted
/// early, which costs one system call and loses nothing.
const RING_ENTRIES: u32 = 1024;

/// Completions wait here; operations in flight on idle connections may all complete in one turn.
const RING_COMPLETIONS: u32 = 4 * RING_ENTRIES;

/// The ways to the kernel, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// Linux 6.1: task work runs only when the worker asks for completions.
    UringDeferred,
    /// Linux 6.0: no interrupts for task work.
    UringCooperative,
    UringPlain,
    Epoll,
}

impl Rung {
    const URING: [Self; 3] = [Self::UringDeferred, Self::UringCooperative, Self::UringPlain];

    pub fn name(self) -> &'static str {
        match self {
            Self::UringDeferred => "io_uring (single issuer, deferred task work)",
            Self::UringCooperative => "io_uring (single issuer, cooperative task work)",
            Self::UringPlain => "io_uring (plain)",
            Self::Epoll => "epoll",
        }
    }

    fn ring(self) -> io_uring::Builder {
        let mut builder = IoUring::builder();
        builder.setup_cqsize(RING_COMPLETIONS);
        match self {
            Self::UringDeferred => {
                builder.setup_single_issuer().setup_coop_taskrun().setup_defer_taskrun();
            }
            Self::UringCooperative => {
                builder.setup_single_issuer().setup_coop_taskrun();
            }
            Self::UringPlain | Self::Epoll => {}
        }
        builder
    }
}

/// Which rung holds, and why no better one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub rung: Rung,
    /// Why the first rung does not hold.
    pub reason: Option<String>,
    /// What would lift it.
    pub remedy: Option<&'static str>,
}

/// The operator demands a driver that this machine does not give.
#[derive(Debug, thiserror::Error)]
#[error(
    "io_uring was asked for but does not work here: {reason}; {remedy}, or let the driver be chosen with --ringress.driver=auto"
)]
pub struct Unavailable {
    reason: String,
    remedy: &'static str,
}

/// Finds the rung by trying; rings made for it are thrown away.
pub fn probe(choice: DriverChoice) -> Result<Standing, Unavailable> {
    if choice == DriverChoice::Epoll {
        let reason = Some("asked for by configuration".to_owned());
        return Ok(Standing { rung: Rung::Epoll, reason, remedy: None });
    }
    let mut first = None;
    for rung in Rung::URING {
        match rung.ring().build(8) {
            Ok(_) => {
                let (reason, remedy) = match first {
                    None => (None, None),
                    Some(error) => explain(&error),
                };
                return Ok(Standing { rung, reason, remedy });
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    let (reason, remedy) = first.as_ref().map_or((None, None), explain);
    if choice == DriverChoice::IoUring {
        return Err(Unavailable {
            reason: reason.unwrap_or_default(),
            remedy: remedy.unwrap_or("ask the kernel's log"),
        });
    }
    Ok(Standing { rung: Rung::Epoll, reason, remedy })
}

/// What is in the way in a container of Docker Engine 25 or later, and what lifts it.
const CONFINED: (&str, &str) = (
    "the container's seccomp profile forbids it",
    "run `ringress swarm enable-io-uring SERVICE` on a manager, again after each `docker stack \
     deploy`, or allow it in the daemon's profile (tuning.md)",
);

/// What a refusal means, and what would lift it.
fn explain(error: &io::Error) -> (Option<String>, Option<&'static str>) {
    let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled")
        .is_ok_and(|value| value.trim() != "0");
    let (why, remedy) = match error.raw_os_error() {
        Some(libc::EPERM) if disabled => (
            "the kernel setting io_uring_disabled forbids it",
            "set sysctl kernel.io_uring_disabled=0 on the host",
        ),
        Some(libc::EPERM) => CONFINED,
        Some(libc::ENOSYS) => ("the kernel has no io_uring", "use Linux 5.6 or later"),
        Some(libc::EINVAL) => (
            "the kernel does not know these ring flags",
            "use Linux 6.1 or later for the fastest driver",
        ),
        Some(libc::ENOMEM) => (
            "the locked-memory limit is too small for the rings",
            "raise the memlock limit of the container (ulimits) or use Linux 5.12 or later",
        ),
        _ => ("the kernel refused the ring", "look at the kernel's log"),
    };
    (Some(format!("{why} ({error})")), Some(remedy))
}

/// Runs a future to its end on the given rung; `None` if it panicked.
///
/// The runtime is built here, on the thread that runs it: a ring with a single issuer belongs to
/// the thread that made it.
pub fn run<F: Future>(rung: Rung, future: F) -> io::Result<Option<F::Output>> {
    // The operations inside find out themselves which driver runs them.
    match rung {
        Rung::Epoll => {
            let runtime: Runtime<TimeDriver<LegacyDriver>> =
                RuntimeBuilder::<LegacyDriver>::new().enable_timer().build()?;
            Ok(block_on(runtime, future))
        }
        rung => {
            let runtime: Runtime<TimeDriver<IoUringDriver>> =
                RuntimeBuilder::<IoUringDriver>::new()
                    .uring_builder(rung.ring())
                    .with_entries(RING_ENTRIES)
                    .enable_timer()
                    .build()?;
            Ok(block_on(runtime, future))
        }
    }
}

fn block_on<D: Driver, F: Future>(runtime: Runtime<D>, future: F) -> Option<F::Output> {
    // Dropping a runtime frees buffers that the kernel may still write to. That is harmless after
    // an orderly end, when nothing is in flight; after a panic the runtime is leaked instead.
    let mut runtime = ManuallyDrop::new(runtime);
    let output = catch_unwind(AssertUnwindSafe(|| runtime.block_on(future))).ok()?;
    drop(ManuallyDrop::into_inner(runtime));
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoll_is_always_there_and_says_why() {
        let standing = probe(DriverChoice::Epoll).expect("epoll");
        assert_eq!(standing.rung, Rung::Epoll);
        assert!(standing.reason.is_some());
        assert_eq!(run(Rung::Epoll, async { 7 }).expect("runs"), Some(7));
    }

    #[test]
    fn refusals_are_explained() {
        for errno in [libc::EPERM, libc::ENOSYS, libc::EINVAL, libc::ENOMEM, libc::EIO] {
            let (reason, remedy) = explain(&io::Error::from_raw_os_error(errno));
            assert!(reason.is_some_and(|r| !r.is_empty()) && remedy.is_some());
        }
    }

    #[test]
    fn the_best_rung_that_is_found_also_runs() {
        let standing = probe(DriverChoice::Auto).expect("a rung");
        assert_eq!(run(standing.rung, async { 7 }).expect("runs"), Some(7));
        assert_eq!(standing.reason.is_none(), standing.rung == Rung::UringDeferred);
    }
}
