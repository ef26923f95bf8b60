//! Pick a backend: sticky cookie, weights, strategies, health, drain.

pub mod sticky;
