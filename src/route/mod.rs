//! From a request to a router's service.

pub mod grammar;
mod matcher;

pub use matcher::{Routes, Subject};
