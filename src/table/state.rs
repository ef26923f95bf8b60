//! What outlives a table: positions, ejections and counters, kept by identity.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::latency::Latency;
use crate::limits::{EJECTION, LONGEST_EJECTION};
use crate::model::{PassiveHealthCheck, ServerUrl};
use crate::observe::BackendCells;
use crate::observe::traffic::Traffic;

/// State of a service or group that survives every change of its neighbours.
#[derive(Debug)]
pub struct ServiceState {
    pub name: Box<str>,
    /// What went through it; nothing for a group, whose services count.
    pub traffic: Traffic,
    /// Never used twice in the life of the process.
    pub id: u64,
    /// Position in the schedule. The only line of the data path that cores write in turn: it is
    /// what makes clients alternate exactly, whatever worker they land on.
    pub cursor: CachePadded<AtomicU64>,
}

/// State of a router that survives every change of its neighbours.
#[derive(Debug)]
pub struct RouterState {
    pub name: Box<str>,
    pub traffic: Traffic,
}

/// State of a backend, as one service sees it.
///
/// It may stand in two ways of clients. *Ejected* is a backend that has just refused a connection:
/// for a moment others are preferred, but it is better than none. *Down* is one that a health check
/// of the service has found unfit: it gets no request, even if nobody else is left.
#[derive(Debug)]
pub struct BackendState {
    /// Never used twice in the life of the process.
    pub id: u64,
    /// Dense index for the workers' own arrays; reused after the backend is gone.
    pub slot: u32,
    pub url: ServerUrl,
    /// One cell per worker, written by that worker alone.
    pub cells: Box<[CachePadded<BackendCells>]>,
    /// Milliseconds on the process's clock until which others are preferred; 0 for never.
    ejected_until: AtomicU64,
    /// Ejections since it last accepted a connection.
    ejections: AtomicU32,
    /// Milliseconds on the process's clock until which a failure is one of those that the last
    /// ejection was for.
    judged_until: AtomicU64,
    /// Milliseconds on the process's clock until which it gets nothing; 0 for never,
    /// [`UNTIL_CHECKED`] until a check finds it well again.
    down_until: AtomicU64,
    /// Failures in a row that a passive check has counted: when the first was, and how many.
    failures: AtomicU64,
    /// By worker; there from the moment that a service chooses by it.
    latency: OnceLock<Box<[CachePadded<Latency>]>>,
    /// Some current table names it. When false, workers drop what they keep for it.
    present: AtomicBool,
}

const UNTIL_CHECKED: u64 = u64::MAX;

/// Bits of [`BackendState::failures`] that count; those above hold milliseconds, for some thirty
/// years.
const COUNT_BITS: u32 = 24;
const MOST_COUNTED: u64 = (1 << COUNT_BITS) - 1;

/// A passive check, as workers carry it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passive {
    window_millis: u64,
    /// Failures that are too many.
    most: u64,
}

impl Passive {
    pub fn new(check: PassiveHealthCheck) -> Self {
        Self {
            window_millis: u64::try_from(check.failure_window.as_millis()).unwrap_or(u64::MAX),
            most: u64::from(check.max_failed_attempts).clamp(1, MOST_COUNTED),
        }
    }
}

/// A backend's counters, summed over the workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendFigures {
    pub url: ServerUrl,
    pub requests: u64,
    /// Responses by class, 1xx to 5xx.
    pub responses: [u64; 5],
    pub failures: u64,
    pub active: u64,
    pub dials: u64,
    pub busy_micros: u64,
    pub sticky_hits: u64,
    pub ejected: bool,
    /// A health check has found it unfit.
    pub down: bool,
}

impl BackendState {
    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }

    /// Are others preferred at this time? `now` is in milliseconds on the process's clock.
    #[inline]
    pub fn is_ejected(&self, now: u64) -> bool {
        // Read far more often than written: the line stays shared between all cores.
        self.ejected_until.load(Ordering::Relaxed) > now
    }

    pub fn eject(&self, until: u64) {
        self.ejected_until.store(until, Ordering::Relaxed);
    }

    /// It has refused a connection at this time, or cannot be reached: it is ejected, for longer
    /// each time. Whoever finds out the same meanwhile changes nothing.
    pub fn eject_from(&self, now: u64) {
        if self.judged_until.load(Ordering::Relaxed) > now {
            return;
        }
        let before = self.ejections.fetch_add(1, Ordering::Relaxed).min(16);
        let pause = (EJECTION * 2_u32.pow(before)).min(LONGEST_EJECTION);
        let until = now + pause.as_millis() as u64;
        self.judged_until.store(until, Ordering::Relaxed);
        self.eject(until);
    }

    /// Somebody is about to connect to it. After an ejection that is a trial, and one is enough:
    /// until its end, others are preferred again.
    #[inline]
    pub fn try_from(&self, now: u64, timeout: Duration) {
        if self.ejections.load(Ordering::Relaxed) != 0 {
            self.eject(now + timeout.as_millis() as u64);
        }
    }

    /// It has accepted a connection.
    #[inline]
    pub fn accepted(&self) {
        if self.ejections.load(Ordering::Relaxed) != 0 {
            self.ejections.store(0, Ordering::Relaxed);
            self.eject(0);
        }
    }

    /// Must it get no request at this time?
    #[inline]
    pub fn is_down(&self, now: u64) -> bool {
        self.down_until.load(Ordering::Relaxed) > now
    }

    /// Takes in what an active check has found; true if that is news.
    pub fn set_checked(&self, healthy: bool) -> bool {
        let until = if healthy { 0 } else { UNTIL_CHECKED };
        self.down_until.load(Ordering::Relaxed) != until
            && self.down_until.swap(until, Ordering::Relaxed) != until
    }

    /// Nobody checks it any more: what a check has found does not hold for ever.
    pub fn forget_check(&self) {
        let forget = |until| (until == UNTIL_CHECKED).then_some(0);
        // An error says that there was nothing to forget.
        let _ = self.down_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, forget);
    }

    /// Takes in how an exchange went; true if it was one failure too many.
    ///
    /// Failures count that follow one another without a success, from the first of them on for as
    /// long as the window. While all is well, this reads one line that nobody writes.
    pub fn judge(&self, passive: Passive, failed: bool, now: u64) -> bool {
        if !failed {
            if self.failures.load(Ordering::Relaxed) != 0 {
                self.failures.store(0, Ordering::Relaxed);
            }
            return false;
        }
        let one_more = |failures: u64| {
            let (since, count) = (failures >> COUNT_BITS, failures & MOST_COUNTED);
            let is_first = count == 0 || now.saturating_sub(since) >= passive.window_millis;
            if is_first {
                now << COUNT_BITS | 1
            } else {
                failures + u64::from(count < MOST_COUNTED)
            }
        };
        let before = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |f| Some(one_more(f)))
            .unwrap_or_else(|unchanged| unchanged);
        if one_more(before) & MOST_COUNTED < passive.most || self.is_down(now) {
            return false;
        }
        self.down_until.store(now.saturating_add(passive.window_millis), Ordering::Relaxed);
        true
    }

    /// Exchanges in flight, over all workers.
    pub fn in_flight(&self) -> u64 {
        self.cells.iter().map(|cells| cells.active.get()).sum()
    }

    /// What a worker knows about its speed, if anybody wants to know.
    #[inline]
    pub fn latency(&self, worker: usize) -> Option<&Latency> {
        self.latency.get()?.get(worker).map(|latency| &**latency)
    }

    /// From now on its speed is measured.
    pub(super) fn measure(&self) {
        self.latency.get_or_init(|| self.cells.iter().map(|_| CachePadded::default()).collect());
    }

    pub fn figures(&self) -> BackendFigures {
        let sum = |figure: fn(&BackendCells) -> u64| self.cells.iter().map(|c| figure(c)).sum();
        let now = crate::clock::millis();
        let mut responses = [0; 5];
        for cells in &self.cells {
            for (total, n) in responses.iter_mut().zip(cells.responses.get()) {
                *total += n;
            }
        }
        BackendFigures {
            url: self.url,
            requests: sum(|c| c.requests.get()),
            responses,
            failures: sum(|c| c.failures.get()),
            active: sum(|c| c.active.get()),
            dials: sum(|c| c.dials.get()),
            busy_micros: sum(|c| c.busy_micros.get()),
            sticky_hits: sum(|c| c.sticky_hits.get()),
            ejected: self.is_ejected(now),
            down: self.is_down(now),
        }
    }
}

/// Gives new backends their place in the workers' arrays.
pub(super) struct Places {
    workers: usize,
    free_slots: Vec<u32>,
    next_slot: u32,
    next_id: u64,
}

impl Places {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers, free_slots: Vec::new(), next_slot: 0, next_id: 1 }
    }

    pub(super) fn settle(&mut self, url: ServerUrl) -> Arc<BackendState> {
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.next_slot += 1;
            self.next_slot - 1
        });
        Arc::new(BackendState {
            id: self.new_id(),
            slot,
            url,
            cells: (0..self.workers).map(|_| CachePadded::default()).collect(),
            ejected_until: AtomicU64::new(0),
            ejections: AtomicU32::new(0),
            judged_until: AtomicU64::new(0),
            down_until: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            latency: OnceLock::new(),
            present: AtomicBool::new(true),
        })
    }

    /// For a service or group that was not there before.
    pub(super) fn begin(&mut self, name: &str) -> Arc<ServiceState> {
        let traffic = Traffic::new(self.workers);
        let (name, id) = (name.into(), self.new_id());
        Arc::new(ServiceState { name, traffic, id, cursor: CachePadded::default() })
    }

    /// For a router that was not there before.
    pub(super) fn open(&self, name: &str) -> Arc<RouterState> {
        Arc::new(RouterState { name: name.into(), traffic: Traffic::new(self.workers) })
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The backend is in no table any more: workers drop what they keep for it.
    pub(super) fn leave(&mut self, state: &BackendState) {
        state.present.store(false, Ordering::Relaxed);
        self.free_slots.push(state.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scheme;

    fn backend() -> Arc<BackendState> {
        let url = ServerUrl { scheme: Scheme::Http, addr: ([127, 0, 0, 1], 1).into() };
        Places::new(3).settle(url)
    }

    fn passive(window: u64, most: u32) -> Passive {
        let failure_window = std::time::Duration::from_millis(window);
        Passive::new(PassiveHealthCheck { failure_window, max_failed_attempts: most })
    }

    #[test]
    fn failures_in_a_row_take_it_down_for_the_window() {
        let (backend, passive) = (backend(), passive(100, 3));
        assert!(!backend.judge(passive, true, 10) && !backend.judge(passive, true, 20));
        assert!(!backend.judge(passive, false, 30), "a success");
        assert!(!backend.judge(passive, true, 40) && !backend.judge(passive, true, 50));
        assert!(!backend.judge(passive, true, 140), "the first is forgotten, and so all of them");
        assert!(!backend.judge(passive, true, 150) && backend.judge(passive, true, 160));
        assert!(!backend.judge(passive, true, 170), "that is no news");
        assert!(backend.is_down(259) && !backend.is_down(260));
        assert!(!backend.judge(passive, true, 261), "it begins anew");
    }

    #[test]
    fn ejections_grow_until_a_connection_is_accepted() {
        let backend = backend();
        let mut now = 1_000;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            backend.eject_from(now);
            backend.eject_from(now + 1);
            let pause = (0..).find(|pause| !backend.is_ejected(now + pause)).unwrap_or_default();
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
        backend.try_from(now, Duration::from_millis(300));
        assert!(backend.is_ejected(now + 299), "one at a time");
        backend.eject_from(now + 10);
        assert!(backend.is_ejected(now + 8_009) && !backend.is_ejected(now + 8_010));
        backend.accepted();
        assert!(!backend.is_ejected(now));
        backend.try_from(now, Duration::from_millis(300));
        assert!(!backend.is_ejected(now), "no trial without an ejection");
        now += 20_000;
        backend.eject_from(now);
        assert!(backend.is_ejected(now + 499) && !backend.is_ejected(now + 500));
    }

    #[test]
    fn an_active_check_has_the_last_word() {
        let (backend, passive) = (backend(), passive(100, 0));
        assert!(backend.judge(passive, true, 10) && backend.is_down(109));
        assert!(backend.set_checked(true) && !backend.is_down(10) && !backend.set_checked(true));
        assert!(backend.set_checked(false) && !backend.set_checked(false));
        assert!(!backend.judge(passive, true, 20) && backend.is_down(1_000));
        backend.forget_check();
        assert!(!backend.is_down(10));
    }

    #[test]
    fn figures_are_summed_over_workers() {
        let backend = backend();
        for cells in &backend.cells {
            cells.requests.add(2);
            cells.responses.record(204);
        }
        let figures = backend.figures();
        assert_eq!(figures.requests, 6);
        assert_eq!(figures.responses, [0, 3, 0, 0, 0]);
    }
}
