//! Traefik 1's labels: `traefik.port`, `traefik.frontend.rule`, `traefik.backend.…`.
//!
//! One frontend and one backend per workload; workloads that name the same backend share it.
//! Names of labels are case-sensitive. A bad switch or number falls back to its default with a
//! complaint, as in Traefik; a bad port or protocol costs the service its place.

mod health;

use crate::config::value::{self, Wrong};
use crate::dynamic::first::{LoadBalancer, Stickiness};
use crate::model::{Dialect, Scheme, Service, Severity, Sticky};

use super::names::{default_rule_of_first, normalize};
use super::raw::{self, Effect, Row, Slot};
use super::servers::{Reach, servers};
use super::{World, port_missing};
use crate::discovery::check::{self, Given, Voice, Wanted, first};
use crate::discovery::workload::Workload;

#[derive(Default)]
struct Raw {
    port: Option<Given>,
    protocol: Option<Given>,
    weight: Option<Given>,
    domain: Option<Given>,
    network: Option<Given>,
    backend: Option<Given>,
    method: Option<Given>,
    swarm: Option<Given>,
    sticky: Option<Given>,
    stickiness: Option<Given>,
    cookie_name: Option<Given>,
    secure: Option<Given>,
    http_only: Option<Given>,
    same_site: Option<Given>,
    health: health::Raw,
    rule: Option<Given>,
    priority: Option<Given>,
    entry_points: Option<Given>,
    pass_host: Option<Given>,
    blocked: Option<Given>,
}

const fn take(name: &'static str, slot: Slot<Raw>) -> Row<Raw> {
    Row { name, effect: Effect::Take(slot) }
}

const fn ignored(name: &'static str) -> Row<Raw> {
    Row { name, effect: Effect::Ignored }
}

const fn blocks(name: &'static str) -> Row<Raw> {
    Row { name, effect: Effect::Blocks(|r| &mut r.blocked) }
}

#[rustfmt::skip]
static ROWS: &[Row<Raw>] = &[
    ignored("enable"),
    take("port", |r| &mut r.port),
    take("protocol", |r| &mut r.protocol),
    take("weight", |r| &mut r.weight),
    take("domain", |r| &mut r.domain),
    take("docker.network", |r| &mut r.network),
    take("backend", |r| &mut r.backend),
    take("backend.loadbalancer.method", |r| &mut r.method),
    take("backend.loadbalancer.swarm", |r| &mut r.swarm),
    take("backend.loadbalancer.sticky", |r| &mut r.sticky),
    take("backend.loadbalancer.stickiness", |r| &mut r.stickiness),
    take("backend.loadbalancer.stickiness.cookieName", |r| &mut r.cookie_name),
    take("backend.loadbalancer.stickiness.secure", |r| &mut r.secure),
    take("backend.loadbalancer.stickiness.httpOnly", |r| &mut r.http_only),
    take("backend.loadbalancer.stickiness.sameSite", |r| &mut r.same_site),
    take("backend.healthcheck.path", |r| &mut r.health.path),
    take("backend.healthcheck.scheme", |r| &mut r.health.scheme),
    take("backend.healthcheck.port", |r| &mut r.health.port),
    take("backend.healthcheck.interval", |r| &mut r.health.interval),
    take("backend.healthcheck.timeout", |r| &mut r.health.timeout),
    take("backend.healthcheck.hostname", |r| &mut r.health.hostname),
    take("backend.healthcheck.headers", |r| &mut r.health.headers),
    take("frontend.rule", |r| &mut r.rule),
    take("frontend.priority", |r| &mut r.priority),
    take("frontend.entryPoints", |r| &mut r.entry_points),
    take("frontend.passHostHeader", |r| &mut r.pass_host),
    // What decides who may come in, or what the client gets instead of the backend's answer.
    blocks("frontend.auth.**"), blocks("frontend.whiteList.**"), blocks("frontend.whitelistSourceRange"),
    blocks("frontend.redirect.**"), blocks("frontend.headers.**"), blocks("frontend.rateLimit.**"),
    blocks("frontend.errors.**"), blocks("frontend.passTLSClientCert.**"), blocks("frontend.passTLSCert"),
    ignored("tags"),
    // What arrives is passed on at once.
    ignored("backend.responseForwarding.flushInterval"),
    blocks("backend.circuitbreaker.**"), blocks("backend.maxconn.**"), blocks("backend.buffering.**"),
];

/// Adds the workload's frontends and backends to the world's catch: one of each, or one for each
/// segment.
pub(super) fn build(world: &mut World, workload: &Workload, voice: &mut Voice) {
    let labels = workload.labels.iter().filter(|(label, _)| !check::is_later(label));
    // Replicas of a compose service are workloads of one name: one frontend for all of them.
    let fronted = !world.catch.fronted.insert(workload.name.clone());
    for (segment, labels) in raw::segments(labels) {
        let mut raw = Raw::default();
        raw::read(ROWS, &labels, &mut raw, voice);
        let part = Part { workload, segment: segment.as_deref(), fronted };
        part.build(world, &raw, voice);
    }
}

/// What one frontend and one backend are made of.
struct Part<'a> {
    workload: &'a Workload,
    segment: Option<&'a str>,
    /// There is a frontend of it already.
    fronted: bool,
}

impl Part<'_> {
    /// As Traefik names backends: after the label, or after the workload; of a segment after both.
    fn backend(&self, raw: &Raw) -> String {
        let named = raw.backend.as_ref().map(|given| normalize(&given.value));
        let named = named.filter(|name| !name.is_empty());
        let own = normalize(&self.workload.name);
        match (self.segment, named) {
            (None, None) => format!("backend-{own}"),
            (None, Some(named)) => format!("backend-{named}"),
            (Some(segment), named) => {
                format!("backend-{own}-{}", named.unwrap_or_else(|| normalize(segment)))
            }
        }
    }

    fn build(&self, world: &mut World, raw: &Raw, voice: &mut Voice) {
        let Part { workload, segment, fronted } = *self;
        let Some(service) = service(world, workload, self.backend(raw), raw, voice) else {
            return;
        };
        let domain =
            raw.domain.as_ref().map_or(world.settings.domain.as_str(), |given| &given.value);
        let rule = match &raw.rule {
            Some(given) => Some(given.value.clone()),
            None => default_rule_of_first(&workload.name, domain.trim_start_matches('.')),
        };
        let Some(rule) = rule else {
            let problem = "has neither a rule nor a domain to make one from, and is left out";
            voice.say(Severity::Error, problem, "add the label traefik.frontend.rule");
            return;
        };
        let wanted = Wanted {
            dialect: Dialect::V1,
            rule: Ok(rule),
            rule_given: raw.rule.clone().unwrap_or_default(),
            priority: raw
                .priority
                .as_ref()
                .and_then(|given| fall_back(value::whole(&given.value), given, "0", voice)),
            entry_points: raw.entry_points.clone().unwrap_or_default(),
            blocked: raw.blocked.clone().map(|given| (given.clone(), given.label)),
            service: service.name.clone(),
        };
        if !fronted {
            let mut router = check::router(&world.origin(Dialect::V1), wanted, voice);
            if let Some(segment) = segment {
                let backend = service.name.trim_start_matches("backend-");
                router.name = format!("frontend-{}", normalize(&format!("{segment}-{backend}")));
            }
            world.catch.frontend(router);
        }
        world.catch.backend(service, voice);
    }
}

fn service(
    world: &World,
    workload: &Workload,
    name: String,
    raw: &Raw,
    voice: &mut Voice,
) -> Option<Service> {
    let port = match &raw.port {
        Some(given) => match value::port(&given.value) {
            Ok(port) => Some(port),
            Err(wrong) => {
                voice.reject(given, wrong, "the service is left out");
                return None;
            }
        },
        None if world.settings.swarm => {
            port_missing(workload, "traefik.port", voice);
            return None;
        }
        None => None,
    };
    let scheme = match &raw.protocol {
        Some(given) => check::scheme(given, voice)?,
        None => Scheme::Http,
    };
    if let Some(given) = &raw.method {
        first::method(given, voice);
    }
    let weight = raw
        .weight
        .as_ref()
        .and_then(|given| fall_back(check::weight(&given.value), given, "1", voice));
    let reach = Reach {
        network: raw.network.as_ref(),
        virtual_address: switch(&raw.swarm, false, voice),
        port,
        scheme,
        weight: weight.unwrap_or(1),
    };
    Some(Service {
        servers: servers(world, workload, reach, voice),
        sticky: sticky(&name, raw, voice),
        name,
        provider: world.settings.name.clone(),
        dialect: Dialect::V1,
        health_check: health::check(&raw.health, world.statics.health_check_interval.into(), voice),
        pass_host_header: switch(&raw.pass_host, true, voice),
        ..Service::default()
    })
}

/// The details of `stickiness` mean nothing without it.
fn sticky(service: &str, raw: &Raw, voice: &mut Voice) -> Option<Sticky> {
    let text = |given: &Option<Given>| given.as_ref().map_or(String::new(), |g| g.value.clone());
    let stickiness = switch(&raw.stickiness, false, voice).then(|| Stickiness {
        cookie_name: text(&raw.cookie_name),
        secure: switch(&raw.secure, false, voice),
        http_only: switch(&raw.http_only, false, voice),
        same_site: text(&raw.same_site),
    });
    let sticky = switch(&raw.sticky, false, voice);
    let wanted = LoadBalancer { stickiness, sticky, ..LoadBalancer::default() };
    first::sticky(service, "traefik.backend.loadbalancer", &wanted, voice)
}

fn switch(given: &Option<Given>, default: bool, voice: &mut Voice) -> bool {
    let Some(given) = given else { return default };
    fall_back(value::switch(&given.value), given, &default.to_string(), voice).unwrap_or(default)
}

/// A bad value costs only itself.
fn fall_back<T>(
    read: Result<T, Wrong>,
    given: &Given,
    default: &str,
    voice: &mut Voice,
) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(wrong) => {
            voice.reject(given, wrong, &format!("the default {default} holds"));
            None
        }
    }
}
