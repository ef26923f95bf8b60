//! One core's thread: driver, accept loops, timers, drain.
//!
//! A [`Worker`] owns everything that its connections need; workers share the table, padded
//! counters and the stage of the process's life, nothing else.

mod accept;
pub mod affinity;
pub mod buffers;
pub mod cgroup;
pub mod deadline;
pub mod doors;
pub mod ladder;
pub mod residents;
pub mod socket;
mod spares;
mod thread;
mod wheel;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{EntryPoint, Limits};
use crate::h1::{connection, exchange};
use crate::life::Life;
use crate::limits::{LEAVE_AFTER, LEAVE_AT_LEAST, ONE_WAITING_IN, TURN_ROUNDS};
use crate::model::{Dialect, Transport};
use crate::observe::{Stats, WorkerCells, access};
use crate::table::Store;
use crate::upstream::{RetryBudget, Upstreams};
use buffers::Buffers;
use deadline::Deadlines;
use doors::Doors;
use residents::Residents;

pub use thread::{Plan, Workers, spawn};

/// What all workers know and never change.
pub struct Settings {
    pub entry_points: Vec<EntryPoint>,
    pub transport: Transport,
    pub limits: Limits,
    /// How our own answers are worded.
    pub dialect: Dialect,
    /// What `X-Forwarded-Server` says.
    pub hostname: String,
}

/// One thread's world. Lives on that thread alone.
pub struct Worker {
    pub index: usize,
    pub settings: Arc<Settings>,
    pub store: Arc<Store>,
    pub life: Arc<Life>,
    pub doors: Arc<Doors>,
    pub buffers: Rc<Buffers>,
    /// For clients that have sent something.
    pub ready: Residents<connection::Job, connection::Done>,
    pub exchanges: Residents<exchange::Job, exchange::Done>,
    pub deadlines: Rc<Deadlines>,
    pub upstreams: Upstreams,
    pub retries: RetryBudget,
    /// The driver wants non-blocking descriptors (epoll) or blocking ones (io_uring).
    pub nonblocking_sockets: bool,
    /// Client connections open now.
    pub connections: Cell<usize>,
    /// Copies of requests for mirrors that are under way.
    pub copies: Cell<usize>,
    /// Where its requests are told of, if anywhere.
    pub access: Option<Rc<access::Log>>,
    /// Some listener of this worker is still open.
    accepting: Cell<bool>,
    stats: Arc<Stats>,
}

impl Worker {
    /// What is set for an entry point, by its index.
    #[inline]
    pub fn entry_point(&self, index: usize) -> &EntryPoint {
        &self.settings.entry_points[index]
    }

    /// Lets other connections have their turn, every so many rounds of a loop.
    ///
    /// With epoll an operation that is ready completes without leaving the task: a peer that is
    /// fast enough could keep a worker to itself. With io_uring every operation waits its turn.
    #[inline]
    pub async fn take_turns(&self, round: u32) {
        if self.nonblocking_sockets && round % TURN_ROUNDS == TURN_ROUNDS - 1 {
            // In a box: a timer takes more room than the rest of an exchange.
            Box::pin(monoio::time::sleep(Duration::ZERO)).await;
        }
    }

    /// Makes room by ending some of the clients that have let us wait longest.
    pub fn make_room(&self) {
        let count = (self.connections.get() / ONE_WAITING_IN).max(LEAVE_AT_LEAST);
        self.deadlines.end_oldest_waiting(count, LEAVE_AFTER);
    }

    /// Gives up connections that nobody needs now, because there are no descriptors left: of
    /// clients that let us wait, and when there are none, of idle backends.
    pub fn free_descriptors(&self) {
        if self.deadlines.end_oldest_waiting(LEAVE_AT_LEAST, LEAVE_AFTER) == 0 {
            self.upstreams.close_idle();
        }
    }

    /// What is counted of everybody.
    #[inline]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// This worker's own counters.
    #[inline]
    pub fn cells(&self) -> &WorkerCells {
        &self.stats.workers[self.index]
    }
}
