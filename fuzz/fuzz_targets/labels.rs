//! Labels of every kind on some services, beside two healthy ones that must not feel it.
//!
//! The input is text: a line `@name` begins a service, `label=value` is one of its labels.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use ringress::config::{self, Static};
use ringress::discovery::labels::Memory;
use ringress::discovery::workload::{Instance, Workload};
use ringress::discovery::{self, labels};
use ringress::model::{Model, ServerState};
use ringress::request::routing_host;
use ringress::route::Subject;
use ringress::table::Store;

const NETWORK: &str = "net";

/// Of every generation, for a swarm and for single containers.
static SETTINGS: LazyLock<Vec<Static>> = LazyLock::new(|| {
    let flags = [
        "--docker --docker.swarmmode --web",
        "--docker --docker.domain=example.org",
        "--providers.docker.swarmMode --entrypoints.web.address=:80",
        "--providers.docker --entrypoints.web.address=:80 --entrypoints.alt.address=:81",
        "--providers.swarm --providers.swarm.network=net",
    ];
    let load = |flags: &str| {
        let arguments: Vec<String> = flags.split(' ').map(str::to_owned).collect();
        config::load(&arguments, &[]).expect("good flags")
    };
    flags.map(load).into()
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let strangers = read(&text);
    // A name that no label can mean.
    let runs = text.split(|c| c != 'n').map(str::len);
    let name = "n".repeat(runs.max().unwrap_or(0) + 1);
    for statics in &*SETTINGS {
        let build = |workloads: &[Workload]| {
            linked(labels::build(
                workloads,
                &statics.docker[0],
                statics,
                &BTreeSet::new(),
                &mut Memory::default(),
            ))
        };
        let mut all = vec![first(&name), later(&name)];
        let alone = build(&all);
        all.extend_from_slice(&strangers);
        let together = build(&all);
        stays(&alone, &together);
        is_sound(&together);
        all.reverse();
        assert_eq!(build(&all), together, "the order counts");
        serves(statics, &together);
        for stranger in &strangers {
            let model = build(std::slice::from_ref(stranger));
            is_served_or_says_why(stranger, &model, statics.docker[0].exposed_by_default);
        }
    }
});

fn linked(mut model: Model) -> Model {
    discovery::link(&mut model);
    model
}

fn read(text: &str) -> Vec<Workload> {
    let mut all = Vec::new();
    for line in text.split('\n') {
        if let Some(name) = line.strip_prefix('@') {
            all.push(workload(name, all.len(), BTreeMap::new()));
            continue;
        }
        let (label, value) = line.split_once('=').unwrap_or((line, ""));
        if all.is_empty() {
            all.push(workload("s", 0, BTreeMap::new()));
        }
        if let Some(last) = all.last_mut() {
            last.labels.insert(label.to_owned(), value.to_owned());
        }
    }
    all
}

/// The first one has no instance, the second has one, the third has two, all others three.
fn workload(name: &str, place: usize, labels: BTreeMap<String, String>) -> Workload {
    let address = |last: usize| IpAddr::from([10, 0, place as u8, last as u8]);
    let instance = |slot: usize| Instance {
        name: format!("{name}.{place}.{slot}"),
        addresses: [(NETWORK.to_owned(), address(slot)), ("ingress".to_owned(), address(slot + 9))]
            .into(),
        ports: if slot.is_multiple_of(2) { vec![80, 8080] } else { vec![] },
        state: [ServerState::Serving, ServerState::Starting, ServerState::Draining][slot % 3],
    };
    Workload {
        name: name.to_owned(),
        labels,
        instances: (0..place.min(3)).map(instance).collect(),
        misplaced: None,
        virtual_addresses: [(NETWORK.to_owned(), address(100))].into(),
    }
}

fn labels<const N: usize>(pairs: [(String, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(label, value)| (label, value.to_owned())).into()
}

fn first(name: &str) -> Workload {
    let rule = format!("Host:{name}.example.com");
    let labels = labels([
        ("traefik.port".to_owned(), "8080"),
        ("traefik.backend.loadbalancer.sticky".to_owned(), "true"),
        ("traefik.frontend.rule".to_owned(), &rule),
    ]);
    workload(name, 255, labels)
}

fn later(name: &str) -> Workload {
    let rule = format!("Host(`{name}.example.com`)");
    let service = format!("traefik.http.services.{name}.loadbalancer");
    let labels = labels([
        (format!("{service}.server.port"), "8080"),
        (format!("{service}.sticky.cookie"), "true"),
        (format!("traefik.http.routers.{name}.rule"), &rule),
    ]);
    workload(name, 255, labels)
}

fn stays(alone: &Model, together: &Model) {
    assert!(alone.complaints.is_empty(), "{:?}", alone.complaints);
    assert_eq!((alone.routers.len(), alone.services.len()), (2, 2));
    for (name, router) in &alone.routers {
        assert_eq!(router.disabled, None);
        assert_eq!(together.routers.get(name), Some(router));
    }
    for (name, service) in &alone.services {
        assert_eq!(service.servers.len(), 3);
        assert_eq!(together.services.get(name), Some(service));
    }
}

/// What the rest of the house takes for granted.
fn is_sound(model: &Model) {
    for (name, router) in &model.routers {
        assert_eq!(*name, router.name);
        if router.disabled.is_none() {
            assert!(router.rule.is_some() && !router.entry_points.is_empty());
            assert!(model.services.contains_key(&router.service));
        }
    }
    for (name, service) in &model.services {
        assert_eq!(*name, service.name);
        assert!(service.servers.is_sorted_by(|a, b| a.url < b.url), "{:?}", service.servers);
    }
    let said: BTreeSet<String> = model.complaints.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), model.complaints.len(), "something is said twice");
}

/// Nothing is dropped in silence but what asks for it or asks for nothing.
fn is_served_or_says_why(stranger: &Workload, model: &Model, exposed: bool) {
    let is_ours = |label: &String| label.to_ascii_lowercase().starts_with("traefik.");
    let switch = |label: &String| label.eq_ignore_ascii_case("traefik.enable");
    let asks = exposed && stranger.labels.keys().any(is_ours);
    let served = model.routers.values().any(|router| router.disabled.is_none());
    if asks && !stranger.labels.keys().any(switch) {
        assert!(served || !model.complaints.is_empty(), "{stranger:?}");
    }
    for complaint in &model.complaints {
        assert_eq!(complaint.subject, stranger.name);
    }
}

/// The model compiles, and what it puts into heads is one field line each.
fn serves(statics: &Static, model: &Model) {
    let names: Vec<String> = statics.entry_points.iter().map(|e| e.name.clone()).collect();
    let store = Store::new(1, names.clone());
    store.publish(model.clone());
    store.read(|table| {
        for service in table.services() {
            for index in 0..service.backends.len() as u32 {
                let Some(sticky) = &service.sticky else { continue };
                let line = sticky.set_cookie(index);
                let line = line.strip_suffix(b"\r\n").expect("a whole line");
                assert!(!line.iter().any(u8::is_ascii_control), "{}", line.escape_ascii());
            }
        }
        for entry_point in 0..names.len() {
            let routes = table.routes(entry_point).expect("routes of every entry point");
            let subject = Subject {
                host: &routing_host(b"s.example.org:80"),
                path: b"/",
                method: b"GET",
                headers: &[],
                query: b"",
                client: "192.0.2.1",
            };
            let found = routes.find(&subject);
            assert!(found.is_none_or(|to| table.service(to.node).is_some()));
        }
    });
}
