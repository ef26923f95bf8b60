//! Whose time is whose: a client's, a backend's, and that of nobody any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::backends::Mock;
use crate::harness::{Driver, Lb, both_drivers, eventually};
use crate::heads::{behind, single};

both_drivers!(
    half_a_head_is_answered_with_408,
    the_response_is_due_when_the_request_is_sent,
    silence_after_an_upload_is_504,
    an_abandoned_wait_ends,
);

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nHostname: mock\n";

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

/// The backend's time begins behind the last byte, and then it does run.
fn silence_after_an_upload_is_504(driver: Driver) {
    let mock = Mock::play(|mut peer| {
        while let Some(head) = peer.request() {
            if !head.contains("/silence") {
                peer.say(OK);
            }
        }
    });
    let limit = "--forwardingTimeouts.responseHeaderTimeout=1s";
    let (_engine, lb) = behind(driver, &mock, &[limit]);
    let mut conn = lb.connect();
    conn.send("POST /silence HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n");
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(250));
        conn.send([b'x'; 10]);
    }
    let sent = Instant::now();
    assert_eq!(conn.response("POST").status, 504);
    let waited = sent.elapsed();
    let expected = Duration::from_millis(800)..Duration::from_secs(4);
    assert!(expected.contains(&waited), "after {waited:?}");
}

/// Answers with a 4xx so far, our own and those that nobody was there to hear included.
fn client_errors(lb: &Lb) -> u64 {
    let document: serde_json::Value =
        serde_json::from_str(&lb.web("/api/ringress").text()).expect("the document");
    document["totals"]["responses"]["4xx"].as_u64().expect("a number")
}

/// A client that goes takes its wait with it, however long the backend would have taken: nobody
/// tries again for it, and it is counted.
fn an_abandoned_wait_ends(driver: Driver) {
    let (waiting, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let told = (Arc::clone(&waiting), Arc::clone(&ended));
    let mock = Mock::play(move |mut peer| {
        while let Some(head) = peer.request() {
            if head.contains("/for-ever") {
                told.0.fetch_add(1, Ordering::SeqCst);
                // Comes back at the end of the connection.
                let end = peer.request().is_none();
                told.1.fetch_add(usize::from(end), Ordering::SeqCst);
                return;
            }
            peer.say(OK);
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let earlier = client_errors(&lb);
    let reach = |count: &AtomicUsize, n| (count.load(Ordering::SeqCst) == n).then_some(());
    // A request in one piece, and one whose body comes after its head.
    for (n, body) in [(1, None), (2, Some("late"))] {
        let mut conn = lb.connect();
        let length = body.map_or(0, str::len);
        conn.send(format!("PUT /for-ever HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
        std::thread::sleep(Duration::from_millis(100));
        conn.send(body.unwrap_or_default());
        eventually("the backend has the request", Duration::from_secs(5), || reach(&waiting, n));
        drop(conn);
        eventually("its connection ends", Duration::from_secs(3), || reach(&ended, n));
        let counted = || (client_errors(&lb) == earlier + n as u64).then_some(());
        eventually("a 499 is counted", Duration::from_secs(3), counted);
    }
    lb.process.wait_for_log(&["refused", "499"]);
    assert_eq!(waiting.load(Ordering::SeqCst), 2, "delivered once each");
}
