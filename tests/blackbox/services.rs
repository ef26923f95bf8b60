//! Services beyond turns: health checks, strategies, and services made of services.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::backends::{Echo, Mock, echoes};
use crate::balancing::Load;
use crate::client::Response;
use crate::engine::EFFECT;
use crate::files::Dynamic;
use crate::harness::{BACKEND_PORT, Driver, Lb, both_drivers, eventually, fresh_address};

both_drivers!(
    who_is_unhealthy_gets_nothing,
    failures_take_a_server_down_for_the_window,
    the_slow_one_gets_less,
    a_client_stays_by_its_address,
    a_weighted_group_keeps_shares_and_clients,
    a_fallback_answers_in_time,
    a_fallback_answers_for_bad_answers,
    copies_arrive,
    a_silent_mirror_costs_the_client_nothing,
    a_copy_does_not_hold_up_the_end,
    servers_get_the_path_and_host_that_are_theirs,
    a_transport_says_how_long_and_how_often,
);

/// One router for everything, to the service `top`; `services` is indented by four.
fn top(services: &str) -> Dynamic {
    let router = "http:\n  routers:\n    all: {rule: PathPrefix(`/`), service: top}\n";
    Dynamic::new(&format!("{router}  services:\n{services}"))
}

/// A service with these servers, and more settings.
fn plain(name: &str, ips: &[&str], more: &str) -> String {
    let server = |ip: &&str| format!("{{url: \"http://{ip}:{BACKEND_PORT}\"}}");
    let servers: Vec<String> = ips.iter().map(server).collect();
    format!("    {name}: {{loadBalancer: {{servers: [{}]{more}}}}}\n", servers.join(", "))
}

fn start(driver: Driver, file: &Dynamic) -> Lb {
    let lb = Lb::start_written(driver, file.path(), &[]);
    eventually("the file is served", EFFECT, || (lb.get("/", &[]).status != 404).then_some(()));
    lb
}

fn name_of(response: &Response) -> String {
    response.backend().unwrap_or_else(|| panic!("nobody's answer: {response:?}")).to_owned()
}

fn names(lb: &Lb, count: usize) -> Vec<String> {
    (0..count).map(|_| name_of(&lb.get("/", &[]))).collect()
}

/// A backend that says at `/health` how it is, and answers everything else with `says`.
struct Patient {
    mock: Mock,
    healthy: Arc<AtomicBool>,
    status: Arc<AtomicUsize>,
    /// Heads and bodies of all but health checks.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Patient {
    fn start(name: &'static str) -> Self {
        let healthy = Arc::new(AtomicBool::new(true));
        let status = Arc::new(AtomicUsize::new(200));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (is_healthy, now, all) = (Arc::clone(&healthy), Arc::clone(&status), Arc::clone(&seen));
        let mock = Mock::play(move |mut peer| {
            while let Some((head, body)) = peer.whole_request() {
                let is_check = head.starts_with("GET /health ");
                let status = match is_check {
                    true if is_healthy.load(Ordering::Relaxed) => 200,
                    true => 503,
                    false => now.load(Ordering::Relaxed),
                };
                if !is_check {
                    all.lock().expect("seen").push(head + &body);
                }
                let page = format!("Hostname: {name}\n");
                let length = page.len();
                peer.say(&format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{page}"));
            }
        });
        Self { mock, healthy, status, seen }
    }

    fn ip(&self) -> &str {
        &self.mock.ip
    }

    fn set_status(&self, status: usize) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("seen").clone()
    }
}

fn who_is_unhealthy_gets_nothing(driver: Driver) {
    let (sick, well) = (Patient::start("sick"), Patient::start("well"));
    let check = ", healthCheck: {path: /health, interval: 100ms, timeout: 1s}";
    let file = top(&plain("top", &[sick.ip(), well.ip()], check));
    let lb = start(driver, &file);
    lb.wait_for_backends(&["sick", "well"]);
    let load = Load::start(&lb);
    for _ in 0..2 {
        sick.healthy.store(false, Ordering::Relaxed);
        let begun = Instant::now();
        // Whoever asks in step with the load meets the same server again and again: what counts is
        // what the sick one sees.
        eventually("the sick server is left alone", EFFECT, || {
            let before = sick.seen().len();
            std::thread::sleep(Duration::from_millis(50));
            (sick.seen().len() == before).then_some(())
        });
        println!("figure: {} ms until nobody meets a sick server", begun.elapsed().as_millis());
        // From here on whoever reached it would notice.
        sick.set_status(500);
        let before = sick.seen().len();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(sick.seen().len(), before);
        sick.set_status(200);
        sick.healthy.store(true, Ordering::Relaxed);
        lb.wait_for_backends(&["sick", "well"]);
    }
    let (sent, failed) = load.finish();
    assert!(sent > 100, "the load was no load: {sent} requests");
    assert_eq!(failed, 0, "of {sent} requests");

    // When all are down nobody is asked; another change makes nobody healthy.
    for patient in [&sick, &well] {
        patient.healthy.store(false, Ordering::Relaxed);
    }
    let is_503 = || lb.get("/", &[]).status == 503;
    eventually("all are down", EFFECT, || is_503().then_some(()));
    file.write(&format!("{}{}", file.text(), plain("unrelated", &[sick.ip()], "")));
    lb.process.wait_for_log(&["table", "2 services"]);
    assert!((0..20).all(|_| is_503()));
    well.healthy.store(true, Ordering::Relaxed);
    lb.wait_for_backends(&["well"]);
}

fn failures_take_a_server_down_for_the_window(driver: Driver) {
    let (bad, good) = (Patient::start("bad"), Patient::start("good"));
    let check = ", passiveHealthCheck: {failureWindow: 1s, maxFailedAttempts: 3}";
    let file = top(&plain("top", &[bad.ip(), good.ip()], check));
    let lb = start(driver, &file);
    lb.wait_for_backends(&["bad", "good"]);
    bad.set_status(500);
    let statuses: Vec<u16> = (0..20).map(|_| lb.get("/", &[]).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 3, "{statuses:?}");
    good.set_status(502);
    let statuses: Vec<u16> = (0..10).map(|_| lb.get("/", &[]).status).collect();
    assert_eq!(statuses, [vec![502; 3], vec![503; 7]].concat(), "and then nobody is left");
    for patient in [&bad, &good] {
        patient.set_status(200);
    }
    lb.wait_for_backends(&["bad", "good"]);
}

fn the_slow_one_gets_less(driver: Driver) {
    for (strategy, most) in [("leasttime", 30), ("p2c", 30)] {
        let quick = Echo::start("quick");
        let slow = Mock::play(|mut peer| {
            while peer.request().is_some() {
                std::thread::sleep(Duration::from_millis(300));
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nHostname: slow\n");
            }
        });
        let more = format!(", strategy: {strategy}");
        let file = top(&plain("top", &[&quick.ip, &slow.ip], &more));
        let lb = start(driver, &file);
        let clients = (0..8).map(|_| {
            let entry = lb.entry;
            std::thread::spawn(move || {
                let ask = |_| name_of(&crate::client::Conn::open(entry).get("/", &[]));
                (0..25).map(ask).filter(|name| name == "slow").count()
            })
        });
        let clients: Vec<_> = clients.collect();
        let slow: usize = clients.into_iter().map(|client| client.join().expect("a client")).sum();
        assert!(slow <= most, "{strategy}: {slow} of 200 requests went to the slow one");
    }
}

fn a_client_stays_by_its_address(driver: Driver) {
    let echoes = echoes(&["a", "b", "c"]);
    let ips: Vec<&str> = echoes.iter().map(|echo| echo.ip.as_str()).collect();
    let file = top(&plain("top", &ips, ", strategy: hrw"));
    let lb = start(driver, &file);
    let first = names(&lb, 1)[0].clone();
    assert!(names(&lb, 12).iter().all(|name| *name == first));
}

fn a_weighted_group_keeps_shares_and_clients(driver: Driver) {
    let echoes = echoes(&["old", "new-1", "new-2"]);
    let cookie = ", sticky: {cookie: {name: server}}";
    let services = [
        "    top: {weighted: {services: [{name: old, weight: 3}, {name: new, weight: 1}], \
         sticky: {cookie: {name: version, httpOnly: true}}}}\n"
            .to_owned(),
        plain("old", &[&echoes[0].ip], cookie),
        plain("new", &[&echoes[1].ip, &echoes[2].ip], cookie),
    ];
    let file = top(&services.concat());
    let lb = start(driver, &file);
    lb.wait_for_backends(&["old", "new-1", "new-2"]);
    let all = names(&lb, 40);
    assert_eq!(all.iter().filter(|name| *name == "old").count(), 30, "{all:?}");
    let answer = eventually("a new one's answer", EFFECT, || {
        Some(lb.get("/", &[])).filter(|answer| name_of(answer) != "old")
    });
    let lines = answer.headers("set-cookie");
    // Traefik 3's value for a member called `new`.
    assert_eq!(lines[0], "version=11507a0e2f5e69d5; Path=/; HttpOnly");
    assert!(lines[1].starts_with("server=") && lines.len() == 2, "{lines:?}");
    let pairs: Vec<&str> = lines.iter().filter_map(|line| line.split(';').next()).collect();
    let cookie = format!("Cookie: {}", pairs.join("; "));
    for _ in 0..10 {
        let again = lb.get("/", &[&cookie]);
        assert_eq!(name_of(&again), name_of(&answer));
        assert_eq!(again.header("set-cookie"), None);
    }
    // FNV-1, as Traefik 2 writes it: honoured, and written anew.
    let again = lb.get("/", &["Cookie: version=d8b0a1186b8a2d65"]);
    assert_ne!(name_of(&again), "old");
    assert_eq!(again.headers("set-cookie")[0], lines[0]);
}

fn a_fallback_answers_in_time(driver: Driver) {
    let mut echoes = echoes(&["main", "fallback"]);
    let services = [
        "    top: {failover: {service: main, fallback: fallback, healthCheck: {}}}\n".to_owned(),
        plain("main", &[&echoes[0].ip], ", healthCheck: {path: /, interval: 100ms}"),
        plain("fallback", &[&echoes[1].ip], ", healthCheck: {path: /, interval: 100ms}"),
    ];
    let file = top(&services.concat());
    let lb = start(driver, &file);
    lb.wait_for_backends(&["main"]);
    let ip = echoes[0].ip.clone();
    echoes[0].stop();
    lb.wait_for_backends(&["fallback"]);
    let load = Load::start(&lb);
    std::thread::sleep(Duration::from_millis(700));
    let _back = Echo::start_at("main", ip);
    lb.wait_for_backends(&["main"]);
    let (sent, failed) = load.finish();
    assert!(sent > 50, "the load was no load: {sent} requests");
    assert_eq!(failed, 0, "of {sent} requests");
}

fn a_fallback_answers_for_bad_answers(driver: Driver) {
    let (main, fallback) = (Patient::start("main"), Patient::start("fallback"));
    let errors = "errors: {status: [\"500-504\"], maxRequestBodyBytes: 200000}";
    let services = [
        format!("    top: {{failover: {{service: main, fallback: fallback, {errors}}}}}\n"),
        plain("main", &[main.ip()], ""),
        plain("fallback", &[fallback.ip()], ""),
    ];
    let file = top(&services.concat());
    let lb = start(driver, &file);
    let mut conn = lb.connect();
    assert_eq!(name_of(&conn.get("/", &[])), "main");
    main.set_status(404);
    assert_eq!(conn.get("/", &[]).status, 404);
    main.set_status(503);
    // Longer than a buffer, in pieces, and with a wish to be asked for it.
    let long = "b".repeat(150_000);
    for expects in ["", "Expect: 100-continue\r\n"] {
        let length = long.len();
        conn.send(format!(
            "POST /a HTTP/1.1\r\nHost: x\r\n{expects}Content-Length: {length}\r\n\r\n"
        ));
        if !expects.is_empty() {
            assert_eq!(conn.response("POST").status, 100);
        }
        for piece in long.as_bytes().chunks(40_000) {
            conn.send(piece);
            std::thread::sleep(Duration::from_millis(5));
        }
        let answer = conn.response("POST");
        assert_eq!((answer.status, &*name_of(&answer)), (200, "fallback"), "{expects}");
        for patient in [&main, &fallback] {
            let last = patient.seen().pop().expect("it was asked");
            assert!(last.starts_with("POST /a ") && last.ends_with(&format!("\r\n\r\n{long}")));
        }
    }
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    conn.send(chunked);
    conn.send("3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(name_of(&conn.response("POST")), "fallback");
    // What is too long to be kept gets the answer that there is.
    let longer = "b".repeat(300_000);
    let answer = conn.request("POST", "/", &[], longer.as_bytes());
    assert_eq!((answer.status, &*name_of(&answer)), (503, "main"));
    fallback.set_status(502);
    assert_eq!(conn.get("/", &[]).status, 502, "its answer is the last word");
}

fn mirrored(main: &str, mirror: &str, more: &str) -> Dynamic {
    let services = [
        format!(
            "    top: {{mirroring: {{service: main, mirrors: [{{name: mirror, percent: 50}}]{more}}}}}\n"
        ),
        plain("main", &[main], ""),
        plain("mirror", &[mirror], ""),
    ];
    top(&services.concat())
}

fn copies_arrive(driver: Driver) {
    let (main, mirror) = (Echo::start("main"), Patient::start("mirror"));
    let file = mirrored(&main.ip, mirror.ip(), ", maxBodySize: 100000");
    let lb = start(driver, &file);
    let copies = || {
        let is_post = |head: &String| head.starts_with("POST");
        mirror.seen().into_iter().filter(is_post).collect::<Vec<_>>()
    };
    let mut conn = lb.connect();
    let body = "m".repeat(60_000);
    for _ in 0..10 {
        assert_eq!(name_of(&conn.request("POST", "/x?y", &[], body.as_bytes())), "main");
    }
    let seen = eventually("half of them as copies", EFFECT, || {
        Some(copies()).filter(|copies| copies.len() >= 5)
    });
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|copy| copy.starts_with("POST /x?y ") && copy.ends_with(&body)));
    let longer = "m".repeat(120_000);
    for _ in 0..4 {
        assert_eq!(name_of(&conn.request("POST", "/", &[], longer.as_bytes())), "main");
    }
    file.write(&file.text().replace(", maxBodySize: 100000", ", mirrorBody: false"));
    let bodiless = eventually("copies without body", EFFECT, || {
        assert_eq!(name_of(&conn.request("POST", "/z", &[], b"12345")), "main");
        copies().into_iter().find(|copy| copy.starts_with("POST /z ") && !copy.ends_with("12345"))
    });
    assert!(bodiless.contains("Content-Length: 0\r\n"), "{bodiless}");
    assert!(copies().iter().all(|copy| copy.len() < 100_000), "too long to be copied");
}

fn a_silent_mirror_costs_the_client_nothing(driver: Driver) {
    let main = Echo::start("main");
    let silent = Mock::silent();
    let file = mirrored(&main.ip, &silent.ip, "");
    let lb = start(driver, &file);
    let mut conn = lb.connect();
    let begun = Instant::now();
    // More than may be under way.
    for _ in 0..1500 {
        assert_eq!(name_of(&conn.request("POST", "/", &[], b"body")), "main");
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let descriptors = lb.process.descriptors();
    assert!(descriptors < 700, "{descriptors} descriptors");
    // Nor does one that is not there.
    file.write(&file.text().replace(&silent.ip, &fresh_address()));
    lb.process.wait_for_log(&["copy lost"]);
    assert_eq!(name_of(&conn.get("/", &[])), "main");
}

fn a_copy_does_not_hold_up_the_end(driver: Driver) {
    let main = Echo::start("main");
    let silent = Mock::silent();
    let file = mirrored(&main.ip, &silent.ip, "");
    let mut lb = start(driver, &file);
    names(&lb, 4);
    let begun = Instant::now();
    lb.process.terminate();
    assert!(lb.process.wait_for_exit(Duration::from_secs(8)).success());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

fn servers_get_the_path_and_host_that_are_theirs(driver: Driver) {
    let patient = Patient::start("patient");
    let url = format!("http://{}:{BACKEND_PORT}/base/", patient.ip());
    let balancer = format!("servers: [{{url: \"{url}\", preservePath: true}}]");
    let file = top(&format!("    top: {{loadBalancer: {{{balancer}, passHostHeader: false}}}}\n"));
    let lb = start(driver, &file);
    assert_eq!(name_of(&lb.get("/a?b=c", &[])), "patient");
    let seen = patient.seen().pop().expect("the request");
    assert!(seen.starts_with("GET /base/a?b=c HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("Host: {}:{BACKEND_PORT}\r\n", patient.ip())), "{seen}");
}

/// What a servers transport says holds for the services that name it, and so does a change of it.
fn a_transport_says_how_long_and_how_often(driver: Driver) {
    let dials = Arc::new(AtomicUsize::new(0));
    let dialled = Arc::clone(&dials);
    let backend = Mock::play(move |mut peer| {
        dialled.fetch_add(1, Ordering::Relaxed);
        while let Some((head, _)) = peer.whole_request() {
            if head.starts_with("GET /slow ") {
                std::thread::sleep(Duration::from_secs(1));
            }
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let text = |terms: &str| {
        let router = "http:\n  routers:\n    all: {rule: PathPrefix(`/`), service: top}\n";
        let service = plain("top", &[&backend.ip], ", serversTransport: own");
        format!("{router}  services:\n{service}  serversTransports:\n    own: {{{terms}}}\n")
    };
    let strict = "maxIdleConnsPerHost: -1, forwardingTimeouts: {responseHeaderTimeout: 200ms}";
    let file = Dynamic::new(&text(strict));
    // Each worker has its own pool.
    let lb = Lb::start_written(driver, file.path(), &["--ringress.workers=1"]);
    eventually("the file is served", EFFECT, || (lb.get("/", &[]).status != 404).then_some(()));
    let dials_of = |path: &str, status: u16| {
        let before = dials.load(Ordering::Relaxed);
        let answers = [0; 3].map(|_| lb.get(path, &[]).status);
        assert_eq!(answers, [status; 3], "{path}");
        dials.load(Ordering::Relaxed) - before
    };
    assert_eq!(dials_of("/", 200), 3, "none is kept");
    assert_eq!(lb.get("/slow", &[]).status, 504);
    file.write(&text("maxIdleConnsPerHost: 5"));
    eventually("the new terms", EFFECT, || (lb.get("/slow", &[]).status == 200).then_some(()));
    assert_eq!(dials_of("/", 200), 0, "the last one is kept");
}
