//! Restart in place: under load nobody notices it, and where it fails the old process serves on.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tungstenite::Message;

use crate::backends::Echo;
use crate::client::Conn;
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{Driver, Lb, Process, both_drivers, eventually, fresh_address};
use crate::upgrades;

both_drivers!(
    restarts_in_place_lose_nothing,
    numbers_of_workers_may_change,
    an_idle_client_may_ask_once_more,
    a_client_that_stays_idle_is_closed_with_the_grace,
    a_socket_left_by_a_crash_is_replaced,
    a_successor_that_cannot_start_changes_nothing,
    a_successor_without_a_picture_does_not_take_over,
    a_frozen_predecessor_is_not_taken_over,
    a_predecessor_stopped_meanwhile_leaves_its_queue,
    what_the_successor_does_not_have_is_closed,
    a_successor_in_another_container_takes_over,
);

/// Threads that open a connection per request, as fast as they are served.
const OPENERS: usize = 4;

/// Threads that keep theirs until they are told to close.
const KEEPERS: usize = 2;

/// A path that is gone with the value.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = format!("ringress-handover-{}.sock", fresh_address());
        Self(std::env::temp_dir().join(name))
    }

    fn flag(&self) -> String {
        format!("--ringress.handover={}", self.0.display())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

struct Scene {
    engine: FakeEngine,
    /// Kept running.
    _echo: Echo,
    place: Place,
    lb: Lb,
}

impl Scene {
    fn new(driver: Driver, more: &[&str]) -> Self {
        let (engine, echo, place) = (FakeEngine::start(), Echo::start("one"), Place::new());
        engine.set("mystack_app", SEED_LABELS, &[&echo.ip]);
        let handover = place.flag();
        let flags: Vec<&str> = [handover.as_str()].iter().chain(more).copied().collect();
        let lb = Lb::start(driver, &engine, &flags);
        lb.wait_for_backends(&["one"]);
        Self { engine, _echo: echo, place, lb }
    }

    /// Restarts in place and gives the predecessor, which may still drain.
    fn restart(&mut self, more: &[&str]) -> Process {
        let next = self.lb.successor(more);
        next.wait_for_log(&["taken over"]);
        std::mem::replace(&mut self.lb.process, next)
    }
}

/// Clients that never rest, and what became of them.
struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
    begun: Instant,
}

impl Load {
    fn start(lb: &Lb) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            served: Arc::default(),
            failures: Arc::default(),
            threads: Vec::new(),
            begun: Instant::now(),
        };
        let (entry, web) = (lb.entry, lb.web);
        for _ in 0..OPENERS {
            load.spawn("a new connection", move |_| ask_once(entry, "/"));
        }
        for _ in 0..KEEPERS {
            load.spawn("a kept connection", move |stop| keep_asking(entry, stop));
        }
        load.spawn("a health check", move |_| {
            std::thread::sleep(Duration::from_millis(10));
            ask_once(web, "/ping").map(|_| 0)
        });
        load
    }

    /// Calls `client` again and again; it says how many requests were served.
    fn spawn(
        &mut self,
        name: &'static str,
        client: impl Fn(&AtomicBool) -> io::Result<usize> + Send + 'static,
    ) {
        let (stop, served) = (Arc::clone(&self.stop), Arc::clone(&self.served));
        let failures = Arc::clone(&self.failures);
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match client(&stop) {
                    Ok(count) => drop(served.fetch_add(count, Ordering::Relaxed)),
                    Err(error) => failures.lock().expect("lock").push(format!("{name}: {error}")),
                }
            }
        }));
    }

    /// Ends it. Not one request may have failed.
    fn finish(mut self, least: usize) {
        self.stop.store(true, Ordering::Relaxed);
        let panics = self.threads.drain(..).filter_map(|thread| thread.join().err()).count();
        let (served, took) = (self.served.load(Ordering::Relaxed), self.begun.elapsed());
        let failures = self.failures.lock().expect("lock");
        println!(
            "figure: {served} requests in {took:.1?}, {:.0} a second, {} failed",
            served as f64 / took.as_secs_f64(),
            failures.len()
        );
        assert_eq!((failures.as_slice(), panics), (&[] as &[String], 0));
        assert!(served >= least, "only {served} requests were made");
    }
}

/// One request on a connection of its own, read to the connection's end.
fn ask_once(address: SocketAddr, path: &str) -> io::Result<usize> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    let mut conn = Conn::over(stream);
    conn.try_send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))?;
    check(&conn.try_response("GET")?)?;
    match conn.rest()?.len() {
        0 => Ok(1),
        more => Err(io::Error::other(format!("{more} bytes behind the answer"))),
    }
}

/// Requests on one connection until an answer says that it is the last one. A connection that
/// closes without having said so counts as a failure: not every client would ask again.
fn keep_asking(address: SocketAddr, stop: &AtomicBool) -> io::Result<usize> {
    let mut conn = Conn::over(TcpStream::connect_timeout(&address, Duration::from_secs(5))?);
    let mut count = 0;
    loop {
        conn.try_send("GET /__echo/delay/15 HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let answer = conn.try_response("GET")?;
        check(&answer)?;
        count += 1;
        if answer.header("connection") == Some("close") || stop.load(Ordering::Relaxed) {
            return Ok(count);
        }
        // Often between two requests when the end comes.
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn check(answer: &crate::client::Response) -> io::Result<()> {
    match answer.status {
        200 => Ok(()),
        _ => Err(io::Error::other(answer.head.clone())),
    }
}

/// Restarts once for each list of further flags, under load and with exchanges in flight.
fn restart_under_load(driver: Driver, steps: &[&[&str]]) {
    let mut scene = Scene::new(driver, &["--graceTimeOut=20"]);
    let load = Load::start(&scene.lb);
    for (number, step) in steps.iter().enumerate() {
        std::thread::sleep(Duration::from_millis(1000));
        let mut slow = scene.lb.connect();
        let mut tunnel = upgrades::open(&scene.lb);
        slow.send("GET /__echo/delay/3000 HTTP/1.1\r\nHost: x\r\n\r\n");
        std::thread::sleep(Duration::from_millis(50));

        let mut old = scene.restart(step);
        old.wait_for_log(&["a successor has taken over"]);
        let begun = Instant::now();
        let answer = slow.response("GET");
        assert_eq!((answer.status, answer.backend()), (200, Some("one")), "restart {number}");
        assert_eq!(answer.header("connection"), Some("close"), "the predecessor answered");
        assert!(begun.elapsed() > Duration::from_millis(100), "it was not in flight any more");
        for text in ["through", "the predecessor"] {
            tunnel.send(Message::text(text)).expect("send");
            assert_eq!(tunnel.read().expect("read"), Message::text(text));
        }
        assert!(old.is_running(), "the tunnel is its own");
        tunnel.close(None).expect("close");
        while tunnel.read().is_ok() {}
        drop(tunnel);
        let status = old.wait_for_exit(Duration::from_secs(10));
        assert!(status.success(), "{status}");
        assert!(!old.log().contains("are cut"), "{}", old.log());
        assert!(scene.lb.process.is_running());
    }
    load.finish(1000);
}

fn restarts_in_place_lose_nothing(driver: Driver) {
    restart_under_load(driver, &[&[], &[], &[], &[]]);
}

#[test]
fn restarts_from_one_driver_to_the_other_lose_nothing() {
    let (uring, epoll) = (Driver::IoUring.flag(), Driver::Epoll.flag());
    restart_under_load(Driver::IoUring, &[&[&epoll], &[&uring], &[&epoll]]);
}

/// Fewer workers accept from all that there were; more bind for themselves.
fn numbers_of_workers_may_change(driver: Driver) {
    let workers = |count: usize| format!("--ringress.workers={count}");
    let (one, two, three) = (workers(1), workers(2), workers(3));
    restart_under_load(driver, &[&[&one], &[&three], &[&two]]);
}

/// Its request could otherwise be on the way while the connection is closed.
fn an_idle_client_may_ask_once_more(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    let (mut idle, mut fresh) = (scene.lb.connect(), scene.lb.connect());
    assert_eq!(idle.get("/", &[]).status, 200);
    std::thread::sleep(Duration::from_millis(50));
    let mut old = scene.restart(&[]);
    // Longer than an idle client, and one that has not asked yet, would have got at a stop.
    std::thread::sleep(Duration::from_millis(1500));
    for conn in [&mut idle, &mut fresh] {
        let answer = conn.get("/", &[]);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    assert!(old.wait_for_exit(Duration::from_secs(2)).success());
}

fn a_client_that_stays_idle_is_closed_with_the_grace(driver: Driver) {
    let mut scene = Scene::new(driver, &["--graceTimeOut=1"]);
    let mut idle = scene.lb.connect();
    assert_eq!(idle.get("/", &[]).status, 200);
    let begun = Instant::now();
    let mut old = scene.restart(&[]);
    let rest = idle.rest();
    assert!(rest.as_ref().is_ok_and(Vec::is_empty), "closed without a word: {rest:?}");
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(old.wait_for_exit(Duration::from_secs(2)).success());
    assert!(!old.log().contains("are cut"), "{}", old.log());
}

fn a_socket_left_by_a_crash_is_replaced(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    let before = made(&scene.place);
    scene.lb.restart();
    // It answers before it offers to hand over.
    eventually("a new socket in its place", Duration::from_secs(5), || {
        (made(&scene.place) > before).then_some(())
    });
    scene.lb.wait_for_backends(&["one"]);
    let mut old = scene.restart(&[]);
    assert!(old.wait_for_exit(Duration::from_secs(5)).success());
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
}

/// When the socket's file was made; `None` while there is none.
fn made(place: &Place) -> Option<std::time::SystemTime> {
    place.0.metadata().and_then(|file| file.modified()).ok()
}

fn a_successor_that_cannot_start_changes_nothing(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    let load = Load::start(&scene.lb);
    let taken = TcpListener::bind((fresh_address().as_str(), 25580)).expect("bind");
    let address = taken.local_addr().expect("address");
    let mut failing = scene.lb.successor(&[&format!("--entryPoints=Name:other Address:{address}")]);
    let status = failing.wait_for_exit(Duration::from_secs(10));
    assert_eq!(status.code(), Some(1));
    failing.wait_for_log(&["ringress: entry point other: cannot listen on", "in use"]);
    scene.lb.process.wait_for_log(&["handing over failed, serving on"]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(scene.lb.process.is_running());
    // It is open for the next, which does better.
    let mut old = scene.restart(&[]);
    assert!(old.wait_for_exit(Duration::from_secs(15)).success());
    load.finish(100);
}

/// It would answer 404 where the predecessor does not.
fn a_successor_without_a_picture_does_not_take_over(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    scene.engine.vanish();
    let mut failing = scene.lb.successor(&[]);
    let status = failing.wait_for_exit(Duration::from_secs(15));
    assert_eq!(status.code(), Some(1));
    failing.wait_for_log(&["ringress: not taking over", "docker"]);
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
    assert!(scene.lb.process.is_running());
}

fn a_frozen_predecessor_is_not_taken_over(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    scene.lb.process.signal("-STOP");
    let mut failing = scene.lb.successor(&[]);
    let status = failing.wait_for_exit(Duration::from_secs(10));
    scene.lb.process.signal("-CONT");
    assert_eq!(status.code(), Some(1));
    failing.wait_for_log(&["ringress: cannot take over", "it does not answer"]);
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
    let mut old = scene.restart(&[]);
    assert!(old.wait_for_exit(Duration::from_secs(5)).success());
}

/// As a rolling update may do it. The successor has the listeners already, but knows no backends
/// yet: who comes meanwhile waits.
fn a_predecessor_stopped_meanwhile_leaves_its_queue(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    scene.engine.vanish();
    let next = scene.lb.successor(&[]);
    scene.lb.process.wait_for_log(&["a successor asks"]);
    scene.lb.process.terminate();
    assert!(scene.lb.process.wait_for_exit(Duration::from_secs(5)).success());
    let mut early = scene.lb.connect();
    early.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(300));
    scene.engine.appear();
    let answer = early.response("GET");
    assert_eq!((answer.status, answer.backend()), (200, Some("one")));
    next.wait_for_log(&["taken over"]);
    scene.lb.process = next;
    assert_eq!(scene.lb.web("/ping").status, 200);
}

fn what_the_successor_does_not_have_is_closed(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    let more: SocketAddr = format!("{}:25580", fresh_address()).parse().expect("an address");
    let with = format!("--entryPoints=Name:more Address:{more}");
    assert!(scene.restart(&[&with]).wait_for_exit(Duration::from_secs(5)).success());
    assert_eq!(Conn::open(more).get("/", &[]).status, 404, "no router is there by default");
    let mut busy = scene.lb.connect();
    busy.send("GET /__echo/delay/2000 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    let mut old = scene.restart(&[]);
    eventually("the entry point is closed", Duration::from_secs(1), || {
        TcpStream::connect_timeout(&more, Duration::from_secs(1)).is_err().then_some(())
    });
    assert!(old.is_running(), "closed before the end of the process");
    assert_eq!(busy.response("GET").status, 200);
    assert!(old.wait_for_exit(Duration::from_secs(5)).success());
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
}

/// Each sees the other without a PID.
fn a_successor_in_another_container_takes_over(driver: Driver) {
    let mut scene = Scene::new(driver, &[]);
    let Some(next) = scene.lb.contained_successor() else {
        println!("NOT TESTED: namespaces are not allowed here");
        return;
    };
    next.wait_for_log(&["taken over"]);
    assert!(scene.lb.process.wait_for_exit(Duration::from_secs(5)).success());
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
    let mut old = std::mem::replace(&mut scene.lb.process, next);
    assert!(!old.is_running());
    let after = scene.restart(&[]);
    after.wait_for_log(&["a successor has taken over"]);
    assert_eq!(scene.lb.get("/", &[]).backend(), Some("one"));
}
