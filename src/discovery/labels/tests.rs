//! Workloads of all dialects, and the model that they come to.

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
    let pairs = labels
        .iter()
        .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
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
        virtual_addresses: [("mystack_net".to_owned(), IpAddr::from([10, 0, 1, 100]))].into(),
    }
}

fn statics(flags: &str) -> Static {
    let args: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    crate::config::load(&args, &[]).unwrap()
}

fn model(flags: &str, workloads: &[Workload]) -> Model {
    let statics = statics(flags);
    build(workloads, &statics.docker[0], &statics, &BTreeSet::new())
}

fn said(model: &Model) -> String {
    model
        .complaints
        .iter()
        .map(Complaint::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn quiet(flags: &str, workloads: &[Workload]) -> Model {
    let model = model(flags, workloads);
    assert_eq!(said(&model), "");
    model
}

fn router<'a>(model: &'a Model, name: &str) -> &'a Router {
    model
        .routers
        .get(name)
        .unwrap_or_else(|| panic!("{name}: {:?}", model.routers.keys()))
}

fn service<'a>(model: &'a Model, name: &str) -> &'a Service {
    model
        .services
        .get(name)
        .unwrap_or_else(|| panic!("{name}: {:?}", model.services.keys()))
}

fn urls(service: &Service) -> Vec<String> {
    service
        .servers
        .iter()
        .map(|server| server.url.to_string())
        .collect()
}

const USERS_LABELS: &[(&str, &str)] = &[
    ("traefik.backend.loadbalancer.sticky", "true"),
    ("traefik.docker.network", "mystack_net"),
    ("traefik.port", "8080"),
    ("traefik.frontend.rule", "Method: GET, POST, PUT"),
];

fn users_stack(replicas: u8) -> Vec<Workload> {
    vec![
        workload("mystack_app", USERS_LABELS, replicas),
        workload("mystack_lb", &[], 1),
    ]
}

#[test]
fn the_users_stack() {
    let model = quiet(USERS_FLAGS, &users_stack(2));
    assert_eq!(model.routers.len(), 1);
    let router = router(&model, "frontend-Method-GET-POST-PUT-0");
    assert_eq!(router.dialect, Dialect::V1);
    let method = |name: &str| Rule::Method(name.to_owned());
    let rule = Rule::Any(vec![method("GET"), method("POST"), method("PUT")]);
    assert_eq!(router.rule, Some(rule));
    assert_eq!((router.priority, router.disabled.as_deref()), (22, None));
    assert_eq!(router.entry_points, ["http"]);
    assert_eq!(
        (router.service.as_str(), router.provider.as_str()),
        ("backend-mystack-app", "docker")
    );
    assert_eq!(model.services.len(), 1);
    let service = service(&model, "backend-mystack-app");
    assert_eq!(
        urls(service),
        ["http://10.0.1.1:8080", "http://10.0.1.2:8080"]
    );
    assert_eq!(service.servers[0].label, "mystack_app.1");
    assert!(service.pass_host_header);
    let sticky = service.sticky.as_ref().unwrap();
    assert_eq!(
        (sticky.cookie_name.as_str(), sticky.form),
        ("_TRAEFIK_BACKEND", CookieForm::Url)
    );
    assert_eq!(
        (sticky.path.as_str(), sticky.secure, sticky.max_age),
        ("/", false, 0)
    );
}

#[test]
fn the_users_labels_mean_the_same_under_todays_flags() {
    let model = quiet(TODAYS_FLAGS, &users_stack(2));
    assert_eq!(
        router(&model, "frontend-Method-GET-POST-PUT-0").dialect,
        Dialect::V1
    );
    assert_eq!(service(&model, "backend-mystack-app").provider, "swarm");
}

#[test]
fn a_service_without_instances_keeps_its_router() {
    let model = quiet(USERS_FLAGS, &users_stack(0));
    assert_eq!(
        router(&model, "frontend-Method-GET-POST-PUT-0").disabled,
        None
    );
    assert!(service(&model, "backend-mystack-app").servers.is_empty());
}

#[test]
fn states_carry_over() {
    let mut app = workload("a", USERS_LABELS, 3);
    app.instances[0].state = ServerState::Starting;
    app.instances[2].state = ServerState::Draining;
    let model = quiet(USERS_FLAGS, &[app]);
    let states: Vec<ServerState> = service(&model, "backend-a")
        .servers
        .iter()
        .map(|server| server.state)
        .collect();
    assert_eq!(
        states,
        [
            ServerState::Starting,
            ServerState::Serving,
            ServerState::Draining
        ]
    );
}

#[test]
fn neighbours_of_the_users_labels() {
    let labels = [
        ("traefik.enable", "true"),
        ("traefik.port", "80"),
        ("traefik.weight", "3"),
        ("traefik.protocol", "http"),
        ("traefik.backend", "the web"),
        ("traefik.frontend.rule", "Host:a.example"),
        ("traefik.frontend.priority", "7"),
        ("traefik.frontend.passHostHeader", "false"),
        ("traefik.backend.loadbalancer.stickiness", "true"),
        ("traefik.backend.loadbalancer.stickiness.secure", "true"),
        ("traefik.backend.loadbalancer.stickiness.sameSite", "lax"),
    ];
    let mut other = workload("b", &labels, 1);
    other.instances[0].addresses = [("n".to_owned(), IpAddr::from([10, 0, 2, 1]))].into();
    let model = quiet(USERS_FLAGS, &[other, workload("a", &labels, 1)]);
    assert_eq!(
        model.routers.keys().collect::<Vec<_>>(),
        ["frontend-Host-a-example-0", "frontend-Host-a-example-1"]
    );
    let router = router(&model, "frontend-Host-a-example-0");
    assert_eq!(
        (router.priority, router.service.as_str()),
        (7, "backend-the-web")
    );
    let service = service(&model, "backend-the-web");
    assert_eq!(urls(service), ["http://10.0.1.1:80", "http://10.0.2.1:80"]);
    assert_eq!(
        (service.servers[0].weight, service.pass_host_header),
        (3, false)
    );
    let sticky = service.sticky.as_ref().unwrap();
    assert!(sticky.secure && sticky.same_site == Some(SameSite::Lax));
    assert_eq!(
        sticky.cookie_name,
        crate::balance::sticky::cookie_name(None, "backend-the-web")
    );
}

#[test]
fn a_bad_label_costs_its_own_service_alone() {
    let bad = workload(
        "bad",
        &[("traefik.port", "abc"), ("traefik.frontend.rule", "Host:b")],
        1,
    );
    let mut all = users_stack(2);
    all.push(bad);
    let model = model(USERS_FLAGS, &all);
    assert_eq!((model.routers.len(), model.services.len()), (1, 1));
    assert_eq!(
        said(&model),
        "bad: traefik.port=\"abc\" is not a port number, so the service is left out; \
         use a number from 1 to 65535"
    );
    assert_eq!(model.complaints[0].severity, Severity::Error);
}

#[test]
fn a_bad_rule_disables_its_own_router() {
    let labels = [("traefik.port", "80"), ("traefik.frontend.rule", "Hots: a")];
    let model = model(USERS_FLAGS, &[workload("a", &labels, 1)]);
    let router = model.routers.values().next().unwrap();
    assert!(router.rule.is_none() && router.disabled.as_ref().unwrap().contains("Hots"));
    assert_eq!(
        said(&model),
        "a: traefik.frontend.rule=\"Hots: a\" is a rule that is not understood: \
         there is no function \"Hots\" at character 1; did you mean Host?"
    );
}

#[test]
fn what_is_said_about_labels_of_the_first_dialect() {
    let base = [("traefik.port", "80"), ("traefik.frontend.rule", "Host:a")];
    for (label, value, expected) in [
        (
            "traefik.frontend.entrypoints",
            "http",
            "did you mean traefik.frontend.entryPoints?",
        ),
        ("traefik.weigth", "1", "did you mean traefik.weight?"),
        (
            "traefik.backend.healthcheck.path",
            "/",
            "known to Traefik but not supported yet",
        ),
        (
            "traefik.backend.loadbalancer.method",
            "drr",
            "treated as wrr",
        ),
        (
            "traefik.frontend.entryPoints",
            "http,nope",
            "names the entry point nope",
        ),
        (
            "traefik.docker.network",
            "net",
            "is not a network of this service, so mystack_net is used",
        ),
        ("traefik.weight", "many", "so the default 1 holds"),
    ] {
        let mut labels = base.to_vec();
        labels.push((label, value));
        let model = model(USERS_FLAGS, &[workload("a", &labels, 1)]);
        assert!(said(&model).contains(expected), "{label}: {}", said(&model));
        assert_eq!(model.complaints.len(), 1, "{}", said(&model));
        assert_eq!(
            router(&model, "frontend-Host-a-0").disabled,
            None,
            "{label}"
        );
        assert_eq!(service(&model, "backend-a").servers.len(), 1);
    }
}

#[test]
fn nothing_is_served_without_what_protects_it() {
    let labels = [
        ("traefik.port", "80"),
        ("traefik.frontend.rule", "Host:a"),
        ("traefik.frontend.auth.basic.users", "me:secret"),
    ];
    let model = model(USERS_FLAGS, &[workload("a", &labels, 1)]);
    let why = router(&model, "frontend-Host-a-0").disabled.as_deref();
    assert_eq!(
        why,
        Some("uses traefik.frontend.auth.basic.users, which is not supported yet")
    );
    assert!(!said(&model).contains("secret"));
}

#[test]
fn who_is_no_backend() {
    let without_rule = workload("norule", &[("traefik.port", "80")], 1);
    let without_port = workload("noport", &[("traefik.frontend.rule", "Host:a")], 1);
    let off = workload(
        "off",
        &[("traefik.enable", "false"), ("traefik.port", "x")],
        1,
    );
    let segment = workload("seg", &[("traefik.web.port", "80")], 1);
    let model = model(USERS_FLAGS, &[without_rule, without_port, off, segment]);
    assert!(model.routers.is_empty() && model.services.is_empty());
    let said = said(&model);
    assert_eq!(model.complaints.len(), 3, "{said}");
    assert!(
        said.contains("norule: has neither a rule nor a domain"),
        "{said}"
    );
    assert!(said.contains("noport: has labels but no port"), "{said}");
    assert!(
        said.contains("seg: traefik.web.port=\"80\" is a segment label"),
        "{said}"
    );
}

#[test]
fn a_domain_makes_a_rule() {
    let app = workload("s_web", &[("traefik.port", "80")], 1);
    let model = quiet(&format!("{USERS_FLAGS} --docker.domain=x.org"), &[app]);
    assert_eq!(
        router(&model, "frontend-Host-s-web-x-org-0").rule_text,
        "Host:s-web.x.org"
    );
}

#[test]
fn later_labels() {
    let labels = [
        ("traefik.HTTP.routers.Web.Rule", "Host(`a.example`)"),
        ("traefik.http.routers.Web.entryPoints", "alt"),
        ("traefik.http.routers.Web.priority", "-5"),
        ("traefik.http.services.Web.loadbalancer.server.port", "8080"),
        (
            "traefik.http.services.Web.loadBalancer.sticky.cookie.httpOnly",
            "true",
        ),
        (
            "traefik.http.services.Web.loadbalancer.sticky.cookie.maxage",
            "60",
        ),
    ];
    let model = quiet(TODAYS_FLAGS, &[workload("s_web", &labels, 2)]);
    let router = router(&model, "Web@swarm");
    assert_eq!(
        (router.priority, router.service.as_str()),
        (-5, "Web@swarm")
    );
    assert_eq!(
        (router.dialect, router.entry_points.as_slice()),
        (Dialect::V3, &["alt".to_owned()][..])
    );
    let sticky = service(&model, "Web@swarm").sticky.as_ref().unwrap();
    assert_eq!(
        (sticky.form, sticky.http_only, sticky.max_age),
        (CookieForm::Sha256, true, 60)
    );
    let second = quiet(SECOND_FLAGS, &[workload("s_web", &labels[3..], 2)]);
    let sticky = service(&second, "Web@docker").sticky.as_ref().unwrap();
    assert_eq!(sticky.form, CookieForm::Fnv1a);
}

#[test]
fn later_defaults() {
    let port = [
        (
            "traefik.http.services.stack-web.loadbalancer.server.port",
            "80",
        ),
        (
            "traefik.http.services.stack-web.loadbalancer.sticky",
            "true",
        ),
    ];
    let model = quiet(
        TODAYS_FLAGS,
        &[workload("stack_web", &port, 1), workload("bare", &[], 1)],
    );
    let router = router(&model, "stack-web@swarm");
    assert_eq!(router.rule, Some(Rule::Host("stack-web".to_owned())));
    assert_eq!(router.entry_points, ["web", "alt"]);
    let sticky = service(&model, "stack-web@swarm").sticky.as_ref().unwrap();
    assert_eq!(sticky.cookie_name, "_493a4");
    assert_eq!(model.services.len(), 1);
}

#[test]
fn containers_need_no_port_label() {
    let mut app = workload("web_project", &[], 1);
    app.instances[0].ports = vec![81, 8080];
    let twin = Workload {
        instances: vec![Instance {
            addresses: [("n".to_owned(), IpAddr::from([10, 0, 9, 9]))].into(),
            ..app.instances[0].clone()
        }],
        ..app.clone()
    };
    let model = quiet("--providers.docker", &[app, twin]);
    assert_eq!(
        urls(service(&model, "web-project@docker")),
        ["http://10.0.1.1:81", "http://10.0.9.9:81"]
    );
    assert_eq!(
        router(&model, "web-project@docker").rule_text,
        "Host(`web-project`)"
    );
}

#[test]
fn what_disables_a_router_of_the_later_dialects() {
    for (label, value, expected) in [
        (
            "traefik.http.routers.r.middlewares",
            "auth@file",
            "uses middleware auth@file, which is not supported yet",
        ),
        (
            "traefik.http.routers.r.tls.certresolver",
            "le",
            "uses tls, which is not supported yet",
        ),
        (
            "traefik.http.routers.r.service",
            "nope",
            "there is no service nope@swarm",
        ),
        (
            "traefik.http.routers.r.service",
            "api@internal",
            "the service api@internal is known to Traefik but not supported yet",
        ),
        (
            "traefik.http.routers.r.entrypoints",
            "nope",
            "none of its entry points exists",
        ),
        (
            "traefik.http.services.s.loadbalancer.server.scheme",
            "https",
            "the protocol https to servers is not supported yet",
        ),
        (
            "traefik.http.routers.r.priority",
            "9223372036854775000",
            "the priority 9223372036854775000 is greater than 9223372036854774807",
        ),
    ] {
        let labels = [
            ("traefik.http.routers.r.rule", "Host(`a`)"),
            ("traefik.http.services.s.loadbalancer.server.port", "80"),
            (label, value),
        ];
        let model = model(TODAYS_FLAGS, &[workload("a", &labels, 1)]);
        assert_eq!(
            router(&model, "r@swarm").disabled.as_deref(),
            Some(expected),
            "{label}"
        );
        assert_eq!(service(&model, "s@swarm").servers.len(), 1);
        assert_eq!(model.complaints.len(), 1, "{}", said(&model));
        assert_eq!(model.complaints[0].severity, Severity::Error);
    }
}

#[test]
fn an_unknown_template_disables_the_default_router() {
    let mut statics = statics(TODAYS_FLAGS);
    statics.docker[0].default_rule = "Host(`{{ index .Labels \"x\" }}`)".to_owned();
    let app = workload(
        "a",
        &[("traefik.http.services.s.loadbalancer.server.port", "80")],
        1,
    );
    let model = build(&[app], &statics.docker[0], &statics, &BTreeSet::new());
    assert!(
        router(&model, "a@swarm")
            .disabled
            .as_ref()
            .unwrap()
            .contains("template action")
    );
}

#[test]
fn names_that_meet() {
    let labels = |rule: &'static str, port: &'static str| {
        [
            ("traefik.http.routers.r.rule", rule),
            ("traefik.http.routers.r.service", "s"),
            ("traefik.http.services.s.loadbalancer.server.port", port),
        ]
    };
    let a = workload("a", &labels("Host(`a`)", "80"), 1);
    let same = quiet(
        TODAYS_FLAGS,
        &[a.clone(), workload("b", &labels("Host(`a`)", "81"), 1)],
    );
    assert_eq!(
        urls(service(&same, "s@swarm")),
        ["http://10.0.1.1:80", "http://10.0.1.1:81"]
    );
    assert_eq!(same.routers.len(), 1);
    let c = workload("c", &labels("Host(`c`)", "81"), 1);
    let other = workload(
        "d",
        &[("traefik.http.services.d.loadbalancer.server.port", "1")],
        1,
    );
    let apart = model(TODAYS_FLAGS, &[c, a, other]);
    assert_eq!(apart.routers.keys().collect::<Vec<_>>(), ["d@swarm"]);
    assert_eq!(
        said(&apart),
        "a, c: the router r@swarm is defined differently by each, and is left out; \
         give each its own name, or all the same labels"
    );
}

#[test]
fn virtual_addresses() {
    let labels = [
        ("traefik.swarm.lbswarm", "true"),
        ("traefik.http.services.s.loadbalancer.server.port", "80"),
    ];
    let mut app = workload("a", &labels, 2);
    let found = quiet(TODAYS_FLAGS, &[app.clone()]);
    assert_eq!(urls(service(&found, "s@swarm")), ["http://10.0.1.100:80"]);
    app.virtual_addresses = BTreeMap::new();
    let found = model(TODAYS_FLAGS, &[app.clone()]);
    assert_eq!(service(&found, "s@swarm").servers.len(), 2);
    assert!(said(&found).contains("no virtual address"));
    app.virtual_addresses = [("n".to_owned(), IpAddr::from([10, 0, 0, 1]))].into();
    app.instances.clear();
    assert!(
        service(&quiet(TODAYS_FLAGS, &[app]), "s@swarm")
            .servers
            .is_empty()
    );
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
