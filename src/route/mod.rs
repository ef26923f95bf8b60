//! From a request to a router's service.

mod candidates;
pub mod grammar;
mod matcher;

pub use candidates::Destination;
pub use grammar::expression;
pub use matcher::{Routes, Subject};
