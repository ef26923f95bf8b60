//! What exists: from the Docker Engine to a [`crate::model::Model`].
//!
//! [`watch`] owns the thread and merges the providers; for each of them [`follow`] keeps the
//! [`picture`] of one [`engine`] up to date at its [`pace`]. [`swarm`] and [`docker`] turn a
//! picture into workloads, [`labels`] turns workloads into the model, [`probe`] says who can be
//! reached. [`written`] reads files. All of them end on the [`board`]. [`inspect`] and [`operate`]
//! are for an operator's commands: a look without following, and the one change that is ever made.

mod board;
pub mod check;
mod docker;
mod engine;
mod follow;
pub mod inspect;
pub mod labels;
pub mod operate;
mod own;
mod pace;
mod picture;
mod probe;
mod swarm;
pub mod watch;
pub mod workload;
pub mod written;

pub use board::{Board, ProviderStatus, SwarmRole};
pub use check::link;
