//! The access log: a line for each request, what is in it, and what happens to its file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::backends::{Echo, echoes, ips};
use crate::engine::{EFFECT, FakeEngine, SEED_LABELS};
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, both_drivers, eventually, fresh_address};

both_drivers!(
    each_request_has_its_line,
    a_known_request_is_told_as_it_was,
    what_we_refuse_is_told_too,
    filters_hold_lines_back,
    a_moved_file_is_opened_anew,
    the_end_loses_no_line,
    a_full_disk_disturbs_nobody,
    standard_output_has_the_common_format,
);

const LABELS: &[(&str, &str)] = &[
    ("traefik.http.routers.app.rule", "PathPrefix(`/`)"),
    ("traefik.http.services.app.loadbalancer.server.port", BACKEND_PORT_TEXT),
    ("traefik.http.services.app.loadbalancer.sticky.cookie.name", "sticky"),
];

/// A load balancer with two backends and a log of its own, removed at the end.
struct World {
    _engine: FakeEngine,
    echoes: Vec<Echo>,
    lb: Lb,
    path: PathBuf,
}

impl World {
    fn new(driver: Driver, flags: &[&str]) -> Self {
        let name = format!("ringress-access-{}", fresh_address());
        let path = std::env::temp_dir().join(name).join("access.log");
        let file = format!("--accessLog.filePath={}", path.display());
        Self::at(driver, path, &[flags, &[&file]].concat())
    }

    fn at(driver: Driver, path: PathBuf, flags: &[&str]) -> Self {
        let echoes = echoes(&["a", "b"]);
        let engine = FakeEngine::start();
        engine.set("mystack_app", LABELS, &ips(&echoes));
        let lb = Lb::start_modern(driver, &engine, &[&["--metrics.prometheus"], flags].concat());
        lb.wait_for_backends(&["a", "b"]);
        Self { _engine: engine, echoes, lb, path }
    }

    /// What the file has; nothing before there is one.
    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default()
    }

    /// The line with these words, once it is there.
    fn line(&self, words: &str) -> Value {
        eventually(&format!("a line with {words}"), EFFECT, || {
            let text = self.text();
            let line = text.lines().find(|line| line.contains(words))?;
            Some(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        })
    }

    fn dropped(&self) -> usize {
        let page = self.lb.web("/metrics").text();
        let line = page.lines().find(|l| l.starts_with("ringress_access_log_dropped_total "));
        let value = line.and_then(|line| line.split(' ').nth(1)?.parse().ok());
        value.unwrap_or_else(|| panic!("no such metric: {page}"))
    }

    /// So many requests on each of four connections.
    fn burden(&self, each: usize) {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut conn = self.lb.connect();
                    for _ in 0..each {
                        assert_eq!(conn.get("/burden", &[]).status, 200);
                    }
                });
            }
        });
    }

    fn burdens(text: &str) -> usize {
        text.lines().filter(|line| line.contains("/burden")).count()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.path.starts_with(std::env::temp_dir()) {
            let _ = fs::remove_dir_all(self.path.parent().expect("a folder"));
        }
    }
}

const JSON: &str = "--accessLog.format=json";

fn each_request_has_its_line(driver: Driver) {
    let world = World::new(driver, &[JSON]);
    let each = 500;
    world.burden(each);
    let all = eventually("all lines", EFFECT, || {
        let text = world.text();
        (World::burdens(&text) + world.dropped() >= 4 * each).then_some(text)
    });
    assert_eq!(World::burdens(&all) + world.dropped(), 4 * each);
    assert!(all.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let mut counts: Vec<u64> = all
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["RequestCount"].as_u64())
        .collect();
    let lines = counts.len();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len(), lines, "no number comes twice");
}

fn a_known_request_is_told_as_it_was(driver: Driver) {
    let flags = [
        JSON,
        "--accessLog.fields.headers.defaultMode=drop",
        "--accessLog.fields.headers.names.User-Agent=keep",
        "--accessLog.fields.headers.names.Authorization=redact",
        "--accessLog.fields.headers.names.Set-Cookie=keep",
    ];
    let world = World::new(driver, &flags);
    let mut conn = world.lb.connect();
    let headers = ["User-Agent: me/1", "Authorization: Basic c2VjcmV0", "Cookie: secret=1"];
    let answer = conn.request("POST", "/__echo/delay/50?known=1", &headers, b"1234567");
    assert_eq!(answer.status, 200);
    let line = world.line("known=1");
    let size = answer.body.len();
    let host = line["RequestAddr"].as_str().expect("a host").to_owned();
    for (field, expected) in [
        ("ClientHost", "127.0.0.1"),
        ("ClientUsername", "-"),
        ("RequestMethod", "POST"),
        ("RequestPath", "/__echo/delay/50?known=1"),
        ("RequestProtocol", "HTTP/1.1"),
        ("RequestScheme", "http"),
        ("RequestHost", host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host)),
        ("RouterName", "app@swarm"),
        ("ServiceName", "app@swarm"),
        ("entryPointName", "web"),
        ("level", "info"),
        ("request_User-Agent", "me/1"),
        ("request_Authorization", "REDACTED"),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    for (field, expected) in [
        ("RequestContentSize", 7),
        ("DownstreamStatus", 200),
        ("OriginStatus", 200),
        ("DownstreamContentSize", size),
        ("OriginContentSize", size),
        ("RetryAttempts", 0),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    let number = |field: &str| line[field].as_u64().unwrap_or_else(|| panic!("{field}: {line}"));
    assert!(number("Duration") >= 50_000_000 && number("OriginDuration") >= 50_000_000, "{line}");
    assert_eq!(number("Duration") - number("OriginDuration"), number("Overhead"));
    let text = |field: &str| line[field].as_str().unwrap_or_else(|| panic!("{field}: {line}"));
    let client = format!("127.0.0.1:{}", text("ClientPort"));
    assert_eq!(text("ClientAddr"), client);
    let address = text("ServiceURL").strip_prefix("http://").expect("a URL");
    assert_eq!(text("ServiceAddr"), address);
    assert!(world.echoes.iter().any(|echo| address.starts_with(&echo.ip)), "{line}");
    assert!(text("downstream_Set-Cookie").starts_with("sticky="), "{line}");
    assert!(line.get("origin_Set-Cookie").is_none(), "the cookie is ours: {line}");
    assert!(text("StartUTC").ends_with('Z') && text("StartUTC") <= text("StartLocal"), "{line}");
    assert!(!line.to_string().contains("secret"), "{line}");
}

fn what_we_refuse_is_told_too(driver: Driver) {
    let mut world = World::new(driver, &[JSON]);
    let mut conn = world.lb.connect();
    conn.send("GET /twice HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    assert_eq!(conn.response("GET").status, 400);
    let line = world.line("\"DownstreamStatus\":400");
    assert!(line.get("RouterName").is_none() && line.get("RequestPath").is_none(), "{line}");
    // Nobody is left to answer.
    world.echoes.iter_mut().for_each(Echo::stop);
    assert_eq!(world.lb.get("/nobody", &[]).status, 502);
    let line = world.line("/nobody");
    assert_eq!((&line["DownstreamStatus"], &line["OriginStatus"]), (&502.into(), &0.into()));
    assert_eq!((&line["ServiceName"], &line["RetryAttempts"]), (&"app@swarm".into(), &1.into()));
}

fn filters_hold_lines_back(driver: Driver) {
    let flags =
        ["--accessLog.filters.statusCodes=404,500-599", "--accessLog.filters.minDuration=150ms"];
    let world = World::new(driver, &[JSON, flags[0], flags[1]]);
    let mut conn = world.lb.connect();
    for path in ["/quick", "/__echo/status/404", "/__echo/status/503", "/__echo/delay/200"] {
        conn.get(path, &[]);
    }
    world.line("/__echo/delay/200");
    let text = world.text();
    assert!(text.contains("status/404") && text.contains("status/503"), "{text}");
    assert!(!text.contains("/quick"), "{text}");
}

fn a_moved_file_is_opened_anew(driver: Driver) {
    let world = World::new(driver, &[JSON]);
    let each = 400;
    let moved = world.path.with_extension("1");
    std::thread::scope(|scope| {
        scope.spawn(|| world.burden(each));
        std::thread::sleep(Duration::from_millis(100));
        fs::rename(&world.path, &moved).expect("rename");
        world.lb.process.signal("-USR1");
    });
    eventually("a new file", EFFECT, || world.path.exists().then_some(()));
    let all = || {
        let old = fs::read_to_string(&moved).expect("the old file");
        World::burdens(&old) + World::burdens(&world.text()) + world.dropped()
    };
    eventually("all lines in both", EFFECT, || (all() >= 4 * each).then_some(()));
    assert_eq!(all(), 4 * each);
    assert_eq!(world.lb.get("/", &[]).status, 200, "it lives");
}

fn the_end_loses_no_line(driver: Driver) {
    let mut world = World::new(driver, &[JSON]);
    let each = 300;
    world.burden(each);
    world.lb.process.terminate();
    world.lb.process.wait_for_exit(Duration::from_secs(10));
    assert_eq!(World::burdens(&world.text()), 4 * each);
}

fn a_full_disk_disturbs_nobody(driver: Driver) {
    let full = PathBuf::from("/dev/full");
    let world = World::at(driver, full, &[JSON, "--accessLog.filePath=/dev/full"]);
    world.burden(300);
    eventually("they are counted", EFFECT, || (world.dropped() >= 1200).then_some(()));
    let told = world.lb.process.wait_for_log(&["access log:", "No space left on device"]);
    assert!(told.contains("WARN"), "{told}");
    assert_eq!(world.lb.get("/", &[]).status, 200);
}

/// As the user of the seed would turn it on.
fn standard_output_has_the_common_format(driver: Driver) {
    let echoes = echoes(&["a"]);
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes));
    let lb = Lb::start(driver, &engine, &["--accessLog"]);
    lb.wait_for_backends(&["a"]);
    lb.get("/seed?x=y", &["User-Agent: me \"1\"", "Referer: http://r/"]);
    let line = lb.process.wait_for_log(&["/seed?x=y"]);
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    let expected = "] \"GET /seed?x=y HTTP/1.1\" 200 ";
    assert!(line.contains(expected), "{line}");
    let router = "\"frontend-Method-GET-POST-PUT-0\"";
    let end = format!("\"http://{}:{BACKEND_PORT_TEXT}\" ", echoes[0].ip);
    assert!(line.contains(" \"http://r/\" \"me \\\"1\\\"\" "), "{line}");
    assert!(line.contains(router) && line.contains(&end) && line.ends_with("ms"), "{line}");
}
