//! Deadlines without timers: a number per direction of a connection, looked at every tick.
//!
//! Arming one is a store, so it costs nothing per request. When one passes, the socket is shut
//! down: the operation in flight then completes by itself and nothing has to be cancelled, which
//! is the only way that loses neither buffers nor descriptors on either driver.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::Duration;

use super::socket::{self, Control};
use crate::clock;

/// The deadlines of one worker's connections.
#[derive(Default)]
pub struct Deadlines {
    entries: RefCell<Vec<Option<Rc<Entry>>>>,
    free: RefCell<Vec<usize>>,
    /// Milliseconds, as of the last tick: arming needs no clock call.
    now: Cell<u64>,
}

struct Entry {
    fd: RawFd,
    /// Milliseconds; 0 for none.
    read_due: Cell<u64>,
    write_due: Cell<u64>,
    /// Ended by a tick, for whatever reason.
    ended: Cell<bool>,
    /// Between requests: may be closed from this time on without harm; 0 while it may not.
    idle_due: Cell<u64>,
    /// The descriptor of a backend that this client's exchange waits for.
    awaited: Cell<Option<RawFd>>,
}

impl Deadlines {
    /// Watches a descriptor until the guard is dropped, which must be before it is closed.
    pub fn watch(self: &Rc<Self>, fd: RawFd) -> Deadline {
        let entry = Rc::new(Entry {
            fd,
            read_due: Cell::new(0),
            write_due: Cell::new(0),
            ended: Cell::new(false),
            idle_due: Cell::new(0),
            awaited: Cell::new(None),
        });
        let mut entries = self.entries.borrow_mut();
        let index = self.free.borrow_mut().pop().unwrap_or(entries.len());
        if index == entries.len() {
            entries.push(None);
        }
        entries[index] = Some(Rc::clone(&entry));
        Deadline { entry, index, home: Rc::clone(self) }
    }

    /// Milliseconds on the process's clock, as of the last tick.
    #[inline]
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Ends what is due; with `close_idle`, also connections that wait for a request and have
    /// sent nothing of it.
    pub fn tick(&self, close_idle: bool) {
        let now = clock::millis();
        self.now.set(now);
        let due = |due: &Cell<u64>| due.get() != 0 && due.get() <= now;
        for entry in self.entries.borrow().iter().flatten() {
            if due(&entry.write_due) {
                entry.end();
                socket::shut_both(entry.fd);
            } else if due(&entry.read_due) {
                // The other direction stays open for what there is to say about it.
                entry.end();
                socket::shut_read(entry.fd);
            } else if close_idle && due(&entry.idle_due) && socket::is_quiet(entry.fd) {
                entry.end();
                socket::shut_both(entry.fd);
            }
        }
    }

    /// Ends exchanges whose client has closed while they wait for a backend that may never answer.
    ///
    /// The end of the client's stream counts as its end, as in Traefik: a client that closes only
    /// its own direction while it waits cannot be told from one that has gone.
    pub fn end_abandoned(&self) {
        for entry in self.entries.borrow().iter().flatten() {
            if let Some(backend) = entry.awaited.get()
                && socket::has_ended(entry.fd)
            {
                entry.end();
                socket::shut_both(entry.fd);
                socket::shut_both(backend);
            }
        }
    }

    /// Ends everything that is watched.
    pub fn end_all(&self) {
        for entry in self.entries.borrow().iter().flatten() {
            entry.end();
            socket::shut_both(entry.fd);
        }
    }
}

impl Entry {
    fn end(&self) {
        self.ended.set(true);
        self.read_due.set(0);
        self.write_due.set(0);
        self.idle_due.set(0);
    }
}

/// The deadlines of one connection.
pub struct Deadline {
    entry: Rc<Entry>,
    index: usize,
    home: Rc<Deadlines>,
}

impl Deadline {
    /// Ends the connection's reading unless this is called again, or disarmed, in time. Zero
    /// disarms.
    #[inline]
    pub fn arm_read(&self, after: Duration) {
        self.entry.read_due.set(self.due(after));
    }

    /// Ends the connection unless this is called again, or disarmed, in time.
    #[inline]
    pub fn arm_write(&self, after: Duration) {
        self.entry.write_due.set(self.due(after));
    }

    #[inline]
    pub fn disarm_read(&self) {
        self.entry.read_due.set(0);
    }

    #[inline]
    pub fn disarm_write(&self) {
        self.entry.write_due.set(0);
    }

    /// The connection waits for a request, and when the process drains it may be closed once it
    /// has waited for so long.
    #[inline]
    pub fn set_idle(&self, for_at_least: Duration) {
        self.entry.idle_due.set(self.due(for_at_least).max(1));
    }

    #[inline]
    pub fn set_busy(&self) {
        self.entry.idle_due.set(0);
    }

    /// A tick has ended the connection: what looks like the peer's end is ours.
    #[inline]
    pub fn ended(&self) -> bool {
        self.entry.ended.get()
    }

    /// While the guard lives, the end of this client's stream also ends the backend's.
    pub fn await_backend<'a>(&'a self, backend: &'a Control) -> Awaiting<'a> {
        self.entry.awaited.set(Some(backend.fd()));
        Awaiting(self, std::marker::PhantomData)
    }

    fn due(&self, after: Duration) -> u64 {
        match u64::try_from(after.as_millis()) {
            Ok(0) | Err(_) => 0,
            Ok(millis) => self.home.now().saturating_add(millis),
        }
    }
}

/// See [`Deadline::await_backend`]; borrows the backend's socket, so that its descriptor is open.
pub struct Awaiting<'a>(&'a Deadline, std::marker::PhantomData<&'a Control>);

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        self.0.entry.awaited.set(None);
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.home.entries.borrow_mut()[self.index] = None;
        self.home.free.borrow_mut().push(self.index);
    }
}
