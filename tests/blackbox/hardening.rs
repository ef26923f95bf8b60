//! What an attacker found once, and must not find again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::backends::Mock;
use crate::harness::{Driver, both_drivers, eventually};
use crate::heads::{behind, single};

both_drivers!(
    a_stale_pool_delivers_at_most_twice,
    a_body_behind_a_204_reaches_nobody,
    a_post_does_not_go_over_a_connection_that_idled,
    a_full_pool_keeps_the_youngest_connection,
    a_pool_is_as_large_as_it_has_to_be,
    http2_is_not_upgraded_to,
    aliases_of_framing_and_managed_fields_end_here,
    empty_lines_between_requests_are_nothing,
    pipelined_refusals_are_counted_out,
);

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nHostname: mock\n";

/// The backend closes each connection on its second request, without a word. However many such
/// connections are pooled, a request that may be repeated is repeated once, on a fresh one.
fn a_stale_pool_delivers_at_most_twice(driver: Driver) {
    let puts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&puts);
    let mock = Mock::play(move |mut peer| {
        for n in 0..2 {
            let Some(head) = peer.request() else { return };
            if head.starts_with("PUT") {
                seen.lock().expect("puts").push(n);
            }
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
    assert_eq!(answer.status, 200);
    let delivered = puts.lock().expect("puts");
    assert_eq!(*delivered, [1, 0], "second on a stale connection, then first on a fresh one");
}

/// The next request on the same backend connection would get it as its answer.
fn a_body_behind_a_204_reaches_nobody(driver: Driver) {
    let mock = Mock::play(|mut peer| {
        while let Some(head) = peer.request() {
            if head.contains("/lie") {
                let coded = head.contains("/lie/chunked");
                let lie = if coded { "Transfer-Encoding: chunked" } else { "Content-Length: 41" };
                peer.say(&format!("HTTP/1.1 204 No Content\r\n{lie}\r\n\r\n"));
                std::thread::sleep(Duration::from_millis(1));
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nEVL");
            } else {
                peer.say(OK);
            }
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let (mut liar, mut victim) = (lb.connect(), lb.connect());
    for path in ["/lie/length", "/lie/chunked"].repeat(30) {
        let lie = liar.get(path, &[]);
        let framing = (lie.header("content-length"), lie.header("transfer-encoding"));
        assert_eq!((lie.status, framing), (204, (None, None)), "{}", lie.head);
        for conn in [&mut victim, &mut liar] {
            let answer = conn.get("/", &[]);
            assert_eq!((answer.status, answer.text().as_str()), (200, "Hostname: mock\n"));
        }
    }
}

/// Its backend may close it at that very moment, and a POST must not be repeated.
fn a_post_does_not_go_over_a_connection_that_idled(driver: Driver) {
    let mock = numbering();
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

/// Those that are too old for a POST keep nobody out: else each POST would cost a connection.
fn a_full_pool_keeps_the_youngest_connection(driver: Driver) {
    let mock = numbering();
    let (_engine, lb) = behind(driver, &mock, &["--maxIdleConnsPerHost=1"]);
    let mut conn = lb.connect();
    let first = conn.get("/", &[]).text();
    std::thread::sleep(Duration::from_millis(1500));
    let second = conn.request("POST", "/", &[], b"x").text();
    assert_ne!(second, first);
    assert_eq!(conn.request("POST", "/", &[], b"x").text(), second);
    assert_eq!(conn.get("/", &[]).text(), second);
}

/// Beyond the bound connections are kept while they are needed, and not much longer.
fn a_pool_is_as_large_as_it_has_to_be(driver: Driver) {
    let (dialled, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&dialled), Arc::clone(&open));
    let mock = Mock::play(move |mut peer| {
        counts.0.fetch_add(1, Ordering::SeqCst);
        counts.1.fetch_add(1, Ordering::SeqCst);
        while peer.request().is_some() {
            // Long enough for the others to need connections of their own.
            std::thread::sleep(Duration::from_millis(100));
            peer.say(OK);
        }
        counts.1.fetch_sub(1, Ordering::SeqCst);
    });
    let (_engine, lb) = behind(driver, &mock, &["--maxIdleConnsPerHost=2"]);
    let before = dialled.load(Ordering::SeqCst);
    let mut clients: Vec<_> = (0..10).map(|_| lb.connect()).collect();
    let begun = Instant::now();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for conn in &mut clients {
                scope.spawn(|| assert_eq!(conn.get("/", &[]).status, 200));
            }
        });
    }
    // On a machine that is this slow a second may have passed without need.
    if begun.elapsed() < Duration::from_millis(800) {
        let dialled = dialled.load(Ordering::SeqCst) - before;
        assert!((8..=10).contains(&dialled), "{dialled} for ten at a time");
    }
    eventually("two connections left per worker", Duration::from_secs(5), || {
        (2..=4).contains(&open.load(Ordering::SeqCst)).then_some(())
    });
}

/// A backend whose page is the number of the connection that it is asked on.
fn numbering() -> Mock {
    let connections = AtomicUsize::new(0);
    Mock::play(move |mut peer| {
        let number = connections.fetch_add(1, Ordering::SeqCst);
        while peer.request().is_some() {
            let page = format!("{number:08}");
            peer.say(&format!("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{page}"));
        }
    })
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
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(conn.get("/", &[]).status, 200);
    // That such a connection still counts as idle, `draining` shows.
}

/// Each refusal consumes its request and nothing else: none twice, none for ever, none lost.
fn pipelined_refusals_are_counted_out(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    // The second number is beyond the rounds after which a connection lets others go first.
    for count in [10, 150] {
        let mut conn = lb.connect();
        let methods = || ["DELETE", "HEAD", "PATCH"].into_iter().cycle().take(count);
        let mut all: String =
            methods().map(|method| format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
        all.push_str("GET / HTTP/1.1\r\nHost: x\r\nX-Number: last\r\n\r\n");
        conn.send(all);
        for method in methods() {
            let answer = conn.response(method);
            let text = if method == "HEAD" { "" } else { "404 page not found\n" };
            assert_eq!((answer.status, answer.text().as_str()), (404, text), "{method}");
        }
        assert_eq!(conn.response("GET").received("x-number"), ["last"]);
        assert_eq!(lb.get("/", &[]).status, 200, "others are served");
        conn.finish_sending();
        assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "an answer that nobody asked for");
    }
    let before = lb.process.cpu();
    std::thread::sleep(Duration::from_millis(500));
    let cost = lb.process.cpu() - before;
    assert!(cost < Duration::from_millis(250), "nothing is asked and {cost:?} are used");
}
