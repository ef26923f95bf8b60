//! Deadlines without timers: a number per direction of a connection, looked at every tick.
//!
//! Arming one is a store, so it costs nothing per request. When one passes, the socket is shut
//! down: the operation in flight then completes by itself and nothing has to be cancelled, which
//! is the only way that loses neither buffers nor descriptors on either driver.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::Duration;

use super::socket;
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
    fired: Cell<bool>,
    /// Between requests: may be closed at any moment without harm.
    idle: Cell<bool>,
}

impl Deadlines {
    /// Watches a descriptor until the guard is dropped, which must be before it is closed.
    pub fn watch(self: &Rc<Self>, fd: RawFd) -> Deadline {
        let entry = Rc::new(Entry {
            fd,
            read_due: Cell::new(0),
            write_due: Cell::new(0),
            fired: Cell::new(false),
            idle: Cell::new(false),
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

    /// Fires what is due; with `close_idle`, also ends connections that wait for a request.
    pub fn tick(&self, close_idle: bool) {
        let now = clock::millis();
        self.now.set(now);
        let due = |due: &Cell<u64>| due.get() != 0 && due.get() <= now;
        for entry in self.entries.borrow().iter().flatten() {
            let late = due(&entry.read_due) || due(&entry.write_due);
            if late || (close_idle && entry.idle.get()) {
                entry.fired.set(late);
                entry.read_due.set(0);
                entry.write_due.set(0);
                entry.idle.set(false);
                socket::shut_both(entry.fd);
            }
        }
    }

    /// Ends every watched connection.
    pub fn end_all(&self) {
        for entry in self.entries.borrow().iter().flatten() {
            socket::shut_both(entry.fd);
        }
    }
}

/// The deadlines of one connection.
pub struct Deadline {
    entry: Rc<Entry>,
    index: usize,
    home: Rc<Deadlines>,
}

impl Deadline {
    /// Ends the connection unless this is called again, or disarmed, in time. Zero disarms.
    #[inline]
    pub fn arm_read(&self, after: Duration) {
        self.entry.read_due.set(self.due(after));
    }

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

    /// Marks the connection as waiting for a request.
    #[inline]
    pub fn set_idle(&self, idle: bool) {
        self.entry.idle.set(idle);
    }

    /// A deadline has passed and ended the connection.
    #[inline]
    pub fn fired(&self) -> bool {
        self.entry.fired.get()
    }

    fn due(&self, after: Duration) -> u64 {
        match u64::try_from(after.as_millis()) {
            Ok(0) | Err(_) => 0,
            Ok(millis) => self.home.now().saturating_add(millis),
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.home.entries.borrow_mut()[self.index] = None;
        self.home.free.borrow_mut().push(self.index);
    }
}
