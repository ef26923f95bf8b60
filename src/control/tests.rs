//! The control plane as its clients see it: over a socket.

use crate::life::Stage;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::dashboard::ASSETS;
use super::fixture::{self, ROUTER, SERVICE};
use super::{Control, Sources, spawn};
use crate::config::Api;
use crate::model::{Dialect, Group, GroupKind, Member, Middleware, Model};
use crate::table::Store;

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.body).expect("JSON")
    }
}

fn start(sources: Sources) -> Control {
    spawn(TcpListener::bind("127.0.0.1:0").expect("a port"), sources).expect("a control plane")
}

fn serve(model: Model) -> (Control, Arc<Store>) {
    let (store, stats) = fixture::world(model);
    (start(fixture::sources(Arc::clone(&store), stats, fixture::everything())), store)
}

fn send(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    stream
}

fn ask(control: &Control, head: &str) -> Answer {
    let mut text = String::new();
    send(control.address(), head).read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn get(control: &Control, path: &str) -> Answer {
    ask(control, &format!("GET {path} HTTP/1.1"))
}

#[test]
fn api_of_the_first_dialect_lists_the_seed() {
    let (control, _store) = serve(fixture::seed_model(2));
    let tree = get(&control, "/api").json();
    assert_eq!(tree, get(&control, "/api/providers").json());
    let backend = &tree["docker"]["backends"][SERVICE];
    let balancer = json!({"method": "wrr", "stickiness": {"cookieName": "_TRAEFIK_BACKEND"}});
    assert_eq!(backend["loadBalancer"], balancer);
    let servers = backend["servers"].as_object().expect("servers");
    let urls: Vec<_> = servers.values().map(|server| &server["url"]).collect();
    assert_eq!(urls, ["http://10.0.1.5:8080", "http://10.0.1.6:8080"]);
    assert!(servers.keys().all(|id| id.starts_with("server-mystack-app-")));
    let frontend = json!({
        "entryPoints": ["http"],
        "backend": SERVICE,
        "routes": { format!("route-{ROUTER}"): { "rule": "Method: GET, POST, PUT" } },
        "passHostHeader": true,
        "priority": 0,
        "basicAuth": null,
    });
    assert_eq!(tree["docker"]["frontends"][ROUTER], frontend);

    let under = |path: &str| get(&control, &format!("/api/providers/docker{path}"));
    assert_eq!(under("").json(), tree["docker"]);
    assert_eq!(under("/frontends").json(), tree["docker"]["frontends"]);
    assert_eq!(under(&format!("/frontends/{ROUTER}")).json(), frontend);
    let route = under(&format!("/frontends/{ROUTER}/routes/route-{ROUTER}")).json();
    assert_eq!(route["rule"], "Method: GET, POST, PUT");
    assert_eq!(under(&format!("/backends/{SERVICE}/servers")).json(), backend["servers"]);
    for path in ["/nothing", "/backends/other", &format!("/backends/{SERVICE}/loadBalancer")] {
        assert_eq!(under(path).status, 404, "{path}");
    }
    assert_eq!(get(&control, "/api/providers/swarm").body, "404 page not found\n");
}

#[test]
fn rawdata_tells_what_works_and_what_does_not() {
    let (control, store) = serve(fixture::troubled_model());
    let raw = get(&control, "/api/rawdata").json();
    let router = &raw["routers"][ROUTER];
    assert_eq!(router["status"], "enabled");
    assert_eq!(router["using"], json!(["http"]));
    assert!(router.get("error").is_none());
    let broken = &raw["routers"]["frontend-Hoost-a-b-1"];
    assert_eq!(broken["status"], "disabled");
    assert_eq!(broken["error"], json!(["unknown function Hoost"]));
    let service = &raw["services"][SERVICE];
    assert_eq!(service["usedBy"], json!(["frontend-Hoost-a-b-1", ROUTER]));
    let status = json!({
        "http://10.0.1.5:8080": "UP",
        "http://10.0.1.6:8080": "DOWN",
        "http://10.0.1.7:8080": "DOWN",
    });
    assert_eq!(service["serverStatus"], status);
    assert_eq!(service["loadBalancer"]["servers"][0], json!({"url": "http://10.0.1.5:8080"}));
    let cookie = json!({"name": "_TRAEFIK_BACKEND", "path": "/"});
    assert_eq!(service["loadBalancer"]["sticky"]["cookie"], cookie);

    store.publish(Model::default());
    assert_eq!(get(&control, "/api/rawdata").json(), json!({}));
}

#[test]
fn elements_are_listed_and_found() {
    let mut model = fixture::troubled_model();
    let member = |name: &str| Member { service: name.to_owned(), weight: 2 };
    let group = Group {
        name: "all@file".to_owned(),
        provider: "file".to_owned(),
        dialect: Dialect::V3,
        kind: GroupKind::Weighted {
            members: vec![member("a@file"), member(SERVICE)],
            sticky: None,
        },
        health_check: true,
        disabled: None,
    };
    model.groups.insert(group.name.clone(), group.into());
    let middleware = Middleware {
        name: "auth@file".to_owned(),
        provider: "file".to_owned(),
        dialect: Dialect::V3,
        kind: "basicAuth".to_owned(),
        options: json!({ "users": ["me:$apr1$x"], "realm": "r" }),
        disabled: None,
    };
    model.middlewares.insert(middleware.name.clone(), middleware.into());
    let router = model.routers.get_mut(ROUTER).unwrap();
    Arc::make_mut(router).middlewares = vec!["auth@file".to_owned()];
    let (control, _store) = serve(model);

    let page = get(&control, "/api/http/routers?per_page=1");
    let names: Vec<_> = page.json().as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["frontend-Hoost-a-b-1"]);
    let router = get(&control, &format!("/api/http/routers/{ROUTER}")).json();
    assert_eq!((&router["name"], &router["priorityStr"]), (&json!(ROUTER), &json!("22")));
    let group = get(&control, "/api/http/services/all@file").json();
    assert_eq!((&group["type"], &group["provider"]), (&json!("weighted"), &json!("file")));
    let members = json!([{"name": "a", "weight": 2}, {"name": SERVICE, "weight": 2}]);
    assert_eq!(group["weighted"], json!({"services": members, "healthCheck": {}}));
    let auth = get(&control, "/api/http/middlewares/auth%40file").json();
    assert_eq!(auth["basicAuth"], json!({"users": ["xxxx"], "realm": "r"}));
    assert_eq!((&auth["type"], &auth["usedBy"]), (&json!("basicauth"), &json!([ROUTER])));
    for (path, body) in [
        ("routers/x", "{\"message\":\"router not found: x\"}\n"),
        ("services/x", "{\"message\":\"service not found: x\"}\n"),
        ("middlewares/x", "{\"message\":\"middleware not found: x\"}\n"),
        ("nothing", "404 page not found\n"),
    ] {
        let answer = get(&control, &format!("/api/http/{path}"));
        assert_eq!((answer.status, answer.body.as_str()), (404, body), "{path}");
    }
    assert_eq!(get(&control, "/api/http/services?page=2").status, 400);
    assert_eq!(get(&control, "/api/tcp/routers").json(), json!([]));
}

#[test]
fn overview_entry_points_version_and_health() {
    let (store, stats) = fixture::world(fixture::troubled_model());
    fixture::answer(&store, &stats, 0, 200, 7);
    fixture::answer(&store, &stats, 0, 502, 1);
    let control = start(fixture::sources(store, stats, fixture::everything()));

    let overview = get(&control, "/api/overview").json();
    let routers = json!({"total": 2, "warnings": 0, "errors": 1});
    assert_eq!(overview["http"]["routers"], routers);
    assert_eq!(overview["features"]["metrics"], "Prometheus");
    assert_eq!(overview["providers"], json!(["Docker"]));

    let entry_points = get(&control, "/api/entrypoints").json();
    assert_eq!(entry_points[0]["name"], "http");
    assert_eq!(entry_points[0]["address"], ":80");
    let timeouts = &entry_points[0]["transport"]["respondingTimeouts"];
    assert_eq!(*timeouts, json!({"readTimeout": "0s", "idleTimeout": "3m0s"}));
    assert_eq!(entry_points[0]["forwardedHeaders"], json!({"insecure": true}));
    assert_eq!(entry_points[0]["proxyProtocol"], json!({"trustedIPs": ["10.0.0.0/8"]}));
    assert_eq!(get(&control, "/api/entrypoints/http").json(), entry_points[0]);
    assert_eq!(get(&control, "/api/entrypoints/https").status, 404);

    let version = get(&control, "/api/version").json();
    assert_eq!(version["Version"], "0.1.0");
    assert!(version["startDate"].as_str().is_some_and(|date| date.ends_with('Z')));

    let health = get(&control, "/health").json();
    assert_eq!(health["pid"], std::process::id());
    assert_eq!(health["total_status_code_count"], json!({"2xx": 7, "5xx": 1}));
    assert_eq!(health["total_count"], 8);
    assert_eq!(health["total_response_time"], "16ms");
    assert_eq!(health["average_response_time"], "2ms");
}

#[test]
fn the_document_holds_what_the_page_shows() {
    let (store, stats) = fixture::world(fixture::troubled_model());
    fixture::answer(&store, &stats, 0, 200, 3);
    let control = start(fixture::sources(store, stats, fixture::everything()));
    let document = get(&control, "/api/ringress").json();

    assert_eq!(document["hostname"], "kallisto");
    assert_eq!(document["generation"], 1);
    assert_eq!(document["totals"]["requests"], 3);
    assert_eq!(document["totals"]["responses"]["2xx"], 3);
    let entry_point = &document["entryPoints"][0];
    assert_eq!((&entry_point["name"], &entry_point["address"]), (&json!("http"), &json!(":80")));
    for figures in [entry_point, &document["routers"][0]] {
        assert!(figures["perSecond"].is_f64() && figures["errorsPerSecond"].is_f64(), "{figures}");
    }
    assert_eq!(document["drivers"][1]["rung"], "epoll");
    assert_eq!(document["providers"][0]["lastSync"], 1_500);
    assert_eq!(document["providers"][0]["endpoint"], "tcp://10.0.0.1:2375");
    assert_eq!(document["routers"][0]["error"], "unknown function Hoost");
    assert_eq!(document["routers"][1]["rule"], "Method: GET, POST, PUT");

    let service = &document["services"][0];
    assert_eq!(service["sticky"]["cookieName"], "_TRAEFIK_BACKEND");
    assert_eq!(service["usedBy"], json!(["frontend-Hoost-a-b-1", ROUTER]));
    let backends = service["backends"].as_array().expect("backends");
    let states: Vec<_> = backends.iter().map(|backend| &backend["state"]).collect();
    assert_eq!(states, ["serving", "draining", "starting"]);
    assert_eq!(backends[0]["url"], "http://10.0.1.5:8080");
    assert_eq!(backends[0]["label"], "mystack_app.1");
    assert_eq!(backends[0]["requests"], 3);
    assert_eq!((&backends[0]["share"], &backends[1]["share"]), (&json!(1.0), &json!(0.0)));

    let complaints = document["complaints"].as_array().expect("complaints");
    assert_eq!(complaints[0]["severity"], "error");
    assert_eq!(complaints[0]["value"], "http");
    assert_eq!(complaints[1]["value"], "(hidden)", "users of basic auth are nobody's business");
}

#[test]
fn metrics_are_what_was_counted() {
    let (store, stats) = fixture::world(fixture::troubled_model());
    fixture::answer(&store, &stats, 1, 404, 4);
    let control = start(fixture::sources(store, stats, fixture::everything()));
    let metrics = get(&control, "/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let backend = format!("service=\"{SERVICE}\",url=\"http://10.0.1.6:8080\"");
    for line in [
        "traefik_config_reloads_total 1".to_owned(),
        "ringress_worker_requests_total{worker=\"0\"} 4".to_owned(),
        "ringress_open_connections{worker=\"1\"} 0".to_owned(),
        "ringress_complaints{severity=\"error\"} 1".to_owned(),
        format!("ringress_backend_responses_total{{{backend},class=\"4xx\"}} 4"),
        format!(
            "traefik_backend_server_up{{backend=\"{SERVICE}\",url=\"http://10.0.1.6:8080\"}} 0"
        ),
    ] {
        assert!(metrics.body.lines().any(|found| found == line), "{line}\n{}", metrics.body);
    }
    // Every sample belongs to the metric that was announced last.
    let mut announced = "";
    for line in metrics.body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            announced = rest.split(' ').next().expect("a name");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().expect("a name");
            let suffix = name.strip_prefix(announced);
            let known = ["", "_bucket", "_sum", "_count"];
            assert!(suffix.is_some_and(|suffix| known.contains(&suffix)), "{name}: {announced}");
        }
    }
}

#[test]
fn ping_says_when_we_are_going() {
    let (store, stats) = fixture::world(Model::default());
    let sources = fixture::sources(store, stats, fixture::everything());
    let life = Arc::clone(&sources.life);
    let control = start(sources);
    let answer = get(&control, "/ping");
    assert_eq!((answer.status, answer.body.as_str()), (200, "OK"));
    let answer = ask(&control, "HEAD /ping HTTP/1.1");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    life.advance(Stage::Terminating);
    let answer = get(&control, "/ping");
    assert_eq!((answer.status, answer.body.as_str()), (503, "Service Unavailable"));
}

#[test]
fn what_was_not_asked_for_does_not_exist() {
    let address = ([127, 0, 0, 1], 0).into();
    let nothing = Api { address, api: false, dashboard: false, ping: false, metrics: false };
    let paths = [
        ("/ping", Some(Api { ping: true, ..nothing.clone() })),
        ("/metrics", Some(Api { metrics: true, ..nothing.clone() })),
        ("/api", Some(Api { api: true, ..nothing.clone() })),
        ("/api/rawdata", Some(Api { api: true, ..nothing.clone() })),
        ("/health", Some(Api { api: true, ..nothing.clone() })),
        ("/dashboard/", Some(Api { dashboard: true, ..nothing.clone() })),
        ("/api/ringress", Some(Api { dashboard: true, ..nothing })),
    ];
    for (path, api) in &paths {
        let (store, stats) = fixture::world(Model::default());
        let control = start(fixture::sources(store, stats, api.clone()));
        assert_eq!(get(&control, path).status, 200, "{path}");
        for (other, _) in paths.iter().filter(|(_, other)| other != api) {
            // The page's document comes with the API as well as with the page.
            if *other == "/api/ringress" && api.as_ref().is_some_and(|api| api.api) {
                continue;
            }
            let answer = get(&control, other);
            assert_eq!((answer.status, answer.body.as_str()), (404, "404 page not found\n"));
        }
        assert_eq!(get(&control, "/nothing").status, 404);
    }
}

#[test]
fn the_page_and_its_files_are_guarded() {
    let (control, _store) = serve(Model::default());
    for asset in ASSETS {
        let answer = get(&control, &format!("/dashboard/{}", asset.name));
        assert_eq!(answer.status, 200, "{}", asset.name);
        assert_eq!(answer.header("content-type"), Some(asset.media_type));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    assert_eq!(get(&control, "/dashboard/").body, ASSETS[0].text);
    assert_eq!(get(&control, "/dashboard/other.js").status, 404);
    assert_eq!(get(&control, "/dashboard/..%2fmod.rs").status, 404);
}

#[test]
fn the_root_leads_to_the_dashboard() {
    let (control, _store) = serve(Model::default());
    for (head, location) in [
        ("GET / HTTP/1.1", "/dashboard/"),
        ("GET /dashboard HTTP/1.1", "/dashboard/"),
        ("GET / HTTP/1.1\r\nX-Forwarded-Prefix: /lb", "/lb/dashboard/"),
        ("GET / HTTP/1.1\r\nX-Forwarded-Prefix: //evil.example", "/dashboard/"),
    ] {
        let answer = ask(&control, head);
        assert_eq!((answer.status, answer.header("location")), (302, Some(location)));
    }
}

#[test]
fn assets_put_no_text_into_the_page_as_markup() {
    for asset in ASSETS {
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!asset.text.contains(sink), "{} in {}", sink, asset.name);
        }
        // Nothing inline, which the policy would refuse, and nothing from elsewhere.
        for inline in ["<style", " style=", " onclick=", "javascript:", "@import"] {
            assert!(!asset.text.contains(inline), "{} in {}", inline, asset.name);
        }
        let elsewhere = asset.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"));
        assert!(asset.text.lines().count() <= 400, "{} is too long", asset.name);
    }
    assert!(ASSETS[0].text.contains("<script type=\"module\" src=\"main.js\"></script>"));
    assert_eq!(ASSETS[0].text.matches("<script").count(), 1);
}

#[test]
fn a_publication_is_pushed_at_once() {
    let (control, store) = serve(fixture::seed_model(2));
    let mut lines =
        BufReader::new(send(control.address(), "GET /api/ringress/live HTTP/1.1")).lines();
    let mut next = || loop {
        let line = lines.next().expect("the stream goes on").expect("a line");
        if let Some(document) = line.strip_prefix("data:") {
            return serde_json::from_str::<Value>(document).expect("JSON");
        }
    };
    assert_eq!(next()["services"][0]["backends"].as_array().map(Vec::len), Some(2));
    let mut all = Duration::ZERO;
    for generation in 2..8_u64 {
        // Off the beat of the second, which brings a document anyway.
        std::thread::sleep(Duration::from_millis(130));
        let published = Instant::now();
        store.publish(fixture::seed_model(5));
        let mut document = next();
        while document["generation"] != generation {
            document = next();
        }
        all += published.elapsed();
        assert_eq!(document["services"][0]["backends"].as_array().map(Vec::len), Some(5));
    }
    // On the beat of the second alone, six would take three seconds.
    assert!(all < Duration::from_millis(1500), "six pushes took {all:?}");

    // And without a publication, every second.
    let quiet = Instant::now();
    next();
    next();
    assert!(quiet.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_panic_ends_one_request_alone() {
    let (store, stats) = fixture::world(Model::default());
    let mut sources = fixture::sources(store, stats, fixture::everything());
    sources.providers = Box::new(|| panic!("this is a test"));
    let control = start(sources);
    assert_eq!(get(&control, "/api/ringress").status, 500);
    assert_eq!(get(&control, "/ping").status, 200);
    assert_eq!(get(&control, "/api/rawdata").status, 200);
}

#[test]
fn stopping_ends_live_streams_and_frees_the_port() {
    let (control, _store) = serve(Model::default());
    let address = control.address();
    let mut stream = send(address, "GET /api/ringress/live HTTP/1.1");
    let mut some = [0; 16];
    stream.read_exact(&mut some).expect("the head");
    let began = Instant::now();
    control.stop();
    assert!(began.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    // An end or a reset: both end it.
    let _ = stream.read_to_end(&mut rest);
    assert!(TcpStream::connect(address).is_err());
}
