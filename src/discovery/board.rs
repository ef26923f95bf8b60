//! What all providers found out together, and how things stand with each of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::config;
use crate::model::Model;

use super::check::link;
use super::probe::Reachability;
use super::written::Written;

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

/// How things stand between us and one provider.
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
    /// Running tasks, containers, or texts that were read.
    pub tasks: usize,
}

/// The models of all providers and what was made public of them. Survives a panic.
pub struct Board<P> {
    /// As built; `None` for a provider that has not been read yet.
    models: Vec<Option<Model>>,
    pub(super) reachability: Reachability,
    published: Option<Arc<Model>>,
    publish: P,
    settle: watch::Sender<bool>,
}

impl<P: FnMut(Arc<Model>)> Board<P> {
    /// `publish` gets every new picture; `settle` becomes true when all providers have been heard
    /// and all their servers tried.
    pub fn new(providers: usize, publish: P, settle: watch::Sender<bool>) -> Board<P> {
        Board {
            models: vec![None; providers],
            reachability: Reachability::default(),
            published: None,
            publish,
            settle,
        }
    }

    /// Takes in what one provider has found out.
    ///
    /// Has to be called inside a tokio runtime.
    pub fn put(&mut self, index: usize, model: Model) {
        self.models[index] = Some(model);
        self.publish();
    }

    /// Makes public what has changed since the last time.
    pub fn publish(&mut self) {
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
            for (name, transport) in model.transports {
                merged.transports.entry(name).or_insert(transport);
            }
            merged.complaints.extend(model.complaints);
        }
        link(&mut merged);
        self.reachability.apply(&mut merged);
        if self.published.as_deref() != Some(&merged) {
            // The table is told from retired ones by who holds its model.
            self.published = None;
            let merged = Arc::new(merged);
            (self.publish)(Arc::clone(&merged));
            self.published = Some(merged);
        }
        if self.models.iter().all(Option::is_some) && self.reachability.is_settled() {
            self.settle.send_replace(true);
        }
    }
}

/// The providers' states, shared with the control plane.
#[derive(Debug, Clone)]
pub(super) struct Statuses(Arc<Mutex<Vec<ProviderStatus>>>);

impl Statuses {
    /// Engines first, then what is written.
    pub fn new(engines: &[config::Docker], written: &[Written]) -> Statuses {
        let engines = engines.iter().map(|e| (e.name.clone(), e.endpoint.clone()));
        let written = written.iter().map(|w| (w.name().to_owned(), w.endpoint()));
        let begin = |(name, endpoint): (String, String)| ProviderStatus {
            name,
            endpoint,
            connected: false,
            engine_version: String::new(),
            api_version: String::new(),
            swarm_role: SwarmRole::Unknown,
            last_error: None,
            last_sync: None,
            services: 0,
            tasks: 0,
        };
        Statuses(Arc::new(Mutex::new(engines.chain(written).map(begin).collect())))
    }

    pub fn lock(&self) -> MutexGuard<'_, Vec<ProviderStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that stops every provider.
    pub fn fail(&self, problem: &str) {
        tracing::error!("{problem}");
        for status in self.lock().iter_mut() {
            status.connected = false;
            status.last_error = Some(problem.to_owned());
        }
    }
}
