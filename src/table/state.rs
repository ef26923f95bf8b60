//! What outlives a table: positions, ejections and counters, kept by identity.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use crate::model::ServerUrl;
use crate::observe::BackendCells;

/// State of a service that survives every change of its neighbours.
#[derive(Debug, Default)]
pub struct ServiceState {
    /// Position in the schedule. The only line of the data path that cores write in turn: it is
    /// what makes clients alternate exactly, whatever worker they land on.
    pub cursor: CachePadded<AtomicU64>,
}

/// State of a backend, as one service sees it.
#[derive(Debug)]
pub struct BackendState {
    /// Never used twice in the life of the process.
    pub id: u64,
    /// Dense index for the workers' own arrays; reused after the backend is gone.
    pub slot: u32,
    pub url: ServerUrl,
    /// One cell per worker, written by that worker alone.
    pub cells: Box<[CachePadded<BackendCells>]>,
    /// Milliseconds on the process's clock until which the backend is passed over; 0 for never.
    pub ejected_until: AtomicU64,
    /// Some current table names it. When false, workers drop what they keep for it.
    present: AtomicBool,
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
}

impl BackendState {
    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }

    /// Passed over at this time? `now` is in milliseconds on the process's clock.
    #[inline]
    pub fn is_ejected(&self, now: u64) -> bool {
        // Read far more often than written: the line stays shared between all cores.
        self.ejected_until.load(Ordering::Relaxed) > now
    }

    pub fn figures(&self) -> BackendFigures {
        let sum = |figure: fn(&BackendCells) -> u64| self.cells.iter().map(|c| figure(c)).sum();
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
            ejected: self.is_ejected(crate::clock::millis()),
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
        self.next_id += 1;
        Arc::new(BackendState {
            id: self.next_id - 1,
            slot,
            url,
            cells: (0..self.workers).map(|_| CachePadded::default()).collect(),
            ejected_until: AtomicU64::new(0),
            present: AtomicBool::new(true),
        })
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

    #[test]
    fn figures_are_summed_over_workers() {
        let url = ServerUrl { scheme: Scheme::Http, addr: ([127, 0, 0, 1], 1).into() };
        let backend = Places::new(3).settle(url);
        for cells in &backend.cells {
            cells.requests.add(2);
            cells.responses.record(204);
        }
        let figures = backend.figures();
        assert_eq!(figures.requests, 6);
        assert_eq!(figures.responses, [0, 3, 0, 0, 0]);
    }
}
