//! How a service finds out which of its servers can answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Scheme;

/// Asking each server at intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    pub mode: HealthMode,
    /// Begins with a slash; may hold a query. For gRPC the name of the service, or nothing.
    pub path: String,
    pub method: String,
    /// The status that means health; `None` takes any from 200 to 399.
    pub status: Option<u16>,
    /// `None`: the server's own.
    pub scheme: Option<Scheme>,
    /// `None`: the server's own.
    pub port: Option<u16>,
    /// Between two questions to a server that answers well.
    pub interval: Duration,
    /// Between two questions to one that does not.
    pub unhealthy_interval: Duration,
    /// A server that takes longer is unhealthy.
    pub timeout: Duration,
    /// `Host` of the question; empty for the server's own address.
    pub hostname: String,
    pub follow_redirects: bool,
    pub headers: BTreeMap<String, String>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthMode {
    Http,
    /// `grpc.health.v1`; not done before there are HTTP/2 upstreams.
    Grpc,
}

/// Judging a server by what clients get from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassiveHealthCheck {
    /// So long failures are counted, and so long a server that had too many gets no new request.
    pub failure_window: Duration,
    /// Network errors and answers of 500 and above that are one too many.
    pub max_failed_attempts: u32,
}
