//! The model, made flat for workers: routes by entry point, services with schedule and cookies.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::cookies::CookieTable;
use super::groups::{self, GroupEntry};
use super::rotation;
use super::state::{BackendState, Passive, Places, RouterState, ServiceState};
use crate::model::{
    HealthCheck, HealthMode, Model, Router, Scheme, Server, ServerState, ServerUrl, Service,
    Strategy, Transport,
};
use crate::route::{Destination, Routes};

/// Everything a worker needs to route a request and choose a backend. Immutable; what two tables
/// have in common they share.
#[derive(Clone)]
pub struct Table {
    pub generation: u64,
    pub published: SystemTime,
    /// What it was compiled from, for the control plane.
    pub model: Arc<Model>,
    /// By entry point, in the order of the workers' listeners. They lead to a [`Node`] by its
    /// index: services come first, groups behind them.
    routes: Arc<[Routes]>,
    /// In the order of their names, as in the model.
    routers: Arc<[Arc<RouterState>]>,
    /// In the order of their names, as in the model.
    services: Arc<[Arc<ServiceEntry>]>,
    /// Likewise.
    groups: Arc<[GroupEntry]>,
}

/// What answers a request.
#[derive(Clone, Copy)]
pub enum Node<'t> {
    Service(&'t ServiceEntry),
    Group(&'t GroupEntry),
}

/// A service as a worker sees it.
pub struct ServiceEntry {
    pub backends: Box<[Backend]>,
    /// Indices into `backends`: one round of the weighted rotation among those that take new
    /// clients. Empty when there is none.
    pub rotation: Box<[u32]>,
    /// The same backends, each once.
    pub takers: Box<[u32]>,
    pub strategy: Strategy,
    pub sticky: Option<CookieTable>,
    pub pass_host_header: bool,
    /// What is asked of its backends, by somebody else than the workers.
    pub check: Option<Arc<HealthCheck>>,
    pub passive: Option<Passive>,
    /// How connections to its backends are made and kept; `None` for the usual ways.
    pub terms: Option<Arc<Transport>>,
    pub state: Arc<ServiceState>,
}

impl ServiceEntry {
    fn states(&self) -> impl Iterator<Item = Arc<BackendState>> {
        self.backends.iter().map(|backend| Arc::clone(&backend.state))
    }
}

/// A backend as a worker sees it.
pub struct Backend {
    pub addr: SocketAddr,
    /// Sent as `Host` where the client's is not passed on: `address:port`, or a name.
    pub authority: Box<str>,
    /// The URL as it was written; goes into hashes.
    pub url: Box<str>,
    /// Put before every path; may be empty.
    pub path: Box<str>,
    pub weight: u32,
    /// It was told to stop, and answers those who have its cookie for as long as it can.
    pub is_leaving: bool,
    pub state: Arc<BackendState>,
}

impl Table {
    pub fn empty(entry_points: usize) -> Self {
        Self {
            generation: 0,
            published: SystemTime::now(),
            model: Arc::default(),
            routes: (0..entry_points).map(|_| Routes::default()).collect(),
            routers: Arc::default(),
            services: Arc::default(),
            groups: Arc::default(),
        }
    }

    /// Routes of the entry point with this index.
    #[inline]
    pub fn routes(&self, entry_point: usize) -> Option<&Routes> {
        self.routes.get(entry_point)
    }

    /// What a route or a group leads to.
    #[inline]
    pub fn node(&self, index: u32) -> Option<Node<'_>> {
        let index = index as usize;
        match self.services.get(index) {
            Some(service) => Some(Node::Service(service)),
            None => self.groups.get(index - self.services.len()).map(Node::Group),
        }
    }

    #[inline]
    pub fn router(&self, index: u32) -> Option<&RouterState> {
        self.routers.get(index as usize).map(Arc::as_ref)
    }

    pub fn routers(&self) -> &[Arc<RouterState>] {
        &self.routers
    }

    #[inline]
    pub fn service(&self, index: u32) -> Option<&ServiceEntry> {
        self.services.get(index as usize).map(Arc::as_ref)
    }

    pub fn services(&self) -> &[Arc<ServiceEntry>] {
        &self.services
    }

    /// Whether some backend behind a node that takes new clients is `fit`.
    pub fn is_any(&self, node: u32, fit: impl Fn(&BackendState) -> bool) -> bool {
        let has_fit = |service: &ServiceEntry| {
            let mut takers = service.takers.iter();
            takers.any(|&at| service.backends.get(at as usize).is_some_and(|b| fit(&b.state)))
        };
        match self.node(node) {
            Some(Node::Service(service)) => has_fit(service),
            Some(Node::Group(group)) => {
                group.leaves.iter().any(|&leaf| self.service(leaf).is_some_and(has_fit))
            }
            None => false,
        }
    }

    /// Somebody else has it, or its model.
    pub(super) fn is_looked_at(&self) -> bool {
        Arc::strong_count(&self.model) > 1
    }
}

/// Compiles a model. What has not changed since the last table is taken from there.
pub(super) fn compile(
    model: Arc<Model>,
    last: &Table,
    names: &[String],
    places: &mut Places,
) -> Table {
    let mut work = Work { places, gone: Vec::new() };
    let (services, same_services) = services(&model, last, &mut work);
    // Groups name services by index, and routes name both.
    let same_groups = same_services && model.groups == last.model.groups;
    let groups = if same_groups {
        Arc::clone(&last.groups)
    } else {
        let before = last.model.groups.keys().map(String::as_str).zip(last.groups.iter());
        groups::compile(&model, before.collect(), work.places)
    };
    let same_routers = model.routers == last.model.routers;
    let routers = match same_routers {
        true => Arc::clone(&last.routers),
        false => routers(&model, last, work.places),
    };
    let routes = match same_groups && same_routers {
        true => Arc::clone(&last.routes),
        false => routes(&model, names),
    };
    let Work { places, gone } = work;
    gone.iter().for_each(|state| places.leave(state));
    Table {
        generation: last.generation + 1,
        published: SystemTime::now(),
        routes,
        routers,
        services,
        groups,
        model,
    }
}

/// What a compilation needs and finds on its way.
struct Work<'a> {
    places: &'a mut Places,
    /// Backends that are in the last table and not in the new one.
    gone: Vec<Arc<BackendState>>,
}

/// True if there are services of the same names as before, and no others.
fn services(model: &Model, last: &Table, work: &mut Work<'_>) -> (Arc<[Arc<ServiceEntry>]>, bool) {
    let mut same_names = true;
    let mut before = last.model.services.iter().zip(last.services.iter()).peekable();
    let mut compiled = Vec::with_capacity(model.services.len());
    // Both are in the order of names.
    for (name, service) in &model.services {
        while let Some((_, entry)) = before.next_if(|((other, _), _)| *other < name) {
            same_names = false;
            work.gone.extend(entry.states());
        }
        compiled.push(match before.next_if(|((other, _), _)| *other == name) {
            Some(((_, was), entry)) if was == service => Arc::clone(entry),
            Some((_, entry)) => Arc::new(compile_service(service, Some(entry), work)),
            None => {
                same_names = false;
                Arc::new(compile_service(service, None, work))
            }
        });
    }
    for (_, entry) in before {
        same_names = false;
        work.gone.extend(entry.states());
    }
    (compiled.into(), same_names)
}

/// Places of services and groups in the table, by name.
pub(super) fn indices(model: &Model) -> HashMap<&str, u32, ahash::RandomState> {
    let names = model.services.keys().chain(model.groups.keys());
    names.map(String::as_str).zip(0..).collect()
}

/// The state of each router; of those that were there before, the one that they had.
fn routers(model: &Model, last: &Table, places: &Places) -> Arc<[Arc<RouterState>]> {
    let before: HashMap<&str, &Arc<RouterState>, ahash::RandomState> =
        last.model.routers.keys().map(String::as_str).zip(last.routers.iter()).collect();
    let state = |name: &String| match before.get(name.as_str()) {
        Some(state) => Arc::clone(state),
        None => places.open(name),
    };
    model.routers.keys().map(state).collect()
}

/// Routes of each entry point.
fn routes(model: &Model, entry_points: &[String]) -> Arc<[Routes]> {
    let index_of = indices(model);
    let mut routers: Vec<(u32, &Router)> =
        (0..).zip(model.routers.values().map(|router| &**router)).collect();
    // By name where the providers are equal.
    routers.sort_by_key(|(_, router)| router.precedence);
    let listening = |entry_point: &String| {
        Routes::compile(routers.iter().filter_map(|&(place, router)| {
            let listens = router.entry_points.contains(entry_point);
            // A router whose service is missing was reported by whoever built the model.
            let node = *index_of.get(router.service.as_str())?;
            let rule = router.rule.as_ref()?;
            let to = Destination { router: place, node };
            (listens && router.disabled.is_none()).then_some((rule, router.priority, to))
        }))
    };
    entry_points.iter().map(listening).collect()
}

/// Only plain HTTP can be dialled so far; a server that cannot must not be chosen.
fn is_usable(server: &Server) -> bool {
    server.url.scheme == Scheme::Http
}

/// Compiles a service; state of what it had `before` is kept by identity.
fn compile_service(
    service: &Service,
    before: Option<&Arc<ServiceEntry>>,
    work: &mut Work<'_>,
) -> ServiceEntry {
    // gRPC needs HTTP/2; whoever built the model has said so.
    let check = service.health_check.as_ref().filter(|check| check.mode == HealthMode::Http);
    let backends = backends(service, before, work);
    let weights = |state: ServerState| -> Vec<u32> {
        let takes = |server: &Server| server.state == state && is_usable(server);
        service.servers.iter().map(|s| if takes(s) { s.weight } else { 0 }).collect()
    };
    // A server that has not answered yet is better than none at all: the probe may be wrong.
    let mut rotation = rotation::round(&weights(ServerState::Serving));
    if rotation.is_empty() {
        rotation = rotation::round(&weights(ServerState::Starting));
    }
    let mut takers = rotation.clone();
    takers.sort_unstable();
    takers.dedup();
    let sticky = service.sticky.as_ref().map(|sticky| {
        CookieTable::of_servers(
            sticky,
            service.servers.iter().map(|server| {
                let holds =
                    is_usable(server) && server.weight > 0 && server.state != ServerState::Starting;
                (server.written_url(), holds)
            }),
        )
    });
    ServiceEntry {
        backends,
        rotation: rotation.into_boxed_slice(),
        takers: takers.into_boxed_slice(),
        strategy: service.strategy,
        sticky,
        pass_host_header: service.pass_host_header,
        passive: service.passive_health_check.map(Passive::new),
        check: check.cloned().map(Arc::new),
        terms: service.terms.map(Arc::new),
        state: before
            .map_or_else(|| work.places.begin(&service.name), |entry| Arc::clone(&entry.state)),
    }
}

fn backends(
    service: &Service,
    before: Option<&Arc<ServiceEntry>>,
    work: &mut Work<'_>,
) -> Box<[Backend]> {
    let known = before.into_iter().flat_map(|entry| entry.states());
    let mut known: HashMap<ServerUrl, _, ahash::RandomState> =
        known.map(|state| (state.url, state)).collect();
    let backend = |server: &Server| {
        let state = known.remove(&server.url).unwrap_or_else(|| work.places.settle(server.url));
        if service.strategy == Strategy::LeastTime {
            state.measure();
        }
        Backend {
            addr: server.url.addr,
            authority: server.host().into(),
            url: server.written_url().into(),
            path: server.path.trim_end_matches('/').into(),
            weight: server.weight,
            is_leaving: server.state == ServerState::Draining,
            state,
        }
    };
    let backends = service.servers.iter().map(backend).collect();
    work.gone.extend(known.into_values());
    backends
}
