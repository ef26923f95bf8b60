//! Routers, services, middlewares and entry points in the shapes of Traefik 3's API.

use serde_json::{Map, Value, json};

use crate::config::{EntryPoint, Static, Trust};
use crate::control::document::{same_site, state};
use crate::control::wording::entry_point_address;
use crate::model::cookie::cookie_name;
use crate::model::{
    Dialect, Group, GroupKind, HealthCheck, HealthMode, Middleware, Router, Service, Span, Sticky,
    Strategy,
};
use crate::table::BackendFigures;

/// As it stands in `/api/rawdata`: without its name.
pub fn router(router: &Router) -> Value {
    let mut view = Map::new();
    put(&mut view, "entryPoints", [&router.lost_entry_points[..], &router.entry_points].concat());
    put(&mut view, "middlewares", router.middlewares.clone());
    put(&mut view, "service", of_provider(&router.service, &router.provider));
    put(&mut view, "rule", router.rule_text.as_str());
    if let Some(syntax) = router.syntax {
        put(&mut view, "ruleSyntax", if syntax == Dialect::V2 { "v2" } else { "v3" });
    }
    if priority(router) != 0 {
        put(&mut view, "priority", priority(router));
    }
    if let Some(tls) = &router.tls {
        view.insert("tls".to_owned(), tls.clone());
    }
    if router.dialect == Dialect::V3 {
        let usual = json!({ "accessLogs": true, "metrics": true, "tracing": true,
            "traceVerbosity": "minimal" });
        view.insert("observability".to_owned(), usual);
    }
    standing(&mut view, router.disabled.as_deref());
    if router.disabled.is_none() && !router.lost_entry_points.is_empty() {
        let lost = router.lost_entry_points.iter();
        let lost = lost.map(|name| format!("the entry point {name} does not exist"));
        view.insert("error".to_owned(), lost.collect());
        view.insert("status".to_owned(), "warning".into());
    }
    let mut using = router.entry_points.clone();
    using.sort();
    put(&mut view, "using", using);
    view.into()
}

/// Traefik 2 shows what was written, Traefik 3 what is in force once somebody listens.
fn priority(router: &Router) -> i64 {
    let is_usual = router.priority == i64::try_from(router.rule_text.len()).unwrap_or(i64::MAX);
    let hidden = match router.dialect {
        Dialect::V2 => is_usual,
        Dialect::V1 | Dialect::V3 => router.entry_points.is_empty(),
    };
    if hidden { 0 } else { router.priority }
}

/// As it stands in a list: with its name, and its priority as a text, which loses no digits in
/// a browser.
pub fn listed_router(found: &Router) -> Value {
    let mut view = router(found);
    view["name"] = found.name.as_str().into();
    view["provider"] = found.provider.as_str().into();
    if found.dialect != Dialect::V2 {
        view["priorityStr"] = priority(found).to_string().into();
    }
    view
}

/// A service with its servers' standing.
pub fn service(service: &Service, figures: &[BackendFigures], used_by: &[&str]) -> Value {
    let servers: Vec<Value> = service
        .servers
        .iter()
        .map(|server| {
            let mut view = json!({ "url": server.written_url() });
            if server.weight != 1 {
                view["weight"] = server.weight.into();
            }
            if !server.path.is_empty() {
                view["preservePath"] = true.into();
            }
            view
        })
        .collect();
    // Up is what takes new clients; our own API tells the states apart.
    let status: Map<String, Value> = service
        .servers
        .iter()
        .zip(figures)
        .map(|(server, figures)| {
            let is_up = state(server, figures) == "serving";
            (server.written_url(), (if is_up { "UP" } else { "DOWN" }).into())
        })
        .collect();
    let mut balancer = Map::new();
    if let Some(sticky) = &service.sticky {
        balancer.insert("sticky".to_owned(), self::sticky(sticky, service.dialect, &service.name));
    }
    put(&mut balancer, "servers", servers);
    let is_later = service.dialect != Dialect::V2;
    if is_later {
        put(&mut balancer, "strategy", strategy(service.strategy));
    }
    if let Some(check) = &service.health_check {
        balancer.insert("healthCheck".to_owned(), health_check(check, is_later));
    }
    if let Some(check) = service.passive_health_check {
        let window = Span::from(check.failure_window).to_string();
        let view =
            json!({ "failureWindow": window, "maxFailedAttempts": check.max_failed_attempts });
        balancer.insert("passiveHealthCheck".to_owned(), view);
    }
    balancer.insert("passHostHeader".to_owned(), service.pass_host_header.into());
    let interval = Span::of_milliseconds(service.flush_interval).to_string();
    if is_later || service.flush_interval != Service::default().flush_interval {
        balancer.insert("responseForwarding".to_owned(), json!({ "flushInterval": interval }));
    }
    if let Some(transport) = &service.transport {
        put(&mut balancer, "serversTransport", of_provider(transport, &service.provider));
    }
    let mut view = Map::new();
    view.insert("loadBalancer".to_owned(), balancer.into());
    standing(&mut view, service.disabled.as_deref());
    put(&mut view, "usedBy", used_by.to_vec());
    if !status.is_empty() {
        view.insert("serverStatus".to_owned(), status.into());
    }
    view.into()
}

/// A service made of services.
pub fn group(group: &Group, used_by: &[&str]) -> Value {
    let short = |name: &str| of_provider(name, &group.provider).to_owned();
    let members = |members: &[crate::model::Member]| -> Vec<Value> {
        let views = members.iter();
        views.map(|m| json!({ "name": short(&m.service), "weight": m.weight })).collect()
    };
    let mut view = match &group.kind {
        GroupKind::Weighted { members: all, sticky } => {
            let mut view = json!({ "services": members(all) });
            if let Some(sticky) = sticky {
                view["sticky"] = self::sticky(sticky, group.dialect, &group.name);
            }
            view
        }
        GroupKind::HighestRandomWeight { members: all } => json!({ "services": members(all) }),
        GroupKind::Mirroring { service, mirrors, mirror_body, max_body_size } => {
            let mirrors: Vec<Value> = mirrors
                .iter()
                .map(|m| json!({ "name": short(&m.service), "percent": m.percent }))
                .collect();
            let mut view = json!({ "service": short(service), "maxBodySize": max_body_size,
                "mirrors": mirrors });
            if group.dialect != Dialect::V2 {
                view["mirrorBody"] = (*mirror_body).into();
            }
            view
        }
        GroupKind::Failover { service, fallback, statuses, max_request_body } => {
            let mut view = json!({ "service": short(service), "fallback": short(fallback) });
            if !statuses.is_empty() {
                let status: Vec<String> = statuses
                    .iter()
                    .map(|range| match (range.start(), range.end()) {
                        (from, to) if from == to => from.to_string(),
                        (from, to) => format!("{from}-{to}"),
                    })
                    .collect();
                view["errors"] =
                    json!({ "maxRequestBodyBytes": max_request_body, "status": status });
            }
            view
        }
    };
    if group.health_check {
        view["healthCheck"] = json!({});
    }
    let mut all = Map::new();
    all.insert(kind_of(group).to_owned(), view);
    standing(&mut all, group.disabled.as_deref());
    put(&mut all, "usedBy", used_by.to_vec());
    all.into()
}

/// As Traefik spells it.
pub fn kind_of(group: &Group) -> &'static str {
    match group.kind {
        GroupKind::Weighted { .. } => "weighted",
        GroupKind::HighestRandomWeight { .. } => "highestRandomWeight",
        GroupKind::Mirroring { .. } => "mirroring",
        GroupKind::Failover { .. } => "failover",
    }
}

/// As it stands in `/api/rawdata`. Secrets are not shown: the API may be open to more people than
/// the configuration is.
pub fn middleware(middleware: &Middleware, used_by: &[&str]) -> Value {
    let mut view = Map::new();
    if !middleware.kind.is_empty() {
        let mut options = middleware.options.clone();
        hide(&mut options);
        view.insert(middleware.kind.clone(), options);
    }
    standing(&mut view, middleware.disabled.as_deref());
    put(&mut view, "usedBy", used_by.to_vec());
    view.into()
}

/// Puts dots for what nobody needs to read, in Traefik's own way.
fn hide(options: &mut Value) {
    for secret in ["users", "password", "key"] {
        let Some(value) = options.get_mut(secret) else { continue };
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| *one = "xxxx".into()),
            other => *other = "xxxx".into(),
        }
    }
    if let Value::Object(fields) = options {
        fields.values_mut().filter(|value| value.is_object()).for_each(hide);
    }
}

pub fn entry_point(statics: &Static, entry_point: &EntryPoint) -> Value {
    let mut view = json!({
        "name": entry_point.name,
        "address": entry_point_address(entry_point.address),
        "transport": {
            "lifeCycle": { "graceTimeOut": Span::from(statics.life.grace).to_string() },
            "respondingTimeouts": {
                "readTimeout": Span::from(entry_point.read_timeout).to_string(),
                "idleTimeout": Span::from(entry_point.idle_timeout).to_string(),
            },
        },
        "forwardedHeaders": trust(&entry_point.trust),
        "http": { "sanitizePath": true, "maxHeaderBytes": entry_point.heads.bytes },
    });
    if let Some(peers) = &entry_point.proxy_protocol {
        view["proxyProtocol"] = trust(peers);
    }
    view
}

fn trust(trust: &Trust) -> Value {
    let mut view = Map::new();
    if trust.insecure {
        view.insert("insecure".to_owned(), true.into());
    }
    let networks = trust.networks.iter();
    let networks: Vec<String> =
        networks.map(|net| format!("{}/{}", net.address, net.prefix)).collect();
    put(&mut view, "trustedIPs", networks);
    view.into()
}

/// Traefik 2 shows what was written, Traefik 3 what that comes to.
fn sticky(sticky: &Sticky, dialect: Dialect, of: &str) -> Value {
    let mut cookie = Map::new();
    let is_second = dialect == Dialect::V2;
    if !is_second || sticky.cookie_name != cookie_name(None, of) {
        put(&mut cookie, "name", sticky.cookie_name.as_str());
    }
    for (name, said) in [("secure", sticky.secure), ("httpOnly", sticky.http_only)] {
        if said {
            cookie.insert(name.to_owned(), true.into());
        }
    }
    if let Some(attribute) = sticky.same_site {
        put(&mut cookie, "sameSite", same_site(attribute));
    }
    if sticky.max_age != 0 {
        cookie.insert("maxAge".to_owned(), sticky.max_age.into());
    }
    if !is_second || sticky.path != "/" {
        put(&mut cookie, "path", sticky.path.as_str());
    }
    put(&mut cookie, "domain", sticky.domain.as_str());
    json!({ "cookie": cookie })
}

fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::RoundRobin => "wrr",
        Strategy::PowerOfTwo => "p2c",
        Strategy::HighestRandomWeight => "hrw",
        Strategy::LeastTime => "leasttime",
    }
}

/// Traefik 2 knows no other mode than HTTP.
fn health_check(check: &HealthCheck, has_mode: bool) -> Value {
    let mut view = Map::new();
    put(&mut view, "scheme", check.scheme.map(|scheme| scheme.to_string()).unwrap_or_default());
    if has_mode {
        put(&mut view, "mode", if check.mode == HealthMode::Grpc { "grpc" } else { "http" });
    }
    put(&mut view, "path", check.path.as_str());
    put(&mut view, "method", if check.method == "GET" { "" } else { &check.method });
    for (name, number) in [("status", check.status), ("port", check.port)] {
        if let Some(number) = number {
            view.insert(name.to_owned(), number.into());
        }
    }
    put(&mut view, "interval", Span::from(check.interval).to_string());
    if check.unhealthy_interval != check.interval {
        put(&mut view, "unhealthyInterval", Span::from(check.unhealthy_interval).to_string());
    }
    put(&mut view, "timeout", Span::from(check.timeout).to_string());
    put(&mut view, "hostname", check.hostname.as_str());
    view.insert("followRedirects".to_owned(), check.follow_redirects.into());
    if !check.headers.is_empty() {
        view.insert("headers".to_owned(), json!(check.headers));
    }
    view.into()
}

/// A name as it is written within its own provider.
fn of_provider<'a>(name: &'a str, provider: &str) -> &'a str {
    match name.rsplit_once('@') {
        Some((short, own)) if own == provider => short,
        _ => name,
    }
}

fn standing(view: &mut Map<String, Value>, disabled: Option<&str>) {
    if let Some(reason) = disabled {
        view.insert("error".to_owned(), json!([reason]));
    }
    put(view, "status", if disabled.is_some() { "disabled" } else { "enabled" });
}

/// Puts what is not empty, as Go's `omitempty` has it.
fn put(view: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_empty = match &value {
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    };
    if !is_empty {
        view.insert(name.to_owned(), value);
    }
}
