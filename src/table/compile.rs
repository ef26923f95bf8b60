//! The model, made flat for workers: routes by entry point, services with schedule and cookies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::cookies::CookieTable;
use super::rotation;
use super::state::{BackendState, Places, ServiceState};
use crate::model::{Model, Scheme, ServerState, ServerUrl, Service};
use crate::route::Routes;

/// Everything a worker needs to route a request and choose a backend. Immutable; what two tables
/// have in common they share.
#[derive(Clone)]
pub struct Table {
    pub generation: u64,
    pub published: SystemTime,
    /// What it was compiled from, for the control plane.
    pub model: Arc<Model>,
    /// By entry point, in the order of the workers' listeners.
    routes: Arc<[Routes]>,
    /// In the order of their names, as in the model.
    services: Arc<[Arc<ServiceEntry>]>,
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

impl ServiceEntry {
    fn states(&self) -> impl Iterator<Item = Arc<BackendState>> {
        self.backends.iter().map(|backend| Arc::clone(&backend.state))
    }
}

/// A backend as a worker sees it.
pub struct Backend {
    pub addr: SocketAddr,
    /// `address:port`, or as it was written; sent as `Host` where the client's is not passed on.
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
            services: Arc::default(),
        }
    }

    /// Routes of the entry point with this index.
    #[inline]
    pub fn routes(&self, entry_point: usize) -> Option<&Routes> {
        self.routes.get(entry_point)
    }

    #[inline]
    pub fn service(&self, index: u32) -> Option<&ServiceEntry> {
        self.services.get(index as usize).map(Arc::as_ref)
    }

    pub fn services(&self) -> &[Arc<ServiceEntry>] {
        &self.services
    }

    /// Somebody else has it, or its model.
    pub(super) fn is_looked_at(&self) -> bool {
        Arc::strong_count(&self.model) > 1
    }
}

/// Compiles a model. What has not changed since the last table is taken from there.
pub(super) fn compile(model: Model, last: &Table, names: &[String], places: &mut Places) -> Table {
    let mut work = Work { places, gone: Vec::new() };
    let (services, same_names) = services(&model, last, &mut work);
    let routes = if same_names && model.routers == last.model.routers {
        // They name services by index.
        Arc::clone(&last.routes)
    } else {
        routes(&model, names)
    };
    let Work { places, gone } = work;
    gone.iter().for_each(|state| places.leave(state));
    Table {
        generation: last.generation + 1,
        published: SystemTime::now(),
        routes,
        services,
        model: Arc::new(model),
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

/// Routes of each entry point.
fn routes(model: &Model, entry_points: &[String]) -> Arc<[Routes]> {
    let names = model.services.keys().map(String::as_str);
    let index_of: HashMap<&str, u32, ahash::RandomState> = names.zip(0..).collect();
    let listening = |entry_point: &String| {
        Routes::compile(model.routers.values().filter_map(|router| {
            let listens = router.entry_points.contains(entry_point);
            // A router whose service is missing was reported by whoever built the model.
            let service = *index_of.get(router.service.as_str())?;
            let rule = router.rule.as_ref()?;
            (listens && router.disabled.is_none()).then_some((rule, router.priority, service))
        }))
    };
    entry_points.iter().map(listening).collect()
}

/// Compiles a service; state of what it had `before` is kept by identity.
fn compile_service(
    service: &Service,
    before: Option<&Arc<ServiceEntry>>,
    work: &mut Work<'_>,
) -> ServiceEntry {
    // Only plain HTTP can be dialled so far; a server that cannot must not be chosen.
    let usable = |scheme| scheme == Scheme::Http;
    let known = before.into_iter().flat_map(|entry| entry.states());
    let mut known: HashMap<ServerUrl, _, ahash::RandomState> =
        known.map(|state| (state.url, state)).collect();
    let backends: Box<[Backend]> = service
        .servers
        .iter()
        .map(|server| Backend {
            addr: server.url.addr,
            authority: match &server.authority {
                Some(written) => written.as_str().into(),
                None => server.url.addr.to_string().into_boxed_str(),
            },
            state: known.remove(&server.url).unwrap_or_else(|| work.places.settle(server.url)),
        })
        .collect();
    work.gone.extend(known.into_values());
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
        state: before.map(|entry| Arc::clone(&entry.state)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::atomic::Ordering;

    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Dialect, Router, Rule, Server};
    use crate::route::Subject;

    fn url(port: u16) -> ServerUrl {
        ServerUrl { scheme: Scheme::Http, addr: ([127, 0, 0, 1], port).into() }
    }

    /// Services of these names with servers on these ports, and a router for each.
    fn model(services: &[(&str, &[u16])]) -> Model {
        let mut model = Model::default();
        for &(name, ports) in services {
            let server = |&port| Server::new(url(port), ServerState::Serving, "");
            let service = Service {
                name: name.into(),
                provider: "swarm".into(),
                servers: ports.iter().map(server).collect(),
                ..Service::default()
            };
            let router = Router {
                name: name.into(),
                provider: "swarm".into(),
                source: String::new(),
                dialect: Dialect::V3,
                rule_text: String::new(),
                rule: Some(Rule::Host(name.into())),
                priority: 1,
                entry_points: vec!["http".into()],
                service: name.into(),
                middlewares: Vec::new(),
                tls: None,
                disabled: None,
            };
            model.services.insert(name.into(), service);
            model.routers.insert(name.into(), router);
        }
        model
    }

    /// Tables that follow one another.
    struct World {
        places: Places,
        table: Table,
    }

    impl World {
        fn new(services: &[(&str, &[u16])]) -> Self {
            let mut world = Self { places: Places::new(2), table: Table::empty(1) };
            world.becomes(services);
            world
        }

        /// Publishes, and looks for each service by its host.
        fn becomes(&mut self, services: &[(&str, &[u16])]) {
            let names = ["http".to_owned()];
            self.table = compile(model(services), &self.table, &names, &mut self.places);
            assert_eq!(self.table.services().len(), services.len());
            for (name, ports) in services {
                let found: Vec<_> = self.service(name).backends.iter().map(|b| b.addr).collect();
                let expected: Vec<_> = ports.iter().map(|&port| url(port).addr).collect();
                assert_eq!(found, expected, "{name}");
            }
            assert_eq!(self.find("nobody"), None);
        }

        fn find(&self, host: &str) -> Option<u32> {
            let host = host.as_bytes();
            let (path, query) = (&b"/"[..], &b""[..]);
            let subject = Subject { host, path, method: b"GET", headers: &[], query, client: "" };
            self.table.routes(0).and_then(|routes| routes.find(&subject))
        }

        fn service(&self, name: &str) -> Arc<ServiceEntry> {
            let index = self.find(name).expect("a route to it");
            Arc::clone(&self.table.services()[index as usize])
        }

        fn state(&self, name: &str, port: u16) -> Arc<BackendState> {
            let service = self.service(name);
            let mut states = service.states().filter(|state| state.url == url(port));
            states.next().expect("the backend")
        }
    }

    #[test]
    fn state_is_kept_by_identity_and_forgotten_when_gone() {
        let mut world = World::new(&[("other", &[1]), ("web", &[1, 2])]);
        let (a, b) = (world.state("web", 1), world.state("web", 2));
        assert!(!Arc::ptr_eq(&a, &world.state("other", 1)), "each service has its own");
        world.service("web").state.cursor.store(7, Ordering::Relaxed);

        world.becomes(&[("other", &[1]), ("web", &[1])]);
        assert!(Arc::ptr_eq(&a, &world.state("web", 1)));
        assert_eq!(world.service("web").state.cursor.load(Ordering::Relaxed), 7);
        assert!(a.is_present() && !b.is_present());

        world.becomes(&[("other", &[1]), ("web", &[1, 3])]);
        let c = world.state("web", 3);
        assert_eq!(c.slot, b.slot, "a free slot is used again");
        assert_ne!(c.id, b.id, "an id is not");

        world.becomes(&[("other", &[1])]);
        assert!(!a.is_present() && !c.is_present());
        world.becomes(&[("other", &[1]), ("web", &[1])]);
        assert!(!Arc::ptr_eq(&a, &world.state("web", 1)), "it has been away");
    }

    #[test]
    fn what_has_not_changed_is_shared() {
        let mut world = World::new(&[("a", &[1, 2]), ("b", &[1])]);
        let (a, b, routes) =
            (world.service("a"), world.service("b"), Arc::clone(&world.table.routes));
        world.becomes(&[("a", &[1, 2]), ("b", &[1, 2])]);
        assert!(Arc::ptr_eq(&a, &world.service("a")) && !Arc::ptr_eq(&b, &world.service("b")));
        assert!(Arc::ptr_eq(&routes, &world.table.routes));
        // Its neighbours keep their index no longer.
        world.becomes(&[("b", &[1, 2])]);
        world.becomes(&[("0", &[9]), ("b", &[1, 2])]);
    }

    fn check_all(steps: &[BTreeMap<String, BTreeSet<u16>>]) {
        let mut world = World::new(&[]);
        for step in steps {
            let ports: Vec<Vec<u16>> =
                step.values().map(|set| set.iter().copied().collect()).collect();
            let names = step.keys().map(String::as_str);
            world.becomes(&names.zip(ports.iter().map(Vec::as_slice)).collect::<Vec<_>>());
            let services = world.table.services();
            let states: Vec<_> = services.iter().flat_map(|service| service.states()).collect();
            let slots: BTreeSet<u32> = states.iter().map(|state| state.slot).collect();
            assert!(states.iter().all(|state| state.is_present()));
            assert_eq!(slots.len(), states.len(), "a slot was given away twice");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_found(
            steps in vec(btree_map("[a-d]", btree_set(1_u16..6, 0..4), 0..4), 1..12)
        ) {
            check_all(&steps);
        }
    }
}
