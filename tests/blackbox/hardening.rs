//! What an attacker found once, and must not find again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::backends::Mock;
use crate::client::Conn;
use crate::harness::{Driver, both_drivers, eventually};
use crate::heads::{behind, single};

both_drivers!(
    a_stale_pool_delivers_at_most_twice,
    a_body_behind_a_204_reaches_nobody,
    a_post_does_not_go_over_a_connection_that_idled,
    a_first_request_is_served_while_draining,
    a_connection_is_served_or_refused_while_draining,
    half_a_head_is_answered_with_408,
    the_response_is_due_when_the_request_is_sent,
    an_abandoned_wait_ends,
    http2_is_not_upgraded_to,
    aliases_of_framing_and_managed_fields_end_here,
    empty_lines_between_requests_are_nothing,
);

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nHostname: mock\n";

/// The backend closes each connection on its second request, without a word. However many such
/// connections are pooled, a request that may be repeated is repeated once, on a fresh one.
fn a_stale_pool_delivers_at_most_twice(driver: Driver) {
    let puts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&puts);
    let mock = Mock::play(move |mut peer| {
        for n in 0..2 {
            let Some(head) = peer.request() else { return };
            seen.fetch_add(usize::from(head.starts_with("PUT")), Ordering::SeqCst);
            if n == 0 {
                // Long enough for the others to need connections of their own.
                std::thread::sleep(Duration::from_millis(100));
                peer.say(OK);
            }
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let fill: Vec<_> = (0..20)
        .map(|_| {
            let mut conn = lb.connect();
            std::thread::spawn(move || conn.get("/", &[]).status)
        })
        .collect();
    for filled in fill {
        assert_eq!(filled.join().expect("a client"), 200);
    }
    let answer = lb.connect().request("PUT", "/", &[], b"x");
    let delivered = puts.load(Ordering::SeqCst);
    assert_eq!((answer.status, delivered <= 2), (200, true), "delivered {delivered} times");
}

/// The next request on the same backend connection would get it as its answer.
fn a_body_behind_a_204_reaches_nobody(driver: Driver) {
    let mock = Mock::play(|mut peer| {
        while let Some(head) = peer.request() {
            if head.contains("/lie") {
                peer.say("HTTP/1.1 204 No Content\r\nContent-Length: 41\r\n\r\n");
                std::thread::sleep(Duration::from_millis(1));
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nEVL");
            } else {
                peer.say(OK);
            }
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let (mut liar, mut victim) = (lb.connect(), lb.connect());
    for _ in 0..50 {
        let lie = liar.get("/lie", &[]);
        assert_eq!((lie.status, lie.header("content-length")), (204, None), "{}", lie.head);
        for conn in [&mut victim, &mut liar] {
            let answer = conn.get("/", &[]);
            assert_eq!((answer.status, answer.text().as_str()), (200, "Hostname: mock\n"));
        }
    }
}

/// Its backend may close it at that very moment, and a POST must not be repeated.
fn a_post_does_not_go_over_a_connection_that_idled(driver: Driver) {
    let connections = Arc::new(AtomicUsize::new(0));
    let mock = Mock::play(move |mut peer| {
        let number = connections.fetch_add(1, Ordering::SeqCst);
        while peer.request().is_some() {
            let page = format!("{number:08}");
            peer.say(&format!("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{page}"));
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    // One client connection, so one worker and one pool.
    let mut conn = lb.connect();
    let first = conn.get("/", &[]).text();
    assert_eq!(conn.request("POST", "/", &[], b"x").text(), first, "used a moment ago");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(conn.get("/", &[]).text(), first, "a GET may be repeated");
    std::thread::sleep(Duration::from_millis(1500));
    assert_ne!(conn.request("POST", "/", &[], b"x").text(), first);
}

fn a_first_request_is_served_while_draining(driver: Driver) {
    let (_engine, _echo, mut lb) = single(driver);
    let mut early = lb.connect();
    std::thread::sleep(Duration::from_millis(100));
    lb.process.terminate();
    std::thread::sleep(Duration::from_millis(300));
    let answer = early.get("/", &[]);
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    let status = lb.process.wait_for_exit(Duration::from_secs(5));
    assert!(status.success(), "{status}");
}

/// What was accepted is served; what comes too late is refused by the kernel. Nothing between.
fn a_connection_is_served_or_refused_while_draining(driver: Driver) {
    let (_engine, _echo, mut lb) = single(driver);
    lb.process.terminate();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        let Ok(stream) = std::net::TcpStream::connect(lb.entry) else { break };
        let mut conn = Conn::over(stream);
        // A connection still in a listener's queue when that closes is reset by the kernel before
        // anybody has seen it (`net.ipv4.tcp_migrate_req`); an answer that has begun is whole.
        let sent = conn.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        if let Ok(answer) = sent.and_then(|()| conn.try_response("GET")) {
            assert_eq!((answer.status, answer.backend()), (200, Some("one")));
        }
    }
    let status = lb.process.wait_for_exit(Duration::from_secs(5));
    assert!(status.success(), "{status}");
}

fn half_a_head_is_answered_with_408(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let begun = Instant::now();
    let mut conn = lb.connect();
    conn.send("GET / HT");
    let answer = conn.response("GET");
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert!(begun.elapsed() > Duration::from_secs(8), "after {:?}", begun.elapsed());
}

/// A slow upload is the client's time, not the backend's.
fn the_response_is_due_when_the_request_is_sent(driver: Driver) {
    let mock = Mock::play(|mut peer| {
        while let Some(head) = peer.request() {
            if head.contains("/late") {
                std::thread::sleep(Duration::from_secs(4));
            }
            peer.say(OK);
        }
    });
    let more = ["--forwardingTimeouts.responseHeaderTimeout=1s"];
    let (_engine, lb) = behind(driver, &mock, &more);
    let mut conn = lb.connect();
    conn.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(250));
        conn.send([b'x'; 10]);
    }
    assert_eq!(conn.response("POST").status, 200);
    assert_eq!(lb.get("/late", &[]).status, 504);
}

/// A client that goes takes its wait with it, however long the backend would have taken.
fn an_abandoned_wait_ends(driver: Driver) {
    let (waiting, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let told = (Arc::clone(&waiting), Arc::clone(&ended));
    let mock = Mock::play(move |mut peer| {
        while let Some(head) = peer.request() {
            if head.contains("/for-ever") {
                told.0.store(true, Ordering::SeqCst);
                // Comes back at the end of the connection.
                told.1.store(peer.request().is_none(), Ordering::SeqCst);
                return;
            }
            peer.say(OK);
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let mut conn = lb.connect();
    conn.send("GET /for-ever HTTP/1.1\r\nHost: x\r\n\r\n");
    let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst).then_some(());
    eventually("the backend has the request", Duration::from_secs(5), || is(&waiting));
    drop(conn);
    eventually("the backend's connection ends", Duration::from_secs(5), || is(&ended));
}

/// Behind an upgrade to HTTP/2 a client could say what it liked to the backend.
fn http2_is_not_upgraded_to(driver: Driver) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let mock = Mock::play(move |mut peer| {
        while let Some(head) = peer.request() {
            seen.lock().expect("heads").push(head.to_ascii_lowercase());
            peer.say(OK);
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let h2c = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"];
    assert_eq!(lb.get("/h2c", &h2c).status, 200);
    // A body on its way and a new protocol cannot share the stream.
    let with_body = ["Connection: Upgrade", "Upgrade: x"];
    assert_eq!(lb.connect().request("POST", "/body", &with_body, b"x").status, 200);
    let heads = heads.lock().expect("heads");
    for path in ["/h2c", "/body"] {
        let head = heads.iter().find(|head| head.contains(path)).expect("the request");
        for gone in ["upgrade:", "connection:", "http2-settings"] {
            assert!(!head.contains(gone), "{gone} in {head}");
        }
    }
}

/// Many servers take `_` for `-`.
fn aliases_of_framing_and_managed_fields_end_here(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let aliases = ["Content_Length: 5", "Transfer_Encoding: chunked", "X_Forwarded_For: 6.6.6.6"];
    let answer = lb.get("/", &aliases);
    assert_eq!(answer.status, 200);
    let page = answer.text().to_ascii_lowercase();
    for gone in ["content_length", "transfer_encoding", "x_forwarded_for", "6.6.6.6"] {
        assert!(!page.contains(gone), "{gone} on {page}");
    }
}

fn empty_lines_between_requests_are_nothing(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    conn.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\r\n");
    conn.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(conn.response("POST").status, 200);
    assert_eq!(conn.response("GET").status, 200);
    conn.send("\r\n");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(conn.get("/", &[]).status, 200);
}
