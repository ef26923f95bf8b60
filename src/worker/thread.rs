//! The threads of the workers: listeners made before they start, a supervisor inside each.

use std::cell::Cell;
use std::io;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use monoio::net::TcpListener;

use super::buffers::Buffers;
use super::deadline::Deadlines;
use super::doors::Doors;
use super::ladder::{self, Rung};
use super::residents::Residents;
use super::{Settings, Worker, accept, affinity};
use crate::h1::{connection, exchange};
use crate::life::{Life, Stage};
use crate::limits::DEADLINE_TICK;
use crate::listeners::Listeners;
use crate::observe::{Stats, access};
use crate::table::Store;
use crate::upstream::RetryBudget;

/// What the workers are made from.
pub struct Plan {
    pub settings: Arc<Settings>,
    pub listeners: Arc<Listeners>,
    pub store: Arc<Store>,
    pub stats: Arc<Stats>,
    pub life: Arc<Life>,
    pub doors: Arc<Doors>,
    pub rung: Rung,
    /// Bytes that the buffers of all workers may take.
    pub buffer_memory: usize,
    /// The CPU of each worker; `None` leaves it to the scheduler.
    pub cpus: Vec<Option<usize>>,
}

/// The threads of the workers.
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    begin: Arc<OnceLock<()>>,
}

impl Workers {
    /// Lets them accept.
    pub fn begin(&self) {
        // Set already: they have begun.
        let _ = self.begin.set(());
    }

    /// All of them have drained.
    pub fn are_done(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

/// Starts the threads. They wait for [`Workers::begin`].
///
/// `logs` are their ends of the access log; none where nobody asks for it.
pub fn spawn(plan: Plan, logs: Vec<access::Log>) -> io::Result<Workers> {
    let plan = Arc::new(plan);
    let mut logs = logs.into_iter();
    let begin = Arc::new(OnceLock::new());
    let threads: io::Result<Vec<_>> = (0..plan.cpus.len())
        .map(|index| {
            let (plan, begin) = (Arc::clone(&plan), Arc::clone(&begin));
            let log = logs.next();
            std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
                begin.wait();
                supervise(&plan, index, log.map(Rc::new));
            })
        })
        .collect();
    Ok(Workers { threads: threads?, begin })
}

/// Runs a worker, and runs it again should it panic: its connections are lost, the process is not.
fn supervise(plan: &Arc<Plan>, index: usize, log: Option<Rc<access::Log>>) {
    if let Some(cpu) = plan.cpus[index]
        && let Err(error) = affinity::pin(cpu)
    {
        tracing::warn!("worker {index} cannot be bound to CPU {cpu}: {error}");
    }
    loop {
        // The same listeners each time: what is queued in them is served by the next run.
        let own = plan.listeners.of_worker(index);
        let ended = own.and_then(|own| run(plan, index, own, log.clone()));
        match ended {
            Ok(Ended::Drained) => return,
            Ok(Ended::Panicked) => tracing::error!("worker {index} panicked; starting it again"),
            Err(error) => tracing::error!("worker {index} stopped: {error}; starting it again"),
        }
        std::thread::sleep(Duration::from_millis(100));
        if plan.life.stage() >= Stage::Draining {
            return;
        }
    }
}

enum Ended {
    Drained,
    Panicked,
}

fn run(
    plan: &Plan,
    index: usize,
    listeners: Vec<(usize, StdListener)>,
    access: Option<Rc<access::Log>>,
) -> io::Result<Ended> {
    let worker = Rc::new(Worker {
        index,
        settings: Arc::clone(&plan.settings),
        store: Arc::clone(&plan.store),
        life: Arc::clone(&plan.life),
        doors: Arc::clone(&plan.doors),
        buffers: Rc::new(Buffers::new(plan.buffer_memory / plan.cpus.len().max(1))),
        ready: Residents::new(connection::stay),
        exchanges: Residents::new(exchange::stay),
        deadlines: Rc::new(Deadlines::new(plan.settings.limits.progress_timeout)),
        upstreams: Default::default(),
        retries: RetryBudget::new(plan.cpus.len()),
        nonblocking_sockets: plan.rung == Rung::Epoll,
        connections: Default::default(),
        copies: Default::default(),
        accepting: Cell::new(true),
        access,
        stats: Arc::clone(&plan.stats),
    });
    worker.deadlines.tick();
    let serving = serve(Rc::clone(&worker), listeners);
    match ladder::run(plan.rung, serving)? {
        Some(served) => served.map(|()| Ended::Drained),
        None => {
            // What was open is out of reach now; at least the peers learn that it is over.
            worker.deadlines.end_all();
            Ok(Ended::Panicked)
        }
    }
}

/// Accepts on every listener until the process drains, then waits for the last connection.
async fn serve(worker: Rc<Worker>, listeners: Vec<(usize, StdListener)>) -> io::Result<()> {
    let mut accepting = Vec::new();
    for (entry_point, listener) in listeners {
        let listener = TcpListener::from_std(listener)?;
        accepting.push(monoio::spawn(accept::accept(Rc::clone(&worker), entry_point, listener)));
    }
    let ticking = monoio::spawn(tick(Rc::clone(&worker)));
    for task in accepting {
        task.await;
    }
    // Only now can the number of open connections fall to zero for good.
    worker.accepting.set(false);
    ticking.await;
    Ok(())
}

/// Everything that happens by time alone.
async fn tick(worker: Rc<Worker>) {
    let mut ticks: u32 = 0;
    loop {
        monoio::time::sleep(DEADLINE_TICK).await;
        worker.deadlines.tick();
        let stage = worker.life.stage();
        // A client that goes over to a successor does so after an answer that says `close`: no
        // request of its own can then cross our closing on the way.
        let spared = worker.life.has_successor() && stage < Stage::Cutting;
        if stage >= Stage::Draining && !spared {
            worker.deadlines.end_idle();
        }
        // Another worker may have nobody to ask.
        let lately = worker.deadlines.now().saturating_sub(2 * DEADLINE_TICK.as_millis() as u64);
        if worker.doors.were_besieged(lately) {
            worker.make_room();
        }
        if ticks.is_multiple_of(10) {
            worker.upstreams.tidy(&worker);
            worker.buffers.tidy();
            worker.ready.tidy();
            worker.exchanges.tidy();
        }
        ticks = ticks.wrapping_add(1);
        if !worker.accepting.get() && worker.connections.get() == 0 {
            if worker.copies.get() == 0 {
                return;
            }
            // Nobody waits for them.
            worker.deadlines.end_all();
        }
    }
}
