//! A service: its servers, how one is chosen, and how a browser is kept on it.

use std::fmt;
use std::net::SocketAddr;

use super::{Dialect, HealthCheck, PassiveHealthCheck, Transport};

/// Servers that answer for one another. [`Default`] is Traefik's, for a service without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Qualified name, the key in [`super::Model::services`].
    pub name: String,
    pub provider: String,
    pub dialect: Dialect,
    /// Ordered by URL, without duplicates.
    pub servers: Vec<Server>,
    pub strategy: Strategy,
    pub sticky: Option<Sticky>,
    /// The client's `Host` is passed on; otherwise the server's own authority is sent.
    pub pass_host_header: bool,
    pub health_check: Option<HealthCheck>,
    pub passive_health_check: Option<PassiveHealthCheck>,
    /// Milliseconds; shown and without effect: what arrives is passed on at once.
    pub flush_interval: i64,
    /// Qualified name of the servers transport; `None` for the usual one.
    pub transport: Option<String>,
    /// What that one says, where it is known.
    pub terms: Option<Transport>,
    /// Why it answers nobody; `None` for one that works.
    pub disabled: Option<String>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            name: String::new(),
            provider: String::new(),
            dialect: Dialect::V3,
            servers: Vec::new(),
            strategy: Strategy::default(),
            sticky: None,
            pass_host_header: true,
            health_check: None,
            passive_health_check: None,
            flush_interval: 100,
            transport: None,
            terms: None,
            disabled: None,
        }
    }
}

/// How a new client's server is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Strategy {
    /// In turns, by weight.
    #[default]
    RoundRobin,
    /// Of two drawn by lot the one with fewer requests in flight.
    PowerOfTwo,
    /// By a hash of the client's address and the server (rendezvous hashing).
    HighestRandomWeight,
    /// The shortest time to the first byte of an answer, times requests in flight, by weight.
    LeastTime,
}

/// One backend of a [`Service`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is reached.
    pub url: ServerUrl,
    /// What the configuration calls it where that is a name: `app.internal:8080`.
    pub authority: Option<String>,
    /// The URL as it was written, where it is not what address and path make of it: with a slash
    /// at its end, with a path that is not kept.
    pub written: Option<Box<str>>,
    /// Put before the path of every request (`preservePath`); empty for nothing.
    pub path: String,
    /// Share of new clients relative to the other servers; 0 takes none.
    pub weight: u32,
    pub state: ServerState,
    /// What a person calls it: the task or container name, `mystack_app.1`.
    pub label: String,
}

impl Server {
    /// A server of weight 1.
    pub fn new(url: ServerUrl, state: ServerState, label: impl Into<String>) -> Self {
        let label = label.into();
        let (authority, written, path) = (None, None, String::new());
        Self { url, authority, written, path, weight: 1, state, label }
    }

    /// What is sent as `Host` where the client's is not passed on: the host as it was written.
    pub fn host(&self) -> String {
        self.authority.clone().unwrap_or_else(|| self.url.addr.to_string())
    }

    /// The URL as it was written: what cookies and hashes are made of, so that they stay the same
    /// where an address changes behind a name.
    pub fn written_url(&self) -> String {
        match &self.written {
            Some(written) => written.to_string(),
            None => format!("{}://{}{}", self.url.scheme, self.host(), self.path),
        }
    }
}

/// Where a server stands in its life, as far as discovery can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// Runs, but has not accepted a connection yet: chosen only when nothing else is left.
    Starting,
    Serving,
    /// On its way out: keeps the clients that hold its cookie, gets no new ones.
    Draining,
}

/// How the proxy speaks to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Http,
    /// Parsed and shown; not connectable before the TLS upstream exists.
    Https,
    /// Parsed and shown; not connectable before the HTTP/2 upstream exists.
    H2c,
}

/// The identity of a server: what cookies are computed from, on every replica alike.
///
/// Displays as Traefik builds it: `scheme://ip:port`, no trailing slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerUrl {
    pub scheme: Scheme,
    pub addr: SocketAddr,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::H2c => "h2c",
        })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.addr)
    }
}

/// The cookie that binds a browser to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sticky {
    /// Configured, or generated from the service's name (`model::cookie::cookie_name`).
    pub cookie_name: String,
    pub form: CookieForm,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: Option<SameSite>,
    /// Seconds; 0 leaves the attribute out (a session cookie), a negative value is sent as 0.
    pub max_age: i64,
    pub path: String,
    pub domain: String,
}

/// How the server's URL is written into the cookie; every form is accepted from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieForm {
    /// The URL in clear (Traefik 1).
    Url,
    /// FNV-1a, 64 bits, hexadecimal without padding (Traefik 2).
    Fnv1a,
    /// The first 16 hexadecimal digits of SHA-256 (Traefik 3.3.4 and later).
    Sha256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    None,
    Lax,
    Strict,
}
