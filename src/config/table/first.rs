//! Options of Traefik 1.

use super::super::options::Effect::{List, Switch, Text, Time, Whole};
use super::super::options::Family::First;
use super::super::options::Row;
use super::super::{endpoint, value};
use super::{log_format, none, row};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    // Traefik 1: where services are found.
    row("docker", First, Switch(|d, _, on| d.docker_first.section.set(on)), "find containers, or services with --docker.swarmMode"),
    row("docker.swarmMode", First, Switch(|d, _, on| d.first().swarm_mode = Some(on)), "services and tasks of a swarm"),
    row("docker.swarmModeRefreshSeconds", First, Whole(|d, _, n| d.first().refresh = seconds(n)), "longest time without a full look (15)"),
    row("docker.watch", First, Switch(|d, _, on| d.first().watch = Some(on)), "follow changes (true)"),
    row("docker.endpoint", First, Text(|d, _, v| { d.first().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
    row("docker.tls", First, Switch(|d, _, on| d.first().tls.section.set(on)), "speak TLS with the Engine at tcp://"),
    row("docker.tls.ca", First, Text(|d, _, v| { d.first().tls().ca = Some(v.to_owned()); Ok(none()) }), "who has signed its certificate: a PEM file, or its text"),
    row("docker.tls.cert", First, Text(|d, _, v| { d.first().tls().cert = Some(v.to_owned()); Ok(none()) }), "our certificate"),
    row("docker.tls.key", First, Text(|d, _, v| { d.first().tls().key = Some(v.to_owned()); Ok(none()) }), "its private key"),
    row("docker.tls.insecureSkipVerify", First, Switch(|d, _, on| d.first().tls().insecure_skip_verify = on), "believe any certificate (false)"),
    row("docker.exposedByDefault", First, Switch(|d, _, on| d.first().exposed_by_default = Some(on)), "serve what has no traefik.enable (true)"),
    row("constraints", First, Text(|d, _, v| { d.constraints.push(v.to_owned()); Ok(none()) }), "serve only services with tags that match: tag==a*, tag!=b"),
    row("docker.constraints", First, Text(|d, _, v| { d.first().constraints.push(v.to_owned()); Ok(none()) }), "the same"),
    row("docker.useBindPortIP", First, Switch(|d, _, _| { d.first(); }), "read; addresses are the containers' own"),
    row("docker.network", First, Text(|d, _, v| { d.first().network = Some(v.to_owned()); Ok(none()) }), "network of backends that name none"),
    row("docker.domain", First, Text(|d, _, v| { d.first().domain = Some(v.to_owned()); Ok(none()) }), "suffix of the rule of a service that has none"),
    row("file", First, Switch(|d, _, on| d.file.section.set(on)), "read dynamic configuration from files"),
    row("file.filename", First, Text(|d, _, v| { d.file().filename = Some(v.to_owned()); Ok(none()) }), "one file"),
    row("file.directory", First, Text(|d, _, v| { d.file().directory = Some(v.to_owned()); Ok(none()) }), "all files of a folder"),
    row("file.watch", First, Switch(|d, _, on| d.file().watch = Some(on)), "follow changes (true)"),
    row("healthCheck.interval", First, Time(|d, _, t| d.health_check_interval = Some(t)), "between two questions of health checks that do not say (30)"),
    row("rest", First, Switch(|d, _, on| { d.rest.set(on); d.rest_insecure = on; }), "not yet: take dynamic configuration at PUT /api/providers/rest"),
    // Traefik 1: doors.
    row("entryPoints", First, Text(|_, _, _| Ok(none())), "'Name:http Address::80 ForwardedHeaders.TrustedIPs:… ProxyProtocol.TrustedIPs:…'"),
    row("defaultEntryPoints", First, List(|d, _, v| { d.default_entry_points.extend(v); Ok(()) }), "entry points of frontends that name none (http)"),
    row("web", First, Switch(|d, _, on| d.control.web.set(on)), "API, dashboard and ping on :8080"),
    row("web.address", First, Text(|d, _, v| { d.control.web.touch(); d.control.web_address = Some(value::address(v)?); Ok(none()) }), "address of --web (:8080)"),
    // Traefik 1: the rest.
    row("debug", First, Switch(|d, _, on| d.debug = on), "log at level DEBUG"),
    row("logLevel", First, Text(|d, _, v| { d.log_level = Some(value::level(v)?); Ok(none()) }), "DEBUG, INFO, WARN or ERROR (INFO)"),
    row("traefikLog.format", First, Text(|d, _, v| log_format(d, v)), "common or json (common)"),
    row("graceTimeOut", First, Time(|d, _, t| d.life.grace = Some(t)), "time for exchanges in flight at the end (10)"),
    row("lifeCycle.graceTimeOut", First, Time(|d, _, t| d.life.grace = Some(t)), "the same"),
    row("lifeCycle.requestAcceptGraceTimeout", First, Time(|d, _, t| d.life.accept_grace = Some(t)), "go on accepting after the stop signal (0)"),
    row("idleTimeout", First, Time(|d, _, t| d.responding.idle = Some(t)), "the same as --respondingTimeouts.idleTimeout"),
    row("respondingTimeouts.idleTimeout", First, Time(|d, _, t| d.responding.idle = Some(t)), "life of an idle client connection (75)"),
    row("respondingTimeouts.writeTimeout", First, Time(|d, _, t| d.responding.write = Some(t)), "time for a client to take a whole response (0: no bound)"),
    row("respondingTimeouts.readTimeout", First, Time(|d, _, t| d.responding.read = Some(t)), "time for a whole request to arrive (0: no bound)"),
    row("forwardingTimeouts.dialTimeout", First, Time(|d, _, t| d.dial_timeout = Some(t)), "time to connect to a backend (1.5)"),
    row("forwardingTimeouts.responseHeaderTimeout", First, Time(|d, _, t| d.response_header_timeout = Some(t)), "time for a backend's first byte (0: no bound)"),
    row("maxIdleConnsPerHost", First, Whole(|d, _, n| d.max_idle_per_host = Some(n)), "idle connections kept per worker and backend (200)"),
];

fn seconds(number: i64) -> Option<std::time::Duration> {
    u64::try_from(number).ok().map(std::time::Duration::from_secs)
}
