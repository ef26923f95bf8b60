//! What exists: from the Docker Engine to a [`crate::model::Model`].

pub mod workload;
