//! What the control plane is told: handles to the live parts, and plain views of the others.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::wording;
use crate::life::{Life, Stage};
use crate::{config, observe, table};

/// Everything that is shown. Handles are shared with their owners and only read here.
pub struct Sources {
    pub config: Arc<config::Static>,
    pub store: Arc<table::Store>,
    pub stats: Arc<observe::Stats>,
    /// One for each worker.
    pub drivers: Vec<DriverView>,
    /// Asked at every look, at most some twenty times a second; must not block.
    pub providers: Box<dyn Fn() -> Vec<ProviderView> + Send + Sync>,
    /// Clients that are connected, by entry point.
    pub clients: Box<dyn Fn() -> Vec<usize> + Send + Sync>,
    /// The access log, if there is one.
    pub access: Option<observe::access::Handle>,
    /// Moves on once a stop signal arrived: ping says so, and load balancers before us turn away.
    pub life: Arc<Life>,
    pub hostname: String,
    pub version: &'static str,
    pub started: SystemTime,
}

/// The I/O driver of one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriverView {
    pub worker: usize,
    /// The CPU it is pinned to.
    pub cpu: Option<usize>,
    /// `io_uring (single issuer, deferred task run)`, `epoll`.
    pub rung: String,
    /// Why it is not the first rung of the ladder.
    pub reason: Option<String>,
    /// What would lift it.
    pub remedy: Option<String>,
}

/// A provider of configuration, and how well we hear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    pub name: String,
    pub endpoint: String,
    pub connected: bool,
    pub engine_version: String,
    pub api_version: String,
    pub role: String,
    pub last_error: Option<String>,
    /// Milliseconds of the Unix epoch in JSON.
    #[serde(serialize_with = "wording::unix_millis_or_none")]
    pub last_sync: Option<SystemTime>,
    pub services: usize,
    pub instances: usize,
}

impl Sources {
    pub(super) fn is_terminating(&self) -> bool {
        self.life.stage() > Stage::Serving
    }

    /// Who balances before us has to turn away. Not so with a successor: it is where we are.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_terminating() && !self.life.has_successor()
    }

    /// Zero when the wall clock was set back behind our start.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed().unwrap_or_default()
    }
}
