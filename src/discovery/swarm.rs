//! Services, tasks and networks of a swarm as workloads.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::ServerState;

use super::engine::words::{Network, Service, Task};
use super::workload::{Instance, Workload};

/// Every service with its running tasks and where they stand, ordered by name. A service without
/// any is listed with no instance.
pub fn workloads<'a>(
    services: &[Service],
    networks: &[Network],
    tasks: impl Iterator<Item = (&'a Task, ServerState)>,
) -> Vec<Workload> {
    let networks: BTreeMap<&str, &Network> =
        networks.iter().map(|network| (network.id.as_str(), network)).collect();
    let mut instances: BTreeMap<&str, Vec<(&Task, ServerState)>> = BTreeMap::new();
    for (task, state) in tasks {
        instances.entry(&task.service_id).or_default().push((task, state));
    }
    let mut workloads: Vec<Workload> = services
        .iter()
        .map(|service| {
            let tasks = instances.remove(service.id.as_str()).unwrap_or_default();
            let mut instances: Vec<Instance> = tasks
                .into_iter()
                .map(|(task, state)| instance(&service.spec.name, task, state, &networks))
                .collect();
            // During an update two tasks share a slot, hence a name.
            instances.sort_by(|a, b| (&a.name, &a.addresses).cmp(&(&b.name, &b.addresses)));
            Workload {
                name: service.spec.name.clone(),
                labels: service.spec.labels.clone(),
                misplaced: misplaced(service),
                instances,
                virtual_addresses: virtual_addresses(service, &networks),
            }
        })
        .collect();
    workloads.sort_by(|a, b| a.name.cmp(&b.name));
    workloads
}

/// Where a task stands; `None` when it takes no requests: not yet, not any more, or never.
pub fn state(task: &Task) -> Option<ServerState> {
    if task.status.state != "running" {
        return None;
    }
    match task.desired_state.as_str() {
        "running" => Some(ServerState::Starting),
        "shutdown" | "failed" | "rejected" | "remove" | "orphaned" => Some(ServerState::Draining),
        // `complete` is wanted of a job's task from its beginning; whatever comes later is unknown.
        _ => None,
    }
}

/// Keeps what is known of a task that a list takes back: both what is wanted of it and how far it
/// has come only ever grow (swarmkit, `TaskState`).
pub fn never_back(known: &Task, listed: &mut Task) {
    let grown = |known: &String, listed: &mut String| {
        if let (Some(reached), Some(said)) = (rank(known), rank(listed))
            && reached > said
        {
            listed.clone_from(known);
        }
    };
    grown(&known.desired_state, &mut listed.desired_state);
    grown(&known.status.state, &mut listed.status.state);
}

/// Place of a state among those that a task goes through; none for a word that is new to us.
fn rank(state: &str) -> Option<usize> {
    const STATES: [&str; 15] = [
        "new",
        "allocated",
        "pending",
        "assigned",
        "accepted",
        "preparing",
        "ready",
        "starting",
        "running",
        "complete",
        "shutdown",
        "failed",
        "rejected",
        "remove",
        "orphaned",
    ];
    STATES.iter().position(|known| *known == state)
}

fn instance(
    service: &str,
    task: &Task,
    state: ServerState,
    networks: &BTreeMap<&str, &Network>,
) -> Instance {
    let name = match task.slot {
        0 => format!("{service}.{}", task.id),
        slot => format!("{service}.{slot}"),
    };
    Instance { name, addresses: addresses(task, networks), ports: Vec::new(), state }
}

/// The task's address on each network. The last one of a network counts, as for Traefik.
fn addresses(task: &Task, networks: &BTreeMap<&str, &Network>) -> BTreeMap<String, IpAddr> {
    let mut addresses = BTreeMap::new();
    let mut mesh = BTreeMap::new();
    for attachment in &task.attachments {
        let network = &attachment.network;
        // A task may be attached to a network that is newer than our list of them.
        let (name, ingress) = match networks.get(network.id.as_str()) {
            Some(known) => (&known.name, known.ingress),
            None => (&network.spec.name, network.spec.ingress),
        };
        let Some(address) = attachment.addresses.iter().rev().find_map(|text| address(text)) else {
            continue;
        };
        let place = if ingress { &mut mesh } else { &mut addresses };
        place.insert(name.clone(), address);
    }
    // Every service that publishes a port is on the routing mesh's network: it only counts when
    // there is nothing else, so that no choice of a network ever ends there by its name.
    if addresses.is_empty() { mesh } else { addresses }
}

/// The first such label, where the service itself has none.
fn misplaced(service: &Service) -> Option<String> {
    let is_ours = |label: &&String| label.starts_with("traefik.");
    let beside = service.spec.task.container.labels.keys().find(is_ours);
    beside.filter(|_| !service.spec.labels.keys().any(|label| is_ours(&label))).cloned()
}

fn virtual_addresses(
    service: &Service,
    networks: &BTreeMap<&str, &Network>,
) -> BTreeMap<String, IpAddr> {
    service
        .endpoint
        .virtual_addresses
        .iter()
        .filter_map(|virtual_address| {
            let network = networks.get(virtual_address.network_id.as_str())?;
            let address = address(&virtual_address.address)?;
            (!network.ingress).then(|| (network.name.clone(), address))
        })
        .collect()
}

/// Reads `10.0.1.5/24` or `10.0.1.5`.
fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    fn world() -> (Vec<Service>, Vec<Network>) {
        let services = read(
            r#"[{"ID":"s1","Spec":{"Name":"mystack_app","Labels":{"traefik.port":"8080"}},
              "Endpoint":{"Spec":{"Mode":"vip"},"VirtualIPs":[
                {"NetworkID":"n1","Addr":"10.0.1.2/24"},{"NetworkID":"ing","Addr":"10.0.0.3/24"}]}},
              {"ID":"s0","Spec":{"Name":"agent","Labels":null},"Endpoint":{}}]"#,
        );
        let networks = read(
            r#"[{"Id":"n1","Name":"mystack_net"},{"Id":"ing","Name":"ingress","Ingress":true}]"#,
        );
        (services, networks)
    }

    fn task(id: &str, slot: u64, service: &str, state: &str, desired: &str, address: &str) -> Task {
        read(&format!(
            r#"{{"ID":"{id}","ServiceID":"{service}","Slot":{slot},"DesiredState":"{desired}",
              "Status":{{"State":"{state}"}},"NetworksAttachments":[
                {{"Network":{{"ID":"ing","Spec":{{"Name":"ingress","Ingress":true}}}},
                  "Addresses":["10.0.0.9/24"]}},
                {{"Network":{{"ID":"n1","Spec":{{"Name":"mystack_net"}}}},
                  "Addresses":["{address}"]}}]}}"#
        ))
    }

    fn standing(tasks: &[Task]) -> impl Iterator<Item = (&Task, ServerState)> {
        tasks.iter().filter_map(|task| Some((task, state(task)?)))
    }

    #[test]
    fn a_task_never_goes_back() {
        let known = task("a", 1, "s1", "running", "shutdown", "10.0.1.5/24");
        let mut listed = task("a", 1, "s1", "starting", "running", "10.0.1.5/24");
        never_back(&known, &mut listed);
        assert_eq!(listed, known);
        let mut further = task("a", 1, "s1", "failed", "shutdown", "10.0.1.5/24");
        never_back(&known, &mut further);
        assert_eq!(further.status.state, "failed");
    }

    #[test]
    fn tasks_become_instances() {
        let (services, networks) = world();
        let tasks = [
            task("b", 2, "s1", "running", "running", "10.0.1.6/24"),
            task("a", 1, "s1", "running", "shutdown", "10.0.1.5/24"),
            task("c", 3, "s1", "running", "remove", "10.0.1.7/24"),
            task("d", 1, "s1", "starting", "running", "10.0.1.8/24"),
            task("e", 1, "s1", "complete", "shutdown", "10.0.1.9/24"),
            task("f", 1, "gone", "running", "running", "10.0.1.9/24"),
            task("g", 0, "s0", "running", "running", "10.0.1.20/24"),
        ];
        let found = workloads(&services, &networks, standing(&tasks));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].name, "agent");
        assert_eq!(found[0].instances[0].name, "agent.g");
        let app = &found[1];
        assert_eq!(app.labels["traefik.port"], "8080");
        let seen: Vec<_> = app
            .instances
            .iter()
            .map(|i| (i.name.as_str(), i.addresses["mystack_net"].to_string(), i.state))
            .collect();
        assert_eq!(
            seen,
            [
                ("mystack_app.1", "10.0.1.5".to_owned(), ServerState::Draining),
                ("mystack_app.2", "10.0.1.6".to_owned(), ServerState::Starting),
                ("mystack_app.3", "10.0.1.7".to_owned(), ServerState::Draining),
            ]
        );
        assert!(!app.instances[0].addresses.contains_key("ingress"));
        let only: Vec<_> = app.virtual_addresses.iter().collect();
        assert_eq!(only.len(), 1);
        assert_eq!(app.virtual_addresses["mystack_net"].to_string(), "10.0.1.2");
    }

    #[test]
    fn a_network_newer_than_the_list_keeps_its_name() {
        let (services, _) = world();
        let tasks = [task("a", 1, "s1", "running", "running", "10.0.1.5/24")];
        let found = workloads(&services, &[], standing(&tasks));
        assert!(found[1].instances[0].addresses.contains_key("mystack_net"));
    }

    #[test]
    fn a_service_without_tasks_stays_listed_without_instances() {
        let (services, networks) = world();
        let found = workloads(&services, &networks, standing(&[]));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|w| w.instances.is_empty()));
    }
}
