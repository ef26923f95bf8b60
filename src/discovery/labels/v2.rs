//! The labels of Traefik 2 and 3: `traefik.http.routers.X.…`, `traefik.http.services.X.…`.
//!
//! Names of labels are read in any case. What has no router or no service gets one of its own
//! name; a bad value costs the router, service or middleware that it belongs to.

use std::sync::Arc;

use crate::config::value;
use crate::dynamic::decode::{Flaw, Unknown, decode};
use crate::dynamic::tree::{Node, TooDeep};
use crate::dynamic::{self, Configuration, http};
use crate::model::{Dialect, Middleware, Router, Scheme, Server, Service, Severity};
use crate::nearest::nearest;

use super::names::normalize;
use super::servers::{Reach, servers};
use super::template::{Data, render};
use super::{World, port_missing};
use crate::discovery::check::{self, Given, Origin, Voice};
use crate::discovery::workload::Workload;

const LEFT_OUT: &str = "the service is left out";

/// What may stand behind `traefik.`.
const HEADS: &[&str] = &["enable", "docker", "swarm", "http", "tcp", "udp", "tls"];

/// `traefik.docker.…` and `traefik.swarm.…`.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Place {
    network: Option<String>,
    lbswarm: Option<bool>,
}

/// What a workload asks for, by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    pub routers: Vec<Arc<Router>>,
    pub services: Vec<Arc<Service>>,
    pub middlewares: Vec<Arc<Middleware>>,
}

/// The workload's routers, services and middlewares.
pub(super) fn claims(
    world: &World,
    workload: &Workload,
    dialect: Dialect,
    voice: &mut Voice,
) -> Claims {
    let root = tree(workload, voice);
    let mut wanted = dynamic::read(&root, &root.name);
    let docker = place(&root, "docker", &mut wanted.unknown, voice);
    let swarm = place(&root, "swarm", &mut wanted.unknown, voice);
    for unknown in &wanted.unknown {
        voice.unknown(unknown, "label");
    }
    let origin = world.origin(dialect);
    let mut claims = Claims::default();
    for (name, wanted) in &wanted.middlewares {
        let place = format!("{}.http.middlewares.{name}", root.name);
        let found = check::middleware(&origin, &origin.qualified(name), &place, wanted, voice);
        claims.middlewares.push(found.into());
    }
    if not_served_yet(&wanted, &root, voice) {
        return claims;
    }
    let own = normalize(&workload.name);
    if wanted.services.is_empty() {
        if world.settings.swarm {
            let example = format!("traefik.http.services.{own}.loadbalancer.server.port");
            port_missing(workload, &example, voice);
            return claims;
        }
        let balancer = Some(http::LoadBalancer::default());
        let service = http::Service { load_balancer: balancer, ..http::Service::default() };
        wanted.services.insert(own.clone(), Ok(service));
    }
    if wanted.routers.is_empty() {
        if wanted.services.len() > 1 {
            let problem =
                "has several services and no router, so none of them is reachable from here";
            voice.say(Severity::Warning, problem, "add a label traefik.http.routers.<name>.rule");
        } else {
            wanted.routers.insert(own, Ok(http::Router::default()));
        }
    }
    let reach = Reach {
        network: swarm.network.as_ref().or(docker.network.as_ref()),
        virtual_address: swarm.balanced.or(docker.balanced).unwrap_or(false),
        port: None,
        scheme: Scheme::Http,
        weight: 1,
    };
    let builder = Builder { world, origin, workload, root: &root, reach };
    let services = wanted.services.iter();
    claims.services =
        services.map(|(name, wanted)| builder.service(name, wanted, voice).into()).collect();
    claims.routers = wanted
        .routers
        .iter()
        .filter_map(|(name, wanted)| builder.router(name, wanted, &claims.services, voice))
        .map(Arc::new)
        .collect();
    claims
}

/// The workload's labels of the later dialects, as a tree.
fn tree(workload: &Workload, voice: &mut Voice) -> Node {
    let mut root = Node::new("traefik");
    for (label, value) in &workload.labels {
        let Some(path) = check::below_traefik(label).filter(|_| !check::is_first(label)) else {
            continue;
        };
        let head = path.split(['.', '[']).next().unwrap_or_default();
        if !HEADS.iter().any(|known| known.eq_ignore_ascii_case(head)) {
            let near = nearest(head, HEADS.iter().copied());
            let nearest = near.map(|near| format!("traefik.{near}{}", &path[head.len()..]));
            voice.unknown(&Unknown { setting: label.clone(), nearest }, "label");
        } else if root.insert(path, value) == Err(TooDeep) {
            let given = Given { label: label.clone(), value: String::new() };
            voice.say_of(Severity::Warning, &given, "is nested too deep and is ignored", "");
        }
    }
    root
}

/// Where the instances are reached, by the labels of one provider.
#[derive(Default)]
struct Reached {
    network: Option<Given>,
    balanced: Option<bool>,
}

fn place(root: &Node, name: &str, unknown: &mut Vec<Unknown>, voice: &mut Voice) -> Reached {
    let Some(node) = root.child(name) else { return Reached::default() };
    let here = format!("{}.{}", root.name, node.name);
    match decode::<Place>(node, &here, unknown) {
        Ok(place) => Reached {
            network: place.network.map(|value| Given { label: format!("{here}.network"), value }),
            balanced: place.lbswarm,
        },
        Err(flaw) => {
            voice.flaw(&flaw, "it is ignored");
            Reached::default()
        }
    }
}

/// Says what of the labels is not served yet; true if there is nothing else in them.
fn not_served_yet(wanted: &Configuration, root: &Node, voice: &mut Voice) -> bool {
    let told = check::flaws(&wanted.tcp_routers, voice)
        | check::flaws(&wanted.tcp_services, voice)
        | check::flaws(&wanted.tcp_middlewares, voice)
        | check::flaws(&wanted.udp_routers, voice)
        | check::flaws(&wanted.udp_services, voice);
    let streams = !wanted.tcp_routers.is_empty()
        || !wanted.tcp_services.is_empty()
        || !wanted.tcp_middlewares.is_empty()
        || !wanted.udp_routers.is_empty()
        || !wanted.udp_services.is_empty();
    if streams && !told {
        for name in ["tcp", "udp"].iter().filter_map(|name| root.child(name)) {
            voice.not_yet(&Given { label: format!("traefik.{}", name.name), value: String::new() });
        }
    }
    streams && root.child("http").is_none()
}

/// The one server that a label names by its URL, in the place of the workload's own. The error has
/// been complained about.
fn by_url(place: &str, server: &http::Server, voice: &mut Voice) -> Result<Vec<Server>, String> {
    for (field, value) in [("port", &server.port), ("scheme", &server.scheme)] {
        if !value.is_empty() {
            let given = Given { label: format!("{place}.{field}"), value: value.clone() };
            let problem = "says the same as the URL beside it";
            voice.say_of(Severity::Error, &given, problem, "keep one of them");
            return Err(format!("its {field} {problem}"));
        }
    }
    // Whoever writes labels knows addresses; names are for files, which are read again and again.
    let named = std::iter::once((place.to_owned(), server));
    Ok(check::servers_of_file(named, &check::Names::default(), voice))
}

struct Builder<'a> {
    world: &'a World<'a>,
    origin: Origin<'a>,
    workload: &'a Workload,
    root: &'a Node,
    reach: Reach<'a>,
}

impl Builder<'_> {
    fn place(&self, group: &str, name: &str) -> String {
        format!("{}.http.{group}.{name}", self.root.name)
    }

    fn service(
        &self,
        name: &str,
        wanted: &Result<http::Service, Flaw>,
        voice: &mut Voice,
    ) -> Service {
        let qualified = self.origin.qualified(name);
        let broken = |why: String| check::broken(&self.origin, &qualified, why);
        let place = self.place("services", name);
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(flaw) => {
                voice.flaw(flaw, LEFT_OUT);
                return broken(flaw.to_string());
            }
        };
        let Some(balancer) = &wanted.load_balancer else {
            let given = Given { label: place, value: String::new() };
            let problem = "is a kind of service that labels do not have";
            voice.say_of(Severity::Error, &given, problem, "define it in a file: name@file");
            return broken(problem.to_owned());
        };
        let server = balancer.servers.first().cloned().unwrap_or_default();
        let here = format!("{place}.loadbalancer.server");
        let servers = if server.url.is_empty() {
            let reach = self.reach(name, &here, &server, voice);
            reach.map(|reach| servers(self.world, self.workload, reach, voice))
        } else {
            by_url(&here, &server, voice)
        };
        match servers {
            Ok(servers) => {
                let place = format!("{place}.loadbalancer");
                let mut service =
                    check::balancer(&self.origin, &qualified, &place, balancer, voice);
                service.servers = servers;
                service
            }
            Err(why) => broken(why),
        }
    }

    /// How the instances are reached; the error has been complained about.
    fn reach(
        &self,
        name: &str,
        place: &str,
        server: &http::Server,
        voice: &mut Voice,
    ) -> Result<Reach<'_>, String> {
        let given = |field: &str, value: &str| Given {
            label: format!("{place}.{field}"),
            value: value.to_owned(),
        };
        let port = match server.port.trim() {
            "" if self.world.settings.swarm => {
                let problem =
                    format!("the service {name} has no port, so the swarm service is left out");
                voice.say(Severity::Error, &problem, format!("add the label {place}.port"));
                return Err("it has no port".to_owned());
            }
            "" => None,
            text => match value::port(text) {
                Ok(port) => Some(port),
                Err(wrong) => {
                    let why = format!("its port {}", wrong.problem);
                    voice.reject(&given("port", text), wrong, LEFT_OUT);
                    return Err(why);
                }
            },
        };
        let scheme = match server.scheme.as_str() {
            "" => Scheme::Http,
            text => check::scheme(&given("scheme", text), voice)
                .ok_or_else(|| "its protocol is none".to_owned())?,
        };
        let weight = match check::weight_of(server.weight.unwrap_or(1)) {
            Ok(weight) => weight,
            Err(wrong) => {
                let text = server.weight.unwrap_or_default().to_string();
                let why = format!("its weight {}", wrong.problem);
                voice.reject(&given("weight", &text), wrong, LEFT_OUT);
                return Err(why);
            }
        };
        Ok(Reach { port, scheme, weight, ..self.reach })
    }

    fn router(
        &self,
        name: &str,
        wanted: &Result<http::Router, Flaw>,
        services: &[Arc<Service>],
        voice: &mut Voice,
    ) -> Option<Router> {
        let place = self.place("routers", name);
        let default = http::Router::default();
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(flaw) => {
                voice.flaw(flaw, "its router is disabled");
                return Some(check::broken_router(&self.origin, name, flaw.to_string(), voice));
            }
        };
        let service = match (wanted.service.trim(), services) {
            ("", [only]) => only.name.clone(),
            ("", _) => {
                let problem =
                    format!("the router {name} names none of the several services and is left out");
                voice.say(Severity::Error, problem, format!("add the label {place}.service"));
                return None;
            }
            (named, _) => self.origin.qualified(named),
        };
        let rule = if wanted.rule == default.rule {
            let template = &self.world.settings.default_rule;
            let first = self.workload.instances.first();
            let data = Data {
                name: &self.workload.name,
                container_name: first.map_or("", |instance| &instance.name),
                labels: &self.workload.labels,
            };
            render(template, data).map_err(|wrong| (template.clone(), wrong))
        } else {
            Ok(wanted.rule.clone())
        };
        Some(check::router_of(&self.origin, name, &place, wanted, (rule, service), voice))
    }
}
