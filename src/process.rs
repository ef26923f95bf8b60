//! The life of the process: bind, serve, signal, drain, exit code.

mod log;
mod views;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Docker, Static};
use crate::control::{self, Control, Sources};
use crate::discovery::labels;
use crate::discovery::labels::Memory;
use crate::discovery::watch::{self, Discovery};
use crate::discovery::written::Written;
use crate::handover::{Door, Predecessor};
use crate::health;
use crate::life::{Life, Stage};
use crate::limits::{BUFFER_MEMORY_PART, DEADLINE_TICK};
use crate::listeners::Listeners;
use crate::model::Model;
use crate::observe::{Stats, access};
use crate::table::Store;
use crate::worker::doors::Doors;
use crate::worker::ladder;
use crate::worker::{self, Settings, Workers, affinity, cgroup};
use log::{init_log, log_complaints, log_driver, log_listeners, log_options, open_access_log};
use views::{driver_views, provider_views};

/// How often the end of the drain is looked for.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// Signals this close together are one.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// A successor waits so long for its first table; its predecessor has more patience.
const FIRST_TABLE: Duration = Duration::from_secs(10);
const TABLE_LOOK: Duration = Duration::from_millis(10);

/// Before another successor is listened to.
const DOOR_PAUSE: Duration = Duration::from_millis(100);

/// Where the model comes from.
pub enum Source {
    /// The Docker providers of the configuration.
    Docker,
    /// A model that somebody else makes, and may replace with [`Process::publisher`].
    Given(Model),
}

/// Everything that runs.
pub struct Process {
    config: Arc<Static>,
    listeners: Arc<Listeners>,
    store: Arc<Store>,
    stats: Arc<Stats>,
    life: Arc<Life>,
    workers: Workers,
    /// Kept alive: dropping either stops it.
    discovery: Arc<Option<Discovery>>,
    control: Option<Control>,
    /// Where a successor knocks, if it may.
    door: Option<Door>,
    /// Behind the workers: what they have told of is written at the end.
    access: Option<access::Writer>,
}

impl Process {
    /// Binds everything, or takes it over, then starts it. An error names what could not be had;
    /// a predecessor goes on then.
    pub fn start(config: Static, source: Source) -> io::Result<Self> {
        init_log(&config.log);
        tracing::info!("ringress {} starts", env!("CARGO_PKG_VERSION"));
        log_options(&config);
        refuse_huge_pages();
        let descriptors = raise_descriptor_limit();

        let taken = config.handover.as_deref().map(Predecessor::ask).transpose()?.flatten();
        let (predecessor, inherited) = taken.unzip();
        let standing = ladder::probe(config.driver).map_err(io::Error::other)?;
        log_driver(&standing);
        let cpus = place_workers(config.workers);
        let config = Arc::new(config);
        let inherited = inherited.unwrap_or_default();
        let listeners = Arc::new(Listeners::bind(&config, cpus.len(), inherited)?);
        let names: Vec<String> = config.entry_points.iter().map(|e| e.name.clone()).collect();
        let store = Arc::new(Store::new(cpus.len(), names));
        let stats = Arc::new(Stats::new(cpus.len(), config.entry_points.len(), bounds(&config)));
        let life = Arc::new(Life::default());
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();

        let discovery = Arc::new(match source {
            Source::Docker => Some(discover(&config, &store)),
            Source::Given(model) => {
                store.publish(model);
                None
            }
        });
        if let (Some(predecessor), Some(discovery)) = (&predecessor, &*discovery) {
            wait_for_table(discovery, predecessor)?;
        }
        let doors = bound_clients(&config, descriptors);
        health::spawn(Arc::clone(&store))?;
        listeners.listen()?;
        let (logs, access) = open_access_log(&config, cpus.len())?;
        let plan = worker::Plan {
            settings: settings(&config, &hostname),
            listeners: Arc::clone(&listeners),
            store: Arc::clone(&store),
            stats: Arc::clone(&stats),
            life: Arc::clone(&life),
            doors: Arc::clone(&doors),
            rung: standing.rung,
            buffer_memory: buffer_memory(&config),
            cpus: cpus.clone(),
        };
        let workers = worker::spawn(plan, logs)?;
        let sources = Sources {
            config: Arc::clone(&config),
            store: Arc::clone(&store),
            stats: Arc::clone(&stats),
            drivers: driver_views(&standing, &cpus),
            providers: provider_views(&discovery),
            access: access.as_ref().map(access::Writer::handle),
            clients: Box::new(move || doors.inside()),
            life: Arc::clone(&life),
            hostname,
            version: env!("CARGO_PKG_VERSION"),
            started: SystemTime::now(),
        };
        let api = listeners.of_control()?;
        let control = api.map(|listener| control::spawn(listener, sources)).transpose()?;
        let door = take_place(&config, predecessor)?;
        workers.begin();
        log_listeners(&config, control.as_ref());
        Ok(Self {
            config,
            listeners,
            store,
            stats,
            life,
            workers,
            discovery,
            control,
            door,
            access,
        })
    }

    /// Replaces the model; may be called from any thread.
    pub fn publisher(&self) -> impl Fn(Model) + Send + use<> {
        let store = Arc::clone(&self.store);
        move |model| {
            store.publish(model);
        }
    }

    /// Waits for SIGTERM, SIGINT or a successor, then drains. A second signal cuts at once.
    pub fn run_until_stopped(mut self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let signals = runtime.and_then(|runtime| {
            let signals = {
                let _inside = runtime.enter();
                Signals {
                    terminate: signal(SignalKind::terminate())?,
                    interrupt: signal(SignalKind::interrupt())?,
                }
            };
            self.reopen_when_told(&runtime)?;
            Ok((runtime, signals))
        });
        let (runtime, mut signals) = match signals {
            Ok(both) => both,
            Err(error) => {
                eprintln!("ringress: cannot wait for signals: {error}");
                return ExitCode::FAILURE;
            }
        };
        let door = self.door.take();
        runtime.block_on(async {
            let succeeded = tokio::select! {
                () = signals.next() => false,
                () = self.succeeded(door.as_ref()) => true,
            };
            // Who comes now has to bind for itself.
            drop(door);
            let second = async {
                // Whoever starts a successor may well stop us, too: that is the first signal.
                if succeeded {
                    signals.next().await;
                }
                signals.second().await;
            };
            tokio::select! {
                () = self.drain(succeeded) => {}
                () = second => tracing::warn!("second signal: stopping at once"),
            }
        });
        self.life.advance(Stage::Cutting);
        if let Some(discovery) = &*self.discovery {
            discovery.stop();
        }
        drop(self.control);
        let cut = self.stats.sum(|cells| cells.connections.get());
        if cut > 0 {
            tracing::warn!("the grace is over: {cut} connections are cut");
        }
        drop(self.access);
        tracing::info!("stopped");
        ExitCode::SUCCESS
    }

    /// SIGUSR1, as Traefik has it: somebody has moved the log files away. Where there are none it
    /// must not end the process either.
    fn reopen_when_told(&self, runtime: &Runtime) -> io::Result<()> {
        let _inside = runtime.enter();
        let mut rotated = signal(SignalKind::user_defined1())?;
        let handle = self.access.as_ref().map(access::Writer::handle);
        runtime.spawn(async move {
            while rotated.recv().await.is_some() {
                tracing::info!("SIGUSR1: log files are opened anew");
                handle.iter().for_each(access::Handle::reopen);
            }
        });
        Ok(())
    }

    /// Waits until a successor has taken over. If we are stopped while one makes itself ready, it
    /// keeps what it has got, and serves alone.
    async fn succeeded(&self, door: Option<&Door>) {
        let Some(door) = door else { return std::future::pending().await };
        loop {
            match self.give_way(door).await {
                Ok(()) => return,
                Err(error) => tracing::warn!("handing over failed, serving on: {error}"),
            }
            tokio::time::sleep(DOOR_PAUSE).await;
        }
    }

    async fn give_way(&self, door: &Door) -> io::Result<()> {
        let mut successor = door.knock().await?;
        tracing::info!("a successor asks for the listeners");
        let listeners = self.listeners.copies()?;
        self.life.set_successor(true);
        let given = successor.give_way(&listeners).await;
        if let Err(error) = &given {
            successor.refuse(error);
            self.life.set_successor(false);
        }
        given
    }

    /// The orderly end: ping says no, then nothing new is accepted, then what is open finishes.
    async fn drain(&self, succeeded: bool) {
        let life = self.config.life;
        self.life.advance(Stage::Terminating);
        if succeeded {
            tracing::info!("stopping: a successor has taken over");
        } else {
            tracing::info!("stopping: accepting for another {:?}", life.accept_grace);
            tokio::time::sleep(life.accept_grace).await;
        }
        self.listeners.close();
        self.life.advance(Stage::Draining);
        let has_successor = self.life.has_successor();
        if let (true, Some(control)) = (has_successor, &self.control) {
            control.stop_accepting();
        }
        self.wait_for_workers(life.grace).await;
        if has_successor {
            // Clients that were idle all the time may go now: see `worker::thread`.
            self.life.advance(Stage::Cutting);
            self.wait_for_workers(2 * DEADLINE_TICK).await;
        }
    }

    async fn wait_for_workers(&self, within: Duration) {
        let deadline = Instant::now() + within;
        while !self.workers.are_done() && Instant::now() < deadline {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// A signal that is meant as a second one. timeout(1), and a terminal that signals a whole
    /// process group, deliver the first one twice.
    async fn second(&mut self) {
        let _ = tokio::time::timeout(SAME_SIGNAL, async {
            loop {
                self.next().await;
            }
        })
        .await;
        self.next().await;
    }
}

/// The allocator asks for pages of 2 MiB, of which a connection touches a few hundred bytes here
/// and there: without them the process needs half the memory and not more CPU time.
/// (`loadtest/memory`, `loadtest/run`)
fn refuse_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!("huge pages stay on: {error}");
    }
}

/// The soft limit is often 1024, for programs that still use select(2); we do not. Gives how many
/// descriptors the process may have.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let have = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!("cannot raise the limit of open descriptors: {error}");
            limit.current
        }
    };
    have.map_or(usize::MAX, |have| usize::try_from(have).unwrap_or(usize::MAX))
}

/// What the workers shall know.
fn settings(config: &Static, hostname: &str) -> Arc<Settings> {
    Arc::new(Settings {
        entry_points: config.entry_points.clone(),
        transport: config.transport,
        limits: config.limits,
        dialect: config.dialect,
        hostname: hostname.to_owned(),
    })
}

/// Of histograms, in microseconds.
fn bounds(config: &Static) -> Box<[u64]> {
    config.metrics.buckets.iter().map(|seconds| (seconds * 1e6).round() as u64).collect()
}

fn bound_clients(config: &Static, descriptors: usize) -> Arc<Doors> {
    let doors = Doors::new(config.entry_points.iter().map(|e| e.max_connections), descriptors);
    tracing::info!("clients: at most {} at a time ({descriptors} descriptors)", doors.limit());
    Arc::new(doors)
}

/// What the buffers of all workers may take of the memory.
fn buffer_memory(config: &Static) -> usize {
    let part = cgroup::memory() / BUFFER_MEMORY_PART;
    config.limits.buffer_memory.unwrap_or(usize::try_from(part).unwrap_or(usize::MAX))
}

/// The CPU of each worker. Fewer workers than CPUs are left to the scheduler: other containers
/// that share the machine would choose the same first CPUs.
fn place_workers(wanted: Option<usize>) -> Vec<Option<usize>> {
    let cpus = affinity::allowed_cpus();
    let count = wanted.unwrap_or_else(|| affinity::default_workers(cpus.len()));
    let places = match count == cpus.len() {
        true => cpus.into_iter().map(Some).collect(),
        false => vec![None; count],
    };
    tracing::info!("workers: {count}");
    places
}

/// Waits until we know what the predecessor knows: with less we would answer 404 where it does
/// not. Once it is gone nobody serves, and what we know is better than nothing.
fn wait_for_table(discovery: &Discovery, predecessor: &Predecessor) -> io::Result<()> {
    let deadline = Instant::now() + FIRST_TABLE;
    while !discovery.has_settled() {
        if Instant::now() > deadline {
            if predecessor.is_gone() {
                return Ok(());
            }
            let silent = discovery.status().into_iter().filter(|status| status.last_sync.is_none());
            let silent: Vec<String> = silent.map(|status| status.name).collect();
            return Err(io::Error::other(format!(
                "not taking over: the picture is not complete after {FIRST_TABLE:?}; never heard \
                 of: {silent:?}"
            )));
        }
        std::thread::sleep(TABLE_LOOK);
    }
    Ok(())
}

/// The last step, behind everything that can fail: from here on the predecessor drains, and a
/// successor of our own finds us.
fn take_place(config: &Static, predecessor: Option<Predecessor>) -> io::Result<Option<Door>> {
    let Some(path) = &config.handover else { return Ok(None) };
    let Some(predecessor) = predecessor else { return Door::open(path).map(Some) };
    predecessor.take_over()?;
    tracing::info!("taken over from the running process");
    // Now there is no way back.
    Ok(Door::open(path).map_err(|error| tracing::error!("{error}")).ok())
}

fn discover(config: &Arc<Static>, store: &Arc<Store>) -> Discovery {
    let (statics, store) = (Arc::clone(config), Arc::clone(store));
    let mut known = HashSet::new();
    let memories: RefCell<BTreeMap<String, Memory>> = RefCell::default();
    let build = move |settings: &Docker, workloads: &[_], own: &_| {
        let mut memories = memories.borrow_mut();
        let memory = memories.entry(settings.name.clone()).or_default();
        labels::build(workloads, settings, &statics, own, memory)
    };
    watch::spawn(config.docker.clone(), Written::all(config), build, move |model: Arc<Model>| {
        log_complaints(&model.complaints, &known);
        known = model.complaints.iter().cloned().collect();
        let (routers, services) = (model.routers.len(), model.services.len());
        let backends: usize = model.services.values().map(|s| s.servers.len()).sum();
        let generation = store.publish(model);
        tracing::debug!(
            "table {generation}: {routers} routers, {services} services, {backends} backends"
        );
    })
}
