//! A Docker Engine, what it lets us ask, and whether each backend can be reached.

use std::collections::BTreeSet;

use super::Finding;
use crate::config::Docker;
use crate::discovery::inspect::{Call, Inspection};
use crate::discovery::workload::Workload;

/// The routing mesh: everybody who publishes a port is on it, and nobody is reached over it.
const INGRESS: &str = "ingress";

pub(super) fn judge(settings: &Docker, found: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &found.version {
        Ok((release, api)) => findings.push(Finding::fine(format!("Engine {release}, API {api}"))),
        // What went wrong says itself what would be right.
        Err(problem) => return vec![Finding::error(problem, "")],
    }
    findings.extend(found.calls.iter().map(call));
    let is_complete = found.calls.iter().all(|call| !call.is_needed || call.outcome.is_ok());
    if !is_complete {
        return findings;
    }
    if settings.swarm {
        findings.push(Finding::fine("this node is a swarm manager"));
    }
    if found.lost_io_uring {
        let service = found.own_service.as_deref().unwrap_or_default();
        findings.push(Finding::warning(
            format!("the last update of {service} took io_uring away from it"),
            format!(
                "run `ringress swarm enable-io-uring {service}` after each `docker stack deploy`"
            ),
        ));
    }
    let own: Vec<&str> = found.own_networks.iter().map(String::as_str).collect();
    match own.is_empty() {
        true => findings.push(Finding::fine(
            "not in a container that this engine knows: networks are not compared",
        )),
        false => findings.push(Finding::fine(format!("this container is on {}", own.join(", ")))),
    }
    findings.extend(found.model.complaints.iter().map(Finding::from));
    findings.extend(backends(found));
    findings
}

fn call(call: &Call) -> Finding {
    let Call { path, outcome, loss, is_needed } = call;
    match outcome {
        Ok(0) => Finding::fine(format!("GET {path}: allowed")),
        Ok(count) => Finding::fine(format!("GET {path}: {count}")),
        Err(problem) => {
            let text = format!("GET {path}: {problem}; without it {loss}");
            let remedy = format!("allow GET {path} where access to the socket is restricted");
            match is_needed {
                true => {
                    Finding::error(text, if problem.contains("manager") { "" } else { &remedy })
                }
                false => Finding::warning(text, remedy),
            }
        }
    }
}

/// A line per service that has servers, and one for each of them that is out of reach.
fn backends(found: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, service) in &found.model.services {
        let mut reached = 0;
        for server in &service.servers {
            let address = server.url.addr;
            let Some(Err(problem)) = found.reached.get(&address) else {
                reached += 1;
                continue;
            };
            let workload = found.workloads.iter().find(|workload| {
                let mut all = workload.instances.iter().flat_map(|i| i.addresses.values());
                all.any(|&ip| ip == address.ip())
            });
            let remedy = workload.map_or_else(String::new, |w| remedy(w, &found.own_networks));
            let text = format!("{name}: {} at {address}: {problem}", server.label);
            findings.push(Finding::error(text, remedy));
        }
        let all = service.servers.len();
        findings.push(match all {
            0 => Finding::warning(
                format!("{name}: no server; requests get 503"),
                "scale it up, or see why its tasks do not run: `docker service ps`",
            ),
            _ => Finding::fine(format!("{name}: {reached} of {all} servers accept connections")),
        });
    }
    findings
}

/// Why a backend may be out of reach.
fn remedy(workload: &Workload, own: &BTreeSet<String>) -> String {
    let networks: BTreeSet<&str> = workload
        .instances
        .iter()
        .flat_map(|instance| instance.addresses.keys())
        .map(String::as_str)
        .filter(|name| *name != INGRESS)
        .collect();
    if own.is_empty() || networks.iter().any(|name| own.contains(*name)) {
        return "does it listen on that port, on all addresses and not on 127.0.0.1 alone? The port \
                is that of the container, not a published one"
            .to_owned();
    }
    let names = match networks.is_empty() {
        true => "no network but the routing mesh".to_owned(),
        false => networks.into_iter().collect::<Vec<_>>().join(", "),
    };
    format!("it shares no network with us: {} is on {names}; attach both to one", workload.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Verdict;
    use super::*;
    use crate::discovery::workload::Instance;
    use crate::model::ServerState;

    fn workload(network: &str) -> Workload {
        let instance = Instance {
            name: "mystack_app.1".to_owned(),
            addresses: BTreeMap::from([(network.to_owned(), [10, 0, 0, 2].into())]),
            ports: Vec::new(),
            state: ServerState::Starting,
        };
        Workload {
            name: "mystack_app".to_owned(),
            labels: BTreeMap::new(),
            misplaced: None,
            instances: vec![instance],
            virtual_addresses: BTreeMap::new(),
        }
    }

    #[test]
    fn networks_that_are_not_shared_are_named() {
        let own = BTreeSet::from(["front".to_owned()]);
        let found = remedy(&workload("back"), &own);
        let expected = "it shares no network with us: mystack_app is on back; attach both to one";
        assert_eq!(found, expected);
        assert!(remedy(&workload("front"), &own).starts_with("does it listen"));
        assert!(remedy(&workload("back"), &BTreeSet::new()).starts_with("does it listen"));
        assert!(remedy(&workload(INGRESS), &own).contains("no network but the routing mesh"));
    }

    #[test]
    fn what_is_forbidden_costs_what_it_costs() {
        let refused = |path, is_needed| {
            let outcome = Err("the engine answered 403: Forbidden".to_owned());
            call(&Call { path, outcome, loss: "it hurts", is_needed })
        };
        let networks = refused("/networks", false);
        assert_eq!(networks.verdict, Verdict::Warning);
        assert!(networks.text.ends_with("403: Forbidden; without it it hurts"), "{networks:?}");
        assert_eq!(refused("/tasks", true).verdict, Verdict::Error);
    }
}
