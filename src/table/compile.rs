//! The model, made flat for workers: routes by entry point, services with schedule and cookies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::cookies::CookieTable;
use super::rotation;
use super::state::{BackendState, Registry, ServiceState};
use crate::model::{Model, Scheme, ServerState, Service};
use crate::route::Routes;

/// Everything a worker needs to route a request and choose a backend. Immutable.
pub struct Table {
    pub generation: u64,
    pub published: SystemTime,
    /// What it was compiled from, for the control plane.
    pub model: Arc<Model>,
    /// By entry point, in the order of the workers' listeners.
    routes: Box<[Routes]>,
    services: Box<[ServiceEntry]>,
}

/// A service as a worker sees it.
pub struct ServiceEntry {
    pub backends: Box<[Backend]>,
    /// Indices into `backends`: one round of the weighted rotation among those that take new
    /// clients. Empty when there is none.
    pub rotation: Box<[u32]>,
    pub sticky: Option<CookieTable>,
    pub pass_host_header: bool,
    pub state: Arc<ServiceState>,
}

/// A backend as a worker sees it.
pub struct Backend {
    pub addr: SocketAddr,
    /// `address:port`, sent as `Host` where the client's is not passed on.
    pub authority: Box<str>,
    pub state: Arc<BackendState>,
}

impl Table {
    pub fn empty(entry_points: usize) -> Self {
        Self {
            generation: 0,
            published: SystemTime::now(),
            model: Arc::default(),
            routes: (0..entry_points).map(|_| Routes::default()).collect(),
            services: Box::default(),
        }
    }

    /// Routes of the entry point with this index.
    #[inline]
    pub fn routes(&self, entry_point: usize) -> Option<&Routes> {
        self.routes.get(entry_point)
    }

    #[inline]
    pub fn service(&self, index: u32) -> Option<&ServiceEntry> {
        self.services.get(index as usize)
    }

    pub fn services(&self) -> &[ServiceEntry] {
        &self.services
    }
}

pub(super) fn compile(
    model: Model,
    generation: u64,
    entry_points: &[String],
    registry: &mut Registry,
) -> Table {
    let mut index_of: HashMap<&str, u32, ahash::RandomState> = HashMap::default();
    let mut services = Vec::with_capacity(model.services.len());
    for (index, (name, service)) in (0_u32..).zip(&model.services) {
        index_of.insert(name, index);
        services.push(compile_service(service, registry));
    }
    let routes = entry_points
        .iter()
        .map(|entry_point| {
            Routes::compile(model.routers.values().filter_map(|router| {
                let listens = router.entry_points.iter().any(|name| name == entry_point);
                // A router whose service is missing was reported by whoever built the model.
                let service = *index_of.get(router.service.as_str())?;
                let rule = router.rule.as_ref()?;
                (listens && router.disabled.is_none()).then_some((rule, router.priority, service))
            }))
        })
        .collect();
    drop(index_of);
    Table {
        generation,
        published: SystemTime::now(),
        routes,
        services: services.into_boxed_slice(),
        model: Arc::new(model),
    }
}

fn compile_service(service: &Service, registry: &mut Registry) -> ServiceEntry {
    // Only plain HTTP can be dialled so far; a server that cannot must not be chosen.
    let usable = |scheme| scheme == Scheme::Http;
    let backends: Box<[Backend]> = service
        .servers
        .iter()
        .map(|server| Backend {
            addr: server.url.addr,
            authority: server.url.addr.to_string().into_boxed_str(),
            state: registry.backend(&service.name, server.url),
        })
        .collect();
    let weights = |state: ServerState| -> Vec<u32> {
        service
            .servers
            .iter()
            .map(|s| if s.state == state && usable(s.url.scheme) { s.weight } else { 0 })
            .collect()
    };
    // A server that has not answered yet is better than none at all: the probe may be wrong.
    let mut rotation = rotation::round(&weights(ServerState::Serving));
    if rotation.is_empty() {
        rotation = rotation::round(&weights(ServerState::Starting));
    }
    let sticky = service.sticky.as_ref().map(|sticky| {
        CookieTable::compile(
            sticky,
            service.servers.iter().map(|server| {
                let holds = usable(server.url.scheme)
                    && server.weight > 0
                    && server.state != ServerState::Starting;
                (server.url, holds)
            }),
        )
    });
    ServiceEntry {
        backends,
        rotation: rotation.into_boxed_slice(),
        sticky,
        pass_host_header: service.pass_host_header,
        state: registry.service(&service.name),
    }
}
