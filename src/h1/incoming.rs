//! Reading a request's body from the client, within the bounds of its time.

use std::time::Duration;

use crate::fault::Fault;
use crate::limits::DEADLINE_TICK;
use crate::worker::Worker;
use crate::worker::buffers::Buffer;
use crate::worker::deadline::Deadline;
use crate::worker::socket::ReadHalf;

/// A body on its way in.
pub(super) struct Incoming {
    /// For the whole body; zero means no bound as long as it makes progress.
    time: Duration,
    /// Milliseconds on the process's clock.
    started: u64,
}

impl Incoming {
    /// A body of which something is still missing.
    pub(super) fn begin(worker: &Worker, entry_point: usize) -> Self {
        let time = worker.entry_point(entry_point).read_timeout;
        Self { time, started: worker.deadlines.now() }
    }

    /// Reads more of it, behind what the buffer holds.
    pub(super) async fn read(
        &self,
        worker: &Worker,
        buffer: &mut Buffer,
        (from, deadline): (&mut ReadHalf, &Deadline),
    ) -> Result<(), Fault> {
        let progress = worker.settings.limits.progress_timeout;
        let taken = Duration::from_millis(worker.deadlines.now().saturating_sub(self.started));
        deadline.arm_read(match self.time {
            Duration::ZERO => progress,
            // Never zero, which would disarm.
            time => shorter(time.saturating_sub(taken).max(DEADLINE_TICK), progress),
        });
        let read = buffer.fill(from).await;
        deadline.disarm_read();
        match read {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) if deadline.ended() => Err(Fault::RequestTimeout),
            Ok(0) | Err(_) => Err(Fault::ClientGone),
        }
    }
}

/// The shorter of two bounds, of which the second is none if it is zero.
fn shorter(time: Duration, bound: Duration) -> Duration {
    if bound.is_zero() { time } else { time.min(bound) }
}
