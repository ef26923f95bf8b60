//! A fake Docker Engine on a unix socket: a swarm whose services and tasks a test changes at will.
//!
//! It speaks as much of the API as discovery asks for, under any version prefix, and keeps event
//! streams open. So the real discovery is under test without an engine, and a case can do what no
//! real engine does on demand: vanish and come back, or answer with something odd.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

const NETWORK: &str = "mystack_net";

/// Labels of the user's stack file.
pub const SEED_LABELS: &[(&str, &str)] = &[
    ("traefik.backend.loadbalancer.sticky", "true"),
    ("traefik.docker.network", NETWORK),
    ("traefik.port", crate::harness::BACKEND_PORT_TEXT),
    ("traefik.frontend.rule", "Method: GET, POST, PUT"),
];

#[derive(Default)]
struct World {
    services: BTreeMap<String, Service>,
    /// Open connections, so that they can be cut; those with an event stream are fed.
    connections: Vec<UnixStream>,
    listeners: Vec<UnixStream>,
    /// Paths that a socket proxy in between does not let through.
    forbidden: Vec<&'static str>,
    /// Minor number of the newest API version, if not that of Engine 26.
    minor: Option<u32>,
    updates: Vec<Update>,
}

#[derive(Default)]
struct Service {
    labels: BTreeMap<String, String>,
    container_labels: BTreeMap<String, String>,
    tasks: Vec<Task>,
    /// Of its containers; null where nobody has said anything.
    privileges: Value,
}

/// What somebody wanted to become of a service.
#[derive(Debug, Clone)]
pub struct Update {
    /// Path and query.
    pub target: String,
    pub spec: Value,
}

#[derive(Clone)]
struct Task {
    address: String,
    desired: &'static str,
}

pub struct FakeEngine {
    path: PathBuf,
    world: Arc<Mutex<World>>,
}

impl FakeEngine {
    pub fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringress-engine-{}-{number}.sock", std::process::id());
        let engine = Self { path: std::env::temp_dir().join(name), world: Arc::default() };
        engine.appear();
        engine
    }

    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Adds or replaces a service with a running task at each address.
    pub fn set(&self, name: &str, labels: &[(&str, &str)], addresses: &[&str]) {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        self.deploy(name, labels, BTreeMap::new(), addresses);
    }

    /// The same with labels on its containers, too.
    pub fn deploy(
        &self,
        name: &str,
        labels: BTreeMap<String, String>,
        container_labels: BTreeMap<String, String>,
        addresses: &[&str],
    ) {
        let tasks = addresses
            .iter()
            .map(|address| Task { address: (*address).to_owned(), desired: "running" })
            .collect();
        let service = Service { labels, container_labels, tasks, privileges: Value::Null };
        self.lock().services.insert(name.to_owned(), service);
        self.tell(name);
    }

    /// What a scale-down does first: the swarm wants the task at this address to stop.
    pub fn stop_task(&self, name: &str, address: &str) {
        if let Some(service) = self.lock().services.get_mut(name) {
            for task in &mut service.tasks {
                if task.address == address {
                    task.desired = "shutdown";
                }
            }
        }
        self.tell(name);
    }

    pub fn remove(&self, name: &str) {
        self.lock().services.remove(name);
        self.tell(name);
    }

    /// A socket proxy that answers these paths with 403.
    pub fn forbid(&self, paths: &[&'static str]) {
        self.lock().forbidden = paths.to_vec();
    }

    /// An engine whose newest API version is this one of 1.x.
    pub fn speak(&self, minor: u32) {
        self.lock().minor = Some(minor);
    }

    /// The updates of services that were asked for so far.
    pub fn updates(&self) -> Vec<Update> {
        self.lock().updates.clone()
    }

    /// The engine goes away: no socket, and whatever was open is cut.
    pub fn vanish(&self) {
        let _ = std::fs::remove_file(&self.path);
        let mut world = self.lock();
        for connection in world.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        world.listeners.clear();
    }

    pub fn appear(&self) {
        let listener = UnixListener::bind(&self.path).expect("bind the engine's socket");
        let world = Arc::clone(&self.world);
        std::thread::spawn(move || {
            // Ends with the process; the socket's file is what makes it reachable.
            for stream in listener.incoming().flatten() {
                let world = Arc::clone(&world);
                std::thread::spawn(move || converse(stream, &world));
            }
        });
    }

    /// The event that a change of a service causes. Changes of tasks cause none, as in a real one.
    fn tell(&self, name: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let event = json!({
            "Type": "service", "Action": "update", "scope": "swarm", "time": now.as_secs(),
            "timeNano": u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            "Actor": { "ID": id_of(name), "Attributes": { "name": name } },
        });
        let line = format!("{event}\n");
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        self.lock().listeners.retain_mut(|stream| stream.write_all(chunk.as_bytes()).is_ok());
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the fake engine's lock")
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One client connection, request after request.
fn converse(stream: UnixStream, world: &Mutex<World>) {
    let Ok(kept) = stream.try_clone() else { return };
    world.lock().expect("lock").connections.push(kept);
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some((target, body)) = read_request(&mut reader) {
        // `/v1.41/tasks?filters=…`: the version is taken as it comes.
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let path = match path.strip_prefix("/v1.") {
            Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
            None => path,
        };
        if path == "/events" {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                        Transfer-Encoding: chunked\r\n\r\n";
            if writer.write_all(head.as_bytes()).is_ok() {
                world.lock().expect("lock").listeners.push(writer);
            }
            // Held open until the client or `vanish` ends it.
            let _ = reader.fill_buf();
            return;
        }
        let (status, body) = match body.is_empty() {
            true => answer(path, &decoded(query), world),
            false => update(path, &target, &body, world),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// The next request's target and body.
fn read_request(reader: &mut BufReader<UnixStream>) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let target = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, body))
}

/// `POST /services/ID/update`: kept, and carried out as far as anybody looks.
fn update(path: &str, target: &str, body: &[u8], world: &Mutex<World>) -> (&'static str, String) {
    let id = path.strip_prefix("/services/").and_then(|rest| rest.strip_suffix("/update"));
    let spec: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut world = world.lock().expect("lock");
    let found = world.services.iter_mut().find(|(name, _)| id == Some(id_of(name).as_str()));
    let Some((_, service)) = found else {
        return ("404 Not Found", json!({ "message": "service not found" }).to_string());
    };
    service.privileges = spec["TaskTemplate"]["ContainerSpec"]["Privileges"].clone();
    world.updates.push(Update { target: target.to_owned(), spec });
    ("200 OK", json!({ "Warnings": ["the fake engine starts no container"] }).to_string())
}

fn answer(path: &str, query: &str, world: &Mutex<World>) -> (&'static str, String) {
    let world = world.lock().expect("lock");
    if world.forbidden.contains(&path) {
        return ("403 Forbidden", "<html>Request forbidden by administrative rules.".to_owned());
    }
    let found = match path {
        "/_ping" => return ("200 OK", "OK".to_owned()),
        "/version" => json!({
            "Version": "26.1.5", "ApiVersion": format!("1.{}", world.minor.unwrap_or(45)),
            "MinAPIVersion": "1.24", "Os": "linux",
        }),
        "/info" => json!({
            "Name": "fake", "Swarm": {
                "NodeID": "node1", "LocalNodeState": "active", "ControlAvailable": true,
            },
        }),
        "/services" => world.services.iter().map(service_json).collect(),
        "/tasks" => tasks_json(&world, query),
        "/networks" => json!([
            { "Id": "n-ingress", "Name": "ingress", "Ingress": true, "Scope": "swarm" },
            { "Id": id_of(NETWORK), "Name": NETWORK, "Scope": "swarm", "Driver": "overlay" },
        ]),
        "/containers/json" | "/nodes" => json!([]),
        _ => {
            let one =
                |(name, _): &(&String, _)| path.strip_prefix("/services/") == Some(&id_of(name));
            match world.services.iter().find(one) {
                Some(service) => service_json(service),
                None => {
                    let message = json!({ "message": "page not found" });
                    return ("404 Not Found", message.to_string());
                }
            }
        }
    };
    ("200 OK", found.to_string())
}

fn service_json((name, service): (&String, &Service)) -> Value {
    json!({
        "ID": id_of(name), "Version": { "Index": 17 },
        "Spec": {
            "Name": name, "Labels": service.labels,
            "Mode": { "Replicated": { "Replicas": service.tasks.len() } },
            "TaskTemplate": { "ContainerSpec": {
                "Image": "ringress:latest", "Labels": service.container_labels,
                "Privileges": service.privileges,
            } },
            // What an engine of tomorrow may have.
            "Tomorrow": { "Weather": ["sun", 0.5, null] },
        },
        "Endpoint": { "Spec": { "Mode": "vip" }, "VirtualIPs": [] },
    })
}

/// Tasks, restricted by the two filters that are in use: `desired-state` and `id`.
fn tasks_json(world: &World, query: &str) -> Value {
    let filters: Value = query
        .strip_prefix("filters=")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let admits = |filter: &str, value: &str| match &filters[filter] {
        Value::Array(values) => values.iter().any(|v| v == value),
        Value::Object(values) => values.contains_key(value),
        _ => true,
    };
    let mut tasks = Vec::new();
    for (name, service) in &world.services {
        for (at, task) in service.tasks.iter().enumerate() {
            let id = id_of(&format!("{name}/{}", task.address));
            if !admits("id", &id) || !admits("desired-state", task.desired) {
                continue;
            }
            tasks.push(json!({
                "ID": id, "ServiceID": id_of(name), "Slot": at + 1, "NodeID": "node1",
                "DesiredState": task.desired,
                "Status": {
                    "State": "running", "Timestamp": "2026-01-01T00:00:00Z",
                    "ContainerStatus": { "ContainerID": format!("c{id}"), "PID": 1 },
                },
                "Spec": { "ContainerSpec": { "Image": "ringress:latest" } },
                "NetworksAttachments": [{
                    "Network": { "ID": id_of(NETWORK), "Spec": { "Name": NETWORK } },
                    "Addresses": [format!("{}/24", task.address)],
                }],
            }));
        }
    }
    tasks.into()
}

/// An identifier that looks like the engine's: 25 characters, the same for the same name.
fn id_of(name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:025}")
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long a change may take to show, generous for a busy machine; how fast it really is gets
/// measured on a real swarm.
pub const EFFECT: Duration = Duration::from_secs(10);
