//! What all workloads asked for together: names that meet are merged or refused here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::discovery::check::Voice;
use crate::model::{Complaint, Middleware, Model, Router, Service, Severity};

use super::names::normalize;
use super::servers::tidy;
use super::v2::Claims;

/// Everything found so far, still by the workload that asked for it.
#[derive(Default)]
pub(super) struct Catch {
    /// Later dialects: by qualified name, with the names of the workloads.
    routers: BTreeMap<String, Vec<(String, Arc<Router>)>>,
    services: BTreeMap<String, Vec<(String, Arc<Service>)>>,
    middlewares: BTreeMap<String, Vec<(String, Arc<Middleware>)>>,
    /// First dialect: workloads that have their frontend.
    pub fronted: BTreeSet<String>,
    frontends: BTreeMap<String, Arc<Router>>,
    backends: BTreeMap<String, (String, Service)>,
}

impl Catch {
    /// Keeps what a workload of the later dialects asks for.
    pub fn keep(&mut self, owner: &str, claims: Claims) {
        let owned = || owner.to_owned();
        for service in claims.services {
            self.services.entry(service.name.clone()).or_default().push((owned(), service));
        }
        for router in claims.routers {
            self.routers.entry(router.name.clone()).or_default().push((owned(), router));
        }
        for found in claims.middlewares {
            self.middlewares.entry(found.name.clone()).or_default().push((owned(), found));
        }
    }

    /// Keeps a frontend, and names it if it has no name of its own.
    ///
    /// Traefik's number behind the rule is the task's place in its list, which moves with every
    /// change of the swarm; here it only tells frontends of one rule apart.
    pub fn frontend(&mut self, mut router: Router) {
        let rule = normalize(&router.rule_text);
        let numbered =
            |number: usize| format!("frontend-{}", normalize(&format!("{rule}-{number}")));
        let own = Some(router.name.clone()).filter(|name| !name.is_empty());
        let free = own
            .into_iter()
            .chain((0..).map(numbered))
            .find(|name| !self.frontends.contains_key(name));
        if let Some(name) = free {
            router.name.clone_from(&name);
            self.frontends.insert(name, router.into());
        }
    }

    /// Keeps a backend, or adds its servers to the one of that name: that is how the first
    /// dialect shares them. The settings of the first workload by name hold.
    pub fn backend(&mut self, mut service: Service, voice: &mut Voice) {
        let Some((owner, kept)) = self.backends.get_mut(&service.name) else {
            let owner = voice.subject.to_owned();
            self.backends.insert(service.name.clone(), (owner, service));
            return;
        };
        let servers = std::mem::take(&mut service.servers);
        if !same_settings(kept, &service) {
            let problem =
                format!("shares {} with {owner}, whose differing settings hold", kept.name);
            voice.say(Severity::Warning, problem, "give both the same backend labels");
        }
        kept.servers.extend(servers);
        tidy(&mut kept.servers);
    }

    /// Settles what meets under one name.
    pub fn into_model(self, complaints: Vec<Complaint>) -> Model {
        let mut model = Model { complaints, ..Model::default() };
        model.services =
            self.backends.into_iter().map(|(name, (_, found))| (name, found.into())).collect();
        for (name, claims) in self.services {
            if !agree(&claims, same_settings) {
                model.complaints.push(conflict("service", &name, &claims));
                continue;
            }
            let mut claims = claims.into_iter().map(|(_, service)| service);
            if let Some(mut service) = claims.next() {
                for other in claims {
                    let servers = &mut Arc::make_mut(&mut service).servers;
                    servers.extend(other.servers.iter().cloned());
                    tidy(servers);
                }
                model.services.insert(name, service);
            }
        }
        model.routers = settled("router", self.routers, same_router, &mut model.complaints);
        model.middlewares =
            settled("middleware", self.middlewares, PartialEq::eq, &mut model.complaints);
        model.routers.extend(self.frontends);
        // Replicas of one compose service say everything once each.
        let mut said = BTreeSet::new();
        model.complaints.retain(|complaint| said.insert(complaint.to_string()));
        model
    }
}

/// What is defined alike by everybody who defines it.
fn settled<T>(
    kind: &str,
    found: BTreeMap<String, Vec<(String, Arc<T>)>>,
    same: fn(&T, &T) -> bool,
    complaints: &mut Vec<Complaint>,
) -> BTreeMap<String, Arc<T>> {
    let mut settled = BTreeMap::new();
    for (name, claims) in found {
        if !agree(&claims, same) {
            complaints.push(conflict(kind, &name, &claims));
        } else if let Some((_, one)) = claims.into_iter().next() {
            settled.insert(name, one);
        }
    }
    settled
}

/// Equal but for who says so.
fn same_router(a: &Router, b: &Router) -> bool {
    let other = Router { source: a.source.clone(), ..b.clone() };
    *a == other
}

/// Equal but for the servers.
fn same_settings(a: &Service, b: &Service) -> bool {
    let bare = |service: &Service| Service { servers: Vec::new(), ..service.clone() };
    bare(a) == bare(b)
}

fn agree<T>(claims: &[(String, Arc<T>)], same: fn(&T, &T) -> bool) -> bool {
    claims.windows(2).all(|pair| match pair {
        [(_, a), (_, b)] => same(a, b),
        _ => true,
    })
}

/// Traefik drops what is defined twice and differently from all who define it, so that which one
/// wins is no matter of luck.
fn conflict<T>(kind: &str, name: &str, claims: &[(String, T)]) -> Complaint {
    let mut owners: Vec<&str> = claims.iter().map(|(owner, _)| owner.as_str()).collect();
    owners.dedup();
    Complaint {
        severity: Severity::Error,
        subject: owners.join(", "),
        setting: String::new(),
        value: String::new(),
        problem: format!("the {kind} {name} is defined differently by each, and is left out"),
        remedy: "give each its own name, or all the same labels".to_owned(),
    }
}
