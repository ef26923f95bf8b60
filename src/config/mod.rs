//! Static configuration: flags, environment and files of all three generations, onto one checked
//! tree.

mod check;
mod draft;
mod entrypoint;
mod explain;
mod file;
mod help;
mod options;
pub mod secret;
mod table;
#[cfg(test)]
mod tests;
mod tree;
pub mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use explain::Line;
pub use help::help;

use crate::limits::{BUCKETS, HEAD_TIMEOUT, HeadLimits, PROGRESS_TIMEOUT, TUNNEL_TIMEOUT};
use crate::model::{AccessLog, Complaint, Dialect, Network, Severity, Transport};

/// What the process was asked to be. Read once at start, never changed.
#[derive(Debug, Clone)]
pub struct Static {
    /// The generation that the options were written in; decides defaults.
    pub dialect: Dialect,
    pub entry_points: Vec<EntryPoint>,
    /// Entry points of routers that name none.
    pub default_entry_points: Vec<String>,
    /// Every Docker provider that was asked for; more than one is possible in the third dialect.
    pub docker: Vec<Docker>,
    pub file: Option<File>,
    pub http: Option<Http>,
    pub rest: Option<Rest>,
    /// Providers in lower case: among equal priorities the router of the first goes first. Those
    /// that are missing come last.
    pub precedence: Vec<String>,
    /// The syntax of rules whose router names none, in the later dialects.
    pub default_rule_syntax: Dialect,
    /// Between two questions of a health check that does not say (Traefik 1).
    pub health_check_interval: Duration,
    pub api: Option<Api>,
    pub log: Log,
    pub metrics: Metrics,
    pub life: LifeCycle,
    /// For services that name no servers transport.
    pub transport: Transport,
    pub limits: Limits,
    pub driver: DriverChoice,
    /// Worker threads; `None` takes one per CPU that the process may use.
    pub workers: Option<usize>,
    /// Where a process takes over from the one before it, and waits for the one after it.
    pub handover: Option<PathBuf>,
    /// Options as given that were taken and rightly change nothing.
    pub pointless: Vec<String>,
    /// What was ignored or doubtful among the options.
    pub complaints: Vec<Complaint>,
}

/// A place where clients connect.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryPoint {
    pub name: String,
    pub address: SocketAddr,
    /// Whose `X-Forwarded-*` are believed.
    pub trust: Trust,
    /// Whose PROXY protocol headers are believed; `None` where none is looked for.
    pub proxy_protocol: Option<Trust>,
    /// Idle time after which a kept-alive client connection is closed.
    pub idle_timeout: Duration,
    /// Time for a whole request body to arrive; zero means no bound on it as long as it makes
    /// progress. Traefik 2.11.2 and later cut every upload after 60 s; we only where asked to.
    pub read_timeout: Duration,
    /// Time for a whole response to be taken by the client; zero means no bound on it as long as
    /// it makes progress.
    pub write_timeout: Duration,
    /// A connection that is so old carries no further request; zero means no bound.
    pub keep_alive_time: Duration,
    /// Requests that one connection may carry; zero means no bound.
    pub keep_alive_requests: u32,
    /// Bounds of a request's head.
    pub heads: HeadLimits,
    /// Clients that may be connected; `None` leaves it to the process's own bound.
    pub max_connections: Option<usize>,
}

/// Peers that are believed when they say on whose behalf they come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trust {
    /// Believe everybody: Traefik 1's default for forwarding headers.
    pub insecure: bool,
    pub networks: Vec<Network>,
}

/// Where containers are found.
#[derive(Debug, Clone, PartialEq)]
pub struct Docker {
    /// Name behind the `@` of what comes from it: `docker`, `swarm`.
    pub name: String,
    pub dialect: Dialect,
    /// `unix:///var/run/docker.sock`, `tcp://host:port`.
    pub endpoint: String,
    /// Services and tasks of a swarm instead of containers of one engine.
    pub swarm: bool,
    pub watch: bool,
    pub exposed_by_default: bool,
    /// Network whose address is used when a service does not say; empty for none.
    pub network: String,
    /// Suffix of the default rule in the first dialect; empty for none.
    pub domain: String,
    /// Rule of a router that has none, in the later dialects: a Go template.
    pub default_rule: String,
    /// Bound on how old the picture of the swarm may become without any event.
    pub refresh: Duration,
    /// For `https://`, and for `tcp://` where any option of it was given.
    pub tls: Option<ClientTls>,
    /// Name and password that a proxy before the engine asks for.
    pub login: Option<(String, String)>,
    /// Which services are served, as written: in the first dialect one of several that must all
    /// hold, in the later ones an expression.
    pub constraints: Vec<String>,
}

/// How a server proves who it is, and we to it. Each value is a path, or the text of a PEM file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientTls {
    /// Who may have signed the server's certificate; without any, whom the machine trusts.
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    /// Believe any certificate.
    pub insecure_skip_verify: bool,
}

/// Files of dynamic configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// One file, or every file of a folder and below it.
    pub path: PathBuf,
    pub is_folder: bool,
    /// It holds the static configuration, too (Traefik 1).
    pub is_own: bool,
    pub watch: bool,
}

/// Dynamic configuration that is asked for by HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    pub endpoint: String,
    pub poll_interval: Duration,
    pub poll_timeout: Duration,
    pub headers: Vec<(String, String)>,
    /// Bytes; `None` for no bound.
    pub max_body: Option<usize>,
}

/// Dynamic configuration that is put to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// On the entry point `traefik`, by everybody who gets there.
    pub insecure: bool,
}

/// The control plane's own listener and what it serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    pub address: SocketAddr,
    pub api: bool,
    pub dashboard: bool,
    pub ping: bool,
    pub metrics: bool,
}

/// What metrics tell of the traffic, where they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Upper bounds of a histogram's buckets in seconds, ascending.
    pub buckets: Vec<f64>,
    pub entry_points: bool,
    pub routers: bool,
    pub services: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = BUCKETS.to_vec();
        Self { buckets, entry_points: true, routers: false, services: true }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    pub level: tracing::Level,
    pub json: bool,
    /// A line for each request.
    pub access: Option<AccessLog>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifeCycle {
    /// After a stop signal: keep accepting for so long (ping already answers 503).
    pub accept_grace: Duration,
    /// Then: wait so long for exchanges in flight.
    pub grace: Duration,
}

/// Bounds of the data path that belong to no entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A request's head must arrive so soon after its first byte.
    pub head_timeout: Duration,
    /// A body that makes no progress for so long is cut.
    pub progress_timeout: Duration,
    /// A tunnel without a byte for so long is cut.
    pub tunnel_timeout: Duration,
    /// Bounds of a response's head.
    pub response_heads: HeadLimits,
    /// Bytes that the buffers of all workers may take; `None` takes a part of what there is.
    pub buffer_memory: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: HEAD_TIMEOUT,
            progress_timeout: PROGRESS_TIMEOUT,
            tunnel_timeout: TUNNEL_TIMEOUT,
            response_heads: HeadLimits::default(),
            buffer_memory: None,
        }
    }
}

/// Which I/O driver the workers run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DriverChoice {
    /// The first rung of the ladder that holds.
    #[default]
    Auto,
    IoUring,
    Epoll,
}

impl Trust {
    /// Whether this peer is believed.
    pub fn covers(&self, peer: std::net::IpAddr) -> bool {
        self.insecure || self.networks.iter().any(|network| network.contains(peer))
    }
}

/// Reads the arguments (without the program's name), the environment and the file, if there is one.
///
/// What is unknown or not supported yet is a warning in [`Static::complaints`] and never an
/// obstacle. A bad value of a known option is one: then every complaint comes back, and at least
/// one of them is a [`Severity::Error`].
pub fn load(args: &[String], env: &[(String, String)]) -> Result<Static, Vec<Complaint>> {
    let statics = settle(tree::gather(args, env)).0;
    if statics.complaints.iter().any(|complaint| complaint.severity == Severity::Error) {
        return Err(statics.complaints);
    }
    Ok(statics)
}

/// The same, with every setting that holds and where it comes from; for reading only where one of
/// the complaints is a [`Severity::Error`].
pub fn explained(args: &[String], env: &[(String, String)]) -> (Static, Vec<Line>) {
    let (statics, tree) = settle(tree::gather(args, env));
    let lines = explain::explain(&statics, &tree);
    (statics, lines)
}

fn settle(
    (tree, mut complaints): (Vec<tree::Setting>, Vec<Complaint>),
) -> (Static, Vec<tree::Setting>) {
    let own_file = |setting: &tree::Setting| match &setting.source {
        tree::Source::File { path, .. } => Some(PathBuf::from(&**path)),
        _ => None,
    };
    let own_file = tree.iter().find_map(own_file);
    let mut draft = draft::Draft { own_file, ..draft::Draft::default() };
    for setting in &options::with_sections(tree.clone()) {
        for new in options::apply(&mut draft, setting) {
            // The elements of a file's list are settings each, and ask for one thing.
            let same = |old: &Complaint| {
                (&old.setting, &old.value, &old.problem) == (&new.setting, &new.value, &new.problem)
            };
            if !complaints.iter().any(same) {
                complaints.push(new);
            }
        }
    }
    (check::finish(draft, dialect(&tree), complaints), tree)
}

/// One option that only Traefik 1 has makes the whole command line Traefik 1's; one that only
/// Traefik 2 has (`providers.docker.swarmMode`) makes it Traefik 2's.
fn dialect(tree: &[tree::Setting]) -> Dialect {
    let second =
        |setting: &tree::Setting| options::family(&setting.key) == Some(options::Family::Second);
    if options::is_first(tree.iter()) {
        Dialect::V1
    } else if tree.iter().any(second) {
        Dialect::V2
    } else {
        Dialect::V3
    }
}

/// The Engine's address as it can be connected to.
fn endpoint(text: &str) -> Result<String, value::Wrong> {
    let text = text.trim();
    let is = |scheme| text.strip_prefix(scheme).is_some_and(|rest: &str| !rest.is_empty());
    if text.is_empty() || ["unix://", "tcp://", "http://", "https://"].into_iter().any(is) {
        return Ok(text.to_owned());
    }
    if is("ssh://") {
        return Err(value::Wrong::new(
            "needs an ssh client, which is not done here",
            "use tcp://host:2376 with TLS, a socket proxy at tcp://host:2375, or let ssh bring the \
             socket here (ssh -L /run/docker-remote.sock:/var/run/docker.sock) and use unix://",
        ));
    }
    let problem = "is not a Docker endpoint that can be connected to";
    let problem = if is("npipe://") { "is a pipe of Windows" } else { problem };
    Err(value::Wrong::new(problem, "use unix:///var/run/docker.sock or tcp://host:port"))
}
