//! The one place where the two arrows meet: the model, compiled to what a worker reads.

mod compile;
mod cookies;
mod publish;
mod rotation;
mod state;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub use compile::{Backend, ServiceEntry, Table};
pub use cookies::{CookieTable, find_cookie};
pub use publish::Published;
pub use state::{BackendFigures, BackendState, ServiceState};

use crate::model::Model;
use state::Registry;

/// The current table, and the state of services and backends that outlives it.
///
/// Workers call [`Store::read`]; discovery calls [`Store::publish`]; the control plane calls
/// [`Store::snapshot`]. Only the last two ever take a lock.
pub struct Store {
    published: Published<Table>,
    registry: Mutex<Registry>,
    /// Names of the entry points, in the order of the workers' listeners.
    entry_points: Vec<String>,
}

/// What the control plane shows of the table.
pub struct Snapshot {
    /// Counts publications, starting with 1 for the first one with content.
    pub generation: u64,
    pub published: SystemTime,
    pub model: Arc<Model>,
    /// Figures of every backend in the table: service by service, each in the model's order.
    pub backends: Vec<BackendFigures>,
}

impl Store {
    /// An empty table: every request is answered with 404 until the first publication.
    pub fn new(workers: usize, entry_points: Vec<String>) -> Self {
        Self {
            published: Published::new(Table::empty(entry_points.len())),
            registry: Mutex::new(Registry::new(workers)),
            entry_points,
        }
    }

    /// Reads the current table inside a closure; what outlives the call must be copied out.
    #[inline]
    pub fn read<R>(&self, read: impl FnOnce(&Table) -> R) -> R {
        self.published.read(read)
    }

    /// The number of publications so far: moves after a new table became visible.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.published.generation()
    }

    /// Compiles the model and makes it the current table; gives its generation.
    ///
    /// State of services and backends that exist before and after is kept by identity.
    pub fn publish(&self, model: Model) -> u64 {
        // A poisoned lock only says that an earlier publication panicked half-way; the registry
        // is rebuilt by the sweep below, so going on is safe and serving on is the point.
        let mut registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let generation = self.published.generation() + 1;
        let table = compile::compile(model, generation, &self.entry_points, &mut registry);
        registry.sweep();
        self.published.publish(table)
    }

    pub fn snapshot(&self) -> Snapshot {
        self.read(|table| Snapshot {
            generation: table.generation,
            published: table.published,
            model: Arc::clone(&table.model),
            backends: table
                .services()
                .iter()
                .flat_map(|service| service.backends.iter())
                .map(|backend| backend.state.figures())
                .collect(),
        })
    }
}
