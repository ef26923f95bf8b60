//! From a workload's instances to the servers of a service.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::model::{Scheme, Server, ServerState, ServerUrl, Severity};

use super::{World, network};
use crate::discovery::check::{Given, Voice};
use crate::discovery::workload::Workload;

/// What the labels say about how a workload's instances are reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub network: Option<&'a Given>,
    /// One server: the service's virtual address, behind which the swarm balances itself.
    pub virtual_address: bool,
    /// `None` takes the lowest port that the instance exposes.
    pub port: Option<u16>,
    pub scheme: Scheme,
    pub weight: u32,
}

/// Servers by URL, without duplicates.
pub(super) fn servers(
    world: &World,
    workload: &Workload,
    reach: Reach,
    voice: &mut Voice,
) -> Vec<Server> {
    if reach.virtual_address
        && let Some(found) = virtual_server(world, workload, reach, voice)
    {
        return found.into_iter().collect();
    }
    let mut found = Vec::new();
    for instance in &workload.instances {
        let Some(ip) = address(world, reach, &instance.addresses, voice) else {
            let problem =
                format!("{} has no address on any network and is left out", instance.name);
            voice.say(Severity::Warning, problem, "attach it to a network of the load balancer");
            continue;
        };
        let Some(port) = reach.port.or_else(|| instance.ports.first().copied()) else {
            let problem = format!("{} exposes no port and is left out", instance.name);
            voice.say(Severity::Warning, problem, "name the port in a label");
            continue;
        };
        found.push(server(reach, ip, port, instance.state, &instance.name));
    }
    tidy(&mut found);
    found
}

/// Orders by URL; of two servers with one URL the one that serves stays.
pub(super) fn tidy(servers: &mut Vec<Server>) {
    let rank = |state| match state {
        ServerState::Serving => 0,
        ServerState::Starting => 1,
        ServerState::Draining => 2,
    };
    servers.sort_by(|a, b| (a.url, rank(a.state), &a.label).cmp(&(b.url, rank(b.state), &b.label)));
    servers.dedup_by_key(|server| server.url);
}

/// `None` when there is no virtual address after all; then the instances themselves are taken.
fn virtual_server(
    world: &World,
    workload: &Workload,
    reach: Reach,
    voice: &mut Voice,
) -> Option<Option<Server>> {
    let ip = address(world, reach, &workload.virtual_addresses, voice);
    let (Some(ip), Some(port)) = (ip, reach.port) else {
        let problem = "has no virtual address, so its tasks are taken instead";
        voice.say(Severity::Warning, problem, "use endpoint_mode vip, or drop the swarm label");
        return None;
    };
    let states = || workload.instances.iter().map(|instance| instance.state);
    // No task at all: no server, so that clients get 503 instead of a wait for nobody.
    let state = [ServerState::Serving, ServerState::Starting, ServerState::Draining]
        .into_iter()
        .find(|state| states().any(|has| has == *state));
    Some(state.map(|state| server(reach, ip, port, state, &workload.name)))
}

fn address(
    world: &World,
    reach: Reach,
    addresses: &BTreeMap<String, IpAddr>,
    voice: &mut Voice,
) -> Option<IpAddr> {
    let label = reach.network.map(|given| given.value.trim());
    let (chosen, ip) =
        network::choose(label, &world.settings.network, world.own_networks, addresses)?;
    let remedy = || {
        let names: Vec<&str> = addresses.keys().map(String::as_str).collect();
        format!("its networks are {}", names.join(", "))
    };
    if let Some(given) = reach.network
        && !given.value.trim().is_empty()
        && given.value.trim() != chosen
    {
        let problem = format!("is not a network of this service, so {chosen} is used");
        voice.say_of(Severity::Warning, given, problem, remedy());
    } else if reach.network.is_none()
        && !world.settings.network.is_empty()
        && world.settings.network != chosen
    {
        let problem = format!(
            "is not on the network {} of the options, so {chosen} is used",
            world.settings.network
        );
        voice.say(Severity::Warning, problem, remedy());
    }
    Some(ip)
}

fn server(reach: Reach, ip: IpAddr, port: u16, state: ServerState, label: &str) -> Server {
    let url = ServerUrl { scheme: reach.scheme, addr: SocketAddr::new(ip, port) };
    Server { weight: reach.weight, ..Server::new(url, state, label) }
}
