//! What names something else: routers their services and middlewares, groups their members.
//!
//! Names cross providers, so this is looked at when the models of all of them stand together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Complaint, Model, Router, Scheme, Severity};

/// Disables routers that cannot be served as they were meant, and groups that lead in a circle.
pub fn link(model: &mut Model) {
    break_circles(model);
    let mut told = transports(model);
    told.extend(lost_members(model));
    let mut routers = std::mem::take(&mut model.routers);
    for router in routers.values_mut().filter(|router| router.disabled.is_none()) {
        let Some(obstacle) = middlewares(model, router).or_else(|| service(model, &router.service))
        else {
            continue;
        };
        if let Some(remedy) = obstacle.remedy {
            told.push(complaint(router, &obstacle.why, remedy));
        }
        Arc::make_mut(router).disabled = Some(obstacle.why);
    }
    model.routers = routers;
    model.complaints.append(&mut told);
}

/// Traefik's name for what the static configuration says.
const USUAL_TRANSPORT: &str = "default@internal";

/// Gives services the terms of the transports that they name.
fn transports(model: &mut Model) -> Vec<Complaint> {
    let mut told = Vec::new();
    for service in model.services.values_mut() {
        let Some(name) = service.transport.as_deref().filter(|name| *name != USUAL_TRANSPORT)
        else {
            continue;
        };
        let terms = model.transports.get(name).copied();
        let why = format!("there is no servers transport {name}");
        let service = Arc::make_mut(service);
        service.terms = terms;
        if terms.is_none() && service.disabled.is_none() {
            told.push(Complaint {
                severity: Severity::Error,
                subject: service.name.clone(),
                setting: String::new(),
                value: String::new(),
                problem: why.clone(),
                remedy: "define it in a file, or name one that is: name@file".to_owned(),
            });
            service.disabled = Some(why);
        }
    }
    told
}

/// Members that do not exist. The others answer for them: a member of another provider may come
/// and go with its stack, and Traefik's way, to answer nobody then, would take all down with one.
fn lost_members(model: &Model) -> Vec<Complaint> {
    let exists = |name: &str| model.services.contains_key(name) || model.groups.contains_key(name);
    let groups = model.groups.values().filter(|group| group.disabled.is_none());
    let lost = groups.flat_map(|group| {
        let lost = group.below().into_iter().filter(|name| !exists(name));
        lost.map(move |name| Complaint {
            severity: Severity::Warning,
            subject: group.name.clone(),
            setting: String::new(),
            value: String::new(),
            problem: format!("names the service {name}, which does not exist"),
            remedy: "name services that exist".to_owned(),
        })
    });
    lost.collect()
}

/// Why a router is not served.
struct Obstacle {
    why: String,
    /// `None` where it has been complained about already.
    remedy: Option<String>,
}

impl Obstacle {
    fn new(why: String, remedy: impl Into<String>) -> Self {
        Self { why, remedy: Some(remedy.into()) }
    }

    fn known(why: String) -> Self {
        Self { why, remedy: None }
    }
}

fn middlewares(model: &Model, router: &Router) -> Option<Obstacle> {
    let mut first = None;
    for name in &router.middlewares {
        let obstacle = match model.middlewares.get(name) {
            None if !name.ends_with("@internal") => {
                let remedy = "name a middleware that exists, with its provider: name@provider";
                return Some(Obstacle::new(format!("there is no middleware {name}"), remedy));
            }
            Some(middleware) => match &middleware.disabled {
                Some(why) => return Some(Obstacle::known(format!("its middleware {name}: {why}"))),
                None => name,
            },
            None => name,
        };
        first.get_or_insert(obstacle);
    }
    let why = |name: &String| format!("uses middleware {name}, which is not supported yet");
    first.map(|name| Obstacle::new(why(name), ""))
}

/// Why no server of that service or group could ever answer.
fn service(model: &Model, name: &str) -> Option<Obstacle> {
    if name.ends_with("@internal") {
        let why = format!("the service {name} is known to Traefik but not supported yet");
        return Some(Obstacle::new(why, "use the API's own port"));
    }
    if let Some(group) = model.groups.get(name) {
        let why = group.disabled.as_ref()?;
        return Some(Obstacle::known(format!("its service {name}: {why}")));
    }
    let Some(service) = model.services.get(name) else {
        return Some(Obstacle::new(
            format!("there is no service {name}"),
            "name a service that exists",
        ));
    };
    if let Some(why) = &service.disabled {
        return Some(Obstacle::known(format!("its service {name}: {why}")));
    }
    let scheme = service.servers.iter().map(|s| s.url.scheme).find(|s| *s != Scheme::Http)?;
    Some(Obstacle::known(format!("the protocol {scheme} to servers is not supported yet")))
}

fn complaint(router: &Router, why: &str, remedy: String) -> Complaint {
    Complaint {
        severity: Severity::Error,
        subject: router.source.clone(),
        setting: String::new(),
        value: String::new(),
        problem: format!("the router {} is disabled: {why}", router.name),
        remedy,
    }
}

/// Where a walk along the members stands.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Entered,
    Done,
}

/// Disables every group from which a walk along the members comes back to it.
fn break_circles(model: &mut Model) {
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    let names: Vec<String> = model.groups.keys().cloned().collect();
    for name in names {
        walk(model, &name, &mut marks, &mut Vec::new());
    }
}

/// Groups are as deep as they are many: the walk has a stack of its own making.
fn walk(
    model: &mut Model,
    start: &str,
    marks: &mut BTreeMap<String, Mark>,
    path: &mut Vec<String>,
) {
    let mut ahead = vec![(start.to_owned(), false)];
    while let Some((name, leaving)) = ahead.pop() {
        if leaving {
            path.pop();
            marks.insert(name, Mark::Done);
            continue;
        }
        match marks.get(&name) {
            Some(Mark::Done) => continue,
            Some(Mark::Entered) => {
                let from = path.iter().position(|step| *step == name).unwrap_or(0);
                refuse(model, &path[from..]);
                continue;
            }
            None => {}
        }
        let Some(group) = model.groups.get(&name) else { continue };
        let below: Vec<String> = group.below().into_iter().map(str::to_owned).collect();
        marks.insert(name.clone(), Mark::Entered);
        path.push(name.clone());
        ahead.push((name, true));
        ahead.extend(below.into_iter().map(|name| (name, false)));
    }
}

fn refuse(model: &mut Model, circle: &[String]) {
    let why = format!("leads in a circle: {}", circle.join(", "));
    for name in circle {
        let Some(group) = model.groups.get_mut(name) else { continue };
        if group.disabled.is_some() {
            continue;
        }
        Arc::make_mut(group).disabled = Some(why.clone());
        model.complaints.push(Complaint {
            severity: Severity::Error,
            subject: name.clone(),
            setting: String::new(),
            value: String::new(),
            problem: why.clone(),
            remedy: "name services that do not name it".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dialect, Group, GroupKind, Member};

    fn groups(edges: &[(&str, &[&str])]) -> Model {
        let mut model = Model::default();
        for (name, below) in edges {
            let member = |name: &&str| Member { service: (*name).to_owned(), weight: 1 };
            let members = below.iter().map(member).collect();
            let group = Group {
                name: (*name).to_owned(),
                provider: "file".to_owned(),
                dialect: Dialect::V3,
                kind: GroupKind::Weighted { members, sticky: None },
                health_check: false,
                disabled: None,
            };
            model.groups.insert(group.name.clone(), group.into());
        }
        model
    }

    fn circular(edges: &[(&str, &[&str])]) -> Vec<String> {
        let mut model = groups(edges);
        link(&mut model);
        let disabled = model.groups.values().filter(|group| group.disabled.is_some());
        disabled.map(|group| group.name.clone()).collect()
    }

    #[test]
    fn circles_of_groups_are_refused() {
        assert_eq!(circular(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["d"])]), [""; 0]);
        assert_eq!(circular(&[("a", &["a"])]), ["a"]);
        let long = [("a", &["b"][..]), ("b", &["x", "c"]), ("c", &["b"]), ("d", &["a"])];
        assert_eq!(circular(&long), ["b", "c"]);
        let names: Vec<String> = (0..10_000).map(|index| format!("{index:05}")).collect();
        let chain: Vec<[&str; 1]> = names.iter().skip(1).map(|name| [name.as_str()]).collect();
        let chain = names.iter().zip(&chain).map(|(name, below)| (name.as_str(), &below[..]));
        assert_eq!(circular(&chain.collect::<Vec<_>>()), [""; 0]);
    }
}
