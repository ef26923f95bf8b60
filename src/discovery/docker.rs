//! Plain containers of one engine as workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use crate::model::ServerState;

use super::engine::words::Container;
use super::workload::{Instance, Workload};

/// Every container that runs and is not known to be unwell, each as a workload of its own, ordered
/// by name. Those in `stopping` (by id) have been sent their stop signal.
pub fn workloads(containers: &[Container], stopping: &BTreeSet<String>) -> Vec<Workload> {
    let mut workloads: Vec<Workload> = containers
        .iter()
        .filter(|container| container.state == "running" && !ailing(container))
        .map(|container| workload(container, stopping.contains(&container.id)))
        .collect();
    workloads.sort_by(|a, b| {
        let instance = |w: &Workload| w.instances.first().map(|i| i.name.clone());
        (&a.name, instance(a)).cmp(&(&b.name, instance(b)))
    });
    workloads
}

/// A container with a health check takes no requests before the check has passed.
fn ailing(container: &Container) -> bool {
    let status = container.status.as_str();
    status.ends_with("(unhealthy)") || status.ends_with("(health: starting)")
}

fn workload(container: &Container, stopping: bool) -> Workload {
    // Names that belong to links have a second slash.
    let own = container.names.iter().find(|name| !name.trim_start_matches('/').contains('/'));
    let own = own.or(container.names.first()).unwrap_or(&container.id);
    let own = own.trim_start_matches('/').to_owned();
    let compose = |key: &str| container.labels.get(key).filter(|value| !value.is_empty());
    let name = match (compose("com.docker.compose.service"), compose("com.docker.compose.project"))
    {
        (Some(service), Some(project)) => format!("{service}_{project}"),
        _ => own.clone(),
    };
    let ports: BTreeSet<u16> =
        container.ports.iter().filter(|port| port.kind == "tcp").map(|port| port.private).collect();
    let state = if stopping { ServerState::Draining } else { ServerState::Starting };
    let instance = Instance {
        name: own,
        addresses: addresses(container),
        ports: ports.into_iter().collect(),
        state,
    };
    Workload {
        name,
        labels: container.labels.clone(),
        instances: vec![instance],
        misplaced: None,
        virtual_addresses: BTreeMap::new(),
    }
}

fn addresses(container: &Container) -> BTreeMap<String, IpAddr> {
    if container.host.network_mode == "host" {
        // It shares the host's network: reachable from here if we do so too, as Traefik has it.
        return BTreeMap::from([("host".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST))]);
    }
    let endpoints = container.settings.networks.iter();
    endpoints
        .filter_map(|(name, endpoint)| {
            let address = endpoint.address.parse().or_else(|_| endpoint.address_v6.parse()).ok()?;
            Some((name.clone(), address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(text: &str) -> Container {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_container_is_a_workload() {
        let found = workloads(
            &[container(
                r#"{"Id":"c1","Names":["/db/web","/web"],"State":"running","Status":"Up 2 hours",
                "Labels":{"traefik.port":"80"},"HostConfig":{"NetworkMode":"default"},
                "Ports":[{"PrivatePort":443,"Type":"tcp"},{"IP":"::","PrivatePort":80,"Type":"tcp",
                "PublicPort":8080},{"PrivatePort":80,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}],
                "NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"},
                "six":{"IPAddress":"","GlobalIPv6Address":"fd00::2"},"none":{"IPAddress":""}}}}"#,
            )],
            &BTreeSet::new(),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "web");
        let instance = &found[0].instances[0];
        assert_eq!(instance.name, "web");
        assert_eq!(instance.ports, [80, 443]);
        assert_eq!(instance.state, ServerState::Starting);
        assert_eq!(instance.addresses["bridge"].to_string(), "172.17.0.2");
        assert_eq!(instance.addresses["six"].to_string(), "fd00::2");
        assert_eq!(instance.addresses.len(), 2);
    }

    #[test]
    fn compose_names_and_the_host_network() {
        let found = workloads(
            &[container(
                r#"{"Id":"c1","Names":["/shop-web-1"],"State":"running","Status":"Up 1 second",
                "Labels":{"com.docker.compose.service":"web","com.docker.compose.project":"shop"},
                "HostConfig":{"NetworkMode":"host"},
                "NetworkSettings":{"Networks":{"host":{"IPAddress":""}}}}"#,
            )],
            &BTreeSet::from(["c1".to_owned()]),
        );
        assert_eq!(found[0].name, "web_shop");
        assert_eq!(found[0].instances[0].name, "shop-web-1");
        assert_eq!(found[0].instances[0].addresses["host"].to_string(), "127.0.0.1");
        assert_eq!(found[0].instances[0].state, ServerState::Draining);
    }

    #[test]
    fn only_what_runs_and_is_well() {
        let one = |state: &str, status: &str| {
            container(&format!(
                r#"{{"Id":"c","Names":["/c"],"State":"{state}","Status":"{status}"}}"#
            ))
        };
        let count = |c: Container| workloads(&[c], &BTreeSet::new()).len();
        assert_eq!(count(one("running", "Up 1 second (healthy)")), 1);
        assert_eq!(count(one("running", "Up 1 second (health: starting)")), 0);
        assert_eq!(count(one("running", "Up 1 second (unhealthy)")), 0);
        assert_eq!(count(one("paused", "Up 1 second (Paused)")), 0);
    }
}
