//! Backends that break their promises and clients that leave: who is harmed, and who must not be.

use std::time::Duration;

use crate::backends::{Echo, Mock};
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{Driver, Lb, both_drivers};
use crate::heads::{behind, single};

both_drivers!(
    truncated_body_cuts_the_client,
    backend_that_closes_after_each_answer,
    dead_backend_is_passed_over,
    client_gone_in_its_upload,
    client_gone_while_waiting,
    client_gone_in_its_download,
);

/// Everybody else is still served.
fn assert_healthy(lb: &Lb) {
    for _ in 0..10 {
        assert_eq!(lb.get("/", &[]).status, 200);
        assert_eq!(lb.connect().request("POST", "/", &[], b"hello").status, 200);
    }
}

fn truncated_body_cuts_the_client(driver: Driver) {
    for mock in [Mock::truncator(), Mock::chunk_truncator()] {
        let (_engine, lb) = behind(driver, &mock, &[]);
        let mut conn = lb.connect();
        conn.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = conn.try_response("GET");
        assert!(answer.is_err(), "half a body was given out as a whole one: {answer:?}");
    }
}

fn backend_that_closes_after_each_answer(driver: Driver) {
    let mock = Mock::quitter();
    let (_engine, lb) = behind(driver, &mock, &[]);
    let mut conn = lb.connect();
    for n in 0..40 {
        let method = if n % 4 == 0 { "POST" } else { "GET" };
        if method == "POST" {
            // A POST may not be repeated, so one that overtakes the backend's end on a kept
            // connection is lost with every proxy. What must not happen is that it goes out on a
            // connection whose end has been there to see.
            std::thread::sleep(Duration::from_millis(20));
        }
        let answer = conn.request(method, "/", &[], b"");
        assert_eq!((answer.status, answer.backend()), (200, Some("quitter")), "request {n}");
    }
}

/// Its port is closed but the swarm still lists it: cookie or not, nobody gets an error.
fn dead_backend_is_passed_over(driver: Driver) {
    let alive = Echo::start("alive");
    let mut dying = Echo::start("dying");
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &[&alive.ip, &dying.ip]);
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["alive", "dying"]);
    let cookie = format!("Cookie: _TRAEFIK_BACKEND={}", dying.url());
    dying.stop();
    std::thread::sleep(Duration::from_millis(200));
    for _ in 0..10 {
        let answer = lb.get("/", &[]);
        assert_eq!((answer.status, answer.backend()), (200, Some("alive")));
    }
    let answer = lb.get("/", &[&cookie]);
    assert_eq!((answer.status, answer.backend()), (200, Some("alive")));
    assert!(answer.cookie().is_some_and(|c| c.contains(&alive.ip)), "{}", answer.head);
}

fn client_gone_in_its_upload(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    for _ in 0..10 {
        let mut conn = lb.connect();
        conn.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        conn.send(vec![b'x'; 1000]);
    }
    for _ in 0..10 {
        let mut conn = lb.connect();
        conn.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    }
    assert_healthy(&lb);
}

fn client_gone_while_waiting(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    for _ in 0..10 {
        lb.connect().send("GET /__echo/delay/500 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_healthy(&lb);
    std::thread::sleep(Duration::from_millis(600));
    assert_healthy(&lb);
}

fn client_gone_in_its_download(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    for path in ["/__echo/bytes/50000000", "/__echo/chunked/50000000"] {
        let mut conn = lb.connect();
        conn.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        conn.exactly(100_000).expect("a beginning");
    }
    assert_healthy(&lb);
}
