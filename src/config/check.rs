//! Stage two: a draft becomes the checked [`Static`], with each family's defaults.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::limits::{
    BACKEND_IDLE, BACKEND_IDLE_CONNECTIONS, CLIENT_IDLE, DIAL_TIMEOUT, HeadLimits,
};
use crate::model::{Complaint, Dialect, Severity, Transport};

use super::draft::{DockerDraft, Draft, EntryDraft, MetricsDraft};
use super::table::PROVIDERS;
use super::{
    Api, Docker, EntryPoint, File, Http, LifeCycle, Limits, Log, Metrics, Rest, Static, Trust,
};

/// The entry point that the API is served on; as data entry point it has no special meaning.
const CONTROL_NAME: &str = "traefik";
const CONTROL_PORT: u16 = 8080;
const DEFAULT_ENTRY_POINT: &str = "http";
const DEFAULT_ENTRY_PORT: u16 = 80;
const DEFAULT_ENDPOINT: &str = "unix:///var/run/docker.sock";
const DEFAULT_RULE: &str = "Host(`{{ normalize .Name }}`)";

/// Traefik's own poll interval; for us only the bound on a picture without events.
const REFRESH: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(10);
/// Traefik's.
const HEALTH_CHECK: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(5);

/// Idle client connections: 75 s as nginx has it; Traefik's 180 s once the user speaks of its
/// timeouts at all, since the ones not named then mean Traefik's.
const IDLE_OF_TRAEFIK: Duration = Duration::from_secs(180);

/// What Go's transport takes a zero for.
const MAX_IDLE_OF_GO: usize = 2;

pub(super) fn finish(draft: Draft, dialect: Dialect, mut complaints: Vec<Complaint>) -> Static {
    let mut say = |severity, problem: String, remedy: &str| {
        complaints.push(Complaint {
            severity,
            subject: "configuration".to_owned(),
            setting: String::new(),
            value: String::new(),
            problem,
            remedy: remedy.to_owned(),
        });
    };
    let docker = providers(&draft, dialect);
    let file = file(&draft, dialect, &mut say);
    let http = http(&draft, &mut say);
    let rest = draft.rest.asked().then_some(Rest { insecure: draft.rest_insecure });
    if rest.is_some() {
        let problem = "the provider rest is known to Traefik but not supported yet";
        say(Severity::Warning, problem.to_owned(), "use --providers.file.filename");
    }
    let others = [draft.file.section, draft.http.section, draft.rest];
    if docker.is_empty() && !others.iter().any(|section| section.asked()) {
        let problem = "no provider is asked for, so no service will be found".to_owned();
        say(Severity::Warning, problem, "add --providers.swarm or --docker --docker.swarmMode");
    }
    let api = control(&draft, dialect, &mut say);
    let entry_points = entry_points(&draft, dialect, api.as_ref(), &mut say);
    let default_entry_points = defaults(&draft, dialect, &entry_points, &mut say);
    let life = life(&draft);
    Static {
        dialect,
        entry_points,
        default_entry_points,
        docker,
        file,
        http,
        rest,
        precedence: match draft.precedence.as_slice() {
            [] => PROVIDERS.map(str::to_owned).into(),
            named => named.to_vec(),
        },
        default_rule_syntax: draft.default_rule_syntax.unwrap_or(match dialect {
            Dialect::V3 => Dialect::V3,
            Dialect::V1 | Dialect::V2 => Dialect::V2,
        }),
        health_check_interval: draft
            .health_check_interval
            .filter(|interval| !interval.is_zero())
            .unwrap_or(HEALTH_CHECK),
        api,
        metrics: metrics(&draft.metrics, dialect),
        log: Log {
            // Traefik says ERROR here; a load balancer that is silent about what it found and
            // rejected cannot be operated, so ours says INFO.
            level: match draft.log_level {
                _ if draft.debug => tracing::Level::DEBUG,
                Some(level) => level,
                None => tracing::Level::INFO,
            },
            json: draft.log_json,
            access: draft.access.section.asked().then(|| draft.access.settings.clone()),
        },
        life,
        transport: transport(&draft),
        limits: limits(&draft),
        driver: draft.driver.unwrap_or_default(),
        workers: draft.workers,
        handover: draft.handover,
        pointless: draft.pointless,
        complaints,
    }
}

/// How a check speaks: severity, what is wrong, what would be right.
type Say<'a> = dyn FnMut(Severity, String, &str) + 'a;

fn providers(draft: &Draft, dialect: Dialect) -> Vec<Docker> {
    let later = if dialect == Dialect::V2 { Dialect::V2 } else { Dialect::V3 };
    let first = &draft.docker_first;
    let mut found = Vec::new();
    if first.section.asked() {
        let mut provider = provider(first, "docker", Dialect::V1, first.swarm_mode == Some(true));
        provider.constraints.extend(draft.constraints.iter().cloned());
        found.push(provider);
    }
    if draft.docker.section.asked() {
        let swarm = draft.docker.swarm_mode == Some(true);
        let dialect = if swarm { Dialect::V2 } else { later };
        found.push(provider(&draft.docker, "docker", dialect, swarm));
    }
    if draft.swarm.section.asked() {
        found.push(provider(&draft.swarm, "swarm", Dialect::V3, true));
    }
    found
}

fn file(draft: &Draft, dialect: Dialect, say: &mut Say) -> Option<File> {
    let file = &draft.file;
    if !file.section.asked() {
        return None;
    }
    let watch = file.watch.unwrap_or(true);
    let (path, is_folder) = match (&file.filename, &file.directory) {
        (Some(name), None) => (name, false),
        (None, Some(folder)) => (folder, true),
        (Some(_), Some(folder)) => {
            let problem = "providers.file has both filename and directory, and the file is ignored";
            say(Severity::Warning, problem.to_owned(), "put the file into the folder");
            (folder, true)
        }
        (None, None) if dialect == Dialect::V1 => {
            if let Some(path) = draft.own_file.clone() {
                return Some(File { path, is_own: true, watch, ..File::default() });
            }
            let problem = "the provider file names neither a file nor a folder".to_owned();
            say(Severity::Warning, problem, "add --file.filename=/path/to/file.toml");
            return None;
        }
        (None, None) => {
            let problem = "providers.file names neither a file nor a folder".to_owned();
            say(Severity::Error, problem, "add --providers.file.filename=/path/to/file.yml");
            return None;
        }
    };
    Some(File { path: path.trim().into(), is_folder, is_own: false, watch })
}

fn http(draft: &Draft, say: &mut Say) -> Option<Http> {
    let http = &draft.http;
    if !http.section.asked() {
        return None;
    }
    let endpoint = http.endpoint.clone().unwrap_or_default();
    if !endpoint.starts_with("http://") {
        let problem = match endpoint.starts_with("https://") {
            true => format!("providers.http.endpoint {endpoint:?}: https is not supported yet"),
            false => format!("providers.http.endpoint {endpoint:?} is not a URL"),
        };
        say(Severity::Error, problem, "write --providers.http.endpoint=http://host:port/path");
        return None;
    }
    let time = |said: Option<Duration>| said.filter(|t| !t.is_zero()).unwrap_or(POLL);
    Some(Http {
        endpoint,
        poll_interval: time(http.poll_interval),
        poll_timeout: time(http.poll_timeout),
        headers: http.headers.clone(),
        max_body: http.max_body.and_then(|bytes| usize::try_from(bytes).ok()),
    })
}

fn provider(draft: &DockerDraft, name: &str, dialect: Dialect, swarm: bool) -> Docker {
    let text = |text: &Option<String>, default: &str| match text {
        Some(text) if !text.is_empty() => text.clone(),
        _ => default.to_owned(),
    };
    Docker {
        name: name.to_owned(),
        dialect,
        endpoint: text(&draft.endpoint, DEFAULT_ENDPOINT),
        swarm,
        watch: draft.watch.unwrap_or(true),
        exposed_by_default: draft.exposed_by_default.unwrap_or(true),
        network: text(&draft.network, ""),
        domain: text(&draft.domain, ""),
        default_rule: text(&draft.default_rule, DEFAULT_RULE),
        refresh: draft.refresh.filter(|refresh| !refresh.is_zero()).unwrap_or(REFRESH),
        tls: draft.tls.section.asked().then(|| draft.tls.settings.clone()),
        login: draft.username.clone().map(|name| (name, text(&draft.password, ""))),
        constraints: draft
            .constraints
            .iter()
            .filter(|text| !text.trim().is_empty())
            .cloned()
            .collect(),
    }
}

/// The control listener: what is served on it and where.
///
/// `--web` is the first dialect's short form for all of it, and is ignored as a whole once one of
/// its successors is given. The later dialects open a port only for `--api.insecure`.
fn control(draft: &Draft, dialect: Dialect, say: &mut Say) -> Option<Api> {
    let control = &draft.control;
    let (api, ping, metrics) = (control.api.asked(), control.ping.asked(), control.metrics.asked());
    let web = control.web.asked() && !api && !ping && !metrics;
    if control.web.asked() && !web {
        let problem = "--web is ignored beside --api, --ping and --metrics, as Traefik has it";
        say(Severity::Warning, problem.to_owned(), "use --api --ping");
    }
    let open = api && (dialect == Dialect::V1 || control.insecure == Some(true));
    if api && !open {
        let problem = "the API is asked for, but a router on api@internal is not supported yet";
        say(Severity::Warning, problem.to_owned(), "add --api.insecure to have it on :8080");
    }
    if !(web || open || ping || metrics) {
        return None;
    }
    let own = draft.entry_points.iter().find(|entry| is_control(entry));
    // What such an entry point needs it needs for the API, too, and it is told with the others.
    if own.is_some_and(|entry| entry.needs.is_some()) {
        return None;
    }
    if let Some(needs) = control.web_needs.as_ref().filter(|_| web) {
        stays_closed(CONTROL_NAME, needs, say);
        return None;
    }
    let default = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), CONTROL_PORT);
    let of_web = control.web_address.filter(|_| web);
    Some(Api {
        address: of_web.or(own.and_then(|entry| entry.address)).unwrap_or(default),
        api: web || open,
        dashboard: web || (open && control.dashboard != Some(false)),
        ping: web || ping,
        metrics: metrics || (web && control.web_metrics),
    })
}

fn metrics(draft: &MetricsDraft, dialect: Dialect) -> Metrics {
    let usual = Metrics::default();
    Metrics {
        buckets: match draft.buckets.is_empty() {
            true => usual.buckets,
            false => draft.buckets.clone(),
        },
        entry_points: draft.entry_points.unwrap_or(usual.entry_points),
        // Traefik 1 has no such metrics.
        routers: draft.routers.unwrap_or(usual.routers) && dialect != Dialect::V1,
        services: draft.services.unwrap_or(usual.services),
    }
}

fn stays_closed(name: &str, needs: &str, say: &mut Say) {
    let problem = format!("the entry point {name} stays closed: {needs} is not supported yet");
    say(Severity::Warning, problem, "");
}

fn is_control(entry: &EntryDraft) -> bool {
    entry.name.eq_ignore_ascii_case(CONTROL_NAME)
}

fn entry_points(
    draft: &Draft,
    dialect: Dialect,
    api: Option<&Api>,
    say: &mut Say,
) -> Vec<EntryPoint> {
    let mut found: Vec<EntryPoint> = Vec::new();
    let (mut named, mut nowhere) = (false, false);
    for entry in &draft.entry_points {
        if api.is_some() && is_control(entry) {
            if entry.proxy_protocol.section.asked() {
                let problem = "proxyProtocol is not supported on the entry point traefik";
                say(Severity::Warning, problem.to_owned(), "send no PROXY header there");
            }
            continue;
        }
        named |= !is_control(entry);
        if let Some(needs) = &entry.needs {
            stays_closed(&entry.name, needs, say);
            continue;
        }
        let Some(address) = entry.address else {
            let problem = format!("the entry point {} has no address", entry.name);
            let remedy = format!("add --entryPoints.{}.address=:80", entry.name);
            say(Severity::Error, problem, &remedy);
            nowhere = true;
            continue;
        };
        check_proxy_protocol(dialect, entry, say);
        found.push(entry_point(draft, dialect, entry, address));
    }
    if !named {
        // A load balancer without a door makes no sense: Traefik's own default, for an entry
        // point `traefik` alone as well.
        let entry = EntryDraft { name: DEFAULT_ENTRY_POINT.to_owned(), ..EntryDraft::default() };
        let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), DEFAULT_ENTRY_PORT);
        found.push(entry_point(draft, dialect, &entry, address));
    } else if found.is_empty() && !nowhere {
        // Not an error: what we do not do yet never keeps the process from starting, and the
        // dashboard is where the user reads why nothing answers.
        let problem = "no entry point can be opened".to_owned();
        say(Severity::Warning, problem, "add --entryPoints.http.address=:80");
    }
    for (name, _) in &draft.limits.connections_of {
        if !found.iter().any(|entry| entry.name.eq_ignore_ascii_case(name)) {
            let problem = format!("there is no entry point {name} to bound the connections of");
            say(Severity::Warning, problem, "name one that exists");
        }
    }
    // Listeners share ports between workers, so the kernel would not refuse a double use.
    let control = api.map(|api| (CONTROL_NAME, api.address));
    let doors = found.iter().map(|entry| (entry.name.as_str(), entry.address)).chain(control);
    let doors: Vec<(&str, SocketAddr)> = doors.filter(|(_, door)| door.port() != 0).collect();
    for (at, (name, door)) in doors.iter().enumerate() {
        if let Some((other, _)) = doors[..at].iter().find(|(_, taken)| taken == door) {
            let problem = format!("the entry points {other} and {name} both listen on {door}");
            say(Severity::Error, problem, "give one of them another port");
        }
    }
    found
}

/// A header that nobody may send is a slip, and to serve with the proxy's address in the place of
/// each client's would hide it. Traefik does not start either.
fn check_proxy_protocol(dialect: Dialect, entry: &EntryDraft, say: &mut Say) {
    let draft = &entry.proxy_protocol;
    if draft.section.asked() && !draft.insecure && draft.trusted.is_empty() {
        let option = match dialect {
            Dialect::V1 => "ProxyProtocol.TrustedIPs:".to_owned(),
            _ => format!("--entryPoints.{}.proxyProtocol.trustedIPs=", entry.name),
        };
        let problem = format!("proxyProtocol of the entry point {} trusts nobody", entry.name);
        say(Severity::Error, problem, &format!("add {option}10.0.0.0/8"));
    }
}

fn entry_point(
    draft: &Draft,
    dialect: Dialect,
    entry: &EntryDraft,
    address: SocketAddr,
) -> EntryPoint {
    let common = &draft.responding;
    let own = &entry.responding;
    let said = [own.read, own.write, own.idle, common.read, common.write, common.idle];
    let idle = if said.iter().any(Option::is_some) { IDLE_OF_TRAEFIK } else { CLIENT_IDLE };
    let first = dialect == Dialect::V1;
    let heads = heads(draft);
    EntryPoint {
        name: entry.name.clone(),
        address,
        trust: Trust {
            // Traefik 1 believes everybody until it is told whom to believe.
            insecure: entry.insecure.unwrap_or(first && entry.trusted.is_empty()),
            networks: entry.trusted.clone(),
        },
        proxy_protocol: entry.proxy_protocol.section.asked().then(|| Trust {
            insecure: entry.proxy_protocol.insecure,
            networks: entry.proxy_protocol.trusted.clone(),
        }),
        idle_timeout: own.idle.or(common.idle).unwrap_or(idle),
        read_timeout: own.read.or(common.read).unwrap_or_default(),
        write_timeout: own.write.or(common.write).unwrap_or_default(),
        keep_alive_time: entry.keep_alive_time.unwrap_or_default(),
        // Negative: no bound, as Go has it.
        keep_alive_requests: entry.keep_alive_requests.map_or(0, |n| u32::try_from(n).unwrap_or(0)),
        heads: HeadLimits { bytes: entry.header_bytes.unwrap_or(heads.bytes), ..heads },
        max_connections: max_connections(draft, &entry.name).or(draft.limits.connections),
    }
}

fn max_connections(draft: &Draft, name: &str) -> Option<usize> {
    let mut own = draft.limits.connections_of.iter().rev();
    own.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|&(_, count)| count)
}

fn heads(draft: &Draft) -> HeadLimits {
    let (limits, usual) = (&draft.limits, HeadLimits::default());
    HeadLimits {
        bytes: limits.header_bytes.unwrap_or(usual.bytes),
        fields: limits.header_fields.unwrap_or(usual.fields),
        target: limits.target_bytes.unwrap_or(usual.target),
    }
}

fn limits(draft: &Draft) -> Limits {
    let (limits, usual) = (&draft.limits, Limits::default());
    Limits {
        head_timeout: limits.head_timeout.unwrap_or(usual.head_timeout),
        progress_timeout: limits.progress_timeout.unwrap_or(usual.progress_timeout),
        tunnel_timeout: limits.tunnel_timeout.unwrap_or(usual.tunnel_timeout),
        response_heads: heads(draft),
        buffer_memory: limits.buffer_memory,
    }
}

/// Entry points of routers that name none: the named defaults in the first dialect, those marked
/// `asDefault`, or else all, in the later ones.
fn defaults(draft: &Draft, dialect: Dialect, found: &[EntryPoint], say: &mut Say) -> Vec<String> {
    let open = |name: &str| {
        found.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)).map(|e| e.name.clone())
    };
    if dialect == Dialect::V1 || !draft.default_entry_points.is_empty() {
        let own = [DEFAULT_ENTRY_POINT.to_owned()];
        let wanted: &[String] = match draft.default_entry_points.as_slice() {
            [] => &own,
            named => named,
        };
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for name in wanted {
            match open(name) {
                Some(name) => kept.push(name),
                None => lost.push(name.as_str()),
            }
        }
        if !lost.is_empty() {
            let problem = format!("there is no entry point {}", lost.join(", "));
            say(Severity::Warning, problem, "set --defaultEntryPoints to names that exist");
        }
        return kept;
    }
    let marked: Vec<String> = draft
        .entry_points
        .iter()
        .filter(|entry| entry.as_default)
        .filter_map(|entry| open(&entry.name))
        .collect();
    let all = || found.iter().map(|entry| entry.name.clone()).collect();
    let mut names: Vec<String> = if marked.is_empty() { all() } else { marked };
    // As Traefik's API lists them.
    names.sort();
    names
}

/// The process ends once: of several entry points the longest times hold.
fn life(draft: &Draft) -> LifeCycle {
    let lives = || draft.entry_points.iter().map(|entry| entry.life).chain([draft.life]);
    LifeCycle {
        accept_grace: lives().filter_map(|life| life.accept_grace).max().unwrap_or_default(),
        grace: lives().filter_map(|life| life.grace).max().unwrap_or(GRACE),
    }
}

fn transport(draft: &Draft) -> Transport {
    Transport {
        dial_timeout: draft.dial_timeout.filter(|dial| !dial.is_zero()).unwrap_or(DIAL_TIMEOUT),
        response_header_timeout: draft.response_header_timeout.unwrap_or_default(),
        idle_timeout: draft.backend_idle_timeout.unwrap_or(BACKEND_IDLE),
        max_idle_per_host: match draft.max_idle_per_host {
            None => BACKEND_IDLE_CONNECTIONS,
            Some(0) => MAX_IDLE_OF_GO,
            // Negative: no connection is kept.
            Some(count) => usize::try_from(count).unwrap_or(0),
        },
    }
}
