//! Every option by name: Traefik 1's, Traefik 2's and 3's, and our own.
//!
//! To support another option is to add a row here, and to drop its prefix from [`NOT_YET`].

use crate::limits::{MAX_HEAD_BYTES, MAX_HEAD_FIELDS};
use crate::model::Dialect;
use crate::nearest::nearest;

use super::DriverChoice;
use super::draft::Draft;
use super::options::Effect::{List, Needs, Switch, Text, Time, Whole};
use super::options::Family::{self, First, Later, Own, Second, Shared};
use super::options::{Effect, Row};
use super::value::{self, Wrong};
use super::{endpoint, entrypoint};

/// More clients than descriptors can ever be.
const MAX_CONNECTIONS: usize = 1 << 30;
/// Less would refuse ordinary browsers.
const MIN_HEAD_BYTES: usize = 1024;

const fn row(name: &'static str, family: Family, effect: Effect, help: &'static str) -> Row {
    Row { name, family, effect, help }
}

#[rustfmt::skip]
pub(super) static OPTIONS: &[Row] = &[
    // Traefik 1: where services are found.
    row("docker", First, Switch(|d, _, on| d.docker_first.section.set(on)), "find containers, or services with --docker.swarmMode"),
    row("docker.swarmMode", First, Switch(|d, _, on| d.first().swarm_mode = Some(on)), "services and tasks of a swarm"),
    row("docker.swarmModeRefreshSeconds", First, Whole(|d, _, n| d.first().refresh = seconds(n)), "longest time without a full look (15)"),
    row("docker.watch", First, Switch(|d, _, on| d.first().watch = Some(on)), "follow changes (true)"),
    row("docker.endpoint", First, Text(|d, _, v| { d.first().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
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
    row("providersThrottleDuration", First, Time(|d, _, t| d.throttle = Some(t)), "at most so often news of one provider are taken (2)"),
    row("healthCheck.interval", First, Time(|d, _, t| d.health_check_interval = Some(t)), "between two questions of health checks that do not say (30)"),
    row("rest", First, Switch(|d, _, on| { d.rest.set(on); d.rest_insecure = on; }), "not yet: take dynamic configuration at PUT /api/providers/rest"),
    // Traefik 1: doors.
    row("entryPoints.*.tls", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.redirect", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.auth", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.whiteList", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.whitelistSourceRange", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.clientCA", First, Needs, "not yet: the entry point stays closed"),
    row("entryPoints", First, Text(|d, _, v| entrypoint::first_dialect(d, v)), "'Name:http Address::80 ForwardedHeaders.TrustedIPs:… ProxyProtocol.TrustedIPs:…'"),
    row("defaultEntryPoints", First, List(|d, _, v| { d.default_entry_points.extend(v); Ok(()) }), "entry points of frontends that name none (http)"),
    row("web", First, Switch(|d, _, on| d.control.web.set(on)), "API, dashboard and ping on :8080"),
    row("web.address", First, Text(|d, _, v| { d.control.web.touch(); d.control.web_address = Some(value::address(v)?); Ok(none()) }), "address of --web (:8080)"),
    row("web.metrics.prometheus", First, Switch(|d, _, on| { d.control.web.touch(); d.control.web_metrics = on; }), "metrics beside --web"),
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

    // Traefik 2 and 3: where services are found.
    row("providers.docker", Later, Switch(|d, _, on| d.docker.section.set(on)), "find containers of one engine"),
    row("providers.docker.swarmMode", Second, Switch(|d, _, on| d.docker().swarm_mode = Some(on)), "services and tasks of a swarm"),
    row("providers.docker.swarmModeRefreshSeconds", Second, Time(|d, _, t| d.docker().refresh = Some(t)), "longest time without a full look (15)"),
    row("providers.docker.watch", Later, Switch(|d, _, on| d.docker().watch = Some(on)), "follow changes (true)"),
    row("providers.docker.endpoint", Later, Text(|d, _, v| { d.docker().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
    row("providers.docker.exposedByDefault", Later, Switch(|d, _, on| d.docker().exposed_by_default = Some(on)), "serve what has no traefik.enable (true)"),
    row("providers.docker.constraints", Later, Text(|d, _, v| { d.docker().constraints = vec![v.to_owned()]; Ok(none()) }), "serve only what matches: Label(`a`, `b`) && !LabelRegex(`c`, `d`)"),
    row("providers.docker.useBindPortIP", Later, Switch(|d, _, _| { d.docker(); }), "read; addresses are the containers' own"),
    row("providers.docker.allowEmptyServices", Later, Switch(|d, _, _| { d.docker(); }), "read; a service without tasks is always kept"),
    row("providers.docker.network", Later, Text(|d, _, v| { d.docker().network = Some(v.to_owned()); Ok(none()) }), "network of backends that name none"),
    row("providers.docker.defaultRule", Later, Text(|d, _, v| { d.docker().default_rule = Some(v.to_owned()); Ok(none()) }), "rule of routers that have none (Host(`{{ normalize .Name }}`))"),
    row("providers.swarm", Later, Switch(|d, _, on| d.swarm.section.set(on)), "find services and tasks of a swarm"),
    row("providers.swarm.refreshSeconds", Later, Time(|d, _, t| d.swarm().refresh = Some(t)), "longest time without a full look (15)"),
    row("providers.swarm.watch", Later, Switch(|d, _, on| d.swarm().watch = Some(on)), "follow changes (true)"),
    row("providers.swarm.endpoint", Later, Text(|d, _, v| { d.swarm().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
    row("providers.swarm.exposedByDefault", Later, Switch(|d, _, on| d.swarm().exposed_by_default = Some(on)), "serve what has no traefik.enable (true)"),
    row("providers.swarm.constraints", Later, Text(|d, _, v| { d.swarm().constraints = vec![v.to_owned()]; Ok(none()) }), "serve only what matches: Label(`a`, `b`) && !LabelRegex(`c`, `d`)"),
    row("providers.swarm.useBindPortIP", Later, Switch(|d, _, _| { d.swarm(); }), "read; addresses are the containers' own"),
    row("providers.swarm.allowEmptyServices", Later, Switch(|d, _, _| { d.swarm(); }), "read; a service without tasks is always kept"),
    row("providers.swarm.network", Later, Text(|d, _, v| { d.swarm().network = Some(v.to_owned()); Ok(none()) }), "network of backends that name none"),
    row("providers.swarm.defaultRule", Later, Text(|d, _, v| { d.swarm().default_rule = Some(v.to_owned()); Ok(none()) }), "rule of routers that have none (Host(`{{ normalize .Name }}`))"),
    row("providers.file", Later, Switch(|d, _, on| d.file.section.set(on)), "read dynamic configuration from files"),
    row("providers.file.filename", Later, Text(|d, _, v| { d.file().filename = Some(v.to_owned()); Ok(none()) }), "one file, in TOML or YAML"),
    row("providers.file.directory", Later, Text(|d, _, v| { d.file().directory = Some(v.to_owned()); Ok(none()) }), "all files of a folder"),
    row("providers.file.watch", Later, Switch(|d, _, on| d.file().watch = Some(on)), "follow changes (true)"),
    row("providers.http", Later, Switch(|d, _, on| d.http.section.set(on)), "ask for dynamic configuration by HTTP"),
    row("providers.http.endpoint", Later, Text(|d, _, v| { d.http().endpoint = Some(v.trim().to_owned()); Ok(none()) }), "http://host:port/path"),
    row("providers.http.pollInterval", Later, Time(|d, _, t| d.http().poll_interval = Some(t)), "between two questions (5)"),
    row("providers.http.pollTimeout", Later, Time(|d, _, t| d.http().poll_timeout = Some(t)), "for an answer (5)"),
    row("providers.http.headers.*", Later, Text(|d, n, v| { d.http().headers.push((n.to_owned(), v.to_owned())); Ok(none()) }), "a header of the questions"),
    row("providers.http.maxResponseBodySize", Later, Whole(|d, _, n| d.http().max_body = Some(n)), "most bytes of an answer (-1: no bound)"),
    row("providers.providersThrottleDuration", Later, Time(|d, _, t| d.throttle = Some(t)), "at most so often news of one provider are taken (2)"),
    row("providers.rest", Later, Switch(|d, _, on| d.rest.set(on)), "not yet: take dynamic configuration by PUT"),
    row("providers.rest.insecure", Later, Switch(|d, _, on| { d.rest.touch(); d.rest_insecure = on; }), "not yet: at /api/providers/rest on :8080 (false)"),
    row("providers.precedence", Later, List(precedence), "whose router goes first among equal priorities (swarm,docker,file,http,rest)"),
    row("core.defaultRuleSyntax", Later, Text(rule_syntax), "v2 or v3 (v3)"),
    // Traefik 2 and 3: doors.
    row("entryPoints.*", Later, Switch(|d, n, _| { d.entry(n); }), "an entry point of this name"),
    row("entryPoints.*.address", Later, Text(entry_address), ":80, 127.0.0.1:80 or [::1]:80"),
    row("entryPoints.*.asDefault", Later, Switch(|d, n, on| d.entry(n).as_default = on), "for routers that name no entry point (all are)"),
    row("entryPoints.*.forwardedHeaders.insecure", Later, Switch(|d, n, on| d.entry(n).insecure = Some(on)), "believe every peer's X-Forwarded-* (false)"),
    row("entryPoints.*.forwardedHeaders.trustedIPs", Later, List(|d, n, v| { d.entry(n).trusted.extend(value::networks(&v)?); Ok(()) }), "believe these networks' X-Forwarded-*"),
    row("entryPoints.*.proxyProtocol", Later, Switch(|d, n, on| d.entry(n).proxy_protocol.section.set(on)), "read PROXY protocol headers, versions 1 and 2 (false)"),
    row("entryPoints.*.proxyProtocol.insecure", Later, Switch(|d, n, on| d.entry(n).proxy_protocol().insecure = on), "believe every peer's, for tests only (false)"),
    row("entryPoints.*.proxyProtocol.trustedIPs", Later, List(|d, n, v| { let all = value::networks(&v)?; d.entry(n).proxy_protocol().trusted.extend(all); Ok(()) }), "believe these networks'; the others' are read and ignored"),
    row("entryPoints.*.transport.respondingTimeouts.idleTimeout", Later, Time(|d, n, t| d.entry(n).responding.idle = Some(t)), "life of an idle client connection (75)"),
    row("entryPoints.*.transport.respondingTimeouts.writeTimeout", Later, Time(|d, n, t| d.entry(n).responding.write = Some(t)), "time for a client to take a whole response (0: no bound)"),
    row("entryPoints.*.transport.keepAliveMaxTime", Later, Time(|d, n, t| d.entry(n).keep_alive_time = Some(t)), "a connection so old carries no further request (0: no bound)"),
    row("entryPoints.*.transport.keepAliveMaxRequests", Later, Whole(|d, n, v| d.entry(n).keep_alive_requests = Some(v)), "requests that a connection may carry (0: no bound)"),
    row("entryPoints.*.http.maxHeaderBytes", Later, Text(header_bytes), "longest head of a request, at most 65536 (32768)"),
    row("entryPoints.*.transport.respondingTimeouts.readTimeout", Later, Time(|d, n, t| d.entry(n).responding.read = Some(t)), "time for a whole request to arrive (0: no bound)"),
    row("entryPoints.*.transport.lifeCycle.graceTimeOut", Later, Time(|d, n, t| d.entry(n).life.grace = Some(t)), "time for exchanges in flight at the end (10)"),
    row("entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout", Later, Time(|d, n, t| d.entry(n).life.accept_grace = Some(t)), "go on accepting after the stop signal (0)"),
    row("entryPoints.*.http.tls", Later, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.http.middlewares", Later, Needs, "not yet: the entry point stays closed"),
    row("entryPoints.*.http.redirections", Later, Needs, "not yet: the entry point stays closed"),
    // Traefik 2 and 3: the rest.
    row("api.insecure", Later, Switch(|d, _, on| { d.control.api.touch(); d.control.insecure = Some(on); }), "API and dashboard on :8080 (false)"),
    row("log.level", Later, Text(|d, _, v| { d.log_level = Some(value::level(v)?); Ok(none()) }), "DEBUG, INFO, WARN or ERROR (INFO)"),
    row("log.format", Later, Text(|d, _, v| log_format(d, v)), "common or json (common)"),
    row("serversTransport.maxIdleConnsPerHost", Later, Whole(|d, _, n| d.max_idle_per_host = Some(n)), "idle connections kept per worker and backend (200)"),
    row("serversTransport.forwardingTimeouts.dialTimeout", Later, Time(|d, _, t| d.dial_timeout = Some(t)), "time to connect to a backend (1.5)"),
    row("serversTransport.forwardingTimeouts.responseHeaderTimeout", Later, Time(|d, _, t| d.response_header_timeout = Some(t)), "time for a backend's first byte (0: no bound)"),
    row("serversTransport.forwardingTimeouts.idleConnTimeout", Later, Time(|d, _, t| d.backend_idle_timeout = Some(t)), "life of an idle backend connection (30)"),

    // All dialects.
    row("api", Shared, Switch(|d, _, on| d.control.api.set(on)), "the API (later dialects: with --api.insecure)"),
    row("api.dashboard", Shared, Switch(|d, _, on| { d.control.api.touch(); d.control.dashboard = Some(on); }), "the dashboard beside the API (true)"),
    row("api.entryPoint", First, Text(|d, _, v| { d.control.api.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("ping.entryPoint", Shared, Text(|d, _, v| { d.control.ping.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("metrics.prometheus.entryPoint", Shared, Text(|d, _, v| { d.control.metrics.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("accessLog.format", Shared, Text(|d, _, v| { d.access_log.touch(); Ok(only(v, "common")) }), "common"),
    row("accessLog.filePath", Shared, Text(|d, _, v| { d.access_log.touch(); Ok(only(v, "/dev/stdout")) }), "read; lines go to standard output"),
    row("configFile", Shared, Text(|_, _, _| Ok(none())), "a file of these options, in TOML or YAML (traefik.toml, traefik.yml in /etc/traefik, ~/.config/traefik, .)"),
    row("ping", Shared, Switch(|d, _, on| d.control.ping.set(on)), "GET /ping on :8080"),
    row("metrics.prometheus", Shared, Switch(|d, _, on| d.control.metrics.set(on)), "GET /metrics on :8080"),
    row("accessLog", Shared, Switch(|d, _, on| d.access_log.set(on)), "write a line per request"),

    // Our own.
    row("ringress.driver", Own, Text(driver), "auto, io_uring or epoll (auto); also RINGRESS_DRIVER"),
    row("ringress.workers", Own, Text(workers), "worker threads (one per CPU); also RINGRESS_WORKERS"),
    row("ringress.maxConnections", Own, Text(|d, _, v| { d.limits.connections = Some(value::count(v, 1, MAX_CONNECTIONS)?); Ok(none()) }), "clients of each entry point (three quarters of the descriptors, of all together)"),
    row("ringress.entryPoints.*.maxConnections", Own, Text(|d, n, v| { d.limits.connections_of.push((n.to_owned(), value::count(v, 1, MAX_CONNECTIONS)?)); Ok(none()) }), "the same for one entry point"),
    row("ringress.bufferMemory", Own, Text(|d, _, v| { d.limits.buffer_memory = Some(value::size(v)?); Ok(none()) }), "memory for buffers, such as 256MB; past it requests get 503 (half of what there is)"),
    row("ringress.maxHeaderBytes", Own, Text(|d, _, v| { d.limits.header_bytes = Some(value::count(v, MIN_HEAD_BYTES, MAX_HEAD_BYTES)?); Ok(none()) }), "longest head of a request or response, at most 65536 (32768)"),
    row("ringress.maxHeaderFields", Own, Text(|d, _, v| { d.limits.header_fields = Some(value::count(v, 1, MAX_HEAD_FIELDS)?); Ok(none()) }), "most field lines of a head, at most 256 (100)"),
    row("ringress.maxTargetBytes", Own, Text(|d, _, v| { d.limits.target_bytes = Some(value::count(v, 1, MAX_HEAD_BYTES)?); Ok(none()) }), "longest request target (8192)"),
    row("ringress.headTimeout", Own, Time(|d, _, t| d.limits.head_timeout = Some(t)), "time for a request's head from its first byte (10)"),
    row("ringress.progressTimeout", Own, Time(|d, _, t| d.limits.progress_timeout = Some(t)), "a body that stands still for so long is cut (60)"),
    row("ringress.tunnelTimeout", Own, Time(|d, _, t| d.limits.tunnel_timeout = Some(t)), "a WebSocket or event stream that is silent for so long is cut (3600)"),
    row("ringress.handover", Own, Text(handover), "restart in place: take over from the process at this Unix socket; also RINGRESS_HANDOVER"),
];

/// Every provider of Traefik 3, in the order in which their routers go among equal priorities.
pub(super) const PROVIDERS: [&str; 17] = [
    "kubernetesgateway",
    "kubernetescrd",
    "kubernetes",
    "kubernetesingressnginx",
    "swarm",
    "docker",
    "file",
    "redis",
    "knative",
    "consul",
    "consulcatalog",
    "nomad",
    "etcd",
    "ecs",
    "http",
    "zookeeper",
    "rest",
];

/// Options that Traefik knows and we do not do yet, by prefix; and whose they are.
///
/// A section that is partly done is listed by its missing parts, so that a slip in the others is
/// still told from what exists.
#[rustfmt::skip]
pub(super) static NOT_YET: &[(&str, Family)] = &[
    // Traefik 1.
    ("entryPoints.*.compress", First), ("acme", First), ("retry", First),
    ("insecureSkipVerify", First), ("rootCAs", First), ("keepTrailingSlash", First),
    ("allowMinWeightZero", First), ("accessLogsFile", First), ("traefikLogsFile", First),
    ("traefikLog.filePath", First), ("api.statistics", First),
    ("docker.tls", First),
    ("docker.filename", First), ("docker.templateVersion", First), ("docker.debugLogGeneratedTemplate", First),
    ("docker.trace", First),
    ("web.certFile", First), ("web.keyFile", First), ("web.readOnly", First), ("web.path", First),
    ("web.statistics", First), ("web.auth", First), ("web.metrics.datadog", First), ("web.metrics.statsd", First),
    ("web.metrics.influxdb", First), ("web.metrics.prometheus.buckets", First),
    ("boltdb", First), ("consul", First), ("consulCatalog", First), ("dynamodb", First), ("ecs", First),
    ("etcd", First), ("eureka", First), ("kubernetes", First), ("marathon", First), ("mesos", First),
    ("rancher", First), ("serviceFabric", First), ("zookeeper", First), ("cluster", First),
    // Traefik 2 and 3.
    ("certificatesResolvers", Later), ("tcpServersTransport", Later), ("experimental", Later),
    ("spiffe", Later), ("ocsp", Later), ("pilot", Later), ("hub", Later),
    ("providers.docker.username", Later), ("providers.docker.password", Later), ("providers.docker.tls", Later),
    ("providers.docker.httpClientTimeout", Later),
    ("providers.swarm.username", Later), ("providers.swarm.password", Later), ("providers.swarm.tls", Later),
    ("providers.swarm.httpClientTimeout", Later),
    ("providers.http.tls", Later), ("providers.plugin", Later),
    ("providers.kubernetesIngress", Later), ("providers.kubernetesCRD", Later), ("providers.kubernetesGateway", Later),
    ("providers.knative", Later), ("providers.consul", Later), ("providers.consulCatalog", Later),
    ("providers.nomad", Later), ("providers.ecs", Later), ("providers.etcd", Later), ("providers.zooKeeper", Later),
    ("providers.redis", Later), ("providers.rancher", Later), ("providers.marathon", Later),
    ("entryPoints.*.allowACMEByPass", Later), ("entryPoints.*.reusePort", Later),
    ("entryPoints.*.forwardedHeaders.connection", Later), ("entryPoints.*.forwardedHeaders.notAppendXForwardedFor", Later),
    ("entryPoints.*.http.encodeQuerySemicolons", Later), ("entryPoints.*.http.sanitizePath", Later),
    ("entryPoints.*.http.encodedCharacters", Later),
    ("entryPoints.*.http.underscoreHeadersStrategy", Later), ("entryPoints.*.http2", Later),
    ("entryPoints.*.http3", Later), ("entryPoints.*.udp", Later), ("entryPoints.*.observability", Later),
    ("api.debug", Shared), ("api.basePath", Later), ("api.disableDashboardAd", Later), ("api.dashboardName", Later),
    ("log.filePath", Later), ("log.noColor", Later), ("log.maxSize", Later), ("log.maxAge", Later),
    ("log.maxBackups", Later), ("log.compress", Later), ("serversTransport.insecureSkipVerify", Later),
    ("serversTransport.rootCAs", Later), ("serversTransport.spiffe", Later),
    // All of them.
    ("ping.manualRouting", Shared), ("ping.terminatingStatusCode", Shared), ("metrics.addInternals", Shared),
    ("metrics.prometheus.buckets", Shared), ("metrics.prometheus.addEntryPointsLabels", Shared),
    ("metrics.prometheus.addRoutersLabels", Shared), ("metrics.prometheus.addServicesLabels", Shared),
    ("metrics.prometheus.manualRouting", Shared), ("metrics.prometheus.headerLabels", Shared),
    ("metrics.datadog", Shared), ("metrics.statsd", Shared), ("metrics.influxdb", Shared),
    ("metrics.influxdb2", Shared), ("metrics.otlp", Shared), ("accessLog.bufferingSize", Shared),
    ("accessLog.filters", Shared), ("accessLog.fields", Shared), ("accessLog.addInternals", Shared),
    ("accessLog.otlp", Shared), ("tracing", Shared), ("hostResolver", Shared),
];

/// Options that are taken and rightly change nothing: we phone nobody.
pub(super) static SILENT: &[&str] = &["checkNewVersion", "sendAnonymousUsage", "global"];

fn precedence(draft: &mut Draft, _: &str, names: Vec<String>) -> Result<(), Wrong> {
    for name in names {
        let name = name.to_lowercase();
        if !PROVIDERS.contains(&name.as_str()) {
            let near = nearest(&name, PROVIDERS.iter().copied());
            let remedy = near.map_or("use swarm,docker,file,http,rest".to_owned(), |near| {
                format!("did you mean {near}?")
            });
            return Err(Wrong::new(format!("holds {name:?}, which is no provider"), remedy));
        }
        draft.precedence.push(name);
    }
    Ok(())
}

fn rule_syntax(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    draft.default_rule_syntax = Some(match text.trim() {
        "v2" => Dialect::V2,
        "v3" => Dialect::V3,
        _ => return Err(Wrong::new("is not a syntax of rules", "use v2 or v3")),
    });
    Ok(none())
}

const fn none() -> Vec<String> {
    Vec::new()
}

/// Traefik's bound may be larger than a buffer of ours.
fn header_bytes(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let wanted = value::count(text, MIN_HEAD_BYTES, usize::MAX)?;
    draft.entry(name).header_bytes = Some(wanted.min(MAX_HEAD_BYTES));
    if wanted <= MAX_HEAD_BYTES {
        return Ok(none());
    }
    Ok(vec![format!("is more than we take; {MAX_HEAD_BYTES} bytes it will be")])
}

fn seconds(number: i64) -> Option<std::time::Duration> {
    u64::try_from(number).ok().map(std::time::Duration::from_secs)
}

/// A warning unless the value is the only one that is supported.
fn only(text: &str, supported: &str) -> Vec<String> {
    let problem = "is known to Traefik but not supported yet";
    if text == supported { none() } else { vec![problem.to_owned()] }
}

fn control_only(text: &str) -> Vec<String> {
    let problem = "is not supported yet; it is served on the entry point traefik (:8080) instead";
    if text.eq_ignore_ascii_case("traefik") { none() } else { vec![problem.to_owned()] }
}

fn entry_address(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    if text.trim().ends_with("/udp") {
        draft.entry(name).needs = Some("UDP".to_owned());
        return Ok(none());
    }
    draft.entry(name).address = Some(value::address(text)?);
    Ok(none())
}

fn log_format(draft: &mut Draft, text: &str) -> Result<Vec<String>, Wrong> {
    draft.log_json = match text.trim().to_ascii_lowercase().as_str() {
        "json" => true,
        "common" => false,
        _ => return Err(Wrong::new("is not a log format", "use common or json")),
    };
    Ok(none())
}

fn driver(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    draft.driver = Some(match text.trim().to_ascii_lowercase().as_str() {
        "auto" => DriverChoice::Auto,
        "io_uring" | "io-uring" | "iouring" => DriverChoice::IoUring,
        "epoll" => DriverChoice::Epoll,
        _ => return Err(Wrong::new("is not a driver", "use auto, io_uring or epoll")),
    });
    Ok(none())
}

fn workers(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let wrong = || Wrong::new("is not a number of workers", "use a number from 1 to 1024");
    let count: usize = text.trim().parse().map_err(|_| wrong())?;
    draft.workers = Some(count).filter(|count| (1..=1024).contains(count));
    if draft.workers.is_none() { Err(wrong()) } else { Ok(none()) }
}

fn handover(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let path = std::path::PathBuf::from(text.trim());
    // A relative path would be another one for a process that is started elsewhere.
    if !path.is_absolute() || path.file_name().is_none() {
        return Err(Wrong::new("is not the path of a socket", "write the whole path of a file"));
    }
    draft.handover = Some(path);
    Ok(none())
}
