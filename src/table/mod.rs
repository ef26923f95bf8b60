//! The one place where the two arrows meet: the model, compiled to what a worker reads.

mod compile;
mod cookies;
mod groups;
mod latency;
mod publish;
mod rotation;
mod state;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub use compile::{Backend, Node, ServiceEntry, Table};
pub use cookies::{CookieTable, find_cookie};
pub use groups::{Failover, GroupEntry, GroupKind, Member, Mirror};
pub use latency::Latency;
pub use publish::Published;
pub use state::{BackendFigures, BackendState, Passive, RouterState, ServiceState};

use crate::model::Model;
use crate::observe::traffic::Flow;
use state::Places;

/// The current table, and the state of services and backends that outlives it.
///
/// Workers call [`Store::read`]; discovery calls [`Store::publish`]; the control plane calls
/// [`Store::snapshot`]. Only the last two ever take a lock.
pub struct Store {
    published: Published<Table>,
    press: Mutex<Press>,
    /// Names of the entry points, in the order of the workers' listeners.
    entry_points: Vec<String>,
}

/// What publications need of earlier ones.
struct Press {
    places: Places,
    /// The current table.
    last: Table,
    /// Earlier tables that somebody may still look at. A table may be large: were its last reader
    /// a worker, its clients would wait for as long as it takes to free it.
    retired: Vec<Table>,
}

/// What the control plane shows of the table.
pub struct Snapshot {
    /// Counts publications, starting with 1 for the first one with content.
    pub generation: u64,
    pub published: SystemTime,
    pub model: Arc<Model>,
    /// What went through every router, in the model's order.
    pub routers: Vec<Flow>,
    /// Figures of every backend in the table: service by service, each in the model's order.
    pub backends: Vec<BackendFigures>,
}

impl Store {
    /// An empty table: every request is answered with 404 until the first publication.
    pub fn new(workers: usize, entry_points: Vec<String>) -> Self {
        let empty = Table::empty(entry_points.len());
        Self {
            published: Published::new(empty.clone()),
            press: Mutex::new(Press {
                places: Places::new(workers),
                last: empty,
                retired: Vec::new(),
            }),
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
    pub fn publish(&self, model: impl Into<Arc<Model>>) -> u64 {
        // A poisoned lock only says that an earlier publication panicked half-way. It left the
        // table before it in its place, so going on is safe, and serving on is the point.
        let mut press = self.press.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Press { places, last, retired } = &mut *press;
        let table = compile::compile(model.into(), last, &self.entry_points, places);
        retired.push(std::mem::replace(last, table.clone()));
        let generation = self.published.publish(table);
        retired.retain(Table::is_looked_at);
        generation
    }

    pub fn snapshot(&self) -> Snapshot {
        self.read(|table| Snapshot {
            generation: table.generation,
            published: table.published,
            model: Arc::clone(&table.model),
            routers: table.routers().iter().map(|router| router.traffic.flow()).collect(),
            backends: table
                .services()
                .iter()
                .flat_map(|service| service.backends.iter())
                .map(|backend| backend.state.figures())
                .collect(),
        })
    }
}
