//! The threads of the workers: listeners bound before they start, a supervisor inside each.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use monoio::net::TcpListener;
use socket2::{Domain, Protocol, Type};

use super::buffers::Buffers;
use super::deadline::Deadlines;
use super::doors::Doors;
use super::ladder::{self, Rung};
use super::{Settings, Worker, accept, affinity};
use crate::life::{Life, Stage};
use crate::limits::{DEADLINE_TICK, LISTEN_BACKLOG};
use crate::observe::Stats;
use crate::table::Store;
use crate::upstream::RetryBudget;

/// What the workers are made from.
pub struct Plan {
    pub settings: Arc<Settings>,
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

/// The running workers.
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// All of them have drained.
    pub fn are_done(&self) -> bool {
        self.0.iter().all(JoinHandle::is_finished)
    }
}

/// Binds every worker's listeners, then starts the threads. Fails before any thread runs, with an
/// error that names the entry point.
pub fn spawn(plan: Plan) -> io::Result<Workers> {
    let plan = Arc::new(plan);
    let listeners: io::Result<Vec<_>> = plan.cpus.iter().map(|_| plan.settings.bind()).collect();
    let threads: io::Result<Vec<_>> = listeners?
        .into_iter()
        .enumerate()
        .map(|(index, listeners)| {
            let plan = Arc::clone(&plan);
            std::thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || supervise(&plan, index, listeners))
        })
        .collect();
    Ok(Workers(threads?))
}

impl Settings {
    /// One listener for every entry point, in their order.
    fn bind(&self) -> io::Result<Vec<StdListener>> {
        self.entry_points.iter().map(|e| bind(&e.name, e.address)).collect()
    }
}

/// A listener that shares its address with the other workers'.
fn bind(name: &str, address: SocketAddr) -> io::Result<StdListener> {
    let open = || -> io::Result<StdListener> {
        let domain = Domain::for_address(address);
        let socket = socket2::Socket::new(
            domain,
            Type::STREAM.cloexec().nonblocking(),
            Some(Protocol::TCP),
        )?;
        if let (true, SocketAddr::V6(v6)) = (address.is_ipv6(), address) {
            // `[::]` means every address of both families, as it does in Go.
            socket.set_only_v6(!v6.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        // Inherited by accepted connections: one call here instead of one for each of them.
        socket.set_tcp_nodelay(true)?;
        socket.bind(&address.into())?;
        socket.listen(LISTEN_BACKLOG)?;
        Ok(socket.into())
    };
    open().map_err(|error| {
        let kind = error.kind();
        io::Error::new(kind, format!("entry point {name}: cannot listen on {address}: {error}"))
    })
}

/// Runs a worker, and runs it again should it panic: its connections are lost, the process is not.
fn supervise(plan: &Arc<Plan>, index: usize, mut listeners: Vec<StdListener>) {
    if let Some(cpu) = plan.cpus[index]
        && let Err(error) = affinity::pin(cpu)
    {
        tracing::warn!("worker {index} cannot be bound to CPU {cpu}: {error}");
    }
    loop {
        match run(plan, index, listeners) {
            Ok(Ended::Drained) => return,
            Ok(Ended::Panicked) => tracing::error!("worker {index} panicked; starting it again"),
            Err(error) => tracing::error!("worker {index} stopped: {error}; starting it again"),
        }
        listeners = loop {
            std::thread::sleep(Duration::from_millis(100));
            if plan.life.stage() >= Stage::Draining {
                return;
            }
            match plan.settings.bind() {
                Ok(listeners) => break listeners,
                Err(error) => tracing::error!("worker {index} cannot start again: {error}"),
            }
        };
    }
}

enum Ended {
    Drained,
    Panicked,
}

fn run(plan: &Plan, index: usize, listeners: Vec<StdListener>) -> io::Result<Ended> {
    let worker = Rc::new(Worker {
        index,
        settings: Arc::clone(&plan.settings),
        store: Arc::clone(&plan.store),
        life: Arc::clone(&plan.life),
        doors: Arc::clone(&plan.doors),
        buffers: Rc::new(Buffers::new(plan.buffer_memory / plan.cpus.len().max(1))),
        deadlines: Rc::new(Deadlines::new(plan.settings.limits.progress_timeout)),
        upstreams: Default::default(),
        retries: RetryBudget::new(plan.cpus.len()),
        nonblocking_sockets: plan.rung == Rung::Epoll,
        connections: Default::default(),
        accepting: Cell::new(true),
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
async fn serve(worker: Rc<Worker>, listeners: Vec<StdListener>) -> io::Result<()> {
    let mut accepting = Vec::new();
    for (entry_point, listener) in listeners.into_iter().enumerate() {
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
        if worker.life.stage() >= Stage::Draining {
            worker.deadlines.end_idle();
        }
        // Another worker may have nobody to ask.
        let lately = worker.deadlines.now().saturating_sub(2 * DEADLINE_TICK.as_millis() as u64);
        if worker.doors.were_besieged(lately) {
            worker.end_oldest_idle();
        }
        if ticks.is_multiple_of(10) {
            worker.upstreams.tidy(&worker);
        }
        ticks = ticks.wrapping_add(1);
        if !worker.accepting.get() && worker.connections.get() == 0 {
            return;
        }
    }
}
