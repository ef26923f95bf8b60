//! One core's thread: driver, accept loops, timers, drain.

pub mod clock;
