//! The effective configuration, in today's names, with the source of each value.

use std::time::Duration;

use super::secret::shown_value;
use super::tree::{Setting, Source};
use super::{Docker, DriverChoice, EntryPoint, Static, Trust};
use crate::model::{AccessFormat, AccessLog, Dialect, HeaderMode, Span};

/// A setting that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Dotted, in Traefik 3's spelling where it has one.
    pub key: String,
    /// Without secrets.
    pub value: String,
    /// `default`, a flag, a variable, or a file with the name there.
    pub source: String,
}

/// Older names, and what they are called today: first dialect, then removed options of the second.
/// A name that ends in a dot stands for all below it.
const TODAY: &[(&str, &str)] = &[
    ("docker.swarmmoderefreshseconds", "providers.docker.refreshSeconds"),
    ("docker.", "providers.docker."),
    ("docker", "providers.docker"),
    ("constraints", "providers.docker.constraints"),
    ("file.", "providers.file."),
    ("loglevel", "log.level"),
    ("debug", "log.level"),
    ("traefiklog.format", "log.format"),
    ("web.address", "entryPoints.traefik.address"),
    ("web.metrics.prometheus", "metrics.prometheus"),
    ("accesslogsfile", "accessLog.filePath"),
    ("web.metrics.prometheus.buckets", "metrics.prometheus.buckets"),
    ("gracetimeout", "lifeCycle.graceTimeOut"),
    ("idletimeout", "respondingTimeouts.idleTimeout"),
    ("maxidleconnsperhost", "serversTransport.maxIdleConnsPerHost"),
    ("forwardingtimeouts.", "serversTransport.forwardingTimeouts."),
    ("healthcheck.interval", "healthCheck.interval"),
    ("providers.docker.swarmmoderefreshseconds", "providers.docker.refreshSeconds"),
];

/// What `--web` brings about.
const OF_WEB: &[&str] = &["api", "api.dashboard", "ping"];

/// Everything that holds, in the order in which it is documented.
pub(super) fn explain(statics: &Static, tree: &[Setting]) -> Vec<Line> {
    let given: Vec<(String, &Setting)> =
        tree.iter().map(|setting| (today(&setting.key), setting)).collect();
    let lines = effective(statics).into_iter().map(|(key, value)| Line {
        value: shown_value(&key, &value),
        source: source(&key, &given),
        key,
    });
    lines.collect()
}

fn today(key: &str) -> String {
    let renamed = TODAY.iter().find_map(|(old, new)| match old.strip_suffix('.') {
        Some(_) => key.strip_prefix(old).map(|rest| format!("{new}{rest}")),
        None => (key == *old).then(|| (*new).to_owned()),
    });
    renamed.unwrap_or_else(|| key.to_owned()).to_lowercase()
}

/// The last setting that says so, or else what says it of all entry points, or by the way.
fn source(key: &str, given: &[(String, &Setting)]) -> String {
    let key = key.to_lowercase();
    let wide = of_all(&key);
    let last = |says: &dyn Fn(&str) -> bool| given.iter().rfind(|(today, _)| says(today));
    let found = last(&|today| today == key)
        .or_else(|| last(&|today| today == wide || of_all(today) == key))
        // Traefik 1 has maps in one value.
        .or_else(|| last(&|today| today.ends_with(".names") && is_below(&key, today)))
        .or_else(|| last(&|today| today == "web" && OF_WEB.contains(&key.as_str())))
        .or_else(|| last(&|today| is_below(today, &key)));
    match found {
        None => "default".to_owned(),
        Some((_, setting)) => match &setting.source {
            Source::File { path, line } => format!("{path}:{line}"),
            Source::Flags | Source::Environment => setting.spelled.clone(),
        },
    }
}

fn is_below(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// The name of the same thing for all entry points at once.
fn of_all(key: &str) -> String {
    let mut segments = key.splitn(3, '.');
    match (segments.next(), segments.next(), segments.next()) {
        (Some("entrypoints"), Some(_), Some("asdefault")) => "defaultentrypoints".to_owned(),
        (Some("entrypoints"), Some(_), Some("http.maxheaderbytes")) => {
            "ringress.maxheaderbytes".to_owned()
        }
        (Some("entrypoints"), Some(_), Some(rest)) => match rest.strip_prefix("transport.") {
            Some(rest) => rest.to_owned(),
            None => key.to_owned(),
        },
        (Some("ringress"), Some("entrypoints"), Some(rest)) => match rest.split_once('.') {
            Some((_, rest)) => format!("ringress.{rest}"),
            None => key.to_owned(),
        },
        _ => key.to_owned(),
    }
}

type Pairs = Vec<(String, String)>;

fn effective(statics: &Static) -> Pairs {
    let mut pairs = Pairs::new();
    for docker in &statics.docker {
        provider(docker, &mut pairs);
    }
    let mut say = |key: &str, value: String| pairs.push((key.to_owned(), value));
    if let Some(file) = &statics.file {
        let name = if file.is_folder { "directory" } else { "filename" };
        say(&format!("providers.file.{name}"), file.path.display().to_string());
        say("providers.file.watch", file.watch.to_string());
    }
    if let Some(http) = &statics.http {
        say("providers.http.endpoint", http.endpoint.clone());
        say("providers.http.pollInterval", time(http.poll_interval));
        say("providers.http.pollTimeout", time(http.poll_timeout));
        for (name, value) in &http.headers {
            say(&format!("providers.http.headers.{name}"), value.clone());
        }
        say("providers.http.maxResponseBodySize", bound(http.max_body));
    }
    if let Some(rest) = &statics.rest {
        say("providers.rest.insecure", rest.insecure.to_string());
    }
    say("providers.precedence", statics.precedence.join(","));
    let syntax = if statics.default_rule_syntax == Dialect::V3 { "v3" } else { "v2" };
    say("core.defaultRuleSyntax", syntax.to_owned());
    for entry_point in &statics.entry_points {
        self::entry_point(entry_point, &mut pairs);
    }
    let mut say = |key: &str, value: String| pairs.push((key.to_owned(), value));
    say("defaultEntryPoints", statics.default_entry_points.join(","));
    if let Some(api) = &statics.api {
        say("entryPoints.traefik.address", api.address.to_string());
        say("api", api.api.to_string());
        say("api.dashboard", api.dashboard.to_string());
        say("ping", api.ping.to_string());
        say("metrics.prometheus", api.metrics.to_string());
        if api.metrics {
            let buckets: Vec<String> = statics.metrics.buckets.iter().map(f64::to_string).collect();
            say("metrics.prometheus.buckets", buckets.join(","));
            say(
                "metrics.prometheus.addEntryPointsLabels",
                statics.metrics.entry_points.to_string(),
            );
            say("metrics.prometheus.addRoutersLabels", statics.metrics.routers.to_string());
            say("metrics.prometheus.addServicesLabels", statics.metrics.services.to_string());
        }
    }
    say("log.level", statics.log.level.to_string());
    say("log.format", if statics.log.json { "json" } else { "common" }.to_owned());
    say("accessLog", statics.log.access.is_some().to_string());
    if let Some(log) = &statics.log.access {
        access(log, &mut say);
    }
    say("lifeCycle.graceTimeOut", time(statics.life.grace));
    say("lifeCycle.requestAcceptGraceTimeout", time(statics.life.accept_grace));
    if statics.dialect == Dialect::V1 {
        say("healthCheck.interval", time(statics.health_check_interval));
    }
    let transport = &statics.transport;
    say("serversTransport.maxIdleConnsPerHost", transport.max_idle_per_host.to_string());
    let mut say_time = |key: &str, value| {
        say(&format!("serversTransport.forwardingTimeouts.{key}"), time(value));
    };
    say_time("dialTimeout", transport.dial_timeout);
    say_time("responseHeaderTimeout", transport.response_header_timeout);
    say_time("idleConnTimeout", transport.idle_timeout);
    own(statics, &mut pairs);
    pairs
}

fn access(log: &AccessLog, say: &mut dyn FnMut(&str, String)) {
    let word = |keeps: bool| if keeps { "keep" } else { "drop" }.to_owned();
    let mode = |mode: HeaderMode| match mode {
        HeaderMode::Keep => "keep".to_owned(),
        HeaderMode::Drop => "drop".to_owned(),
        HeaderMode::Redact => "redact".to_owned(),
    };
    let path = log.path.as_ref().map_or("/dev/stdout".to_owned(), |p| p.display().to_string());
    say("accessLog.filePath", path);
    let format = match log.format {
        AccessFormat::Common => "common",
        AccessFormat::GenericClf => "genericCLF",
        AccessFormat::Json => "json",
    };
    say("accessLog.format", format.to_owned());
    let statuses = log.filters.statuses.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    say("accessLog.filters.statusCodes", statuses.collect::<Vec<_>>().join(","));
    say("accessLog.filters.retryAttempts", log.filters.retries.to_string());
    say("accessLog.filters.minDuration", time(log.filters.min_duration));
    say("accessLog.fields.defaultMode", word(log.keeps_fields));
    for (name, keeps) in &log.fields {
        say(&format!("accessLog.fields.names.{name}"), word(*keeps));
    }
    say("accessLog.fields.headers.defaultMode", mode(log.header_mode));
    for (name, how) in &log.headers {
        say(&format!("accessLog.fields.headers.names.{name}"), mode(*how));
    }
    say("accessLog.fields.queryParameters.defaultMode", word(log.keeps_query));
}

fn provider(docker: &Docker, pairs: &mut Pairs) {
    pairs.push((format!("providers.{}", docker.name), true.to_string()));
    let mut say = |key: &str, value: String| {
        pairs.push((format!("providers.{}.{key}", docker.name), value));
    };
    say("endpoint", docker.endpoint.clone());
    if let Some(tls) = &docker.tls {
        for (key, value) in [("ca", &tls.ca), ("cert", &tls.cert), ("key", &tls.key)] {
            say(&format!("tls.{key}"), value.clone().unwrap_or_default());
        }
        say("tls.insecureSkipVerify", tls.insecure_skip_verify.to_string());
    }
    if let Some((name, password)) = &docker.login {
        say("username", name.clone());
        say("password", password.clone());
    }
    if docker.name == "docker" {
        say("swarmMode", docker.swarm.to_string());
    }
    say("watch", docker.watch.to_string());
    say("exposedByDefault", docker.exposed_by_default.to_string());
    say("network", docker.network.clone());
    if docker.dialect == Dialect::V1 {
        say("domain", docker.domain.clone());
    } else {
        say("defaultRule", docker.default_rule.clone());
    }
    say("constraints", docker.constraints.join(","));
    say("refreshSeconds", time(docker.refresh));
}

fn entry_point(entry_point: &EntryPoint, pairs: &mut Pairs) {
    let mut say = |key: &str, value: String| {
        pairs.push((format!("entryPoints.{}.{key}", entry_point.name), value));
    };
    say("address", entry_point.address.to_string());
    let mut trust = |key: &str, trust: &Trust| {
        let networks = trust.networks.iter();
        let networks: Vec<String> =
            networks.map(|net| format!("{}/{}", net.address, net.prefix)).collect();
        say(&format!("{key}.insecure"), trust.insecure.to_string());
        say(&format!("{key}.trustedIPs"), networks.join(","));
    };
    trust("forwardedHeaders", &entry_point.trust);
    if let Some(peers) = &entry_point.proxy_protocol {
        trust("proxyProtocol", peers);
    }
    say("transport.respondingTimeouts.readTimeout", time(entry_point.read_timeout));
    say("transport.respondingTimeouts.writeTimeout", time(entry_point.write_timeout));
    say("transport.respondingTimeouts.idleTimeout", time(entry_point.idle_timeout));
    say("transport.keepAliveMaxTime", time(entry_point.keep_alive_time));
    say("transport.keepAliveMaxRequests", entry_point.keep_alive_requests.to_string());
    say("http.maxHeaderBytes", entry_point.heads.bytes.to_string());
}

fn own(statics: &Static, pairs: &mut Pairs) {
    let mut say = |key: &str, value: String| pairs.push((format!("ringress.{key}"), value));
    let limits = &statics.limits;
    let driver = match statics.driver {
        DriverChoice::Auto => "auto",
        DriverChoice::IoUring => "io_uring",
        DriverChoice::Epoll => "epoll",
    };
    say("driver", driver.to_owned());
    say("workers", statics.workers.map_or("one per CPU".to_owned(), |count| count.to_string()));
    say("headTimeout", time(limits.head_timeout));
    say("progressTimeout", time(limits.progress_timeout));
    say("tunnelTimeout", time(limits.tunnel_timeout));
    say("maxHeaderBytes", limits.response_heads.bytes.to_string());
    say("maxHeaderFields", limits.response_heads.fields.to_string());
    say("maxTargetBytes", limits.response_heads.target.to_string());
    let memory = limits.buffer_memory;
    say("bufferMemory", memory.map_or("half of what there is".to_owned(), |n| n.to_string()));
    for entry_point in &statics.entry_points {
        if let Some(most) = entry_point.max_connections {
            say(&format!("entryPoints.{}.maxConnections", entry_point.name), most.to_string());
        }
    }
    if let Some(path) = &statics.handover {
        say("handover", path.display().to_string());
    }
}

fn time(duration: Duration) -> String {
    Span::from(duration).to_string()
}

fn bound(most: Option<usize>) -> String {
    most.map_or("-1".to_owned(), |most| most.to_string())
}

#[cfg(test)]
mod tests {
    use crate::config::explained;

    fn source_of(line: &str, env: &[(&str, &str)], key: &str) -> (String, String) {
        let args: Vec<String> = line.split(' ').map(|arg| arg.replace('_', " ")).collect();
        let env: Vec<(String, String)> =
            env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let lines = explained(&args, &env).1;
        let found = lines.into_iter().find(|line| line.key == key);
        let found = found.unwrap_or_else(|| panic!("{key} of {line}"));
        (found.value, found.source)
    }

    #[test]
    fn every_value_has_its_source() {
        let first = "--docker --docker.swarmmode --web -l DEBUG --docker.domain=x.org \
                     --entryPoints=Name:http_Address::81";
        let first = first.replace("                     ", "");
        for (key, value, source) in [
            ("providers.docker.swarmMode", "true", "--docker.swarmmode"),
            ("providers.docker.domain", "x.org", "--docker.domain"),
            ("providers.docker.watch", "true", "default"),
            ("log.level", "DEBUG", "-l"),
            ("ping", "true", "--web"),
            ("entryPoints.http.address", "[::]:81", "--entryPoints Name:http Address"),
            ("entryPoints.http.forwardedHeaders.insecure", "true", "default"),
            ("lifeCycle.graceTimeOut", "10s", "default"),
        ] {
            assert_eq!(source_of(&first, &[], key), (value.into(), source.into()), "{key}");
        }
        let variable = [("TRAEFIK_PROVIDERS_SWARM_ENDPOINT", "tcp://me:pw@h:2375")];
        assert_eq!(
            source_of("", &variable, "providers.swarm.endpoint"),
            ("tcp://h:2375".into(), "TRAEFIK_PROVIDERS_SWARM_ENDPOINT".into())
        );
        let http = "--providers.http.endpoint=http://h/ --providers.http.headers.X-Key=secret";
        assert_eq!(
            source_of(http, &[], "providers.http.headers.X-Key"),
            ("(hidden)".into(), "--providers.http.headers.X-Key".into())
        );
    }
}
