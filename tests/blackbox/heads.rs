//! Heads of requests and responses: what is added, what is answered by ourselves, which kinds of
//! request pass.

use crate::backends::{Echo, Mock};
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, both_drivers, eventually};

both_drivers!(
    forwarded_headers_are_added,
    forwarded_for_grows_by_the_peer,
    hop_by_hop_headers_stay,
    no_route_is_404,
    no_backend_is_503,
    removed_service_is_404,
    silent_close_is_502,
    no_answer_is_504,
    head_has_no_body,
    statuses_without_a_body,
    http10_client,
    pipelined_requests_keep_their_order,
    interim_responses_pass,
    requests_that_read_two_ways_are_refused,
);

/// One echo backend behind the user's labels.
pub fn single(driver: Driver) -> (FakeEngine, Echo, Lb) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &[&echo.ip]);
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["one"]);
    (engine, echo, lb)
}

/// One mock behind the user's labels; ready when it no longer is "no backend".
pub fn behind(driver: Driver, mock: &Mock, more: &[&str]) -> (FakeEngine, Lb) {
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &[&mock.ip]);
    let lb = Lb::start(driver, &engine, more);
    eventually("the mock is a backend", crate::engine::EFFECT, || {
        // POST is never retried, so what comes is the mock's doing.
        let mut conn = lb.connect();
        conn.send("POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        let answer = conn.try_response("POST");
        // 404 and 503 are ours: not discovered yet, not ready yet.
        (!matches!(answer, Ok(answer) if matches!(answer.status, 404 | 503))).then_some(())
    });
    (engine, lb)
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("hostname");
    name.trim().to_owned()
}

fn forwarded_headers_are_added(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    let peer = conn.local_ip();
    let page = conn.get("/", &["Accept: text/x-odd", "User-Agent: odd/1.0"]);
    let expected = [
        ("X-Forwarded-For", peer.as_str()),
        ("X-Forwarded-Host", "test.local:25580"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "25580"),
        ("X-Forwarded-Server", &hostname()),
        ("X-Real-Ip", peer.as_str()),
        ("Host", "test.local:25580"),
        ("Accept", "text/x-odd"),
        ("User-Agent", "odd/1.0"),
    ];
    for (name, value) in expected {
        assert_eq!(page.received(name), [value], "{name} in\n{}", page.text());
    }
    assert_eq!(page.header("server"), None, "none is added");
    assert_eq!(page.header("via"), None, "none is added");
}

/// The first dialect believes everybody by default.
fn forwarded_for_grows_by_the_peer(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    let peer = conn.local_ip();
    let page = conn.get("/", &["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"]);
    assert_eq!(page.received("x-forwarded-for"), [format!("203.0.113.7, {peer}")]);
    assert_eq!(page.received("x-forwarded-proto"), ["https"]);
}

fn hop_by_hop_headers_stay(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let lines = ["Connection: x-mine, keep-alive", "X-Mine: 1", "Keep-Alive: timeout=5", "X-Y: 2"];
    let page = lb.get("/", &lines);
    assert!(page.received("x-mine").is_empty(), "{}", page.text());
    assert!(page.received("keep-alive").is_empty(), "{}", page.text());
    assert_eq!(page.received("x-y"), ["2"]);
    // Naming one of the load balancer's own headers must not take it away.
    let page = lb.get("/", &["Connection: X-Forwarded-For"]);
    assert_eq!(page.received("x-forwarded-for").len(), 1, "{}", page.text());
}

fn no_route_is_404(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    let answer = conn.request("DELETE", "/", &[], b"");
    assert_eq!((answer.status, answer.text().as_str()), (404, "404 page not found\n"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(conn.get("/", &[]).status, 200, "the connection stays usable");
    conn.finish_sending();
    assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "an answer that nobody asked for");
}

fn no_backend_is_503(driver: Driver) {
    let (engine, _echo, lb) = single(driver);
    engine.set("mystack_app", SEED_LABELS, &[]);
    let answer = eventually("a 503", crate::engine::EFFECT, || {
        Some(lb.get("/", &[])).filter(|answer| answer.status != 200)
    });
    assert_eq!((answer.status, answer.text().as_str()), (503, "Service Unavailable"));
}

fn removed_service_is_404(driver: Driver) {
    let (engine, _echo, lb) = single(driver);
    engine.remove("mystack_app");
    eventually("a 404", crate::engine::EFFECT, || (lb.get("/", &[]).status == 404).then_some(()));
}

fn silent_close_is_502(driver: Driver) {
    for mock in [Mock::slammer(), Mock::babbler()] {
        let (_engine, lb) = behind(driver, &mock, &[]);
        let mut conn = lb.connect();
        for method in ["GET", "POST", "PUT", "GET"] {
            // On one connection: each request has one answer, and only its own.
            let answer = conn.request(method, "/", &[], b"");
            assert_eq!((answer.status, answer.text().as_str()), (502, "Bad Gateway"), "{method}");
        }
        conn.finish_sending();
        assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "an answer that nobody asked for");
    }
}

fn no_answer_is_504(driver: Driver) {
    let mock = Mock::silent();
    let limit = "--forwardingTimeouts.responseHeaderTimeout=500ms";
    let (_engine, lb) = behind(driver, &mock, &[limit]);
    let answer = lb.get("/", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (504, "Gateway Timeout"));
}

fn head_has_no_body(driver: Driver) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    let labels = [("traefik.port", BACKEND_PORT_TEXT), ("traefik.frontend.rule", "PathPrefix: /")];
    engine.set("mystack_app", &labels, &[&echo.ip]);
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["one"]);
    let mut conn = lb.connect();
    for path in ["/__echo/bytes/1000", "/__echo/chunked/1000"] {
        let answer = conn.request("HEAD", path, &[], b"");
        assert_eq!(answer.status, 200);
        // A body would be taken for the next response's head.
        assert_eq!(conn.get("/", &[]).status, 200, "after HEAD {path}");
    }
    let answer = conn.request("HEAD", "/__echo/bytes/1000", &[], b"");
    assert_eq!(answer.header("content-length"), Some("1000"));
}

fn statuses_without_a_body(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for status in [204, 304, 200, 404, 500] {
        let answer = conn.get(&format!("/__echo/status/{status}"), &[]);
        assert_eq!((answer.status, answer.body.len()), (status, 0));
        assert_eq!(conn.get("/", &[]).status, 200, "after a {status}");
    }
}

fn http10_client(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    conn.send("GET /__echo/chunked/5000 HTTP/1.0\r\nHost: x\r\n\r\n");
    let answer = conn.rest().expect("until the close");
    let head_end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&answer[..head_end]).to_lowercase();
    assert!(head.starts_with("http/1."), "{head}");
    assert!(!head.contains("transfer-encoding"), "1.0 knows no chunks: {head}");
    assert_eq!(answer.len() - head_end, 5000);

    let mut conn = lb.connect();
    for _ in 0..3 {
        conn.send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
        let answer = conn.response("GET");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("connection").map(str::to_lowercase), Some("keep-alive".into()));
    }
}

fn pipelined_requests_keep_their_order(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    let all: String = (0..10)
        .map(|n| {
            // The first is the slowest: an answer that overtakes would show.
            let path = if n == 0 { "/__echo/delay/200" } else { "/" };
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Number: {n}\r\n\r\n")
        })
        .collect();
    conn.send(all);
    for n in 0..10 {
        assert_eq!(conn.response("GET").received("x-number"), [n.to_string()]);
    }
    let mixed = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
                 GET / HTTP/1.1\r\nHost: x\r\nX-Number: 2\r\n\r\n";
    conn.send(mixed);
    assert!(conn.response("POST").text().contains("Body: 5 bytes"));
    assert_eq!(conn.response("GET").received("x-number"), ["2"]);
}

fn interim_responses_pass(driver: Driver) {
    let mock = Mock::hinter();
    let (_engine, lb) = behind(driver, &mock, &[]);
    let mut conn = lb.connect();
    for _ in 0..2 {
        let hint = conn.get("/", &[]);
        assert_eq!((hint.status, hint.header("link")), (103, Some("</a.css>")));
        let answer = conn.response("GET");
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }
}

fn requests_that_read_two_ways_are_refused(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let heads = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    ];
    for head in heads {
        let mut conn = lb.connect();
        conn.send(head);
        let answer = conn.response("GET");
        assert!(matches!(answer.status, 400 | 501), "{} for {head:?}", answer.status);
        assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "and the connection closes");
    }
}
