//! What outlives a table: positions, ejections and counters, kept by identity.

use std::collections::HashMap;
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

/// Hands out state by identity, and forgets it when the identity is gone.
pub(super) struct Registry {
    workers: usize,
    services: HashMap<String, Arc<ServiceState>, ahash::RandomState>,
    backends: HashMap<(String, ServerUrl), Arc<BackendState>, ahash::RandomState>,
    free_slots: Vec<u32>,
    next_slot: u32,
    next_id: u64,
    /// Identities asked for since the last sweep.
    seen_services: ahash::HashSet<String>,
    seen_backends: ahash::HashSet<u64>,
}

impl Registry {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers,
            services: HashMap::default(),
            backends: HashMap::default(),
            free_slots: Vec::new(),
            next_slot: 0,
            next_id: 1,
            seen_services: Default::default(),
            seen_backends: Default::default(),
        }
    }

    pub(super) fn service(&mut self, name: &str) -> Arc<ServiceState> {
        self.seen_services.insert(name.to_owned());
        Arc::clone(self.services.entry(name.to_owned()).or_default())
    }

    pub(super) fn backend(&mut self, service: &str, url: ServerUrl) -> Arc<BackendState> {
        let state = self.backends.entry((service.to_owned(), url)).or_insert_with(|| {
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
        });
        self.seen_backends.insert(state.id);
        Arc::clone(state)
    }

    /// Forgets everything that was not asked for since the last sweep.
    pub(super) fn sweep(&mut self) {
        let seen = std::mem::take(&mut self.seen_services);
        self.services.retain(|name, _| seen.contains(name));
        let seen = std::mem::take(&mut self.seen_backends);
        let free_slots = &mut self.free_slots;
        self.backends.retain(|_, state| {
            let keep = seen.contains(&state.id);
            if !keep {
                state.present.store(false, Ordering::Relaxed);
                free_slots.push(state.slot);
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scheme;

    fn url(port: u16) -> ServerUrl {
        ServerUrl { scheme: Scheme::Http, addr: ([127, 0, 0, 1], port).into() }
    }

    #[test]
    fn state_is_kept_by_identity_and_forgotten_when_gone() {
        let mut registry = Registry::new(2);
        let a = registry.backend("web", url(1));
        let b = registry.backend("web", url(2));
        registry.service("web").cursor.store(7, Ordering::Relaxed);
        registry.sweep();

        assert!(Arc::ptr_eq(&a, &registry.backend("web", url(1))));
        assert_eq!(registry.service("web").cursor.load(Ordering::Relaxed), 7);
        registry.sweep();
        assert!(a.is_present() && !b.is_present());

        let c = registry.backend("web", url(3));
        assert_eq!(c.slot, b.slot, "a free slot is used again");
        assert_ne!(c.id, b.id, "an id is not");
    }

    #[test]
    fn figures_are_summed_over_workers() {
        let mut registry = Registry::new(3);
        let a = registry.backend("web", url(1));
        for cells in &a.cells {
            cells.requests.add(2);
            cells.responses.record(204);
        }
        let figures = a.figures();
        assert_eq!(figures.requests, 6);
        assert_eq!(figures.responses, [0, 3, 0, 0, 0]);
    }
}
