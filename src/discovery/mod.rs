//! What exists: from the Docker Engine to a [`crate::model::Model`].

pub mod labels;
pub mod workload;
