//! What the control plane shows of drivers and providers.

use std::sync::Arc;
use std::time::SystemTime;

use crate::control::{DriverView, ProviderView};
use crate::discovery::watch::Discovery;
use crate::discovery::{ProviderStatus, SwarmRole};
use crate::worker::ladder::Standing;

pub(super) fn driver_views(standing: &Standing, cpus: &[Option<usize>]) -> Vec<DriverView> {
    let view = |(worker, &cpu)| DriverView {
        worker,
        cpu,
        rung: standing.rung.name().to_owned(),
        reason: standing.reason.clone(),
        remedy: standing.remedy.map(str::to_owned),
    };
    cpus.iter().enumerate().map(view).collect()
}

pub(super) fn provider_views(
    discovery: &Arc<Option<Discovery>>,
) -> Box<dyn Fn() -> Vec<ProviderView> + Send + Sync> {
    let discovery = Arc::clone(discovery);
    Box::new(move || match &*discovery {
        Some(discovery) => discovery.status().into_iter().map(provider_view).collect(),
        None => Vec::new(),
    })
}

fn provider_view(status: ProviderStatus) -> ProviderView {
    let role = match status.swarm_role {
        SwarmRole::Manager => "manager",
        SwarmRole::NotManager => "not a manager",
        SwarmRole::Unknown => "",
    };
    ProviderView {
        name: status.name,
        endpoint: status.endpoint,
        connected: status.connected,
        engine_version: status.engine_version,
        api_version: status.api_version,
        role: role.to_owned(),
        last_error: status.last_error,
        last_sync: status.last_sync.map(|at| SystemTime::now() - at.elapsed()),
        services: status.services,
        instances: status.tasks,
    }
}
