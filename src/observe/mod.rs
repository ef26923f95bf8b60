//! Per-core counters: written by one worker each, summed by whoever wants to know.

pub mod access;
pub mod traffic;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use traffic::{Bounds, Traffic};

/// A number that one thread changes and others read.
///
/// A plain load and store instead of a read-modify-write: the owning worker is the only writer,
/// and no line moves between cores until somebody scrapes.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    #[inline]
    pub fn sub(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(n), Relaxed);
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Responses by the first digit of their status: index 0 is 1xx (and anything odd), 4 is 5xx.
#[derive(Debug, Default)]
pub struct Classes([Count; 5]);

impl Classes {
    #[inline]
    pub fn record(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.0[class].add(1);
    }

    pub fn get(&self) -> [u64; 5] {
        std::array::from_fn(|i| self.0[i].get())
    }
}

/// What one worker knows about one backend.
#[derive(Debug, Default)]
pub struct BackendCells {
    /// Requests given to the backend, every try counted.
    pub requests: Count,
    pub responses: Classes,
    /// Tries that ended without a usable response: refused, reset, garbage, timed out.
    pub failures: Count,
    /// Exchanges in flight now.
    pub active: Count,
    /// Connections dialled.
    pub dials: Count,
    /// Microseconds from choosing the backend to the end of its response, summed.
    pub busy_micros: Count,
    /// Clients sent here by their cookie.
    pub sticky_hits: Count,
}

/// What one worker knows about itself.
#[derive(Debug, Default)]
pub struct WorkerCells {
    pub accepted: Count,
    /// Client connections open now.
    pub connections: Count,
    pub requests: Count,
    /// Answers to clients, ours and the backends'.
    pub responses: Classes,
    /// Tries after the first.
    pub retries: Count,
    /// Connections that ended in a panic: always a bug of ours.
    pub panics: Count,
}

/// The cells of all workers.
#[derive(Debug)]
pub struct Stats {
    pub workers: Box<[CachePadded<WorkerCells>]>,
    /// In the order of the workers' listeners.
    pub entry_points: Box<[Traffic]>,
    /// Of all histograms.
    pub bounds: Bounds,
}

impl Stats {
    pub fn new(workers: usize, entry_points: usize, bounds: Bounds) -> Self {
        Self {
            workers: (0..workers).map(|_| CachePadded::default()).collect(),
            entry_points: (0..entry_points).map(|_| Traffic::new(workers)).collect(),
            bounds,
        }
    }

    /// Sum of one figure over all workers.
    pub fn sum(&self, figure: impl Fn(&WorkerCells) -> u64) -> u64 {
        self.workers.iter().map(|cells| figure(cells)).sum()
    }

    pub fn responses(&self) -> [u64; 5] {
        let mut sum = [0; 5];
        for cells in &self.workers {
            for (total, n) in sum.iter_mut().zip(cells.responses.get()) {
                *total += n;
            }
        }
        sum
    }
}
