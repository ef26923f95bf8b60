//! The stop signal and the clients around it: who is served, who is refused, nobody in between.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::Conn;
use crate::harness::{Driver, Lb, both_drivers};
use crate::heads::single;

both_drivers!(
    a_first_request_is_served_while_draining,
    a_connection_is_served_or_refused_while_draining,
    a_connection_is_served_or_refused_at_an_idle_end,
    idle_connections_end_at_once,
);

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

/// What became of a client that connected and asked at once.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    Served,
    /// Accepted by the kernel, then neither an answer nor a refusal.
    Lost(String),
}

fn try_once(lb: &Lb) -> Outcome {
    let Ok(stream) = TcpStream::connect_timeout(&lb.entry, Duration::from_secs(2)) else {
        return Outcome::Refused;
    };
    let mut conn = Conn::over(stream);
    // Far less than what goes on besides: a client that waits to the end is lost.
    conn.stream().set_read_timeout(Some(Duration::from_millis(800))).expect("timeout");
    let sent = conn.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    match sent.and_then(|()| conn.try_response("GET")) {
        Ok(answer) => {
            assert_eq!((answer.status, answer.backend()), (200, Some("one")), "{}", answer.head);
            Outcome::Served
        }
        Err(error) => Outcome::Lost(error.to_string()),
    }
}

/// Clients in quick succession, from so long after the signal until two in a row are refused.
fn clients_at_the_end(lb: &Lb, after: Duration) -> Vec<Outcome> {
    lb.process.terminate();
    std::thread::sleep(after);
    let begun = Instant::now();
    let mut outcomes = Vec::new();
    while begun.elapsed() < Duration::from_secs(3) {
        outcomes.push(try_once(lb));
        if outcomes.ends_with(&[Outcome::Refused, Outcome::Refused]) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    outcomes
}

/// How long after the signal the first client comes. Each process ends before the next begins.
const AFTER: [Duration; 5] = [
    Duration::from_millis(40),
    Duration::from_millis(70),
    Duration::from_millis(100),
    Duration::from_millis(130),
    Duration::from_millis(160),
];

/// One client may be in a listener's queue at the very moment when that closes: the kernel resets
/// it before anybody has seen it (`net.ipv4.tcp_migrate_req`). Two of so few are no such accident.
fn assert_none_lost(all: &[Vec<Outcome>]) {
    let lost = all.iter().flatten().filter(|outcome| matches!(outcome, Outcome::Lost(_))).count();
    assert!(lost <= 1, "{lost} lost: {all:?}");
    for outcomes in all {
        assert_eq!(outcomes.last(), Some(&Outcome::Refused), "{all:?}");
    }
}

/// One worker has an exchange in flight, the other has nothing more to do.
fn a_connection_is_served_or_refused_while_draining(driver: Driver) {
    let all = AFTER.map(|after| {
        let (_engine, _echo, lb) = single(driver);
        let mut busy = lb.connect();
        busy.send("GET /__echo/delay/1500 HTTP/1.1\r\nHost: x\r\n\r\n");
        std::thread::sleep(Duration::from_millis(50));
        let outcomes = clients_at_the_end(&lb, after);
        assert_eq!(busy.response("GET").status, 200);
        outcomes
    });
    assert_none_lost(&all);
}

/// Nothing is in flight: the end comes soon, and a client may come just before.
fn a_connection_is_served_or_refused_at_an_idle_end(driver: Driver) {
    let all = AFTER.map(|after| {
        let (_engine, _echo, mut lb) = single(driver);
        let outcomes = clients_at_the_end(&lb, after);
        let status = lb.process.wait_for_exit(Duration::from_secs(5));
        assert!(status.success(), "{status}");
        outcomes
    });
    assert_none_lost(&all);
}

/// And not only with the process, which waits for what is in flight. An empty line behind the last
/// request is not the beginning of another.
fn idle_connections_end_at_once(driver: Driver) {
    let (_engine, _echo, mut lb) = single(driver);
    let (mut idle, mut after_line) = (lb.connect(), lb.connect());
    for conn in [&mut idle, &mut after_line] {
        assert_eq!(conn.get("/", &[]).status, 200);
    }
    after_line.send("\r\n");
    let mut busy = lb.connect();
    busy.send("GET /__echo/delay/4000 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));
    lb.process.terminate();
    let begun = Instant::now();
    for conn in [&mut idle, &mut after_line] {
        let rest = conn.rest();
        assert!(rest.as_ref().is_ok_and(Vec::is_empty), "closed without a word: {rest:?}");
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "closed after {took:?}");
    assert_eq!(busy.response("GET").status, 200);
    assert!(begun.elapsed() > took + Duration::from_millis(500), "the process was still there");
    assert!(lb.process.wait_for_exit(Duration::from_secs(5)).success());
}
