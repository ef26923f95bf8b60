//! Which backend gets a request: rotation, cookies, and what a change of the swarm does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sha2::Digest as _;

use crate::backends::{Echo, echoes, ips};
use crate::client::{Conn, Response};
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{Driver, Lb, both_drivers};

both_drivers!(
    alternates_over_connections,
    alternates_on_one_connection,
    weights_are_kept,
    cookie_is_set_once_and_honoured,
    every_historic_cookie_is_honoured,
    unknown_cookie_gets_a_new_one,
    replicas_and_restarts_honour_the_same_cookie,
    vip_less_service_scales_under_load,
    draining_backend_keeps_its_cookie_holders,
);

const COOKIE: &str = "_TRAEFIK_BACKEND";

/// Two backends behind the user's labels.
fn pair(driver: Driver) -> (FakeEngine, Vec<Echo>, Lb) {
    let echoes = echoes(&["a", "b"]);
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes));
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["a", "b"]);
    (engine, echoes, lb)
}

fn name_of(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.head);
    response.backend().expect("a name on the page").to_owned()
}

/// Every second one is the same, neighbours differ.
fn assert_alternates(names: &[String]) {
    assert_ne!(names[0], names[1], "{names:?}");
    for (at, name) in names.iter().enumerate() {
        assert_eq!(name, &names[at % 2], "at {at} of {names:?}");
    }
}

fn alternates_over_connections(driver: Driver) {
    let (_engine, _echoes, lb) = pair(driver);
    let names: Vec<String> = (0..20).map(|_| name_of(&lb.get("/", &[]))).collect();
    assert_alternates(&names);
}

fn alternates_on_one_connection(driver: Driver) {
    let (_engine, _echoes, lb) = pair(driver);
    let mut conn = lb.connect();
    let names: Vec<String> = (0..20).map(|_| name_of(&conn.get("/", &[]))).collect();
    assert_alternates(&names);
}

fn weights_are_kept(driver: Driver) {
    let (heavy, light) = (Echo::start("heavy"), Echo::start("light"));
    let engine = FakeEngine::start();
    let labels = |weight| {
        [
            ("traefik.port", crate::harness::BACKEND_PORT_TEXT),
            ("traefik.backend", "shared"),
            ("traefik.frontend.rule", "PathPrefix: /"),
            ("traefik.weight", weight),
        ]
    };
    engine.set("stack_heavy", &labels("3"), &[&heavy.ip]);
    engine.set("stack_light", &labels("1"), &[&light.ip]);
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["heavy", "light"]);
    let names: Vec<String> = (0..40).map(|_| name_of(&lb.get("/", &[]))).collect();
    let heavies = names.iter().filter(|name| *name == "heavy").count();
    assert_eq!(heavies, 30, "{names:?}");
}

fn cookie_is_set_once_and_honoured(driver: Driver) {
    let (_engine, echoes, lb) = pair(driver);
    let first = lb.get("/", &[]);
    let chosen = name_of(&first);
    let url = echoes.iter().find(|echo| echo.name == chosen).expect("one of them").url();
    assert_eq!(first.header("set-cookie"), Some(&*format!("{COOKIE}={url}; Path=/")));

    let cookie = format!("Cookie: theme=dark; {COOKIE}={url}; lang=en");
    for _ in 0..20 {
        let again = lb.get("/", &[&cookie]);
        assert_eq!(name_of(&again), chosen);
        assert_eq!(again.header("set-cookie"), None, "a valid cookie is not sent again");
    }
    assert_eq!(lb.get("/", &[&cookie]).received("cookie").len(), 1, "the backend sees it too");
}

/// All forms that versions of Traefik have given out for a server URL.
fn historic_values(url: &str) -> Vec<String> {
    let fnv1a = fnv(url, |hash, byte| (hash ^ byte).wrapping_mul(FNV_PRIME));
    let fnv1 = |text: &str| fnv(text, |hash, byte| hash.wrapping_mul(FNV_PRIME) ^ byte);
    let sha: String = sha2::Sha256::digest(url).iter().map(|b| format!("{b:02x}")).collect();
    let once = format!("{:x}", fnv1(url));
    vec![
        url.to_owned(),
        format!("{fnv1a:x}"),
        format!("{:x}", fnv1(&format!("{fnv1a:016x}"))),
        sha[..16].to_owned(),
        format!("{:x}", fnv1(&once)),
        once,
    ]
}

const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn fnv(text: &str, step: impl Fn(u64, u64) -> u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| step(hash, byte.into()))
}

/// The vectors were computed by Traefik's own code; they keep the case below honest.
#[test]
fn historic_values_match_the_vectors() {
    let vectors = [
        "http://10.0.1.5:80",
        "63661225b6141ab2",
        "be10bad327f55687",
        "b4e215ace41bed91",
        "3e77b2f70335bb48",
        "2ef3ad0b350e1800",
    ];
    assert_eq!(historic_values("http://10.0.1.5:80"), vectors);
}

fn every_historic_cookie_is_honoured(driver: Driver) {
    let (_engine, echoes, lb) = pair(driver);
    for echo in &echoes {
        for value in historic_values(&echo.url()) {
            for _ in 0..3 {
                let answer = lb.get("/", &[&format!("Cookie: {COOKIE}={value}")]);
                assert_eq!(name_of(&answer), echo.name, "cookie value {value}");
            }
        }
    }
}

fn unknown_cookie_gets_a_new_one(driver: Driver) {
    let (_engine, _echoes, lb) = pair(driver);
    for value in ["http://10.9.9.9:80", "", "%00", "ffffffffffffffff"] {
        let answer = lb.get("/", &[&format!("Cookie: {COOKIE}={value}")]);
        let chosen = name_of(&answer);
        let cookie = format!("Cookie: {}", answer.cookie().expect("a new cookie"));
        assert_eq!(name_of(&lb.get("/", &[&cookie])), chosen);
    }
}

fn replicas_and_restarts_honour_the_same_cookie(driver: Driver) {
    let (engine, _echoes, mut one) = pair(driver);
    let two = Lb::start(driver, &engine, &[]);
    two.wait_for_backends(&["a", "b"]);

    let first = one.get("/", &[]);
    let chosen = name_of(&first);
    let cookie = format!("Cookie: {}", first.cookie().expect("a cookie"));
    for _ in 0..10 {
        assert_eq!(name_of(&two.get("/", &[&cookie])), chosen, "the other replica");
    }
    one.restart();
    one.wait_for_backends(&["a", "b"]);
    for _ in 0..10 {
        assert_eq!(name_of(&one.get("/", &[&cookie])), chosen, "after the restart");
    }
}

/// Steady clients of three kinds; counts what they sent and what did not succeed.
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
    failed: Arc<AtomicU32>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    pub fn start(lb: &Lb) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            sent: Arc::default(),
            failed: Arc::default(),
            threads: Vec::new(),
        };
        for keep_alive in [true, false, false] {
            let (stop, entry) = (Arc::clone(&load.stop), lb.entry);
            let (sent, failed) = (Arc::clone(&load.sent), Arc::clone(&load.failed));
            load.threads.push(std::thread::spawn(move || {
                let mut conn = Conn::open(entry);
                while !stop.load(Ordering::Relaxed) {
                    if !keep_alive {
                        conn = Conn::open(entry);
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    let asked = conn.try_send("GET / HTTP/1.1\r\nHost: load\r\n\r\n");
                    match asked.and_then(|()| conn.try_response("GET")) {
                        Ok(answer) if answer.status == 200 => {}
                        outcome => {
                            eprintln!("failed request: {outcome:?}");
                            failed.fetch_add(1, Ordering::Relaxed);
                            conn = Conn::open(entry);
                        }
                    }
                }
            }));
        }
        load
    }

    pub fn finish(self) -> (u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a load thread");
        }
        (self.sent.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

fn vip_less_service_scales_under_load(driver: Driver) {
    let (engine, mut echoes, lb) = pair(driver);
    let load = Load::start(&lb);

    for name in ["c", "d", "e"] {
        echoes.push(Echo::start(name));
    }
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes));
    let begun = Instant::now();
    lb.wait_for_backends(&["a", "b", "c", "d", "e"]);
    println!("figure: 2 to 5 backends took {} ms to show", begun.elapsed().as_millis());

    // As a swarm does it: the wish first, then the signal, then the tasks are gone.
    for echo in &echoes[2..] {
        engine.stop_task("mystack_app", &echo.ip);
    }
    let begun = Instant::now();
    lb.wait_for_backends(&["a", "b"]);
    println!("figure: 5 to 2 backends took {} ms to show", begun.elapsed().as_millis());
    for echo in &mut echoes[2..] {
        echo.stop();
    }
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes[..2]));
    std::thread::sleep(Duration::from_millis(300));
    lb.wait_for_backends(&["a", "b"]);

    let (sent, failed) = load.finish();
    println!("figure: {sent} requests sent while scaling, {failed} failed");
    assert!(sent > 100, "the load was no load: {sent} requests");
    assert_eq!(failed, 0, "of {sent} requests");
}

fn draining_backend_keeps_its_cookie_holders(driver: Driver) {
    let (engine, echoes, lb) = pair(driver);
    let cookie = format!("Cookie: {COOKIE}={}", echoes[1].url());
    assert_eq!(name_of(&lb.get("/", &[&cookie])), "b");
    engine.stop_task("mystack_app", &echoes[1].ip);
    lb.wait_for_backends(&["a"]);
    assert_eq!(name_of(&lb.get("/", &[&cookie])), "b", "it still runs and answers");
    engine.set("mystack_app", SEED_LABELS, &[&echoes[0].ip]);
    crate::harness::eventually("the cookie's holder moves", crate::engine::EFFECT, || {
        let answer = lb.get("/", &[&cookie]);
        (name_of(&answer) == "a").then(|| answer.cookie().expect("a new cookie").to_owned())
    });
}
