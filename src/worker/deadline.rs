//! Deadlines without a timer each: a tick per direction of a connection, found by a timing wheel.
//!
//! Arming one is a store and a comparison: a connection stands in the wheel once, at the earliest
//! of its deadlines, and is put back when it is found there too early. A tick costs what is due in
//! it, however many connections are open.
//!
//! When a deadline passes, the socket is shut down: the operation in flight then completes by
//! itself and nothing has to be cancelled, which is the only way that loses neither buffers nor
//! descriptors on either driver.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::Duration;

use super::socket::{self, Control};
use super::wheel::Wheel;
use crate::clock;
use crate::limits::{ABANDONED_LOOK, DEADLINE_TICK};

/// A tick of the worker's clock, counted from the process's start; 0 for none.
type Tick = u32;

const TICK_MILLIS: u32 = DEADLINE_TICK.as_millis() as u32;
const _: () = assert!(1000 % TICK_MILLIS == 0, "a second is a whole number of ticks");

/// The deadlines of one worker's connections.
pub struct Deadlines {
    entries: RefCell<Vec<Option<Rc<Entry>>>>,
    free: RefCell<Vec<u32>>,
    wheel: RefCell<Wheel>,
    /// Milliseconds, as of the last tick: arming needs no clock call.
    now: Cell<u64>,
    /// A write that makes no progress for so long has failed.
    progress: Tick,
}

struct Entry {
    fd: RawFd,
    read_due: Cell<Tick>,
    write_due: Cell<Tick>,
    /// No write may be under way after this, whatever progress it makes.
    write_limit: Cell<Tick>,
    /// When to look whether the client of an exchange is still there.
    look_due: Cell<Tick>,
    /// Where the entry stands in the wheel; other places that it is found in are out of date.
    noted: Cell<Tick>,
    /// A client that we wait for since this tick: for its next request, or for the rest of a head.
    waits_since: Cell<Tick>,
    /// While it waits between requests: may be closed from this time on without harm.
    idle_due: Cell<Tick>,
    /// The descriptor of a backend that this client's exchange waits for; negative for none.
    awaited: Cell<RawFd>,
    /// Ended by a tick, for whatever reason.
    ended: Cell<bool>,
}

impl Deadlines {
    /// `progress` bounds every write.
    pub fn new(progress: Duration) -> Self {
        Self {
            entries: RefCell::default(),
            free: RefCell::default(),
            wheel: RefCell::default(),
            now: Cell::new(0),
            progress: ticks(progress),
        }
    }

    /// Watches a descriptor until the guard is dropped, which must be before it is closed.
    pub fn watch(self: &Rc<Self>, fd: RawFd) -> Deadline {
        let entry = Rc::new(Entry {
            fd,
            read_due: Cell::new(0),
            write_due: Cell::new(0),
            write_limit: Cell::new(0),
            look_due: Cell::new(0),
            noted: Cell::new(0),
            waits_since: Cell::new(0),
            idle_due: Cell::new(0),
            awaited: Cell::new(-1),
            ended: Cell::new(false),
        });
        let mut entries = self.entries.borrow_mut();
        let index = match self.free.borrow_mut().pop() {
            Some(index) => {
                entries[index as usize] = Some(Rc::clone(&entry));
                index
            }
            None => {
                entries.push(Some(Rc::clone(&entry)));
                (entries.len() - 1) as u32
            }
        };
        Deadline { entry, index, home: Rc::clone(self) }
    }

    /// Milliseconds on the process's clock, as of the last tick.
    #[inline]
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    fn tick_now(&self) -> Tick {
        tick_of(self.now.get())
    }

    /// Ends what is due.
    pub fn tick(&self) {
        self.now.set(clock::millis());
        let now = self.tick_now();
        loop {
            let Some((tick, items)) = self.wheel.borrow_mut().turn(now) else { return };
            let entries = self.entries.borrow();
            for &index in &items {
                if let Some(Some(entry)) = entries.get(index as usize)
                    && entry.noted.get() == tick
                {
                    entry.noted.set(0);
                    entry.end_if_due(now);
                    self.note(entry, index, entry.next_due());
                }
            }
            self.wheel.borrow_mut().recycle(tick, items);
        }
    }

    #[inline]
    fn due(&self, after: Tick) -> Tick {
        // One more, because the present tick has already begun.
        if after == 0 { 0 } else { self.tick_now() + after + 1 }
    }

    /// Sees to it that an entry is found in the wheel when it is due.
    #[inline]
    fn note(&self, entry: &Entry, index: u32, due: Tick) {
        let noted = entry.noted.get();
        if due == 0 || (noted != 0 && noted <= due) {
            return;
        }
        let mut wheel = self.wheel.borrow_mut();
        let tick = wheel.reach(due);
        if noted == 0 || tick < noted {
            entry.noted.set(tick);
            wheel.put(index, tick);
        }
    }

    /// Ends the clients that have let us wait longest, for a request or for the rest of its head,
    /// at most `count` of them and none for less than `age`; gives how many. Its cost grows with
    /// what is watched: for the moment when there is room for no more.
    pub fn end_oldest_waiting(&self, count: usize, age: Duration) -> usize {
        let latest = self.tick_now().saturating_sub(ticks(age));
        let entries = self.entries.borrow();
        let waits = |entry: &&Rc<Entry>| (1..=latest).contains(&entry.waits_since.get());
        let mut waiting: Vec<&Rc<Entry>> = entries.iter().flatten().filter(waits).collect();
        if waiting.len() > count {
            waiting.select_nth_unstable_by_key(count, |entry| entry.waits_since.get());
            waiting.truncate(count);
        }
        waiting.iter().filter(|entry| entry.end_waiting()).count()
    }

    /// Ends the connections between requests whose grace is over: for the process's drain.
    pub fn end_idle(&self) {
        let now = self.tick_now();
        let entries = self.entries.borrow();
        let waiting = entries.iter().flatten().filter(|entry| entry.waits_since.get() != 0);
        for entry in waiting.filter(|entry| entry.idle_due.get() <= now) {
            entry.end_waiting();
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

/// The first tick that does not lie before this time.
#[inline]
fn tick_of(millis: u64) -> Tick {
    // Thirteen years of uptime fit.
    (millis / u64::from(TICK_MILLIS)) as Tick
}

impl Entry {
    fn end_if_due(&self, now: Tick) {
        let due = |due: &Cell<Tick>| due.get() != 0 && due.get() <= now;
        if due(&self.write_due) {
            self.end();
            socket::shut_both(self.fd);
        } else if due(&self.read_due) {
            // The other direction stays open for what there is to say about it.
            self.end();
            socket::shut_read(self.fd);
        } else if due(&self.look_due) {
            self.look(now);
        }
    }

    /// Ends an exchange whose client has closed while it waits for a backend that may never
    /// answer.
    ///
    /// The end of the client's stream counts as its end, as in Traefik: a client that closes only
    /// its own direction while it waits cannot be told from one that has gone.
    fn look(&self, now: Tick) {
        let backend = self.awaited.get();
        if backend < 0 {
            self.look_due.set(0);
        } else if socket::has_ended(self.fd) {
            self.end();
            socket::shut_both(self.fd);
            socket::shut_both(backend);
        } else {
            self.look_due.set(now + ticks(ABANDONED_LOOK));
        }
    }

    /// The earliest of the deadlines, 0 if there is none.
    fn next_due(&self) -> Tick {
        let dues = [self.read_due.get(), self.write_due.get(), self.look_due.get()];
        dues.into_iter().filter(|&due| due != 0).min().unwrap_or(0)
    }

    /// Ends a client that we wait for; false if the next request has just come.
    fn end_waiting(&self) -> bool {
        let in_head = self.idle_due.get() == Tick::MAX;
        if in_head {
            self.end();
            // It can still be told why.
            socket::shut_read(self.fd);
        } else if socket::is_quiet(self.fd) {
            self.end();
            socket::shut_both(self.fd);
        } else {
            return false;
        }
        true
    }

    fn end(&self) {
        self.ended.set(true);
        self.read_due.set(0);
        self.write_due.set(0);
        self.look_due.set(0);
        self.waits_since.set(0);
    }
}

/// A duration in ticks, never shorter than it; 0 only for zero.
#[inline]
fn ticks(duration: Duration) -> Tick {
    const PER_SECOND: u64 = 1000 / TICK_MILLIS as u64;
    let whole = duration.as_secs().saturating_mul(PER_SECOND);
    let rest = duration.subsec_micros().div_ceil(TICK_MILLIS * 1000);
    // Half of all time is for ever, and leaves room to add the present to.
    whole.saturating_add(u64::from(rest)).min(u64::from(Tick::MAX / 2)) as Tick
}

/// The deadlines of one connection.
pub struct Deadline {
    entry: Rc<Entry>,
    index: u32,
    home: Rc<Deadlines>,
}

impl Deadline {
    /// Ends the connection's reading unless this is called again, or disarmed, in time. Zero
    /// disarms.
    #[inline]
    pub fn arm_read(&self, after: Duration) {
        self.arm(&self.entry.read_due, after);
    }

    /// Ends the connection unless this is called again, or disarmed, before the time for progress
    /// has passed.
    #[inline]
    pub fn arm_write(&self) {
        let due = self.home.due(self.home.progress);
        let limit = self.entry.write_limit.get();
        let due = if limit != 0 && limit < due { limit } else { due };
        self.entry.write_due.set(due);
        self.home.note(&self.entry, self.index, due);
    }

    #[inline]
    pub fn disarm_read(&self) {
        self.entry.read_due.set(0);
    }

    #[inline]
    pub fn disarm_write(&self) {
        self.entry.write_due.set(0);
    }

    /// Bounds all writing from now on, whatever progress it makes. Zero lifts the bound.
    #[inline]
    pub fn limit_writing(&self, within: Duration) {
        self.entry.write_limit.set(self.home.due(ticks(within)));
    }

    /// The connection waits for a request, and when the process drains it may be closed once it
    /// has waited for so long.
    #[inline]
    pub fn set_idle(&self, for_at_least: Duration) {
        let now = self.home.tick_now().max(1);
        self.entry.waits_since.set(now);
        self.entry.idle_due.set(now + ticks(for_at_least));
    }

    /// The connection waits for the rest of a head.
    #[inline]
    pub fn set_in_head(&self) {
        self.entry.waits_since.set(self.home.tick_now().max(1));
        self.entry.idle_due.set(Tick::MAX);
    }

    #[inline]
    pub fn set_busy(&self) {
        self.entry.waits_since.set(0);
    }

    /// A tick has ended the connection: what looks like the peer's end is ours.
    #[inline]
    pub fn ended(&self) -> bool {
        self.entry.ended.get()
    }

    /// While the guard lives, the end of this client's stream also ends the backend's.
    #[inline]
    pub fn await_backend<'a>(&'a self, backend: &'a Control) -> Awaiting<'a> {
        self.entry.awaited.set(backend.fd());
        self.arm(&self.entry.look_due, ABANDONED_LOOK);
        Awaiting(self, std::marker::PhantomData)
    }

    #[inline]
    fn arm(&self, what: &Cell<Tick>, after: Duration) {
        let due = self.home.due(ticks(after));
        what.set(due);
        self.home.note(&self.entry, self.index, due);
    }
}

/// See [`Deadline::await_backend`]; borrows the backend's socket, so that its descriptor is open.
pub struct Awaiting<'a>(&'a Deadline, std::marker::PhantomData<&'a Control>);

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        self.0.entry.awaited.set(-1);
        self.0.entry.look_due.set(0);
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.home.entries.borrow_mut()[self.index as usize] = None;
        self.home.free.borrow_mut().push(self.index);
    }
}
