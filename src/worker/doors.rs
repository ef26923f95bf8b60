//! How many clients may be inside: per entry point as configured, and in the whole process as the
//! descriptors allow.
//!
//! At a limit nobody is turned away: who comes waits in the kernel's queue until somebody leaves,
//! and connections that are idle for longest are asked to leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// Descriptors that are not clients' or their backends': files, the Engine, the API, listeners.
const RESERVED_DESCRIPTORS: usize = 128;

/// The doors of all workers: one per entry point, and the one around all of them.
#[derive(Debug)]
pub struct Doors {
    entry_points: Box<[Door]>,
    house: Door,
}

/// A number of clients and its bound. Written once per connection, so cores may share it.
#[derive(Debug)]
struct Door {
    limit: usize,
    inside: CachePadded<AtomicUsize>,
    /// When somebody was last kept waiting, in milliseconds on the process's clock.
    full_at: AtomicU64,
}

/// What bounds a number of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("{limit} clients are connected, the limit of ringress.maxConnections")]
    EntryPoint { limit: usize },
    #[error("{limit} clients are connected, all that the limit of open descriptors has room for")]
    Process { limit: usize },
}

/// A client's right to be inside; dropping it leaves.
#[derive(Debug)]
pub struct Pass {
    doors: Arc<Doors>,
    entry_point: usize,
}

impl Doors {
    /// `limits` of the entry points in their order; `descriptors` that the process may have open.
    pub fn new(limits: impl Iterator<Item = Option<usize>>, descriptors: usize) -> Self {
        // A client that waits, and most do, needs no backend's connection; should there be no
        // descriptor for one that does, those who wait longest make room.
        let house = (descriptors.saturating_sub(RESERVED_DESCRIPTORS) / 4 * 3).max(1);
        let entry_points = limits.map(|limit| Door::new(limit.unwrap_or(usize::MAX))).collect();
        Self { entry_points, house: Door::new(house) }
    }

    /// Clients that the whole process can take.
    pub fn limit(&self) -> usize {
        self.house.limit
    }

    /// Clients inside, by entry point.
    pub fn inside(&self) -> Vec<usize> {
        self.entry_points.iter().map(|door| door.inside.load(Relaxed)).collect()
    }

    /// Lets a client in, or says what is full.
    pub fn enter(self: &Arc<Self>, entry_point: usize) -> Result<Pass, Full> {
        let door = &self.entry_points[entry_point];
        if !door.enter() {
            return Err(Full::EntryPoint { limit: door.limit });
        }
        if !self.house.enter() {
            door.leave();
            return Err(Full::Process { limit: self.house.limit });
        }
        Ok(Pass { doors: Arc::clone(self), entry_point })
    }

    /// Somebody waits before this entry point: those who let us wait should leave.
    pub fn is_besieged(&self, entry_point: usize, now: u64) {
        self.entry_points[entry_point].full_at.store(now, Relaxed);
    }

    /// Somebody was kept waiting after this time.
    pub fn were_besieged(&self, since: u64) -> bool {
        self.entry_points.iter().any(|door| door.full_at.load(Relaxed) > since)
    }
}

impl Door {
    fn new(limit: usize) -> Self {
        Self { limit, inside: Default::default(), full_at: AtomicU64::new(0) }
    }

    fn enter(&self) -> bool {
        // Counted first and taken back: two workers at once must not both get the last place.
        let fits = self.inside.fetch_add(1, Relaxed) < self.limit;
        if !fits {
            self.leave();
        }
        fits
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Relaxed);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.doors.entry_points[self.entry_point].leave();
        self.doors.house.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_and_each_entry_point_have_their_bound() {
        let doors = Arc::new(Doors::new([Some(1), None].into_iter(), RESERVED_DESCRIPTORS + 4));
        assert_eq!(doors.limit(), 3);
        let first = doors.enter(0).expect("room");
        assert_eq!(doors.enter(0).unwrap_err(), Full::EntryPoint { limit: 1 });
        let others = [doors.enter(1).expect("room"), doors.enter(1).expect("room")];
        assert_eq!(doors.enter(1).unwrap_err(), Full::Process { limit: 3 });
        drop((first, others));
        assert!(doors.enter(0).is_ok() && doors.enter(1).is_ok());
    }

    #[test]
    fn who_waits_is_heard_by_every_worker() {
        let doors = Doors::new([None, None].into_iter(), 0);
        assert!(!doors.were_besieged(0));
        doors.is_besieged(1, 500);
        assert!(doors.were_besieged(499) && !doors.were_besieged(500));
    }
}
