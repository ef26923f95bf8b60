//! The one vocabulary of both sides: what discovery found out, as plain checked data.
//!
//! Discovery builds a [`Model`], the table is compiled from it, the control plane shows it.
//! Nothing here has behaviour beyond reading its own fields: a `Model` can be compared, cloned,
//! printed and built by hand in a test.

mod access;
mod complaint;
pub mod cookie;
mod group;
mod health;
mod middleware;
mod network;
mod pattern;
mod rule;
mod service;
mod span;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use access::{
    ACCESS_FIELDS, AccessFilters, AccessFormat, AccessLog, HeaderMode, access_fields,
};
pub use complaint::{Complaint, Severity};
pub use group::{Group, GroupKind, Member, Mirror};
pub use health::{HealthCheck, HealthMode, PassiveHealthCheck};
pub use middleware::Middleware;
pub use network::{Network, NotANetwork};
pub use pattern::Pattern;
pub use rule::Rule;
pub use service::{
    CookieForm, SameSite, Scheme, Server, ServerState, ServerUrl, Service, Sticky, Strategy,
};
pub use span::{NotASpan, Span};
pub use transport::Transport;

/// Which generation of Traefik's language a piece of configuration was written in.
///
/// It decides names and shapes that the user can see: the provider suffix, the cookie's value,
/// whether forwarded headers are trusted, which API lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Traefik 1.x: `traefik.frontend.rule`, `traefik.port`, `--docker.swarmmode`.
    V1,
    /// Traefik 2.x: `traefik.http.*`, `--providers.docker.swarmMode`.
    V2,
    /// Traefik 3.x: `traefik.http.*`, `--providers.swarm`.
    V3,
}

/// Everything that discovery knows at one moment.
///
/// Keys of the maps are qualified names: `web@swarm`, `web@docker` (later dialects) or
/// `frontend-…`, `backend-…` (first dialect). Maps are ordered so that equal worlds give equal
/// tables and a stable API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub routers: BTreeMap<String, Arc<Router>>,
    pub services: BTreeMap<String, Arc<Service>>,
    /// Services made of services. No name is among both.
    pub groups: BTreeMap<String, Arc<Group>>,
    pub middlewares: BTreeMap<String, Arc<Middleware>>,
    /// What services may name. Not in the table: [`Service::terms`] is.
    pub transports: BTreeMap<String, Transport>,
    /// What was rejected, ignored or is doubtful, in the order in which it was found.
    pub complaints: Vec<Complaint>,
}

/// A rule and the service that answers what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// Qualified name, the key in [`Model::routers`].
    pub name: String,
    /// `swarm`, `docker`, `file`: the provider that it came from.
    pub provider: String,
    /// The service, container or file that defines it: `mystack_app`.
    pub source: String,
    pub dialect: Dialect,
    /// The rule as the user wrote it.
    pub rule_text: String,
    /// The parsed rule; `None` exactly when `disabled` says that the text could not be parsed.
    pub rule: Option<Rule>,
    /// Greater is tried first. The default is the length of the rule's text in bytes.
    pub priority: i64,
    /// The place of its provider in `providers.precedence`: among equal priorities the lower one is
    /// tried first.
    pub precedence: usize,
    /// Names of entry points on which the router listens; never empty in a usable router.
    pub entry_points: Vec<String>,
    /// Those that it names and that do not exist.
    pub lost_entry_points: Vec<String>,
    /// The syntax of rules that it asks for itself.
    pub syntax: Option<Dialect>,
    /// Qualified name of the service or group.
    pub service: String,
    /// Qualified names, in the order in which a request meets them.
    pub middlewares: Vec<String>,
    /// What was asked for in the way of TLS, in the API's shape; `None` for plain HTTP.
    pub tls: Option<serde_json::Value>,
    /// Why the router takes no traffic; `None` for a router that works.
    pub disabled: Option<String>,
}
