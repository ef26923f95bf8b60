//! What discovery asks of a Docker Engine, and what can go wrong when asking.
//!
//! The rest of discovery knows only the trait: a test plays an engine without a socket.

pub mod bollard;
#[cfg(test)]
pub mod fake;
pub mod words;

use futures_util::stream::LocalBoxStream;

use words::{Container, Event, Network, Service, Task};

/// One engine behind one endpoint.
///
/// Every list call is a single request. All calls but [`Engine::negotiate`] need a negotiated
/// version and fail with [`Trouble::Unconnected`] without one.
// Discovery runs on a thread of its own with a current-thread runtime: nothing has to be `Send`.
#[allow(async_fn_in_trait, reason = "the futures never leave the discovery thread")]
pub trait Engine {
    /// Reaches the engine and settles the API version that every later call speaks.
    async fn negotiate(&mut self) -> Result<EngineVersion, Trouble>;
    async fn services(&self) -> Result<Vec<Service>, Trouble>;
    /// Tasks of all services in one call.
    async fn tasks(&self, which: Tasks<'_>) -> Result<Vec<Task>, Trouble>;
    async fn networks(&self) -> Result<Vec<Network>, Trouble>;
    /// Containers that run; `id` (or a prefix of it) restricts the list to one.
    async fn containers(&self, id: Option<&str>) -> Result<Vec<Container>, Trouble>;
    /// What happens from now on. Ends, with or without an error, when the engine goes away.
    fn events(&self) -> LocalBoxStream<'static, Result<Event, Trouble>>;
}

/// Which tasks to list. An engine keeps a history of dead tasks per slot, with their whole
/// specification: asking for all of them several times a second is what has to be avoided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tasks<'a> {
    All,
    /// Those that the swarm wants to run.
    Wanted,
    /// Exactly these, whatever is wanted of them; unknown ones are simply not in the answer.
    Ids(&'a [String]),
}

/// What an engine said about itself, and the API version agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// The release: `29.1.3`.
    pub release: String,
    /// The API version that requests carry.
    pub api: ApiVersion,
}

/// `1.44`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    pub major: u16,
    pub minor: u16,
}

impl ApiVersion {
    /// Services and tasks came with this one (Engine 1.12); nothing older is of use.
    pub const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 24 };
    /// The newest whose answers were read for this code (Engine 29).
    pub const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 53 };

    /// Reads `1.44`.
    pub fn parse(text: &str) -> Option<ApiVersion> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(ApiVersion { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    /// The version to speak with an engine that understands `least..=most`.
    ///
    /// An engine that begins above [`ApiVersion::NEWEST`] is spoken to in its oldest version: the
    /// few fields read here have been the same since swarm mode exists, refusing would be worse.
    pub fn agree(least: Option<ApiVersion>, most: ApiVersion) -> Option<ApiVersion> {
        if most < ApiVersion::OLDEST {
            return None;
        }
        let least = least.unwrap_or(ApiVersion::OLDEST).min(most);
        Some(most.min(ApiVersion::NEWEST).max(least))
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Why an engine did not answer as hoped; each text says what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("{0:?} is not an endpoint; use unix:///path/to/docker.sock or tcp://host:port")]
    Endpoint(String),
    #[error(
        "there is no socket at {0}; mount it into the container \
         (-v /var/run/docker.sock:/var/run/docker.sock) or name another endpoint"
    )]
    SocketMissing(String),
    #[error(
        "permission denied on the socket; run as root or with the group that owns it, \
         and check the host's SELinux or AppArmor rules"
    )]
    Denied,
    #[error("nothing listens on the endpoint; is the engine running?")]
    Refused,
    #[error(
        "this node is not a swarm manager; place the load balancer on a manager \
         (node.role == manager) or point the endpoint to one"
    )]
    NotManager,
    #[error("the engine speaks API {0} at most; {oldest} is needed", oldest = ApiVersion::OLDEST)]
    TooOld(String),
    #[error("the engine did not answer within {0} s")]
    Timeout(u64),
    #[error("the engine answered {status}: {message}")]
    Status { status: u16, message: String },
    #[error("the engine's answer to {target} could not be read: {problem}")]
    Unreadable { target: String, problem: String },
    #[error("TLS to the endpoint cannot be set up: {0}")]
    Tls(String),
    #[error("the connection failed: {0}")]
    Broken(String),
    #[error("not connected yet")]
    Unconnected,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(minor: u16) -> ApiVersion {
        ApiVersion { major: 1, minor }
    }

    #[test]
    fn versions_are_agreed_on() {
        assert_eq!(ApiVersion::agree(Some(v(12)), v(41)), Some(v(41)), "Engine 20.10");
        assert_eq!(ApiVersion::agree(Some(v(44)), v(52)), Some(v(52)), "Engine 29.0");
        assert_eq!(ApiVersion::agree(Some(v(40)), v(60)), Some(ApiVersion::NEWEST), "to come");
        assert_eq!(ApiVersion::agree(Some(v(58)), v(60)), Some(v(58)), "beyond us");
        assert_eq!(ApiVersion::agree(None, v(24)), Some(v(24)), "the oldest");
        assert_eq!(ApiVersion::agree(None, v(23)), None);
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(ApiVersion::parse("1.44"), Some(v(44)));
        assert_eq!(ApiVersion::parse("1.44").map(|v| v.to_string()), Some("1.44".to_owned()));
        assert_eq!(ApiVersion::parse("44"), None);
        assert_eq!(ApiVersion::parse("1.x"), None);
    }
}
