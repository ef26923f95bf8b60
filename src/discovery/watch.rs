//! The discovery thread: follows every provider, merges what they say, publishes what is new.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::config;
use crate::model::Model;

use super::board::{Board, ProviderStatus, Statuses, SwarmRole};
use super::engine::bollard::BollardEngine;
use super::engine::{Engine, EngineVersion, Trouble};
use super::follow::{Outlet, follow};
use super::own;
use super::pace::Backoff;
use super::workload::Workload;
use super::written::{Desk, Written};

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
    written: Vec<Written>,
    build: impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model + Send + 'static,
    publish: impl FnMut(Arc<Model>) + Send + 'static,
) -> Discovery {
    let engine = |settings: &config::Docker| BollardEngine::of(settings);
    spawn_on(settings, written, engine, build, publish)
}

fn spawn_on<E: Engine>(
    settings: Vec<config::Docker>,
    written: Vec<Written>,
    engine: impl Fn(&config::Docker) -> E + Send + 'static,
    build: impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model + Send + 'static,
    publish: impl FnMut(Arc<Model>) + Send + 'static,
) -> Discovery {
    let statuses = Statuses::new(&settings, &written);
    let (stop, stopped) = watch::channel(false);
    let told = statuses.clone();
    let (settle, settled) = watch::channel(settings.is_empty() && written.is_empty());
    let thread = std::thread::Builder::new().name("discovery".to_owned()).spawn(move || {
        let providers = settings.len() + written.len();
        let board = RefCell::new(Board::new(providers, publish, settle));
        live((&settings, &written), &engine, &build, &board, &told, stopped);
    });
    let thread = thread.map_err(|e| statuses.fail(&format!("no thread for discovery: {e}"))).ok();
    Discovery { statuses, settled, stop, thread: Mutex::new(thread) }
}

/// The thread's life: follow, and after a panic follow again.
fn live<E: Engine>(
    (settings, written): (&[config::Docker], &[Written]),
    engine: &impl Fn(&config::Docker) -> E,
    build: &impl Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model,
    board: &RefCell<Board<impl FnMut(Arc<Model>)>>,
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
                    let place = Place { index, board, statuses };
                    let outlet = Provider { place, settings, build };
                    follow(engine(settings), settings, own::ids(), &outlet).await;
                });
                let reading = (settings.len()..).zip(written).map(|(index, written)| async move {
                    written.follow(&Place { index, board, statuses }).await;
                });
                tokio::join!(join_all(following), join_all(reading), republish(board));
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
async fn republish(board: &RefCell<Board<impl FnMut(Arc<Model>)>>) {
    // Taken out so that no borrow of the board lives across the wait.
    let news = board.borrow().reachability.news();
    loop {
        news.notified().await;
        board.borrow_mut().publish();
    }
}

/// One provider's place on the board and among the statuses.
struct Place<'a, P> {
    index: usize,
    board: &'a RefCell<Board<P>>,
    statuses: &'a Statuses,
}

impl<P: FnMut(Arc<Model>)> Desk for Place<'_, P> {
    fn put(&self, model: Model) {
        self.board.borrow_mut().put(self.index, model);
    }

    fn read(&self, texts: usize) {
        let status = &mut self.statuses.lock()[self.index];
        status.connected = true;
        status.last_error = None;
        status.last_sync = Some(Instant::now());
        status.tasks = texts;
    }

    fn lost(&self, why: &str) {
        let status = &mut self.statuses.lock()[self.index];
        status.connected = false;
        status.last_error = Some(why.to_owned());
    }
}

/// An engine's way there: what runs on it has to be understood first.
struct Provider<'a, B, P> {
    place: Place<'a, P>,
    settings: &'a config::Docker,
    build: &'a B,
}

impl<B, P> Outlet for Provider<'_, B, P>
where
    B: Fn(&config::Docker, &[Workload], &BTreeSet<String>) -> Model,
    P: FnMut(Arc<Model>),
{
    fn deliver(&self, workloads: &[Workload], own_networks: &BTreeSet<String>) {
        let model = (self.build)(self.settings, workloads, own_networks);
        self.place.put(model);
    }

    fn connected(&self, version: &EngineVersion) {
        let status = &mut self.place.statuses.lock()[self.place.index];
        status.connected = true;
        status.last_error = None;
        status.engine_version.clone_from(&version.release);
        status.api_version = version.api.to_string();
        if self.settings.swarm {
            status.swarm_role = SwarmRole::Manager;
        }
    }

    fn synced(&self, services: usize, tasks: usize) {
        let status = &mut self.place.statuses.lock()[self.place.index];
        status.last_sync = Some(Instant::now());
        status.services = services;
        status.tasks = tasks;
    }

    fn lost(&self, trouble: &Trouble) {
        let status = &mut self.place.statuses.lock()[self.place.index];
        status.connected = false;
        status.last_error = Some(trouble.to_string());
        if *trouble == Trouble::NotManager {
            status.swarm_role = SwarmRole::NotManager;
        }
    }

    fn confined(&self, service: &str) {
        tracing::warn!(
            "{}: the last update of {service} took io_uring from its containers, as each \
             `docker stack deploy` does; run `ringress swarm enable-io-uring {service}` again",
            self.settings.name
        );
    }
}

#[cfg(test)]
mod tests;
