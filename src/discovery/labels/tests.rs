//! Workloads of all dialects, and the model that they come to.

mod first;
mod later;

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::discovery::workload::Instance;
use crate::model::{CookieForm, Router, Rule, SameSite, ServerState, Service};

const USERS_FLAGS: &str = "--docker --docker.swarmmode --docker.watch --web --loglevel=DEBUG";
const TODAYS_FLAGS: &str =
    "--providers.swarm --entrypoints.web.address=:80 --entrypoints.alt.address=:81";
const SECOND_FLAGS: &str = "--providers.docker.swarmMode";

fn workload(name: &str, labels: &[(&str, &str)], replicas: u8) -> Workload {
    let pairs = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
    let instance = |slot: u8| Instance {
        name: format!("{name}.{slot}"),
        addresses: [("mystack_net".to_owned(), IpAddr::from([10, 0, 1, slot]))].into(),
        ports: Vec::new(),
        state: ServerState::Serving,
    };
    Workload {
        name: name.to_owned(),
        labels: pairs.collect(),
        instances: (1..=replicas).map(instance).collect(),
        misplaced: None,
        virtual_addresses: [("mystack_net".to_owned(), IpAddr::from([10, 0, 1, 100]))].into(),
    }
}

fn statics(flags: &str) -> Static {
    let args: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    crate::config::load(&args, &[]).unwrap()
}

fn model(flags: &str, workloads: &[Workload]) -> Model {
    let statics = statics(flags);
    let mut model =
        build(workloads, &statics.docker[0], &statics, &BTreeSet::new(), &mut Memory::default());
    crate::discovery::link(&mut model);
    model
}

fn said(model: &Model) -> String {
    model.complaints.iter().map(Complaint::to_string).collect::<Vec<_>>().join("\n")
}

fn quiet(flags: &str, workloads: &[Workload]) -> Model {
    let model = model(flags, workloads);
    assert_eq!(said(&model), "");
    model
}

fn router<'a>(model: &'a Model, name: &str) -> &'a Router {
    model.routers.get(name).unwrap_or_else(|| panic!("{name}: {:?}", model.routers.keys()))
}

fn service<'a>(model: &'a Model, name: &str) -> &'a Service {
    model.services.get(name).unwrap_or_else(|| panic!("{name}: {:?}", model.services.keys()))
}

fn urls(service: &Service) -> Vec<String> {
    service.servers.iter().map(|server| server.url.to_string()).collect()
}

const USERS_LABELS: &[(&str, &str)] = &[
    ("traefik.backend.loadbalancer.sticky", "true"),
    ("traefik.docker.network", "mystack_net"),
    ("traefik.port", "8080"),
    ("traefik.frontend.rule", "Method: GET, POST, PUT"),
];

fn users_stack(replicas: u8) -> Vec<Workload> {
    vec![workload("mystack_app", USERS_LABELS, replicas), workload("mystack_lb", &[], 1)]
}

#[test]
fn labels_of_both_families() {
    let mut labels = USERS_LABELS.to_vec();
    labels.push(("traefik.http.routers.r.rule", "Host(`a`)"));
    labels.push(("traefik.http.services.s.loadbalancer.server.port", "80"));
    let app = [workload("a", &labels, 1)];
    let first = model(USERS_FLAGS, &app);
    assert_eq!(first.services.keys().collect::<Vec<_>>(), ["backend-a"]);
    let later = model(TODAYS_FLAGS, &app);
    assert_eq!(later.services.keys().collect::<Vec<_>>(), ["s@swarm"]);
    for model in [first, later] {
        assert_eq!(model.complaints.len(), 1, "{}", said(&model));
    }
}

#[test]
fn constraints_decide_who_is_served() {
    let mut tagged = users_stack(1);
    tagged[0].labels.insert("traefik.tags".to_owned(), "api, live".to_owned());
    tagged.push(workload("other", USERS_LABELS, 1));
    let names = |model: Model| model.services.into_keys().collect::<Vec<_>>();
    let only = |flags: &str| names(quiet(&format!("{USERS_FLAGS} {flags}"), &tagged));
    assert_eq!(only("--constraints=tag==li*"), ["backend-mystack-app"]);
    assert_eq!(only("--constraints=tag!=live --docker.constraints=tag!=x"), ["backend-other"]);
    let later =
        "--providers.swarm --providers.swarm.constraints=LabelRegex(`traefik.tags`,`live$`)";
    assert_eq!(names(quiet(later, &tagged)), ["backend-mystack-app"]);
    let bad = model("--providers.swarm --providers.swarm.constraints=Labl(`a`,`b`)", &tagged);
    assert!(bad.services.is_empty());
    assert_eq!(
        said(&bad),
        "swarm: constraints=\"Labl(`a`,`b`)\" is a constraint that is not understood: \
         there is no function \"Labl\" at character 1, so nothing of this provider is served; \
         use Label or LabelRegex"
    );
}

#[test]
fn what_is_remembered_is_what_would_be_found() {
    let statics = statics(TODAYS_FLAGS);
    let mut memory = Memory::default();
    let label = "traefik.http.services.s.loadbalancer.server.port";
    let app = |port: &str, replicas| workload("app", &[(label, port)], replicas);
    let steps = [
        (vec![app("80", 1)], "a"),
        (vec![app("80", 2), workload("bad", &[(label, "x")], 1)], "a"),
        (vec![app("81", 2), workload("bad", &[(label, "x")], 1)], "a"),
        (vec![workload("bad", &[(label, "x")], 1)], "b"),
        (vec![app("81", 2)], "b"),
    ];
    for (workloads, network) in steps {
        let own = BTreeSet::from([network.to_owned()]);
        let anew = &mut Memory::default();
        let expected = build(&workloads, &statics.docker[0], &statics, &own, anew);
        for _ in 0..2 {
            let found = build(&workloads, &statics.docker[0], &statics, &own, &mut memory);
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn the_order_of_workloads_does_not_count() {
    let mut all = users_stack(2);
    all.push(workload("zweites", USERS_LABELS, 3));
    let forward = model(USERS_FLAGS, &all);
    all.reverse();
    assert_eq!(forward, model(USERS_FLAGS, &all));
}

fn label() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "port",
        "weight",
        "protocol",
        "backend",
        "frontend.rule",
        "frontend.priority",
        "frontend.entryPoints",
        "backend.loadbalancer.stickiness",
        "docker.network",
        "enable",
        "http.routers.r.rule",
        "http.routers.r.service",
        "http.services.s.loadbalancer.server.port",
        "http.services.s.loadbalancer.server.scheme",
        "http.services.s.loadbalancer.sticky.cookie.name",
        "http.services.s.loadbalancer.sticky.cookie.maxage",
        "swarm.lbswarm",
        "tcp.x",
    ]);
    prop_oneof![
        known.prop_map(|name| format!("traefik.{name}")),
        "traefik(\\.[a-zé*\\[\\]]{0,9}){0,5}",
        "\\PC*",
    ]
}

proptest! {
    #[test]
    fn no_labels_panic(
        labels in proptest::collection::btree_map(label(), prop_oneof!["\\PC*", "[0-9]{1,3}", "true"], 0..8),
        name in "\\PC*",
    ) {
        let app = Workload { labels, ..workload(&name, &[], 2) };
        for flags in [USERS_FLAGS, TODAYS_FLAGS, SECOND_FLAGS, "--docker", "--providers.docker"] {
            let model = model(flags, &[app.clone(), workload("b", USERS_LABELS, 1)]);
            prop_assert!(model.services.contains_key("backend-b"), "{flags}");
            for router in model.routers.values().filter(|router| router.disabled.is_none()) {
                prop_assert!(router.rule.is_some() && !router.entry_points.is_empty());
                prop_assert!(model.services.contains_key(&router.service));
            }
        }
    }
}
