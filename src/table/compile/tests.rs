//! Tables that follow one another, and what they keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::model::{Dialect, Group, GroupKind, Member, Router, Rule, Server};
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
            precedence: 0,
            entry_points: vec!["http".into()],
            lost_entry_points: Vec::new(),
            syntax: None,
            service: name.into(),
            middlewares: Vec::new(),
            tls: None,
            disabled: None,
        };
        model.services.insert(name.into(), service.into());
        model.routers.insert(name.into(), router.into());
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
        self.table = compile(model(services).into(), &self.table, &names, &mut self.places);
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
        self.table.routes(0).and_then(|routes| routes.find(&subject)).map(|to| to.node)
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
    let (a, b, routes) = (world.service("a"), world.service("b"), Arc::clone(&world.table.routes));
    world.becomes(&[("a", &[1, 2]), ("b", &[1, 2])]);
    assert!(Arc::ptr_eq(&a, &world.service("a")) && !Arc::ptr_eq(&b, &world.service("b")));
    assert!(Arc::ptr_eq(&routes, &world.table.routes));
    // Its neighbours keep their index no longer.
    world.becomes(&[("b", &[1, 2])]);
    world.becomes(&[("0", &[9]), ("b", &[1, 2])]);
}

#[test]
fn groups_keep_their_positions_and_follow_their_members() {
    let mut world = World::new(&[("b", &[1]), ("d", &[2])]);
    let member = |service: &str| Member { service: service.into(), weight: 1 };
    let group = |name: &str, members: &[&str]| Group {
        name: name.into(),
        provider: "file".into(),
        dialect: Dialect::V3,
        kind: GroupKind::Weighted {
            members: members.iter().map(|name| member(name)).collect(),
            sticky: None,
        },
        health_check: false,
        disabled: None,
    };
    let mut publish = |services: &[(&str, &[u16])], groups: &[(&str, &[&str])]| {
        let mut model = model(services);
        for (name, members) in groups {
            model.groups.insert((*name).into(), group(name, members).into());
        }
        let names = ["http".to_owned()];
        world.table = compile(model.into(), &world.table, &names, &mut world.places);
        world.table.clone()
    };
    let state = |table: &Table, at: usize| Arc::clone(&table.groups[at].state);
    let leaf = |table: &Table, at: usize| match *table.groups[at].leaves {
        [leaf] => table.services()[leaf as usize].backends[0].addr.port(),
        _ => 0,
    };
    let first = publish(&[("b", &[1]), ("d", &[2])], &[("x", &["d"]), ("y", &["x"])]);
    assert_eq!((leaf(&first, 0), leaf(&first, 1)), (2, 2));
    let same = publish(&[("b", &[1, 3]), ("d", &[2])], &[("x", &["d"]), ("y", &["x"])]);
    assert!(Arc::ptr_eq(&first.groups, &same.groups), "they name services by index");
    let services: [(&str, &[u16]); 3] = [("a", &[9]), ("b", &[1]), ("d", &[2])];
    let moved = publish(&services, &[("w", &["b"]), ("x", &["d"]), ("y", &["x"])]);
    assert_eq!([0, 1, 2].map(|at| leaf(&moved, at)), [1, 2, 2]);
    assert!(Arc::ptr_eq(&state(&first, 0), &state(&moved, 1)));
    assert_ne!(state(&moved, 0).id, state(&moved, 1).id);
    let gone = publish(&services[..2], &[("x", &["d"]), ("y", &["x"])]);
    assert!(gone.groups.iter().all(|group| group.leaves.is_empty()));
    assert!(Arc::ptr_eq(&state(&first, 1), &state(&gone, 1)));
}

#[test]
fn of_equal_routers_the_first_providers_is_taken() {
    let mut model = model(&[("a", &[1]), ("b", &[2])]);
    for (name, precedence) in [("a", 1), ("b", 0)] {
        let router = Arc::make_mut(model.routers.get_mut(name).expect("a router"));
        router.rule = Some(Rule::Host("same".into()));
        router.precedence = precedence;
    }
    let mut world = World::new(&[]);
    world.table =
        compile(model.clone().into(), &world.table, &["http".to_owned()], &mut world.places);
    assert_eq!(world.find("same"), Some(1));
    Arc::make_mut(model.routers.get_mut("a").expect("a router")).priority = 2;
    world.table = compile(model.into(), &world.table, &["http".to_owned()], &mut world.places);
    assert_eq!(world.find("same"), Some(0), "priority goes first");
}

#[test]
fn what_checks_found_outlives_unrelated_changes() {
    let mut world = World::new(&[("web", &[1, 2])]);
    let down = world.state("web", 2);
    assert!(down.set_checked(false));
    world.becomes(&[("api", &[7]), ("web", &[1, 2, 3])]);
    assert!(Arc::ptr_eq(&down, &world.state("web", 2)));
    assert!(world.state("web", 2).is_down(1) && !world.state("web", 3).is_down(1));
}

fn check_all(steps: &[BTreeMap<String, BTreeSet<u16>>]) {
    let mut world = World::new(&[]);
    for step in steps {
        let ports: Vec<Vec<u16>> = step.values().map(|set| set.iter().copied().collect()).collect();
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
