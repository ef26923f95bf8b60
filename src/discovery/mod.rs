//! What exists: from the Docker Engine to a [`crate::model::Model`].

pub mod docker;
pub mod engine;
pub mod follow;
pub mod labels;
pub mod own;
pub mod pace;
pub mod picture;
pub mod probe;
pub mod swarm;
pub mod watch;
pub mod workload;
