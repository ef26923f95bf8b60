//! Connections to backends: dialled when needed, kept for reuse, never shared between workers.

mod budget;
mod dial;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::Fault;
use crate::limits::FRESH_CONNECTION;
use crate::model::Transport;
use crate::observe::BackendCells;
use crate::table::{Backend, BackendState, ServiceEntry};
pub use crate::table::{Latency, Passive};
use crate::worker::Worker;
use crate::worker::socket::Socket;
pub use budget::RetryBudget;

/// One worker's view of one backend.
pub struct Upstream {
    pub addr: SocketAddr,
    pub state: Arc<BackendState>,
    worker: usize,
    /// The terms of its service as of the last request; `None` for the usual ones.
    terms: RefCell<Option<Arc<Transport>>>,
    /// Last in, first out: the longest unused ones, at the front, age and go.
    idle: RefCell<Vec<Idle>>,
    /// The fewest that were idle since the last look: so many were not needed at all.
    unneeded: Cell<usize>,
}

struct Idle {
    socket: Socket,
    /// Milliseconds on the process's clock.
    since: u64,
}

/// Which pooled connections will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Any,
    /// For a request that must not be repeated: the backend may close an idle connection at the
    /// very moment of its use.
    JustUsed,
    /// For a repetition: another pooled connection may be stale like the first.
    Never,
}

/// A connection that carries one exchange.
pub struct Link {
    pub socket: Socket,
    /// It has carried others before: it may turn out to be closed.
    pub reused: bool,
    /// Bound on the time from the end of the request to the first byte of the response; zero means
    /// none.
    pub response_header_timeout: Duration,
}

impl Upstream {
    fn new(backend: &Backend, worker: usize) -> Self {
        Self {
            addr: backend.addr,
            state: Arc::clone(&backend.state),
            worker,
            terms: RefCell::default(),
            idle: RefCell::default(),
            unneeded: Cell::default(),
        }
    }

    /// This worker's counters for the backend.
    #[inline]
    pub fn cells(&self) -> &BackendCells {
        &self.state.cells[self.worker]
    }

    /// How connections to it are made and kept.
    #[inline]
    pub fn transport(&self, worker: &Worker) -> Transport {
        self.terms.borrow().as_deref().copied().unwrap_or(worker.settings.transport)
    }

    /// From now on these terms hold.
    #[inline]
    fn agree(&self, terms: Option<&Arc<Transport>>) {
        let same = self.terms.borrow().as_ref().map(Arc::as_ptr) == terms.map(Arc::as_ptr);
        if !same {
            *self.terms.borrow_mut() = terms.cloned();
        }
    }

    /// A pooled connection that still looks alive, or a new one, dialled within `timeout`.
    pub async fn connect(
        &self,
        reuse: Reuse,
        timeout: Duration,
        worker: &Worker,
    ) -> Result<Link, Fault> {
        let response_header_timeout = self.transport(worker).response_header_timeout;
        if let Some(socket) = self.take_idle(reuse, worker) {
            return Ok(Link { socket, reused: true, response_header_timeout });
        }
        self.cells().dials.add(1);
        // In a box: most exchanges need no dial, and its timer is large.
        self.state.try_from(worker.deadlines.now(), timeout);
        let socket = Box::pin(dial::dial(self.addr, &self.state, timeout, worker)).await?;
        self.state.accepted();
        Ok(Link { socket, reused: false, response_header_timeout })
    }

    fn take_idle(&self, reuse: Reuse, worker: &Worker) -> Option<Socket> {
        let oldest = match reuse {
            Reuse::Never => return None,
            Reuse::JustUsed => aged(worker, FRESH_CONNECTION),
            Reuse::Any => aged(worker, self.transport(worker).idle_timeout),
        };
        let mut pool = self.idle.borrow_mut();
        if pool.last().is_some_and(|idle| idle.since < oldest) {
            return None;
        }
        let mut found = None;
        while let Some(mut idle) = pool.pop() {
            // A server that closed, or that speaks unasked, must not get a request.
            if idle.since >= oldest && idle.socket.is_quiet(worker) {
                found = Some(idle.socket);
                break;
            }
        }
        self.unneeded.set(self.unneeded.get().min(pool.len()));
        found
    }

    /// Takes back a connection whose exchange has provably ended.
    pub fn give(&self, socket: Socket, worker: &Worker) {
        // Not bounded here: what was in use a moment ago is likely to be needed in a moment, and a
        // dial costs more than a request. `close_aged` keeps the bound.
        if self.transport(worker).max_idle_per_host > 0 && self.state.is_present() {
            self.idle.borrow_mut().push(Idle { socket, since: worker.deadlines.now() });
        }
    }

    /// After a fault that another client would meet as well, others are preferred for a while, on
    /// every worker.
    pub fn pass_over(&self, fault: Fault, worker: &Worker) {
        if fault == Fault::Unreachable {
            // What is pooled is out of reach, too.
            self.close_idle();
        } else if !fault.is_before_request() {
            return;
        }
        self.state.eject_from(worker.deadlines.now());
    }

    /// Lets a passive check know how an exchange went.
    #[inline]
    pub fn judge(&self, passive: Option<Passive>, failed: bool, worker: &Worker) {
        let Some(passive) = passive else { return };
        if self.state.judge(passive, failed, worker.deadlines.now()) {
            tracing::warn!(backend = %self.state.url, "down: too many requests have failed");
        }
    }

    /// What this worker knows about its speed, if anybody wants to know.
    #[inline]
    pub fn latency(&self) -> Option<&Latency> {
        self.state.latency(self.worker)
    }

    fn close_idle(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Closes those that were idle for too long, and beyond the bound on their number those that
    /// nobody has needed since the last call.
    fn close_aged(&self, worker: &Worker) {
        let transport = self.transport(worker);
        let oldest = aged(worker, transport.idle_timeout);
        let mut pool = self.idle.borrow_mut();
        // The oldest are at the front.
        let aged = pool.iter().take_while(|idle| idle.since < oldest).count();
        let beyond = self.unneeded.get().saturating_sub(transport.max_idle_per_host);
        let gone = aged.max(beyond).min(pool.len());
        pool.drain(..gone);
        self.unneeded.set(pool.len());
    }
}

/// The time so long ago: what was given back before is too old.
fn aged(worker: &Worker, age: Duration) -> u64 {
    worker.deadlines.now().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

/// The backends that one worker has had to do with, by the table's slot.
#[derive(Default)]
pub struct Upstreams(RefCell<Vec<Option<Rc<Upstream>>>>);

impl Upstreams {
    /// This worker's view of a backend of that service; made when it is first needed.
    #[inline]
    pub fn get(&self, backend: &Backend, service: &ServiceEntry, worker: usize) -> Rc<Upstream> {
        let upstream = self.find(backend, worker);
        upstream.agree(service.terms.as_ref());
        upstream
    }

    #[inline]
    fn find(&self, backend: &Backend, worker: usize) -> Rc<Upstream> {
        let mut slots = self.0.borrow_mut();
        let slot = backend.state.slot as usize;
        match slots.get(slot) {
            Some(Some(upstream)) if upstream.state.id == backend.state.id => Rc::clone(upstream),
            _ => {
                if slots.len() <= slot {
                    slots.resize_with(slot + 1, || None);
                }
                let upstream = Rc::new(Upstream::new(backend, worker));
                slots[slot] = Some(Rc::clone(&upstream));
                upstream
            }
        }
    }

    /// Closes everything that is not in use.
    pub fn close_idle(&self) {
        self.0.borrow().iter().flatten().for_each(|upstream| upstream.close_idle());
    }

    /// Closes connections that were idle for too long, and forgets backends that are gone.
    /// Exchanges in flight keep theirs.
    pub fn tidy(&self, worker: &Worker) {
        for slot in self.0.borrow_mut().iter_mut() {
            match slot {
                Some(upstream) if upstream.state.is_present() => upstream.close_aged(worker),
                gone => *gone = None,
            }
        }
    }
}
