//! Servers transports: how connections to servers are made and kept.

use std::time::Duration;

/// Timeouts and pool bounds towards servers. What Traefik's have beside these is about TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    pub dial_timeout: Duration,
    /// From the end of the request to the first byte of the response; zero means none.
    pub response_header_timeout: Duration,
    /// Life of a connection that carries nothing.
    pub idle_timeout: Duration,
    /// Connections to one server that each worker keeps though nothing needs them; with 0 none is
    /// used twice.
    pub max_idle_per_host: usize,
}
