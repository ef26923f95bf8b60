//! The labels of Traefik 2 and 3: `traefik.http.routers.X.…`, `traefik.http.services.X.…`.
//!
//! Names of labels are read in any case, names that the user chose keep theirs. A bad value costs
//! the workload its place, as Traefik's decoder has it.

use std::collections::BTreeMap;

use crate::config::value::{self, Wrong};
use crate::model::cookie::cookie_name;
use crate::model::{CookieForm, Dialect, Router, Scheme, Service, Severity, Sticky};

use super::names::{default_rule, normalize};
use super::raw::{self, Effect, Given, Row, Slot, Voice};
use super::routers::{self, Wanted};
use super::servers::{Reach, servers};
use super::{World, checks};
use crate::discovery::workload::Workload;

const LEFT_OUT: &str = "the service is left out";

#[derive(Default)]
struct Raw {
    docker_network: Option<Given>,
    swarm_network: Option<Given>,
    docker_virtual: Option<Given>,
    swarm_virtual: Option<Given>,
    routers: BTreeMap<String, RawRouter>,
    services: BTreeMap<String, RawService>,
}

#[derive(Default)]
struct RawRouter {
    rule: Option<Given>,
    syntax: Option<Given>,
    priority: Option<Given>,
    entry_points: Option<Given>,
    service: Option<Given>,
    blocked: Option<Given>,
}

#[derive(Default)]
struct RawService {
    /// `loadbalancer=true` alone: names the service and says nothing more.
    bare: Option<Given>,
    port: Option<Given>,
    scheme: Option<Given>,
    weight: Option<Given>,
    pass_host: Option<Given>,
    sticky: Option<Given>,
    cookie: Option<Given>,
    cookie_name: Option<Given>,
    secure: Option<Given>,
    http_only: Option<Given>,
    same_site: Option<Given>,
    max_age: Option<Given>,
    path: Option<Given>,
    domain: Option<Given>,
}

impl Raw {
    fn router(&mut self, name: &str) -> &mut RawRouter {
        self.routers.entry(name.to_owned()).or_default()
    }

    fn service(&mut self, name: &str) -> &mut RawService {
        self.services.entry(name.to_owned()).or_default()
    }
}

const fn take(name: &'static str, slot: Slot<Raw>) -> Row<Raw> {
    Row { name, effect: Effect::Take(slot) }
}

const fn not_yet(name: &'static str) -> Row<Raw> {
    Row { name, effect: Effect::NotYet }
}

const fn blocks(name: &'static str) -> Row<Raw> {
    Row { name, effect: Effect::Blocks(|r, n| &mut r.router(n).blocked) }
}

#[rustfmt::skip]
static ROWS: &[Row<Raw>] = &[
    Row { name: "enable", effect: Effect::Ignored },
    take("docker.network", |r, _| &mut r.docker_network),
    take("swarm.network", |r, _| &mut r.swarm_network),
    take("docker.lbswarm", |r, _| &mut r.docker_virtual),
    take("swarm.lbswarm", |r, _| &mut r.swarm_virtual),
    take("http.routers.*.rule", |r, n| &mut r.router(n).rule),
    take("http.routers.*.rulesyntax", |r, n| &mut r.router(n).syntax),
    take("http.routers.*.priority", |r, n| &mut r.router(n).priority),
    take("http.routers.*.entrypoints", |r, n| &mut r.router(n).entry_points),
    take("http.routers.*.service", |r, n| &mut r.router(n).service),
    blocks("http.routers.*.middlewares"), blocks("http.routers.*.tls"), blocks("http.routers.*.tls.**"),
    not_yet("http.routers.*.observability.**"),
    take("http.services.*.loadbalancer", |r, n| &mut r.service(n).bare),
    take("http.services.*.loadbalancer.server.port", |r, n| &mut r.service(n).port),
    take("http.services.*.loadbalancer.server.scheme", |r, n| &mut r.service(n).scheme),
    take("http.services.*.loadbalancer.server.weight", |r, n| &mut r.service(n).weight),
    take("http.services.*.loadbalancer.passhostheader", |r, n| &mut r.service(n).pass_host),
    take("http.services.*.loadbalancer.sticky", |r, n| &mut r.service(n).sticky),
    take("http.services.*.loadbalancer.sticky.cookie", |r, n| &mut r.service(n).cookie),
    take("http.services.*.loadbalancer.sticky.cookie.name", |r, n| &mut r.service(n).cookie_name),
    take("http.services.*.loadbalancer.sticky.cookie.secure", |r, n| &mut r.service(n).secure),
    take("http.services.*.loadbalancer.sticky.cookie.httponly", |r, n| &mut r.service(n).http_only),
    take("http.services.*.loadbalancer.sticky.cookie.samesite", |r, n| &mut r.service(n).same_site),
    take("http.services.*.loadbalancer.sticky.cookie.maxage", |r, n| &mut r.service(n).max_age),
    take("http.services.*.loadbalancer.sticky.cookie.path", |r, n| &mut r.service(n).path),
    take("http.services.*.loadbalancer.sticky.cookie.domain", |r, n| &mut r.service(n).domain),
    not_yet("http.services.*.loadbalancer.server.url"), not_yet("http.services.*.loadbalancer.server.preservepath"),
    not_yet("http.services.*.loadbalancer.strategy"), not_yet("http.services.*.loadbalancer.healthcheck.**"),
    not_yet("http.services.*.loadbalancer.passivehealthcheck.**"),
    not_yet("http.services.*.loadbalancer.responseforwarding.**"),
    not_yet("http.services.*.loadbalancer.serverstransport"),
    not_yet("http.middlewares.**"), not_yet("tcp.**"), not_yet("udp.**"), not_yet("tls.**"),
];

/// Adds the workload's routers and services to the world's catch; all of them or none.
pub(super) fn build(world: &mut World, workload: &Workload, dialect: Dialect, voice: &mut Voice) {
    let mut raw = Raw::default();
    let labels = workload.labels.iter().filter(|(label, _)| !checks::is_first(label));
    raw::read(ROWS, labels, true, &mut raw, voice);
    let heads: Vec<&str> = workload
        .labels
        .keys()
        .filter_map(|label| raw::below_traefik(label)?.split('.').next())
        .collect();
    let speaks = |family: &str| heads.iter().any(|head| head.eq_ignore_ascii_case(family));
    if (speaks("tcp") || speaks("udp")) && !speaks("http") {
        return;
    }
    let own = normalize(&workload.name);
    if raw.services.is_empty() {
        if world.settings.swarm {
            let example = format!("traefik.http.services.{own}.loadbalancer.server.port");
            checks::port_missing(workload, &example, voice);
            return;
        }
        raw.services.insert(own.clone(), RawService::default());
    }
    if raw.routers.is_empty() {
        if raw.services.len() > 1 {
            let problem =
                "has several services and no router, so none of them is reachable from here";
            voice.say(Severity::Warning, problem, "add a label traefik.http.routers.<name>.rule");
        } else {
            raw.routers.insert(own, RawRouter::default());
        }
    }
    let mut found = Vec::new();
    for (name, service) in &raw.services {
        match self::service(world, workload, dialect, name, service, &raw, voice) {
            Some(service) => found.push(service),
            None => return,
        }
    }
    let mut routers = Vec::new();
    for (name, router) in &raw.routers {
        match self::router(world, workload, dialect, name, router, &found, voice) {
            Ok(router) => routers.extend(router),
            Err(Rejected) => return,
        }
    }
    for service in found {
        world
            .catch
            .services
            .entry(service.name.clone())
            .or_default()
            .push((workload.name.clone(), service));
    }
    for router in routers {
        world
            .catch
            .routers
            .entry(router.name.clone())
            .or_default()
            .push((workload.name.clone(), router));
    }
}

/// A value was bad, and has been complained about.
struct Rejected;

fn router(
    world: &World,
    workload: &Workload,
    dialect: Dialect,
    name: &str,
    raw: &RawRouter,
    services: &[Service],
    voice: &mut Voice,
) -> Result<Option<Router>, Rejected> {
    let priority = read(&raw.priority, value::whole, voice)?;
    let service = match (&raw.service, services) {
        (Some(given), _) => world.qualified(given.value.trim()),
        (None, [only]) => only.name.clone(),
        (None, _) => {
            let problem =
                format!("the router {name} names none of the several services and is left out");
            let remedy = format!("add the label traefik.http.routers.{name}.service");
            voice.say(Severity::Error, problem, remedy);
            return Ok(None);
        }
    };
    let syntax = match raw.syntax.as_ref().map(|given| given.value.trim().to_ascii_lowercase()) {
        Some(text) if text == "v2" => Dialect::V2,
        Some(text) if text == "v3" => Dialect::V3,
        _ => dialect,
    };
    let rule = match &raw.rule {
        Some(given) => Ok(given.value.clone()),
        None => {
            let template = &world.settings.default_rule;
            default_rule(template, &workload.name).map_err(|wrong| (template.clone(), wrong))
        }
    };
    let wanted = Wanted {
        dialect: syntax,
        rule,
        rule_label: raw.rule.clone(),
        priority,
        entry_points: raw.entry_points.clone(),
        blocked: raw.blocked.clone(),
        service,
    };
    let mut router = routers::check(world, wanted, voice);
    router.dialect = dialect;
    router.name = world.qualified(name);
    Ok(Some(router))
}

fn service(
    world: &World,
    workload: &Workload,
    dialect: Dialect,
    name: &str,
    raw: &RawService,
    all: &Raw,
    voice: &mut Voice,
) -> Option<Service> {
    if raw.port.is_none() && world.settings.swarm {
        let problem = format!("the service {name} has no port, so the swarm service is left out");
        let remedy = format!("add the label traefik.http.services.{name}.loadbalancer.server.port");
        voice.say(Severity::Error, problem, remedy);
        return None;
    }
    let scheme = match &raw.scheme {
        Some(given) => checks::scheme(given, voice)?,
        None => Scheme::Http,
    };
    let network = all.swarm_network.as_ref().or(all.docker_network.as_ref());
    let balanced = all.swarm_virtual.as_ref().or(all.docker_virtual.as_ref()).cloned();
    let reach = Reach {
        network,
        virtual_address: read(&balanced, value::switch, voice).ok()?.unwrap_or(false),
        port: read(&raw.port, value::port, voice).ok()?,
        scheme,
        weight: read(&raw.weight, checks::weight, voice).ok()?.unwrap_or(1),
    };
    let qualified = world.qualified(name);
    let sticky = sticky(&qualified, dialect, raw, voice).ok()?;
    let pass_host_header = read(&raw.pass_host, value::switch, voice).ok()?.unwrap_or(true);
    Some(Service {
        servers: servers(world, workload, reach, voice),
        name: qualified,
        provider: world.settings.name.clone(),
        dialect,
        sticky,
        pass_host_header,
        ..Service::default()
    })
}

/// Either spelling turns it on, and so does any detail of the cookie.
fn sticky(
    service: &str,
    dialect: Dialect,
    raw: &RawService,
    voice: &mut Voice,
) -> Result<Option<Sticky>, Rejected> {
    let whole = read(&raw.sticky, value::switch, voice)?;
    let cookie = read(&raw.cookie, value::switch, voice)?;
    let details = [
        &raw.cookie_name,
        &raw.secure,
        &raw.http_only,
        &raw.same_site,
        &raw.max_age,
        &raw.path,
        &raw.domain,
    ];
    let on = cookie.or(whole).unwrap_or(details.iter().any(|given| given.is_some()));
    if !on {
        return Ok(None);
    }
    let name = raw.cookie_name.as_ref().map(|given| given.value.trim());
    let mut attribute =
        |given: &Option<Given>| given.as_ref().and_then(|given| checks::attribute(given, voice));
    let path = attribute(&raw.path).filter(|path| !path.is_empty());
    let domain = attribute(&raw.domain);
    Ok(Some(Sticky {
        cookie_name: cookie_name(name, service),
        form: if dialect == Dialect::V2 { CookieForm::Fnv1a } else { CookieForm::Sha256 },
        secure: read(&raw.secure, value::switch, voice)?.unwrap_or(false),
        http_only: read(&raw.http_only, value::switch, voice)?.unwrap_or(false),
        same_site: raw.same_site.as_ref().and_then(|given| checks::same_site(given, voice)),
        max_age: read(&raw.max_age, value::whole, voice)?.unwrap_or(0),
        path: path.unwrap_or_else(|| "/".to_owned()),
        domain: domain.unwrap_or_default(),
    }))
}

/// The value, if the label is there.
fn read<T>(
    given: &Option<Given>,
    reader: fn(&str) -> Result<T, Wrong>,
    voice: &mut Voice,
) -> Result<Option<T>, Rejected> {
    let Some(given) = given else { return Ok(None) };
    match reader(&given.value) {
        Ok(value) => Ok(Some(value)),
        Err(wrong) => {
            voice.reject(given, wrong, LEFT_OUT);
            Err(Rejected)
        }
    }
}
