//! The thread as a whole, on engines that exist in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::super::engine::fake::{self, FakeEngine, task};
use super::*;
use crate::model::{Dialect, Scheme, Server, ServerState, ServerUrl, Service};

fn settings(name: &str) -> config::Docker {
    config::Docker {
        name: name.to_owned(),
        dialect: Dialect::V3,
        endpoint: "unix:///fake.sock".to_owned(),
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
    }
}

/// Every instance of every workload on `port`.
fn build(settings: &config::Docker, workloads: &[Workload], port: u16) -> Model {
    let mut model = Model::default();
    for workload in workloads {
        let name = format!("{}@{}", workload.name, settings.name);
        let servers = workload.instances.iter().map(|instance| {
            let addr = (*instance.addresses.values().next().unwrap(), port).into();
            let url = ServerUrl { scheme: Scheme::Http, addr };
            Server::new(url, instance.state, &instance.name)
        });
        let service = Service {
            name: name.clone(),
            provider: settings.name.clone(),
            dialect: settings.dialect,
            servers: servers.collect(),
            ..Service::default()
        };
        model.services.insert(name, service.into());
    }
    model
}

fn next(models: &Receiver<Arc<Model>>) -> Arc<Model> {
    models.recv_timeout(Duration::from_secs(5)).unwrap()
}

fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn two_providers_are_merged_and_probed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (first, second) = (fake::swarm(), fake::swarm());
    first.world().tasks = vec![task("a", 1, "running", "running")];
    second.world().trouble = Some(Trouble::NotManager);
    let engines = [first.clone(), second.clone()];
    let (publish, models) = channel();
    let discovery = spawn_on(
        vec![settings("one"), settings("two")],
        Vec::new(),
        move |settings| engines[usize::from(settings.name == "two")].clone(),
        move |settings, workloads, _| build(settings, workloads, port),
        move |model| publish.send(model).unwrap(),
    );
    let model = next(&models);
    assert_eq!(model.services["app@one"].servers[0].state, ServerState::Starting);
    let model = next(&models);
    assert_eq!(model.services["app@one"].servers[0].state, ServerState::Serving);
    assert!(!model.services.contains_key("app@two"));
    assert!(!discovery.has_settled(), "nothing is known of the second");

    let status = discovery.status();
    assert!(status[0].connected);
    assert_eq!((status[0].services, status[0].tasks), (1, 1));
    assert_eq!(status[0].swarm_role, SwarmRole::Manager);
    assert_eq!(status[0].api_version, "1.53");
    assert!(status[0].last_sync.is_some());
    assert!(!status[1].connected);
    assert_eq!(status[1].swarm_role, SwarmRole::NotManager);
    assert!(status[1].last_error.as_ref().unwrap().contains("not a swarm manager"));

    second.world().trouble = None;
    let model = next(&models);
    assert!(model.services.contains_key("app@two"));
    wait_until(|| discovery.has_settled());
    assert_eq!(model.services["app@one"].servers[0].state, ServerState::Serving);

    // One is lost: its part of the model stays, the other's goes on changing.
    first.world().trouble = Some(Trouble::Refused);
    second.world().tasks = vec![task("b", 1, "running", "running")];
    let model = next(&models);
    assert_eq!(model.services["app@one"].servers.len(), 1);
    assert_eq!(model.services["app@two"].servers[0].state, ServerState::Serving);
    discovery.stop();
    assert!(models.try_iter().all(|model| !model.services.is_empty()));
}

#[test]
fn a_panic_is_survived() {
    let engine = fake::swarm();
    let builds = AtomicUsize::new(0);
    let (publish, models) = channel();
    let discovery = spawn_on(
        vec![settings("swarm")],
        Vec::new(),
        {
            let engine = engine.clone();
            move |_| engine.clone()
        },
        move |settings, workloads, _| {
            assert!(builds.fetch_add(1, Ordering::Relaxed) != 1, "the second build fails");
            build(settings, workloads, 1)
        },
        move |model| publish.send(model).unwrap(),
    );
    assert!(next(&models).services["app@swarm"].servers.is_empty());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    assert_eq!(next(&models).services["app@swarm"].servers.len(), 1);
    // It says so just behind the model.
    wait_until(|| discovery.status()[0].connected);
    assert_eq!(discovery.status()[0].last_error, None);
    discovery.stop();
}

#[test]
fn stop_ends_the_thread_while_it_waits() {
    let engine = FakeEngine::default();
    engine.world().trouble = Some(Trouble::Denied);
    let discovery = spawn_on(
        vec![settings("swarm")],
        Vec::new(),
        move |_| engine.clone(),
        |_, _, _| Model::default(),
        |_| (),
    );
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    discovery.stop();
    discovery.stop();
    assert!(begin.elapsed() < Duration::from_millis(500));
    assert!(discovery.status()[0].last_error.as_ref().unwrap().contains("permission denied"));
}
