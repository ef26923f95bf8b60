//! Workloads with Traefik 1's labels.

use std::time::Duration;

use super::*;
use crate::model::Scheme;

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
    assert_eq!(urls(service), ["http://10.0.1.1:8080", "http://10.0.1.2:8080"]);
    assert_eq!(service.servers[0].label, "mystack_app.1");
    assert!(service.pass_host_header);
    let sticky = service.sticky.as_ref().unwrap();
    assert_eq!((sticky.cookie_name.as_str(), sticky.form), ("_TRAEFIK_BACKEND", CookieForm::Url));
    assert_eq!((sticky.path.as_str(), sticky.secure, sticky.max_age), ("/", false, 0));
}

#[test]
fn the_users_labels_mean_the_same_under_todays_flags() {
    let model = quiet(TODAYS_FLAGS, &users_stack(2));
    assert_eq!(router(&model, "frontend-Method-GET-POST-PUT-0").dialect, Dialect::V1);
    assert_eq!(service(&model, "backend-mystack-app").provider, "swarm");
}

/// As if the label were not there: in Traefik 1 (`SplitAndTrimString`) and later (paerser).
#[test]
fn an_empty_list_of_entry_points_means_the_defaults() {
    let mut first = users_stack(1);
    first[0].labels.insert("traefik.frontend.entryPoints".to_owned(), " , ".to_owned());
    let model = quiet(USERS_FLAGS, &first);
    assert_eq!(router(&model, "frontend-Method-GET-POST-PUT-0").entry_points, ["http"]);
    let later = [
        ("traefik.http.routers.app.entrypoints", ""),
        ("traefik.http.services.app.loadbalancer.server.port", "80"),
    ];
    let model = quiet(TODAYS_FLAGS, &[workload("app", &later, 1)]);
    assert_eq!(router(&model, "app@swarm").entry_points, ["alt", "web"]);
}

#[test]
fn a_service_without_instances_keeps_its_router() {
    let model = quiet(USERS_FLAGS, &users_stack(0));
    assert_eq!(router(&model, "frontend-Method-GET-POST-PUT-0").disabled, None);
    assert!(service(&model, "backend-mystack-app").servers.is_empty());
}

#[test]
fn states_carry_over() {
    let mut app = workload("a", USERS_LABELS, 3);
    app.instances[0].state = ServerState::Starting;
    app.instances[2].state = ServerState::Draining;
    let model = quiet(USERS_FLAGS, &[app]);
    let states: Vec<ServerState> =
        service(&model, "backend-a").servers.iter().map(|server| server.state).collect();
    assert_eq!(states, [ServerState::Starting, ServerState::Serving, ServerState::Draining]);
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
    assert_eq!((router.priority, router.service.as_str()), (7, "backend-the-web"));
    let service = service(&model, "backend-the-web");
    assert_eq!(urls(service), ["http://10.0.1.1:80", "http://10.0.2.1:80"]);
    assert_eq!((service.servers[0].weight, service.pass_host_header), (3, false));
    let sticky = service.sticky.as_ref().unwrap();
    assert!(sticky.secure && sticky.same_site == Some(SameSite::Lax));
    assert_eq!(sticky.cookie_name, crate::model::cookie::cookie_name(None, "backend-the-web"));
}

#[test]
fn a_bad_label_costs_its_own_service_alone() {
    let bad = workload("bad", &[("traefik.port", "abc"), ("traefik.frontend.rule", "Host:b")], 1);
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
        ("traefik.frontend.entrypoints", "http", "did you mean traefik.frontend.entryPoints?"),
        ("traefik.weigth", "1", "did you mean traefik.weight?"),
        ("traefik.backend.healthcheck.path", "health", "is not a path"),
        ("traefik.backend.loadbalancer.method", "drr", "treated as wrr"),
        ("traefik.frontend.entryPoints", "http,nope", "names the entry point nope"),
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
        assert_eq!(router(&model, "frontend-Host-a-0").disabled, None, "{label}");
        assert_eq!(service(&model, "backend-a").servers.len(), 1);
    }
}

#[test]
fn a_backend_is_checked() {
    let base = [("traefik.port", "80"), ("traefik.frontend.rule", "Host:a")];
    let check = |more: &[(&str, &str)]| {
        let labels: Vec<(String, &str)> = more
            .iter()
            .map(|(name, value)| (format!("traefik.backend.healthcheck.{name}"), *value))
            .collect();
        let labels = labels.iter().map(|(label, value)| (label.as_str(), *value));
        let labels: Vec<_> = base.into_iter().chain(labels).collect();
        let flags = format!("{USERS_FLAGS} --healthCheck.interval=7s");
        let model = model(&flags, &[workload("a", &labels, 1)]);
        (service(&model, "backend-a").health_check.clone(), said(&model))
    };
    let (found, said) = check(&[("interval", "5s")]);
    assert!(found.is_none() && said.contains("checks nothing without a path"), "{said}");
    let (found, said) = check(&[("path", "/up")]);
    let found = found.unwrap();
    assert_eq!((said.as_str(), found.path.as_str()), ("", "/up"));
    assert_eq!((found.interval, found.timeout), (Duration::from_secs(7), Duration::from_secs(5)));
    assert_eq!((found.scheme, found.port, found.status), (None, None, None));
    let (found, said) = check(&[
        ("path", "/up"),
        ("interval", "2s"),
        ("timeout", "500ms"),
        ("scheme", "http"),
        ("port", "81"),
        ("hostname", "h"),
        ("headers", "X-A: b:c || X-D:e"),
    ]);
    let found = found.unwrap();
    assert_eq!(said, "");
    assert_eq!(
        (found.interval, found.timeout),
        (Duration::from_secs(2), Duration::from_millis(500))
    );
    assert_eq!((found.scheme, found.port), (Some(Scheme::Http), Some(81)));
    assert_eq!(found.hostname, "h");
    let headers = found.headers.iter().map(|(name, value)| format!("{name}={value}"));
    assert_eq!(headers.collect::<Vec<_>>(), ["X-A=b:c", "X-D=e"]);
    let (found, said) = check(&[("path", "/up"), ("headers", "X-A")]);
    assert!(found.unwrap().headers.is_empty());
    assert_eq!(
        said,
        "a: traefik.backend.healthcheck.headers=\"X-A\" holds \"X-A\", which is not a name with a \
         value, so the default to send none holds; write name:value||name:value"
    );
}

#[test]
fn nothing_is_served_without_what_protects_it() {
    for protection in [
        ("traefik.frontend.auth.basic.users", "me:secret"),
        ("traefik.backend.maxconn.amount", "10"),
        ("traefik.backend.circuitbreaker.expression", "NetworkErrorRatio() > 0.5"),
        ("traefik.backend.buffering.maxRequestBodyBytes", "10"),
    ] {
        let labels = [("traefik.port", "80"), ("traefik.frontend.rule", "Host:a"), protection];
        let model = model(USERS_FLAGS, &[workload("a", &labels, 1)]);
        let why = router(&model, "frontend-Host-a-0").disabled.clone();
        assert_eq!(why, Some(format!("uses {}, which is not supported yet", protection.0)));
    }
    let labels = [
        ("traefik.port", "80"),
        ("traefik.frontend.rule", "Host:a"),
        ("traefik.frontend.auth.basic.users", "me:secret"),
    ];
    let model = model(USERS_FLAGS, &[workload("a", &labels, 1)]);
    assert!(!said(&model).contains("secret"));
}

#[test]
fn who_is_no_backend() {
    let without_rule = workload("norule", &[("traefik.port", "80")], 1);
    let without_port = workload("noport", &[("traefik.frontend.rule", "Host:a")], 1);
    let off = workload("off", &[("traefik.enable", "false"), ("traefik.port", "x")], 1);
    let model = model(USERS_FLAGS, &[without_rule, without_port, off]);
    assert!(model.routers.is_empty() && model.services.is_empty());
    let said = said(&model);
    assert_eq!(model.complaints.len(), 2, "{said}");
    assert!(said.contains("norule: has neither a rule nor a domain"), "{said}");
    assert!(said.contains("noport: has labels but no port"), "{said}");
}

#[test]
fn a_domain_makes_a_rule() {
    let app = workload("s_web", &[("traefik.port", "80")], 1);
    let model = quiet(&format!("{USERS_FLAGS} --docker.domain=x.org"), &[app]);
    assert_eq!(router(&model, "frontend-Host-s-web-x-org-0").rule_text, "Host:s-web.x.org");
}

#[test]
fn segments_are_frontends_and_backends_of_their_own() {
    let labels = [
        ("traefik.frontend.rule", "Host:all"),
        ("traefik.backend.loadbalancer.sticky", "true"),
        ("traefik.web.port", "80"),
        ("traefik.web.frontend.priority", "7"),
        ("traefik.admin.port", "81"),
        ("traefik.admin.frontend.rule", "Host:admin"),
        ("traefik.admin.weight", "3"),
    ];
    let model = quiet(USERS_FLAGS, &[workload("s_app", &labels, 2)]);
    assert_eq!(
        model.routers.keys().collect::<Vec<_>>(),
        ["frontend-admin-s-app-admin", "frontend-web-s-app-web"]
    );
    let web = router(&model, "frontend-web-s-app-web");
    assert_eq!((web.rule_text.as_str(), web.priority), ("Host:all", 7));
    assert_eq!(web.service, "backend-s-app-web");
    let admin = router(&model, "frontend-admin-s-app-admin");
    assert_eq!(admin.rule_text, "Host:admin");
    let backend = service(&model, "backend-s-app-admin");
    assert_eq!(urls(backend), ["http://10.0.1.1:81", "http://10.0.1.2:81"]);
    assert!(backend.sticky.is_some() && backend.servers[0].weight == 3);
    // A bad segment costs itself.
    let mut bad = labels;
    bad[4].1 = "x";
    let model = super::model(USERS_FLAGS, &[workload("s_app", &bad, 1)]);
    assert_eq!(model.routers.keys().collect::<Vec<_>>(), ["frontend-web-s-app-web"]);
    assert_eq!(
        said(&model),
        "s_app: traefik.admin.port=\"x\" is not a port number, so the service is left out; \
         use a number from 1 to 65535"
    );
}
