//! What all workloads asked for together: names that meet are merged or refused here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Complaint, Model, Router, Scheme, Service, Severity};

use super::names::normalize;
use super::raw::Voice;
use super::servers::tidy;

/// Everything found so far, still by the workload that asked for it.
#[derive(Default)]
pub(super) struct Catch {
    /// Later dialects: by qualified name, with the names of the workloads.
    pub routers: BTreeMap<String, Vec<(String, Router)>>,
    pub services: BTreeMap<String, Vec<(String, Service)>>,
    /// First dialect: workloads that have their frontend.
    pub fronted: BTreeSet<String>,
    frontends: BTreeMap<String, Router>,
    backends: BTreeMap<String, (String, Service)>,
}

impl Catch {
    /// Names and keeps a frontend.
    ///
    /// Traefik's number behind the rule is the task's place in its list, which moves with every
    /// change of the swarm; here it only tells frontends of one rule apart.
    pub fn frontend(&mut self, mut router: Router) {
        let rule = normalize(&router.rule_text);
        let numbered =
            |number: usize| format!("frontend-{}", normalize(&format!("{rule}-{number}")));
        let free = (0..).map(numbered).find(|name| !self.frontends.contains_key(name));
        if let Some(name) = free {
            router.name.clone_from(&name);
            self.frontends.insert(name, router);
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

    /// Settles what meets under one name, and disables routers whose service cannot answer.
    pub fn into_model(self, complaints: Vec<Complaint>) -> Model {
        let mut model = Model { complaints, ..Model::default() };
        model.routers = self.frontends;
        model.services =
            self.backends.into_iter().map(|(name, (_, found))| (name, found)).collect();
        for (name, claims) in self.services {
            if !agree(&claims, same_settings) {
                model.complaints.push(conflict("service", &name, &claims));
                continue;
            }
            let mut claims = claims.into_iter().map(|(_, service)| service);
            if let Some(mut service) = claims.next() {
                service.servers.extend(claims.flat_map(|other| other.servers));
                tidy(&mut service.servers);
                model.services.insert(name, service);
            }
        }
        let mut owners = BTreeMap::new();
        for (name, claims) in self.routers {
            if !agree(&claims, PartialEq::eq) {
                model.complaints.push(conflict("router", &name, &claims));
                continue;
            }
            if let Some((owner, router)) = claims.into_iter().next() {
                owners.insert(name.clone(), owner);
                model.routers.insert(name, router);
            }
        }
        disable_unanswered(&mut model, &owners);
        // Replicas of one compose service say everything once each.
        let mut said = BTreeSet::new();
        model.complaints.retain(|complaint| said.insert(complaint.to_string()));
        model
    }
}

/// Disables routers whose service is missing or cannot be spoken to; `owners` are the workloads
/// of the later dialects' routers.
fn disable_unanswered(model: &mut Model, owners: &BTreeMap<String, String>) {
    for (name, router) in &mut model.routers {
        let Some((why, remedy)) = unanswered(&model.services, &router.service) else {
            continue;
        };
        if router.disabled.is_some() {
            continue;
        }
        // A scheme has been complained about where its label stands.
        if let (Some(remedy), Some(owner)) = (remedy, owners.get(name)) {
            model.complaints.push(Complaint {
                severity: Severity::Error,
                subject: owner.clone(),
                setting: String::new(),
                value: String::new(),
                problem: format!("the router {name} is disabled: {why}"),
                remedy: remedy.to_owned(),
            });
        }
        router.disabled = Some(why);
    }
}

/// Why no server of that service could ever answer, and what to do if nobody was told yet.
fn unanswered(
    services: &BTreeMap<String, Service>,
    name: &str,
) -> Option<(String, Option<&'static str>)> {
    if name.ends_with("@internal") {
        let why = format!("the service {name} is known to Traefik but not supported yet");
        return Some((why, Some("use the API's own port")));
    }
    let Some(service) = services.get(name) else {
        return Some((format!("there is no service {name}"), Some("name a service that exists")));
    };
    let scheme = service.servers.iter().map(|s| s.url.scheme).find(|s| *s != Scheme::Http)?;
    Some((format!("the protocol {scheme} to servers is not supported yet"), None))
}

/// Equal but for the servers.
fn same_settings(a: &Service, b: &Service) -> bool {
    (&a.name, &a.provider, a.dialect, &a.sticky, a.pass_host_header)
        == (&b.name, &b.provider, b.dialect, &b.sticky, b.pass_host_header)
}

fn agree<T>(claims: &[(String, T)], same: fn(&T, &T) -> bool) -> bool {
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
