//! From a request to a router's service.

mod candidates;
pub mod grammar;
mod matcher;

pub use matcher::{Routes, Subject};
