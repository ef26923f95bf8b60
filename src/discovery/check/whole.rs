//! A whole configuration that is written out, as in a file or an answer of HTTP.

use std::collections::BTreeSet;

use crate::dynamic::decode::below;
use crate::dynamic::{Configuration, Named};
use crate::model::{Model, Severity};

use super::first::first;
use super::service::{Kind, Names, broken, host_name, service_kind};
use super::transport::transports;
use super::voice::{Given, Voice};
use super::{Origin, broken_router, middleware, router_of};

/// Host names among the URLs of servers, which have to be looked up before [`whole`].
pub fn host_names(wanted: &Configuration) -> BTreeSet<String> {
    let services = wanted.services.values().flatten();
    let servers =
        services.flat_map(|service| service.load_balancer.iter().flat_map(|b| &b.servers));
    let later = servers.filter_map(|server| host_name(&server.url));
    let backends = wanted.backends.values().flatten();
    let first = backends.flat_map(|backend| backend.servers.values());
    later.chain(first.filter_map(|server| host_name(&server.url))).collect()
}

/// The model of it, not yet linked.
pub fn whole(origin: &Origin, wanted: &Configuration, names: &Names, voice: &mut Voice) -> Model {
    let mut model = Model::default();
    for unknown in &wanted.unknown {
        voice.unknown(unknown, "setting");
    }
    for (name, wanted) in &wanted.services {
        let (qualified, place) = (origin.qualified(name), format!("http.services.{name}"));
        let kind = match wanted {
            Ok(wanted) => service_kind(origin, &qualified, &place, wanted, names, voice),
            Err(flaw) => {
                voice.flaw(flaw, "the service is left out");
                Kind::Service(Box::new(broken(origin, &qualified, flaw.to_string())))
            }
        };
        match kind {
            Kind::Service(service) => drop(model.services.insert(qualified, service.into())),
            Kind::Group(group) => drop(model.groups.insert(qualified, group.into())),
        }
    }
    for (name, wanted) in &wanted.middlewares {
        let (qualified, place) = (origin.qualified(name), format!("http.middlewares.{name}"));
        let found = middleware(origin, &qualified, &place, wanted, voice);
        model.middlewares.insert(qualified, found.into());
    }
    model.transports = transports(origin, &wanted.servers_transports, voice);
    routers(origin, wanted, &mut model, voice);
    first(origin, wanted, names, &mut model, voice);
    not_served_yet(wanted, voice);
    model
}

fn routers(origin: &Origin, wanted: &Configuration, model: &mut Model, voice: &mut Voice) {
    for (name, wanted) in &wanted.routers {
        let place = format!("http.routers.{name}");
        let given = |field: &str| Given { label: below(&place, field), value: String::new() };
        let router = match wanted {
            Err(flaw) => {
                voice.flaw(flaw, "its router is disabled");
                broken_router(origin, name, flaw.to_string(), voice)
            }
            Ok(wanted) if wanted.rule.trim().is_empty() => {
                let problem = "is missing, so its router is disabled";
                let remedy = "write something like Host(`app.example.com`)";
                voice.say_of(Severity::Error, &given("rule"), problem, remedy);
                let broken = broken_router(origin, name, "it has no rule".to_owned(), voice);
                crate::model::Router { service: origin.qualified(&wanted.service), ..broken }
            }
            Ok(wanted) if wanted.service.trim().is_empty() => {
                let problem = "is missing, so its router is disabled";
                voice.say_of(Severity::Error, &given("service"), problem, "name a service");
                let broken = broken_router(origin, name, "it names no service".to_owned(), voice);
                let priority = i64::try_from(wanted.rule.len()).unwrap_or(i64::MAX);
                crate::model::Router { rule_text: wanted.rule.clone(), priority, ..broken }
            }
            Ok(wanted) => {
                let rule = Ok(wanted.rule.clone());
                let service = origin.qualified(&wanted.service);
                router_of(origin, name, &place, wanted, (rule, service), voice)
            }
        };
        model.routers.insert(router.name.clone(), router.into());
    }
}

/// Each family once, and what is wrong in it in full.
fn not_served_yet(wanted: &Configuration, voice: &mut Voice) {
    let mut told = false;
    told |= flaws(&wanted.tcp_routers, voice) | flaws(&wanted.tcp_services, voice);
    told |= flaws(&wanted.tcp_middlewares, voice) | flaws(&wanted.tcp_servers_transports, voice);
    told |= flaws(&wanted.udp_routers, voice) | flaws(&wanted.udp_services, voice);
    if let Some(Err(flaw)) = &wanted.tls {
        voice.flaw(flaw, "it is ignored");
        told = true;
    }
    if told {
        return;
    }
    for (family, said) in [
        ("tcp", !wanted.tcp_routers.is_empty() || !wanted.tcp_services.is_empty()),
        ("udp", !wanted.udp_routers.is_empty() || !wanted.udp_services.is_empty()),
        ("tls", wanted.tls.is_some()),
    ] {
        if said {
            voice.not_yet(&Given { label: family.to_owned(), value: String::new() });
        }
    }
}

/// Says what is wrong with elements that are not served; true if anything is.
pub fn flaws<T>(named: &Named<T>, voice: &mut Voice) -> bool {
    let mut any = false;
    for flaw in named.values().filter_map(|found| found.as_ref().err()) {
        voice.flaw(flaw, "it is ignored");
        any = true;
    }
    any
}
