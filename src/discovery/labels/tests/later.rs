//! Workloads with the labels of Traefik 2 and 3.

use super::*;

#[test]
fn later_labels() {
    let labels = [
        ("traefik.HTTP.routers.Web.Rule", "Host(`a.example`)"),
        ("traefik.http.routers.Web.entryPoints", "alt"),
        ("traefik.http.routers.Web.priority", "-5"),
        ("traefik.http.services.Web.loadbalancer.server.port", "8080"),
        ("traefik.http.services.Web.loadBalancer.sticky.cookie.httpOnly", "true"),
        ("traefik.http.services.Web.loadbalancer.sticky.cookie.maxage", "60"),
    ];
    let model = quiet(TODAYS_FLAGS, &[workload("s_web", &labels, 2)]);
    let router = router(&model, "Web@swarm");
    assert_eq!((router.priority, router.service.as_str()), (-5, "Web@swarm"));
    assert_eq!(
        (router.dialect, router.entry_points.as_slice()),
        (Dialect::V3, &["alt".to_owned()][..])
    );
    let sticky = service(&model, "Web@swarm").sticky.as_ref().unwrap();
    assert_eq!((sticky.form, sticky.http_only, sticky.max_age), (CookieForm::Sha256, true, 60));
    let second = quiet(SECOND_FLAGS, &[workload("s_web", &labels[3..], 2)]);
    let sticky = service(&second, "Web@docker").sticky.as_ref().unwrap();
    assert_eq!(sticky.form, CookieForm::Fnv1a);
}

#[test]
fn later_defaults() {
    let port = [
        ("traefik.http.services.stack-web.loadbalancer.server.port", "80"),
        ("traefik.http.services.stack-web.loadbalancer.sticky", "true"),
    ];
    let model = quiet(TODAYS_FLAGS, &[workload("stack_web", &port, 1), workload("bare", &[], 1)]);
    let router = router(&model, "stack-web@swarm");
    assert_eq!(router.rule, Some(Rule::Host("stack-web".to_owned())));
    assert_eq!(router.entry_points, ["alt", "web"]);
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
    assert_eq!(router(&model, "web-project@docker").rule_text, "Host(`web-project`)");
}

#[test]
fn what_disables_a_router_of_the_later_dialects() {
    for (label, value, expected) in [
        ("traefik.http.routers.r.middlewares", "auth@file", "there is no middleware auth@file"),
        (
            "traefik.http.routers.r.middlewares",
            "prefix",
            "uses middleware prefix@swarm, which is not supported yet",
        ),
        ("traefik.http.routers.r.tls.certresolver", "le", "uses tls, which is not supported yet"),
        ("traefik.http.routers.r.service", "nope", "there is no service nope@swarm"),
        (
            "traefik.http.routers.r.service",
            "api@internal",
            "the service api@internal is known to Traefik but not supported yet",
        ),
        ("traefik.http.routers.r.entrypoints", "nope", "none of its entry points exists"),
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
            ("traefik.http.middlewares.prefix.addprefix.prefix", "/x"),
            (label, value),
        ];
        let model = model(TODAYS_FLAGS, &[workload("a", &labels, 1)]);
        assert_eq!(router(&model, "r@swarm").disabled.as_deref(), Some(expected), "{label}");
        assert_eq!(service(&model, "s@swarm").servers.len(), 1);
        assert_eq!(model.complaints.len(), 1, "{}", said(&model));
        assert_eq!(model.complaints[0].severity, Severity::Error);
    }
}

#[test]
fn no_label_breaks_out_of_the_cookie() {
    const COOKIE: &str = "traefik.http.services.s.loadbalancer.sticky.cookie";
    let (path, domain) = (format!("{COOKIE}.path"), format!("{COOKIE}.domain"));
    for bad in ["/a\r\nSet-Cookie: b=c", "a;Secure", "\u{7f}x", "ü"] {
        let labels = [
            ("traefik.http.services.s.loadbalancer.server.port", "80"),
            (&path, bad),
            (&domain, bad),
        ];
        let model = model(TODAYS_FLAGS, &[workload("a", &labels, 1)]);
        let sticky = service(&model, "s@swarm").sticky.as_ref().unwrap();
        assert_eq!((sticky.path.as_str(), sticky.domain.as_str()), ("/", ""), "{bad:?}");
        assert_eq!(model.complaints.len(), 2, "{}", said(&model));
    }
}

#[test]
fn an_unknown_template_disables_the_default_router() {
    let mut statics = statics(TODAYS_FLAGS);
    statics.docker[0].default_rule = "Host(`{{ .Nmae }}`)".to_owned();
    let app = workload("a", &[("traefik.http.services.s.loadbalancer.server.port", "80")], 1);
    let model =
        build(&[app], &statics.docker[0], &statics, &BTreeSet::new(), &mut Memory::default());
    assert!(
        router(&model, "a@swarm")
            .disabled
            .as_ref()
            .unwrap()
            .contains("a template that is not understood: .Nmae")
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
    let same = quiet(TODAYS_FLAGS, &[a.clone(), workload("b", &labels("Host(`a`)", "81"), 1)]);
    assert_eq!(urls(service(&same, "s@swarm")), ["http://10.0.1.1:80", "http://10.0.1.1:81"]);
    assert_eq!(same.routers.len(), 1);
    let c = workload("c", &labels("Host(`c`)", "81"), 1);
    let other = workload("d", &[("traefik.http.services.d.loadbalancer.server.port", "1")], 1);
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
    assert!(service(&quiet(TODAYS_FLAGS, &[app]), "s@swarm").servers.is_empty());
}

#[test]
fn what_is_switched_off_disables_nothing() {
    let labels = [
        ("traefik.http.routers.r.rule", "Host(`a`)"),
        ("traefik.http.routers.r.tls", "false"),
        ("traefik.http.routers.r.middlewares", ""),
        ("traefik.http.services.s.loadbalancer.server.port", "80"),
    ];
    let model = quiet(TODAYS_FLAGS, &[workload("a", &labels, 1)]);
    assert_eq!(router(&model, "r@swarm").disabled, None);
}

#[test]
fn static_settings_decide_between_equals_and_about_syntax() {
    let labels = [
        ("traefik.http.routers.r.rule", "PathPrefix(`/{x}`)"),
        ("traefik.http.services.s.loadbalancer.server.port", "80"),
    ];
    let built = |flags: &str| {
        let flags = format!("--providers.swarm --entrypoints.web.address=:80 {flags}");
        let model = model(&flags, &[workload("a", &labels, 1)]);
        let router = router(&model, "r@swarm");
        (router.precedence, matches!(router.rule, Some(Rule::PathPrefix(_))))
    };
    let (usual, literal) = built("");
    assert!(literal, "Traefik 3 knows no templates");
    assert_eq!(built("--providers.precedence=file,swarm"), (1, true));
    assert_eq!(built("--core.defaultRuleSyntax=v2"), (usual, false));
}
