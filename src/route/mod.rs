//! From a request to a router's service.

mod matcher;

pub use matcher::{Routes, Subject};
