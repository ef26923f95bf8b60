//! One look at an engine, call by call: what discovery would find, and what it may not ask.
//!
//! Discovery itself goes on with what it gets; here every answer is kept, for `ringress doctor`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{Docker, Static};
use crate::model::Model;

use super::engine::bollard::BollardEngine;
use super::engine::words::{Service, Task};
use super::engine::{Engine, EngineVersion, Tasks, Trouble};
use super::labels::{self, Memory};
use super::picture::Picture;
use super::workload::Workload;
use super::{link, own};

/// Bound on one connection to a backend; see `probe`.
const DIAL: Duration = Duration::from_secs(1);

/// A stream of events that was not refused so soon is open: it has nothing else to say.
const REFUSAL: Duration = Duration::from_millis(500);

/// What was asked of one provider's engine, and what came of it.
#[derive(Debug)]
pub struct Inspection {
    /// Release of the engine and the API version that is spoken, or why it cannot be reached. Then
    /// nothing else was asked.
    pub version: Result<(String, String), String>,
    pub calls: Vec<Call>,
    /// Full names of the networks that our own container is on; empty outside of a container.
    pub own_networks: BTreeSet<String>,
    /// The swarm service whose task we are.
    pub own_service: Option<String>,
    /// Its last update took io_uring away from it: see [`super::operate`].
    pub lost_io_uring: bool,
    pub workloads: Vec<Workload>,
    /// What their labels come to.
    pub model: Model,
    /// Whether each server in the model accepts a connection from here, or why not.
    pub reached: BTreeMap<SocketAddr, Result<(), String>>,
}

/// A kind of call that discovery makes.
#[derive(Debug)]
pub struct Call {
    pub path: &'static str,
    /// So many things were listed, or what went wrong.
    pub outcome: Result<usize, String>,
    /// What does not work without it.
    pub loss: &'static str,
    /// Without it nothing is found at all.
    pub is_needed: bool,
}

/// Looks once; takes seconds at most for each call that nobody answers.
pub fn inspect(settings: &Docker, statics: &Static) -> io::Result<Inspection> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut engine = BollardEngine::of(settings);
    Ok(runtime.block_on(look(&mut engine, settings, statics)))
}

async fn look<E: Engine>(engine: &mut E, settings: &Docker, statics: &Static) -> Inspection {
    let version = engine.negotiate().await;
    let mut found = Inspection {
        version: version.as_ref().map(words_of).map_err(Trouble::to_string),
        calls: Vec::new(),
        own_networks: BTreeSet::new(),
        own_service: None,
        lost_io_uring: false,
        workloads: Vec::new(),
        model: Model::default(),
        reached: BTreeMap::new(),
    };
    if version.is_err() {
        return found;
    }
    let services = ask(engine, settings, &mut found.calls).await;
    let mut picture = Picture::new(settings.swarm);
    if picture.survey(engine).await.is_err() {
        return found;
    }
    let ids = own::ids();
    // A refusal is among the calls already.
    let networks = own::networks(engine, &ids, picture.tasks(), picture.networks()).await;
    found.own_networks = networks.unwrap_or_default();
    if let Some(service) = own::service(&ids, picture.tasks(), &services) {
        found.own_service = Some(service.spec.name.clone());
        found.lost_io_uring = service.has_lost_io_uring();
    }
    found.workloads = picture.workloads();
    let mut memory = Memory::default();
    let own = &found.own_networks;
    found.model = labels::build(&found.workloads, settings, statics, own, &mut memory);
    link(&mut found.model);
    found.reached = dial(&found.model).await;
    found
}

fn words_of(version: &EngineVersion) -> (String, String) {
    (version.release.clone(), version.api.to_string())
}

/// Makes each kind of call once; gives the services, if there are any.
async fn ask<E: Engine>(engine: &E, settings: &Docker, calls: &mut Vec<Call>) -> Vec<Service> {
    let mut note = |path, is_needed, loss, outcome: Result<usize, Trouble>| {
        let outcome = outcome.map_err(|trouble| trouble.to_string());
        calls.push(Call { path, outcome, loss, is_needed });
    };
    let mut services = Vec::new();
    if settings.swarm {
        let listed = engine.services().await;
        note(
            "/services",
            true,
            "no service is found",
            listed.as_ref().map(Vec::len).map_err(Trouble::clone),
        );
        services = listed.unwrap_or_default();
        let tasks: Result<Vec<Task>, Trouble> = engine.tasks(Tasks::Wanted).await;
        note("/tasks", true, "no backend is found", tasks.map(|tasks| tasks.len()));
        let networks = engine.networks().await;
        let loss = "labels that ask for a service's virtual address do not work";
        note("/networks", false, loss, networks.map(|networks| networks.len()));
    }
    let containers = engine.containers(None).await;
    let loss = match settings.swarm {
        true => "which networks this container is on is told by its task alone",
        false => "no container is found",
    };
    note("/containers/json", !settings.swarm, loss, containers.map(|found| found.len()));
    if settings.watch {
        let refused = match timeout(REFUSAL, engine.events().next()).await {
            Ok(Some(Err(trouble))) => Err(trouble),
            _ => Ok(0),
        };
        note("/events", false, "changes are found by asking alone, a little later", refused);
    }
    services
}

/// Tries all servers at once.
async fn dial(model: &Model) -> BTreeMap<SocketAddr, Result<(), String>> {
    let servers = model.services.values().flat_map(|service| &service.servers);
    let addresses: BTreeSet<SocketAddr> = servers.map(|server| server.url.addr).collect();
    let dials = addresses.into_iter().map(|address| async move {
        let outcome = match timeout(DIAL, TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", DIAL.as_secs())),
        };
        (address, outcome)
    });
    join_all(dials).await.into_iter().collect()
}
