//! `/metrics`: what is counted is what clients count, under the names that Traefik's dashboards
//! look for.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::backends::{Echo, echoes, ips};
use crate::engine::{EFFECT, FakeEngine, SEED_LABELS};
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, both_drivers, eventually};

both_drivers!(
    sums_are_what_clients_counted,
    series_of_what_is_gone_are_gone,
    names_are_those_of_the_dashboards,
    the_first_dialect_has_its_own_names,
    durations_and_bytes_are_told,
);

const LABELS: &[(&str, &str)] = &[
    ("traefik.http.routers.app.rule", "PathPrefix(`/`)"),
    ("traefik.http.services.app.loadbalancer.server.port", BACKEND_PORT_TEXT),
];

/// Samples by their name and labels, as they are written.
type Samples = BTreeMap<String, f64>;

fn page(lb: &Lb) -> String {
    lb.web("/metrics").text()
}

/// Reads the format strictly: every sample once, behind the type of its own metric, histograms with
/// ascending buckets that end in their count.
fn samples(text: &str) -> Samples {
    let (mut samples, mut types) = (Samples::new(), BTreeMap::new());
    let mut announced = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(types.insert(name, kind).is_none(), "{name} is announced twice");
            announced = name;
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().expect("a name");
            let suffix = name.strip_prefix(announced).unwrap_or_else(|| panic!("{line}"));
            let is_histogram = types[announced] == "histogram";
            let known = ["_bucket", "_sum", "_count"].contains(&suffix);
            assert!(if is_histogram { known } else { suffix.is_empty() }, "{line}");
            let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    for (series, value) in &samples {
        let Some((name, labels)) = series.split_once("_bucket{") else { continue };
        let (labels, bound) = labels.rsplit_once(",le=\"").expect("a bound");
        if bound == "+Inf\"}" {
            assert_eq!(samples[&format!("{name}_count{{{labels}}}")], *value, "{series}");
        } else {
            let all = samples[&format!("{name}_bucket{{{labels},le=\"+Inf\"}}")];
            assert!(*value <= all, "{series}");
        }
    }
    samples
}

/// The sum of all series of a metric that have these labels.
fn sum(samples: &Samples, name: &str, labels: &[&str]) -> f64 {
    let prefix = format!("{name}{{");
    let has = |series: &str| {
        series.starts_with(&prefix) && labels.iter().all(|label| series.contains(label))
    };
    samples.iter().filter(|(series, _)| has(series)).map(|(_, value)| value).sum()
}

fn world(driver: Driver, more: &[&str]) -> (FakeEngine, Vec<Echo>, Lb) {
    let echoes = echoes(&["a", "b"]);
    let engine = FakeEngine::start();
    engine.set("mystack_app", LABELS, &ips(&echoes));
    let flags = ["--metrics.prometheus", "--metrics.prometheus.addRoutersLabels"];
    let lb = Lb::start_modern(driver, &engine, &[&flags, more].concat());
    lb.wait_for_backends(&["a", "b"]);
    (engine, echoes, lb)
}

const ENTRY: &str = "traefik_entrypoint_requests_total";

fn sums_are_what_clients_counted(driver: Driver) {
    let (_engine, _echoes, lb) = world(driver, &[]);
    let before = samples(&page(&lb));
    let (gets, posts, missing) = (150, 70, 20);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut conn = lb.connect();
                for _ in 0..gets {
                    assert_eq!(conn.get("/", &[]).status, 200);
                }
                for _ in 0..posts {
                    assert_eq!(conn.request("POST", "/", &[], b"12345").status, 200);
                }
                for _ in 0..missing {
                    let path = "/__echo/status/404";
                    assert_eq!(conn.request("DELETE", path, &[], b"").status, 404);
                }
            });
        }
        // Meanwhile nothing ever goes back, and each page is well formed.
        let mut last = 0.0;
        for _ in 0..10 {
            let now = sum(&samples(&page(&lb)), ENTRY, &[]);
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    });
    let after = eventually("all of it", EFFECT, || {
        let all = f64::from(4 * (gets + posts + missing));
        let found = samples(&page(&lb));
        (sum(&found, ENTRY, &[]) - sum(&before, ENTRY, &[]) >= all).then_some(found)
    });
    for scope in ["entrypoint", "router", "service"] {
        let name = format!("traefik_{scope}_requests_total");
        let more = |labels: &[&str]| sum(&after, &name, labels) - sum(&before, &name, labels);
        let all = f64::from(4 * (gets + posts + missing));
        assert_eq!(more(&[]), all, "{scope}");
        let get = more(&["code=\"200\"", "method=\"GET\"", "protocol=\"http\""]);
        assert_eq!(get, f64::from(4 * gets), "{scope}");
        assert_eq!(more(&["method=\"POST\""]), f64::from(4 * posts), "{scope}");
        let gone = more(&["code=\"404\"", "method=\"DELETE\""]);
        assert_eq!(gone, f64::from(4 * missing), "{scope}");
        let count = format!("traefik_{scope}_request_duration_seconds_count");
        assert_eq!(sum(&after, &count, &[]) - sum(&before, &count, &[]), all, "{scope}");
        let bytes = format!("traefik_{scope}_requests_bytes_total");
        assert_eq!(sum(&after, &bytes, &["POST"]), f64::from(4 * posts * 5), "{scope}");
    }
}

fn series_of_what_is_gone_are_gone(driver: Driver) {
    let (engine, echoes, lb) = world(driver, &[]);
    let other = [
        ("traefik.http.routers.other.rule", "PathPrefix(`/other`)"),
        ("traefik.http.services.other.loadbalancer.server.port", BACKEND_PORT_TEXT),
    ];
    engine.set("mystack_other", &other, &[&echoes[0].ip]);
    eventually("the other router", EFFECT, || {
        (lb.get("/other", &[]).status == 200
            && page(&lb).contains("router=\"other@swarm\",service=\"other@swarm\""))
        .then_some(())
    });
    let app = |page: &str| sum(&samples(page), "traefik_service_requests_total", &["app@swarm"]);
    let before = app(&page(&lb));
    assert!(before > 0.0);
    engine.remove("mystack_other");
    let left = eventually("nothing of it is left", EFFECT, || {
        Some(page(&lb)).filter(|page| !page.contains("other@swarm"))
    });
    assert!(app(&left) >= before, "what its neighbour had counted stands");
}

/// Every series that the dashboards 17346 (standalone) and 17347 (Kubernetes) of grafana.com ask
/// for, which are Traefik's own and the most used ones.
const DASHBOARDS: [&str; 10] = [
    "traefik_config_reloads_total",
    "traefik_entrypoint_request_duration_seconds_bucket",
    "traefik_entrypoint_request_duration_seconds_count",
    "traefik_entrypoint_requests_total",
    "traefik_open_connections",
    "traefik_service_request_duration_seconds_bucket",
    "traefik_service_request_duration_seconds_sum",
    "traefik_service_requests_bytes_total",
    "traefik_service_requests_total",
    "traefik_service_responses_bytes_total",
];

fn names_are_those_of_the_dashboards(driver: Driver) {
    let (_engine, _echoes, lb) = world(driver, &["--metrics.prometheus.buckets=0.5,2"]);
    // A method that somebody invents makes no series of its own.
    assert_eq!(lb.connect().request("BREW", "/", &[], b"").status, 200);
    let text = page(&lb);
    let found = samples(&text);
    for name in DASHBOARDS {
        let is = |series: &String| series.split('{').next() == Some(name);
        assert!(found.keys().any(is), "{name}: {text}");
    }
    for series in [
        "traefik_open_connections{entrypoint=\"web\",protocol=\"TCP\"}",
        "traefik_service_retries_total{service=\"app@swarm\"}",
        "traefik_entrypoint_requests_total{code=\"200\",method=\"EXTENSION_METHOD\",\
         protocol=\"http\",entrypoint=\"web\"}",
        "traefik_router_request_duration_seconds_bucket{code=\"200\",method=\"GET\",\
         protocol=\"http\",router=\"app@swarm\",service=\"app@swarm\",le=\"0.5\"}",
    ] {
        assert!(found.contains_key(series), "{series}: {text}");
    }
    assert!(!text.contains("BREW") && !text.contains("le=\"0.3\""), "{text}");
    promtool(&text);
}

/// Prometheus's own check of format and names. `tests/run` installs it.
fn promtool(text: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: no promtool on this machine; `tests/run packages` installs it");
        return;
    };
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(text.as_bytes()).expect("write");
    drop(input);
    let out = child.wait_with_output().expect("promtool");
    let said = [out.stdout, out.stderr].concat();
    assert!(out.status.success(), "{}\n{text}", String::from_utf8_lossy(&said));
}

fn the_first_dialect_has_its_own_names(driver: Driver) {
    let echoes = echoes(&["a", "b"]);
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes));
    let lb = Lb::start(driver, &engine, &["--web.metrics.prometheus"]);
    lb.wait_for_backends(&["a", "b"]);
    let text = page(&lb);
    let found = samples(&text);
    let labels = "{code=\"200\",method=\"GET\",protocol=\"http\",";
    for series in [
        format!("traefik_entrypoint_requests_total{labels}entrypoint=\"http\"}}"),
        format!("traefik_backend_requests_total{labels}backend=\"backend-mystack-app\"}}"),
        "traefik_backend_retries_total{backend=\"backend-mystack-app\"}".to_owned(),
    ] {
        assert!(found.contains_key(&series), "{series}: {text}");
    }
    assert!(!text.contains("traefik_service_") && !text.contains("traefik_router_"), "{text}");
    promtool(&text);
}

fn durations_and_bytes_are_told(driver: Driver) {
    let (_engine, _echoes, lb) = world(driver, &[]);
    let service = |name: &str, labels: &[&str]| {
        sum(&samples(&page(&lb)), &format!("traefik_service_{name}"), labels)
    };
    assert_eq!(lb.get("/__echo/delay/400", &[]).status, 200);
    let took = service("request_duration_seconds_sum", &[]);
    assert!((0.4..5.0).contains(&took), "{took}");
    let slow = service("request_duration_seconds_bucket", &["le=\"+Inf\""])
        - service("request_duration_seconds_bucket", &["le=\"0.3\""]);
    assert_eq!(slow, 1.0);

    // Content alone is counted, whatever frames it.
    let sent = service("responses_bytes_total", &[]);
    let answer = lb.get("/__echo/bytes/100000", &[]);
    assert_eq!(answer.body.len(), 100_000);
    eventually("its bytes", EFFECT, || {
        (service("responses_bytes_total", &[]) - sent == 100_000.0).then_some(())
    });
    let mut conn = lb.connect();
    conn.send(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert_eq!(conn.response("POST").status, 200);
    assert_eq!(service("requests_bytes_total", &["method=\"POST\""]), 3.0);

    // What nobody takes is counted at the entry point alone.
    conn.send("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    assert_eq!(conn.response("GET").status, 400);
    let refused = ["code=\"400\"", "entrypoint=\"web\""];
    let now = eventually("what was refused", EFFECT, || {
        Some(samples(&page(&lb))).filter(|now| sum(now, ENTRY, &refused) == 1.0)
    });
    assert_eq!(sum(&now, "traefik_service_requests_total", &["code=\"400\""]), 0.0);
}
