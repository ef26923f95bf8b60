//! The stages of the process's life, as workers and the control plane see them.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

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
pub struct Life {
    stage: AtomicU8,
    successor: AtomicBool,
}

impl Life {
    #[inline]
    pub fn stage(&self) -> Stage {
        // Acquire: who sees that we drain has to see for whom. A tick later is soon enough.
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Serving,
            1 => Stage::Terminating,
            2 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }

    /// Moves on to a stage; never back.
    pub fn advance(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::Release);
    }

    /// Another process holds our listeners, too, and accepts from them when we do not.
    pub fn has_successor(&self) -> bool {
        self.successor.load(Ordering::Relaxed)
    }

    pub fn set_successor(&self, has: bool) {
        self.successor.store(has, Ordering::Relaxed);
    }
}
