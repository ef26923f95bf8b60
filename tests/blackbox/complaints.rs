//! Bad input: one clear message where the user looks, and everything else works.

use std::time::Duration;

use crate::backends::Echo;
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{
    BACKEND_PORT_TEXT, Driver, Lb, Process, both_drivers, eventually, fresh_address,
};

both_drivers!(
    bad_labels_disable_only_themselves,
    one_router_name_in_two_services,
    unreachable_engine_is_named,
    unknown_flags_are_named,
);

/// A message about the subject and the value, in the log and in what the dashboard shows.
fn assert_complains(lb: &Lb, words: &[&str]) {
    lb.process.wait_for_log(words);
    eventually(&format!("the dashboard shows {words:?}"), crate::engine::EFFECT, || {
        let document: serde_json::Value =
            serde_json::from_slice(&lb.web("/api/ringress").body).ok()?;
        let complaints = document["complaints"].as_array()?.clone();
        complaints
            .iter()
            .map(|complaint| complaint.to_string().replace("\\\"", "\""))
            .any(|text| words.iter().all(|word| text.contains(word)))
            .then_some(())
    });
}

fn bad_labels_disable_only_themselves(driver: Driver) {
    let echo = Echo::start("good");
    let engine = FakeEngine::start();
    let address: &[&str] = &[&echo.ip];
    engine.set("mystack_app", SEED_LABELS, address);
    let port = ("traefik.port", BACKEND_PORT_TEXT);
    engine.set(
        "stack_port",
        &[("traefik.port", "eighty"), ("traefik.frontend.rule", "PathPrefix: /port")],
        address,
    );
    engine.set("stack_rule", &[port, ("traefik.frontend.rule", "Hots: example.org")], address);
    engine.set(
        "stack_bool",
        &[
            port,
            ("traefik.frontend.rule", "PathPrefix: /bool"),
            ("traefik.backend.loadbalancer.sticky", "jein"),
        ],
        address,
    );
    engine.set(
        "stack_unknown",
        &[port, ("traefik.frontend.rule", "PathPrefix: /u"), ("traefik.frontend.ruel", "x")],
        address,
    );
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["good"]);
    assert_complains(&lb, &["stack_port", "traefik.port", "eighty"]);
    assert_complains(&lb, &["stack_rule", "Hots"]);
    assert_complains(&lb, &["stack_bool", "jein"]);
    assert_complains(&lb, &["stack_unknown", "traefik.frontend.ruel"]);
    assert_eq!(lb.get("/bool", &[]).backend(), Some("good"), "a bad option is not a bad service");
    assert_eq!(lb.get("/", &[]).backend(), Some("good"));
}

fn one_router_name_in_two_services(driver: Driver) {
    let echo = Echo::start("good");
    let engine = FakeEngine::start();
    let port = |service: &str| format!("traefik.http.services.{service}.loadbalancer.server.port");
    let (one, two, three) = (port("one"), port("two"), port("three"));
    let rule = |router: &str, path: &str| {
        (format!("traefik.http.routers.{router}.rule"), format!("PathPrefix(`{path}`)"))
    };
    let add = |service: &str, port: &str, (key, value): (String, String)| {
        let labels = [(port, BACKEND_PORT_TEXT), (key.as_str(), value.as_str())];
        engine.set(service, &labels, &[&echo.ip]);
    };
    add("stack_one", &one, rule("web", "/one"));
    add("stack_two", &two, rule("web", "/two"));
    add("stack_three", &three, rule("other", "/three"));
    let lb = Lb::start_modern(driver, &engine, &[]);
    eventually("the good router works", crate::engine::EFFECT, || {
        (lb.get("/three", &[]).backend() == Some("good")).then_some(())
    });
    let line = lb.process.wait_for_log(&["web", "stack_one", "stack_two"]);
    eventually("the dashboard shows it", crate::engine::EFFECT, || {
        let text = lb.web("/api/ringress").text();
        (text.contains("stack_one") && text.contains("stack_two")).then_some(())
    });
    assert_eq!(lb.get("/three", &[]).status, 200, "after {line}");
}

fn unreachable_engine_is_named(driver: Driver) {
    let path = "/nonexistent/docker.sock";
    let endpoint = format!("--docker.endpoint=unix://{path}");
    let mut lb = Lb::start_at(driver, &fresh_address(), &endpoint, &[]);
    lb.process.wait_for_log(&[path]);
    assert_eq!(lb.get("/", &[]).status, 404, "nothing is known yet");
    assert_eq!(lb.web("/ping").text(), "OK");
    eventually("the dashboard says so", crate::engine::EFFECT, || {
        lb.web("/api/ringress").text().contains(path).then_some(())
    });
    assert!(lb.process.is_running());
}

fn unknown_flags_are_named(driver: Driver) {
    let echo = Echo::start("good");
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &[&echo.ip]);
    let lb = Lb::start(driver, &engine, &["--docker.frobnicate=7"]);
    lb.wait_for_backends(&["good"]);
    assert_complains(&lb, &["docker.frobnicate"]);
}

/// A value that cannot be meant ends the start: one line, with option, value and what is right.
#[test]
fn wrong_flag_values_end_the_start() {
    let cases: [(&str, &[&str]); 3] = [
        ("--ringress.driver=kqueue", &["ringress.driver", "kqueue", "epoll"]),
        ("--web.address=nowhere", &["web.address", "nowhere"]),
        ("--ringress.workers=0", &["ringress.workers", "0"]),
    ];
    for (flag, words) in cases {
        let mut process = Process::spawn(&["--docker".to_owned(), "--web".to_owned(), flag.into()]);
        let status = process.wait_for_exit(Duration::from_secs(10));
        assert!(!status.success(), "{flag} was taken");
        process.wait_for_log(words);
    }
}
