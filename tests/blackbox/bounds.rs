//! Bounds that options set: of heads, of times, of what one connection may carry.

use std::time::{Duration, Instant};

use crate::backends::Echo;
use crate::engine::FakeEngine;
use crate::harness::{Driver, Lb, both_drivers};
use crate::heads::behind;

both_drivers!(
    heads_are_bounded_as_asked,
    a_long_head_passes_where_it_may,
    a_head_is_due_when_the_option_says,
    a_connection_carries_so_many_requests,
    a_connection_lives_so_long,
    a_response_is_taken_in_time,
);

/// One echo backend behind the user's labels, with more options.
fn bounded(driver: Driver, more: &[&str]) -> (FakeEngine, Echo, Lb) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    engine.set("mystack_app", crate::engine::SEED_LABELS, &[&echo.ip]);
    let lb = Lb::start(driver, &engine, more);
    lb.wait_for_backends(&["one"]);
    (engine, echo, lb)
}

/// The same with the options of later dialects.
fn bounded_modern(driver: Driver, more: &[&str]) -> (FakeEngine, Echo, Lb) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    let labels = [
        ("traefik.http.routers.app.rule", "PathPrefix(`/`)"),
        ("traefik.http.services.app.loadbalancer.server.port", crate::harness::BACKEND_PORT_TEXT),
    ];
    engine.set("mystack_app", &labels, &[&echo.ip]);
    let lb = Lb::start_modern(driver, &engine, more);
    lb.wait_for_backends(&["one"]);
    (engine, echo, lb)
}

fn heads_are_bounded_as_asked(driver: Driver) {
    let options = [
        "--ringress.maxHeaderBytes=1024",
        "--ringress.maxHeaderFields=8",
        "--ringress.maxTargetBytes=100",
    ];
    let (_engine, _echo, lb) = bounded(driver, &options);
    let long = format!("X-Long: {}", "x".repeat(1000));
    assert_eq!(lb.get("/", &[&long]).status, 431);
    assert_eq!(lb.get("/", &["A: b"; 8]).status, 431, "Host is the ninth");
    assert_eq!(lb.get("/", &["A: b"; 7]).status, 200);
    assert_eq!(lb.get(&format!("/{}", "x".repeat(100)), &[]).status, 414);
    assert_eq!(lb.get(&format!("/{}", "x".repeat(99)), &[]).status, 200);
}

/// Both ways, and longer than the buffers that it begins in.
fn a_long_head_passes_where_it_may(driver: Driver) {
    let mock = crate::backends::Mock::play(|mut peer| {
        while let Some(head) = peer.request() {
            let line = head.lines().find(|line| line.starts_with("X-Long")).unwrap_or("X-Long: ");
            peer.say(&format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{line}\r\n\r\nok"));
        }
    });
    let (_engine, lb) = behind(driver, &mock, &["--ringress.maxHeaderBytes=65536"]);
    let mut conn = lb.connect();
    for length in [100, 15_000, 16_384, 40_000, 64_000, 100] {
        let value = "x".repeat(length);
        let answer = conn.get("/", &[&format!("X-Long: {value}")]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{length}");
        assert_eq!(answer.header("x-long"), Some(value.as_str()));
    }
    assert_eq!(conn.get("/", &[&format!("X-Long: {}", "x".repeat(66_000))]).status, 431);
}

fn a_head_is_due_when_the_option_says(driver: Driver) {
    let (_engine, _echo, lb) = bounded(driver, &["--ringress.headTimeout=500ms"]);
    let begun = Instant::now();
    let mut conn = lb.connect();
    conn.send("GET / HT");
    assert_eq!(conn.response("GET").status, 408);
    let taken = begun.elapsed();
    assert!((Duration::from_millis(450)..Duration::from_secs(5)).contains(&taken), "{taken:?}");
}

fn a_connection_carries_so_many_requests(driver: Driver) {
    let option = "--entryPoints.web.transport.keepAliveMaxRequests=3";
    let (_engine, _echo, lb) = bounded_modern(driver, &[option]);
    let mut conn = lb.connect();
    for last in [None, None, Some("close")] {
        let answer = conn.get("/", &[]);
        assert_eq!((answer.status, answer.header("connection")), (200, last));
    }
    assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "and it closes");
}

fn a_connection_lives_so_long(driver: Driver) {
    let option = "--entryPoints.web.transport.keepAliveMaxTime=3s";
    let (_engine, _echo, lb) = bounded_modern(driver, &[option]);
    let mut conn = lb.connect();
    assert_eq!(conn.get("/", &[]).header("connection"), None);
    std::thread::sleep(Duration::from_millis(3300));
    assert_eq!(conn.get("/", &[]).header("connection"), Some("close"));
    assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "and it closes");
}

/// A client that takes a little now and then makes progress for ever, but not within this.
fn a_response_is_taken_in_time(driver: Driver) {
    let option = "--respondingTimeouts.writeTimeout=1s";
    let (_engine, _echo, lb) = bounded(driver, &[option]);
    let mut conn = lb.connect();
    conn.send("GET /__echo/bytes/50000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    let begun = Instant::now();
    let taken = conn.sip(100_000, Duration::from_millis(20));
    assert!(taken < 50_000_000, "cut after {taken} bytes");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // One that takes it in time is not disturbed.
    let answer = lb.get("/__echo/bytes/100000", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 100_000));
}
