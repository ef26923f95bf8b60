//! A world made by hand for tests: the seed's stack, and sources around it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{DriverView, ProviderView, Sources};
use crate::config::{
    Api, Docker, DriverChoice, EntryPoint, LifeCycle, Limits, Log, Metrics, Static, Trust,
};
use crate::model::{
    Complaint, CookieForm, Dialect, Model, Network, Router, Rule, Scheme, Server, ServerState,
    ServerUrl, Service, Severity, Sticky, Transport,
};
use crate::observe::Stats;
use crate::observe::traffic::{Exchange, Kind, Method, Protocol};
use crate::table::Store;

pub const ROUTER: &str = "frontend-Method-GET-POST-PUT-0";
pub const SERVICE: &str = "backend-mystack-app";

pub fn urls(servers: u8) -> Vec<ServerUrl> {
    let url = |i| ServerUrl { scheme: Scheme::Http, addr: ([10, 0, 1, 4 + i], 8080).into() };
    (1..=servers).map(url).collect()
}

/// The seed's stack with so many tasks.
pub fn seed_model(servers: u8) -> Model {
    let rule_text = "Method: GET, POST, PUT".to_owned();
    let methods = ["GET", "POST", "PUT"].map(|m| Rule::Method(m.to_owned()));
    let router = Router {
        name: ROUTER.to_owned(),
        provider: "docker".to_owned(),
        source: "mystack_app".to_owned(),
        dialect: Dialect::V1,
        priority: rule_text.len() as i64,
        precedence: 0,
        rule_text,
        rule: Some(Rule::Any(methods.to_vec())),
        entry_points: vec!["http".to_owned()],
        lost_entry_points: Vec::new(),
        syntax: None,
        service: SERVICE.to_owned(),
        middlewares: Vec::new(),
        tls: None,
        disabled: None,
    };
    let service = Service {
        name: SERVICE.to_owned(),
        provider: "docker".to_owned(),
        dialect: Dialect::V1,
        servers: (1..)
            .zip(urls(servers))
            .map(|(i, url)| Server::new(url, ServerState::Serving, format!("mystack_app.{i}")))
            .collect(),
        sticky: Some(Sticky {
            cookie_name: "_TRAEFIK_BACKEND".to_owned(),
            form: CookieForm::Url,
            secure: false,
            http_only: false,
            same_site: None,
            max_age: 0,
            path: "/".to_owned(),
            domain: String::new(),
        }),
        ..Service::default()
    };
    Model {
        routers: [(router.name.clone(), router.into())].into(),
        services: [(service.name.clone(), service.into())].into(),
        ..Model::default()
    }
}

/// The seed's stack beside a router that could not be read, and two complaints.
pub fn troubled_model() -> Model {
    let mut model = seed_model(3);
    let mut broken = (*model.routers[ROUTER]).clone();
    broken.name = "frontend-Hoost-a-b-1".to_owned();
    broken.rule_text = "Hoost: a.b".to_owned();
    broken.rule = None;
    broken.disabled = Some("unknown function Hoost".to_owned());
    model.routers.insert(broken.name.clone(), broken.into());
    if let Some(service) = model.services.get_mut(SERVICE).and_then(Arc::get_mut) {
        service.servers[1].state = ServerState::Draining;
        service.servers[2].state = ServerState::Starting;
    }
    let complaint = |severity, setting: &str, value: &str, problem: &str| Complaint {
        severity,
        subject: "mystack_other".to_owned(),
        setting: setting.to_owned(),
        value: value.to_owned(),
        problem: problem.to_owned(),
        remedy: "<img src=x onerror=alert(1)>".to_owned(),
    };
    model.complaints = vec![
        complaint(Severity::Error, "traefik.port", "http", "is not a port number"),
        complaint(Severity::Warning, "traefik.frontend.auth.basic.users", "a:b", "is ignored"),
    ];
    model
}

pub fn world(model: Model) -> (Arc<Store>, Arc<Stats>) {
    let store = Arc::new(Store::new(2, vec!["http".to_owned()]));
    store.publish(model);
    (store, Arc::new(Stats::new(2, 1, [100_000, 300_000, 1_200_000, 5_000_000].into())))
}

/// So many exchanges of 2 ms each, of the backend with this index in the seed's service.
pub fn answer(store: &Store, stats: &Stats, backend: usize, status: u16, times: u64) {
    store.read(|table| {
        let cells = &table.services()[0].backends[backend].state.cells[0];
        for _ in 0..times {
            cells.requests.add(1);
            cells.responses.record(status);
            cells.busy_micros.add(2_000);
            stats.workers[0].requests.add(1);
            stats.workers[0].responses.record(status);
            let kind = Kind { method: Method::of("GET"), protocol: Protocol::Http, status };
            let took = Duration::from_millis(2);
            let exchange = Exchange { kind, took, received: 0, sent: 0 };
            for traffic in [&stats.entry_points[0], &table.routers()[0].traffic] {
                traffic.share(0).record(&exchange, &stats.bounds);
            }
        }
    });
}

pub fn everything() -> Option<Api> {
    let address = ([127, 0, 0, 1], 0).into();
    Some(Api { address, api: true, dashboard: true, ping: true, metrics: true })
}

pub fn config(api: Option<Api>) -> Static {
    Static {
        dialect: Dialect::V1,
        entry_points: vec![EntryPoint {
            name: "http".to_owned(),
            address: ([0, 0, 0, 0], 80).into(),
            trust: Trust { insecure: true, networks: Vec::new() },
            proxy_protocol: Some(Trust {
                insecure: false,
                networks: vec![Network { address: [10, 0, 0, 0].into(), prefix: 8 }],
            }),
            idle_timeout: Duration::from_secs(180),
            read_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
            keep_alive_time: Duration::ZERO,
            keep_alive_requests: 0,
            heads: Default::default(),
            max_connections: None,
        }],
        default_entry_points: vec!["http".to_owned()],
        docker: vec![Docker {
            name: "docker".to_owned(),
            dialect: Dialect::V1,
            endpoint: "unix:///var/run/docker.sock".to_owned(),
            swarm: true,
            watch: true,
            exposed_by_default: true,
            network: String::new(),
            domain: String::new(),
            default_rule: String::new(),
            refresh: Duration::from_secs(15),
            tls: None,
            login: None,
            constraints: Vec::new(),
        }],
        file: None,
        http: None,
        rest: None,
        precedence: Vec::new(),
        default_rule_syntax: Dialect::V2,
        health_check_interval: Duration::from_secs(30),
        api,
        metrics: Metrics::default(),
        log: Log { level: tracing::Level::DEBUG, json: false, access: None },
        life: LifeCycle { accept_grace: Duration::ZERO, grace: Duration::from_secs(10) },
        transport: Transport {
            dial_timeout: Duration::from_secs(1),
            response_header_timeout: Duration::ZERO,
            idle_timeout: Duration::from_secs(30),
            max_idle_per_host: 200,
        },
        limits: Limits::default(),
        driver: DriverChoice::Auto,
        workers: Some(2),
        handover: None,
        pointless: Vec::new(),
        complaints: Vec::new(),
    }
}

pub fn sources(store: Arc<Store>, stats: Arc<Stats>, api: Option<Api>) -> Sources {
    let epoll = |worker| DriverView {
        worker,
        cpu: Some(worker),
        rung: "epoll".to_owned(),
        reason: Some(
            "io_uring_setup: EPERM, the container's seccomp profile forbids it".to_owned(),
        ),
        remedy: Some("run with a profile that allows io_uring".to_owned()),
    };
    Sources {
        config: Arc::new(config(api)),
        store,
        stats,
        drivers: vec![epoll(0), epoll(1)],
        providers: Box::new(|| {
            vec![ProviderView {
                name: "docker".to_owned(),
                endpoint: "tcp://me:pw@10.0.0.1:2375".to_owned(),
                connected: true,
                engine_version: "29.1.0".to_owned(),
                api_version: "1.44".to_owned(),
                role: "manager".to_owned(),
                last_error: None,
                last_sync: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)),
                services: 1,
                instances: 2,
            }]
        }),
        access: None,
        clients: Box::new(|| vec![3]),
        life: Arc::default(),
        hostname: "kallisto".to_owned(),
        version: "0.1.0",
        started: SystemTime::now(),
    }
}
