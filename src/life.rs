//! The stages of the process's life, as workers and the control plane see them.

use std::sync::atomic::{AtomicU8, Ordering};

/// Where the process stands. Only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    Serving,
    /// A stop was asked for: ping says so, connections are still accepted.
    Terminating,
    /// Nothing new is accepted; what is in flight may finish.
    Draining,
    /// The grace is over.
    Cutting,
}

#[derive(Debug, Default)]
pub struct Life(AtomicU8);

impl Life {
    #[inline]
    pub fn stage(&self) -> Stage {
        // Relaxed: nothing else is published with it, and a tick later is soon enough.
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::Serving,
            1 => Stage::Terminating,
            2 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }

    /// Moves on to a stage; never back.
    pub fn advance(&self, stage: Stage) {
        self.0.fetch_max(stage as u8, Ordering::Relaxed);
    }
}
