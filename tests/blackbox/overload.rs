//! More than there is room for: who waits, who leaves, and that nobody who is served suffers.

use std::time::{Duration, Instant};

use crate::backends::Echo;
use crate::client::Conn;
use crate::engine::FakeEngine;
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, both_drivers, eventually};

both_drivers!(
    a_client_beyond_the_bound_waits_for_a_busy_one,
    the_longest_idle_leave_first,
    those_who_hold_their_heads_back_leave_too,
    the_idle_of_every_worker_make_room,
    without_memory_requests_get_503,
    without_descriptors_nobody_is_lost,
);

/// One echo backend, and a load balancer with one worker.
fn alone(driver: Driver, more: &[&str]) -> (FakeEngine, Echo, Lb) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    engine.set("mystack_app", crate::engine::SEED_LABELS, &[&echo.ip]);
    let more: Vec<&str> = more.iter().copied().chain(["--ringress.workers=1"]).collect();
    let lb = Lb::start(driver, &engine, &more);
    lb.wait_for_backends(&["one"]);
    (engine, echo, lb)
}

/// Is the connection still open? Only for one that has nothing to read.
fn is_open(conn: &mut Conn) -> bool {
    conn.is_silent_for(Duration::from_millis(50))
}

fn a_client_beyond_the_bound_waits_for_a_busy_one(driver: Driver) {
    let (_engine, _echo, lb) = alone(driver, &["--ringress.entryPoints.http.maxConnections=3"]);
    let mut busy: Vec<Conn> = (0..3).map(|_| lb.connect()).collect();
    for (n, conn) in busy.iter_mut().enumerate() {
        // The first is done first.
        conn.send(format!("GET /__echo/delay/{} HTTP/1.1\r\nHost: x\r\n\r\n", 700 + 300 * n));
    }
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert_eq!(lb.get("/", &[]).status, 200, "one more");
    let waited = begun.elapsed();
    assert!(waited > Duration::from_millis(300), "there was no room for {waited:?}");
    let mut answers = busy.iter_mut().map(|conn| conn.response("GET").status);
    assert!(answers.all(|status| status == 200), "those inside are not harmed");
    lb.process.wait_for_log(&["entry point http", "3 clients", "ringress.maxConnections"]);
}

fn the_longest_idle_leave_first(driver: Driver) {
    let (_engine, _echo, lb) = alone(driver, &["--ringress.maxConnections=24"]);
    let idle = |count: usize| -> Vec<Conn> {
        let one = |_| {
            let mut conn = lb.connect();
            assert_eq!(conn.get("/", &[]).status, 200);
            conn
        };
        (0..count).map(one).collect()
    };
    // Connections of earlier requests are closed by now, or are the first to leave.
    let mut old = idle(16);
    std::thread::sleep(Duration::from_millis(1500));
    let mut young = idle(8);
    let begun = Instant::now();
    assert_eq!(lb.get("/", &[]).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(2), "room was made in {:?}", begun.elapsed());
    let left = old.iter_mut().filter_map(|conn| (!is_open(conn)).then_some(())).count();
    assert!(left > 0, "one of the idle has left");
    for conn in &mut young {
        assert_eq!(conn.get("/", &[]).status, 200, "the young stay");
    }
}

/// Half a head is no better than none; who asks one thing after the other stays.
fn those_who_hold_their_heads_back_leave_too(driver: Driver) {
    let (_engine, _echo, lb) = alone(driver, &["--ringress.maxConnections=12"]);
    let mut busy = lb.connect();
    assert_eq!(busy.get("/", &[]).status, 200);
    let mut slow: Vec<Conn> = (0..11).map(|_| lb.connect()).collect();
    for conn in &mut slow {
        conn.send("GET / HTTP/1.1\r\nHost: x\r\n");
    }
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| lb.get("/", &[]).status);
        while !late.is_finished() {
            assert_eq!(busy.get("/", &[]).status, 200);
            std::thread::sleep(Duration::from_millis(20));
        }
        late.join().expect("the late one")
    });
    assert_eq!(late, 200);
    assert_eq!(slow[0].response("GET").status, 408, "it is told");
}

fn the_idle_of_every_worker_make_room(driver: Driver) {
    let (_engine, _echo, lb) = {
        let echo = Echo::start("one");
        let engine = FakeEngine::start();
        engine.set("mystack_app", crate::engine::SEED_LABELS, &[&echo.ip]);
        let lb = Lb::start(driver, &engine, &["--ringress.maxConnections=8"]);
        lb.wait_for_backends(&["one"]);
        (engine, echo, lb)
    };
    // Each stays open, on whatever worker it is.
    let mut kept = Vec::new();
    for _ in 0..60 {
        let begun = Instant::now();
        let mut conn = lb.connect();
        assert_eq!(conn.get("/", &[]).status, 200);
        assert!(begun.elapsed() < Duration::from_secs(3), "waited {:?}", begun.elapsed());
        kept.push(conn);
    }
}

fn without_memory_requests_get_503(driver: Driver) {
    // Four buffers of the smaller kind.
    let (_engine, _echo, lb) = alone(driver, &["--ringress.bufferMemory=64kB"]);
    let mut slow = Vec::new();
    let refused = eventually("a 503", Duration::from_secs(5), || {
        let mut conn = lb.connect();
        // Less would wait in memory of its own size.
        conn.send(format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}", "x".repeat(5000)));
        slow.push(conn);
        Some(lb.get("/", &[])).filter(|answer| answer.status != 200)
    });
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    // The last of them may have come too late itself.
    let served = slow.iter_mut().filter_map(|conn| {
        conn.send("\r\n\r\n");
        (conn.response("GET").status == 200).then_some(())
    });
    assert!((3..=4).contains(&served.count()), "what has begun goes on");
    assert_eq!(lb.get("/", &[]).status, 200, "and there is room again");
}

/// Idle connections to backends fill the table of descriptors; they are given up for new ones.
fn without_descriptors_nobody_is_lost(driver: Driver) {
    const DESCRIPTORS: usize = 160;
    // What the descriptors leave to clients.
    const AT_ONCE: usize = 16;
    let hosts = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let engine = FakeEngine::start();
    let echoes: Vec<Echo> = hosts.iter().map(|name| Echo::start(name)).collect();
    for (host, echo) in hosts.iter().zip(&echoes) {
        let rule = format!("Host:{host}.test");
        let labels = [("traefik.port", BACKEND_PORT_TEXT), ("traefik.frontend.rule", &*rule)];
        engine.set(&format!("mystack_{host}"), &labels, &[&echo.ip]);
    }
    let lb = Lb::start_scarce(driver, &engine, DESCRIPTORS);
    let get = |host: &str, path: &str| {
        let mut conn = lb.connect();
        conn.host = format!("{host}.test");
        conn.get(path, &["Connection: close"]).status
    };
    for host in hosts {
        eventually(host, crate::engine::EFFECT, || (get(host, "/") == 200).then_some(()));
    }
    let mut open = Vec::new();
    for host in hosts {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let one = |_| scope.spawn(|| get(host, "/__echo/delay/200"));
            let clients: Vec<_> = (0..AT_ONCE).map(one).collect();
            clients.into_iter().map(|client| client.join().expect("a client")).collect()
        });
        assert!(statuses.iter().all(|&status| status == 200), "{host}: {statuses:?}");
        open.push(lb.process.descriptors());
    }
    // Each host leaves idle connections behind, until there is no room for more.
    let given_up = open.windows(2).any(|pair| pair[1] + AT_ONCE / 2 < pair[0]);
    assert!(given_up, "they never ran out: {open:?} open after each host");
}
