//! What an engine runs, before any label is understood.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::ServerState;

/// A swarm service, or a group of one container, with the labels that configure it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Swarm service name (`mystack_app`), container name without its leading slash, or
    /// `<service>_<project>` for a compose container.
    pub name: String,
    /// `deploy.labels` of a service, or the labels of a container.
    pub labels: BTreeMap<String, String>,
    /// A label for a load balancer that only its containers have, where nobody looks: in a stack
    /// file it stands beside `deploy`, not below.
    pub misplaced: Option<String>,
    /// Ordered by name.
    pub instances: Vec<Instance>,
    /// Virtual address of the service on each network, by the network's full name.
    pub virtual_addresses: BTreeMap<String, IpAddr>,
}

/// A task or container of a [`Workload`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `mystack_app.1`, `mystack_app.<task id>` for global services, or the container's name.
    pub name: String,
    /// Its address on each network, by the network's full name.
    pub addresses: BTreeMap<String, IpAddr>,
    /// TCP ports that the image or container exposes, ascending; empty for swarm tasks.
    pub ports: Vec<u16>,
    pub state: ServerState,
}
