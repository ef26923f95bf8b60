//! The discovery thread: follows every engine, merges what they say, publishes what is new.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::config;
use crate::model::Model;

use super::check::link;
use super::engine::bollard::BollardEngine;
use super::engine::{Engine, EngineVersion, Trouble};
use super::follow::{Outlet, follow};
use super::pace::Backoff;
use super::probe::Reachability;
use super::workload::Workload;

/// What a provider's engine is to the swarm, as far as its answers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SwarmRole {
    Manager,
    /// It refused to list services: a worker, or in no swarm.
    NotManager,
    /// Not asked: the provider reads containers, or has not reached its engine yet.
    Unknown,
}

/// How things stand between us and one engine.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderStatus {
    /// The provider's name: `swarm`, `docker`.
    pub name: String,
    pub endpoint: String,
    pub connected: bool,
    /// Of the engine reached last: `29.1.3`; empty before the first.
    pub engine_version: String,
    /// API version spoken with it: `1.52`; empty before the first.
    pub api_version: String,
    pub swarm_role: SwarmRole,
    /// Why it is not connected, or was not the last time; cleared when it is again.
    pub last_error: Option<String>,
    /// When the picture was last confirmed.
    pub last_sync: Option<Instant>,
    pub services: usize,
    /// Running tasks, or containers.
    pub tasks: usize,
}

/// The running discovery. Dropping it stops the thread without waiting for it.
#[derive(Debug)]
pub struct Discovery {
    statuses: Statuses,
    settled: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Discovery {
    /// One entry per provider, in the order of the settings.
    pub fn status(&self) -> Vec<ProviderStatus> {
        self.statuses.lock().clone()
    }

    /// What was published is the whole picture: every provider was read, and every server was
    /// tried.
    pub fn has_settled(&self) -> bool {
        *self.settled.borrow()
    }

    /// Ends the thread and waits for it; nothing is published afterwards.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its panics were caught and logged inside.
            let _ = thread.join();
        }
    }
}

/// Starts the discovery thread.
///
/// `build` turns what one provider's engine runs into that provider's model; the models of all
/// providers together, with the servers' reachability, go to `publish` whenever they changed.
/// Both are called on the discovery thread. A panic in either is logged and everything is read
/// again after a wait; what was published stands.
pub fn spawn(
    settings: Vec<config::Docker>,
    build: impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model + Send + 'static,
    publish: impl FnMut(Model) + Send + 'static,
) -> Discovery {
    spawn_on(settings, |settings| BollardEngine::new(&settings.endpoint), build, publish)
}

fn spawn_on<E: Engine>(
    settings: Vec<config::Docker>,
    engine: impl Fn(&config::Docker) -> E + Send + 'static,
    build: impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model + Send + 'static,
    publish: impl FnMut(Model) + Send + 'static,
) -> Discovery {
    let statuses = Statuses::new(&settings);
    let (stop, stopped) = watch::channel(false);
    let told = statuses.clone();
    let (settle, settled) = watch::channel(settings.is_empty());
    let thread = std::thread::Builder::new().name("discovery".to_owned()).spawn(move || {
        let board = RefCell::new(Board::new(settings.len(), publish, settle));
        live(&settings, &engine, &build, &board, &told, stopped);
    });
    let thread = thread.map_err(|e| statuses.fail(&format!("no thread for discovery: {e}"))).ok();
    Discovery { statuses, settled, stop, thread: Mutex::new(thread) }
}

/// The thread's life: follow, and after a panic follow again.
fn live<E: Engine>(
    settings: &[config::Docker],
    engine: &impl Fn(&config::Docker) -> E,
    build: &impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model,
    board: &RefCell<Board<impl FnMut(Model)>>,
    statuses: &Statuses,
    mut stopped: watch::Receiver<bool>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return statuses.fail(&format!("no runtime for discovery: {e}")),
    };
    runtime.block_on(async {
        let mut backoff = Backoff::engine();
        loop {
            let everything = async {
                let following = settings.iter().enumerate().map(|(index, settings)| async move {
                    let outlet = Provider { index, settings, build, board, statuses };
                    follow(engine(settings), settings, &outlet).await;
                });
                tokio::join!(join_all(following), republish(board));
            };
            let outcome = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                outcome = AssertUnwindSafe(everything).catch_unwind() => outcome,
            };
            // `republish` never ends: only a panic leads here.
            let Err(panic) = outcome else { return };
            statuses.fail(&format!("discovery panicked and starts again: {}", words(&*panic)));
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(backoff.wait()) => {}
            }
        }
    });
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Publishes again each time a probe has something to say.
async fn republish(board: &RefCell<Board<impl FnMut(Model)>>) {
    // Taken out so that no borrow of the board lives across the wait.
    let news = board.borrow().reachability.news();
    loop {
        news.notified().await;
        board.borrow_mut().publish();
    }
}

/// The models of all providers and what was made public of them. Survives a panic.
struct Board<P> {
    /// As built; `None` for a provider that has not been read yet.
    models: Vec<Option<Model>>,
    reachability: Reachability,
    published: Option<Model>,
    publish: P,
    settle: watch::Sender<bool>,
}

impl<P: FnMut(Model)> Board<P> {
    fn new(providers: usize, publish: P, settle: watch::Sender<bool>) -> Board<P> {
        Board {
            models: vec![None; providers],
            reachability: Reachability::default(),
            published: None,
            publish,
            settle,
        }
    }

    fn put(&mut self, index: usize, model: Model) {
        self.models[index] = Some(model);
        self.publish();
    }

    fn publish(&mut self) {
        let mut merged = Model::default();
        for model in self.models.iter().flatten().cloned() {
            // Keys carry the provider's name; should two be equal, the first provider has it.
            for (name, router) in model.routers {
                merged.routers.entry(name).or_insert(router);
            }
            for (name, service) in model.services {
                merged.services.entry(name).or_insert(service);
            }
            for (name, group) in model.groups {
                merged.groups.entry(name).or_insert(group);
            }
            for (name, middleware) in model.middlewares {
                merged.middlewares.entry(name).or_insert(middleware);
            }
            merged.complaints.extend(model.complaints);
        }
        link(&mut merged);
        self.reachability.apply(&mut merged);
        if self.published.as_ref() != Some(&merged) {
            (self.publish)(merged.clone());
            self.published = Some(merged);
        }
        if self.models.iter().all(Option::is_some) && self.reachability.is_settled() {
            self.settle.send_replace(true);
        }
    }
}

/// One provider's way to the board and to the status.
struct Provider<'a, B, P> {
    index: usize,
    settings: &'a config::Docker,
    build: &'a B,
    board: &'a RefCell<Board<P>>,
    statuses: &'a Statuses,
}

impl<B, P> Outlet for Provider<'_, B, P>
where
    B: Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model,
    P: FnMut(Model),
{
    fn deliver(&self, workloads: &[Workload], own_networks: &BTreeSet<String>) {
        let model = (self.build)(self.settings, workloads, own_networks);
        self.board.borrow_mut().put(self.index, model);
    }

    fn connected(&self, version: &EngineVersion) {
        let status = &mut self.statuses.lock()[self.index];
        status.connected = true;
        status.last_error = None;
        status.engine_version.clone_from(&version.release);
        status.api_version = version.api.to_string();
        if self.settings.swarm {
            status.swarm_role = SwarmRole::Manager;
        }
    }

    fn synced(&self, services: usize, tasks: usize) {
        let status = &mut self.statuses.lock()[self.index];
        status.last_sync = Some(Instant::now());
        status.services = services;
        status.tasks = tasks;
    }

    fn lost(&self, trouble: &Trouble) {
        let status = &mut self.statuses.lock()[self.index];
        status.connected = false;
        status.last_error = Some(trouble.to_string());
        if *trouble == Trouble::NotManager {
            status.swarm_role = SwarmRole::NotManager;
        }
    }
}

/// The providers' states, shared with the control plane.
#[derive(Debug, Clone)]
struct Statuses(Arc<Mutex<Vec<ProviderStatus>>>);

impl Statuses {
    fn new(settings: &[config::Docker]) -> Statuses {
        let begin = |settings: &config::Docker| ProviderStatus {
            name: settings.name.clone(),
            endpoint: settings.endpoint.clone(),
            connected: false,
            engine_version: String::new(),
            api_version: String::new(),
            swarm_role: SwarmRole::Unknown,
            last_error: None,
            last_sync: None,
            services: 0,
            tasks: 0,
        };
        Statuses(Arc::new(Mutex::new(settings.iter().map(begin).collect())))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProviderStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that stops every provider.
    fn fail(&self, problem: &str) {
        tracing::error!("{problem}");
        for status in self.lock().iter_mut() {
            status.connected = false;
            status.last_error = Some(problem.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
