//! Traefik 1's frontends and backends: what files say of them, and what labels say alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dynamic::decode::{Flaw, below};
use crate::dynamic::first::{Asked, Backend, Frontend, HealthCheck, LoadBalancer, Stickiness};
use crate::dynamic::{Configuration, http};
use crate::model::cookie::cookie_name;
use crate::model::{self, CookieForm, Dialect, Model, Router, Service, Severity, Span, Sticky};

use super::router::{Wanted, router};
use super::service::{Names, broken, servers_of_file};
use super::voice::{Given, Voice};
use super::{Origin, health, values};

/// The cookie of the deprecated `sticky`, whose name is fixed.
const OLD_COOKIE: &str = "_TRAEFIK_BACKEND";

/// Adds the frontends and backends of a file. Their names are theirs alone, without a provider.
pub fn first(
    origin: &Origin,
    wanted: &Configuration,
    names: &Names,
    model: &mut Model,
    voice: &mut Voice,
) {
    let origin = Origin { dialect: Dialect::V1, ..*origin };
    let mut limits = Vec::new();
    for (name, wanted) in &wanted.backends {
        let place = format!("backends.{name}");
        let service = match wanted {
            Ok(wanted) => {
                if let Some(limit) = unmet(&place, &limits_of(wanted)) {
                    limits.push((name, limit));
                }
                backend(&origin, name, &place, wanted, names, voice)
            }
            Err(flaw) => refused(&origin, name, flaw, voice),
        };
        model.services.insert(name.clone(), service.into());
    }
    for (name, wanted) in &wanted.frontends {
        let place = format!("frontends.{name}");
        let router = match wanted {
            Ok(wanted) => {
                let limit = limits.iter().find(|(backend, _)| **backend == wanted.backend);
                let limit = limit.map(|(_, limit)| limit.clone());
                frontend(&origin, name, &place, wanted, limit, voice)
            }
            Err(flaw) => {
                voice.flaw(flaw, "its frontend is disabled");
                Router {
                    name: name.clone(),
                    ..super::broken_router(&origin, name, flaw.to_string(), voice)
                }
            }
        };
        model.routers.insert(name.clone(), router.into());
    }
    pass_host_headers(wanted, model, voice);
}

/// Traefik 1 asks frontends whether the client's `Host` is passed on, here services are asked.
fn pass_host_headers(wanted: &Configuration, model: &mut Model, voice: &mut Voice) {
    let mut known: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for (name, wanted) in &wanted.frontends {
        let Ok(wanted) = wanted else { continue };
        let backend = wanted.backend.trim();
        let Some(service) = model.services.get_mut(backend) else { continue };
        let (first, holds) = *known.entry(backend).or_insert((name, wanted.pass_host_header));
        Arc::make_mut(service).pass_host_header = holds;
        if wanted.pass_host_header != holds {
            let label = format!("frontends.{name}.passHostHeader");
            let given = Given { label, value: wanted.pass_host_header.to_string() };
            let problem =
                format!("differs from what {first} says of the same backend, which holds");
            let remedy = "give each its own backend, or both the same";
            voice.say_of(Severity::Warning, &given, problem, remedy);
        }
    }
}

fn refused(origin: &Origin, name: &str, flaw: &Flaw, voice: &mut Voice) -> Service {
    voice.flaw(flaw, "the backend is left out");
    broken(origin, name, flaw.to_string())
}

/// What is asked for in the way of limits, by its name.
fn limits_of(backend: &Backend) -> [(&'static str, Asked); 3] {
    [
        ("circuitBreaker", backend.circuit_breaker),
        ("maxConn", backend.max_conn),
        ("buffering", backend.buffering),
    ]
}

/// The first of those that are asked for and not done yet.
fn unmet(place: &str, all: &[(&str, Asked)]) -> Option<Given> {
    let (field, _) = all.iter().find(|(_, Asked(asked))| *asked)?;
    Some(Given { label: below(place, field), value: String::new() })
}

fn frontend(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &Frontend,
    limit: Option<Given>,
    voice: &mut Voice,
) -> Router {
    let given =
        |field: &str, value: &str| Given { label: below(place, field), value: value.to_owned() };
    let rules: Vec<&str> = wanted.routes.values().map(|route| route.rule.trim()).collect();
    let rule = rules.join(";");
    if rule.trim_matches(';').is_empty() || wanted.backend.trim().is_empty() {
        let (field, remedy) = match wanted.backend.trim() {
            "" => ("backend", "name a backend"),
            _ => ("routes", "add routes.one.rule with something like Host:app.example.com"),
        };
        let problem = "is missing, so its frontend is disabled";
        voice.say_of(Severity::Error, &given(field, ""), problem, remedy);
        let why = format!("it has no {field}");
        return Router { name: name.to_owned(), ..super::broken_router(origin, name, why, voice) };
    }
    let blocked = unmet(
        place,
        &[
            ("auth", wanted.auth),
            ("basicAuth", wanted.basic_auth),
            ("whiteList", wanted.white_list),
            ("whitelistSourceRange", wanted.whitelist_source_range),
            ("redirect", wanted.redirect),
            ("headers", wanted.headers),
            ("errors", wanted.errors),
            ("rateLimit", wanted.rate_limit),
            ("passTLSCert", wanted.pass_tls_cert),
            ("passTLSClientCert", wanted.pass_tls_client_cert),
        ],
    );
    let wanted = Wanted {
        dialect: Dialect::V1,
        rule: Ok(rule),
        rule_given: given("routes", ""),
        priority: Some(wanted.priority),
        entry_points: given("entryPoints", &wanted.entry_points.join(",")),
        blocked: blocked.or(limit).map(|given| (given.clone(), given.label)),
        service: wanted.backend.trim().to_owned(),
    };
    Router { name: name.to_owned(), ..router(origin, wanted, voice) }
}

fn backend(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &Backend,
    names: &Names,
    voice: &mut Voice,
) -> Service {
    let servers: Vec<_> = wanted
        .servers
        .iter()
        .map(|(server, wanted)| {
            // Traefik 1 takes a weight that is missing, and 0 with it, for 1.
            let weight = Some(wanted.weight).filter(|weight| *weight != 0);
            let server_of = http::Server { url: wanted.url.clone(), weight, ..Default::default() };
            (below(&below(place, "servers"), server), server_of)
        })
        .collect();
    let balancer = wanted.load_balancer.clone().unwrap_or_default();
    let at = below(place, "loadBalancer");
    method(&Given { label: below(&at, "method"), value: balancer.method.clone() }, voice);
    let health_check = wanted.health_check.as_ref().and_then(|check| {
        let usual = origin.statics.health_check_interval.into();
        self::health_check(&below(place, "healthCheck"), check, usual, voice)
    });
    Service {
        name: name.to_owned(),
        provider: origin.provider.to_owned(),
        dialect: Dialect::V1,
        servers: servers_of_file(servers.iter().map(|(at, s)| (at.clone(), s)), names, voice),
        sticky: sticky(name, &at, &balancer, voice),
        health_check,
        ..Service::default()
    }
}

/// Whether the method is one; all of them are taken for `wrr`.
pub fn method(given: &Given, voice: &mut Voice) {
    match given.value.trim().to_ascii_lowercase().as_str() {
        "wrr" | "" => {}
        "drr" => {
            let problem = "is not supported yet and treated as wrr";
            voice.say_of(Severity::Warning, given, problem, "");
        }
        _ => {
            let problem = "is not a method and treated as wrr";
            voice.say_of(Severity::Warning, given, problem, "use wrr");
        }
    }
}

/// `stickiness` goes before the deprecated `sticky`.
pub fn sticky(
    service: &str,
    place: &str,
    wanted: &LoadBalancer,
    voice: &mut Voice,
) -> Option<Sticky> {
    let mut cookie = Sticky {
        cookie_name: OLD_COOKIE.to_owned(),
        form: CookieForm::Url,
        secure: false,
        http_only: false,
        same_site: None,
        max_age: 0,
        path: "/".to_owned(),
        domain: String::new(),
    };
    if let Some(Stickiness { cookie_name: name, secure, http_only, same_site }) = &wanted.stickiness
    {
        let label = below(&below(place, "stickiness"), "sameSite");
        cookie.cookie_name = cookie_name(Some(name.trim()), service);
        cookie.secure = *secure;
        cookie.http_only = *http_only;
        cookie.same_site = values::same_site(&Given { label, value: same_site.clone() }, voice);
        return Some(cookie);
    }
    wanted.sticky.then_some(cookie)
}

/// The check; none without a path, as in Traefik. `usual` is the static interval.
pub fn health_check(
    place: &str,
    wanted: &HealthCheck,
    usual: Span,
    voice: &mut Voice,
) -> Option<model::HealthCheck> {
    if wanted.path.trim().is_empty() {
        return None;
    }
    let check = http::HealthCheck {
        path: wanted.path.trim().to_owned(),
        scheme: wanted.scheme.clone(),
        port: wanted.port,
        interval: Some(wanted.interval.unwrap_or(usual)),
        timeout: wanted.timeout.or_else(|| http::HealthCheck::default().timeout),
        hostname: wanted.hostname.clone(),
        headers: wanted.headers.clone(),
        ..http::HealthCheck::default()
    };
    health::active(place, &check, voice)
}
