//! What an engine runs, as of the last look.
//!
//! A *survey* lists everything; a *glance* lists only what changes without an event. A look that
//! fails leaves the picture as it was. A list may be older than what is known already, from a
//! manager that was cut off or has just taken over: neither what is wanted of a task nor how far it
//! has come ever goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::ServerState;

use super::engine::words::{Container, Event, Network, Service, Task};
use super::engine::{Engine, Tasks, Trouble};
use super::workload::Workload;
use super::{docker, swarm};

/// The engine's own default for the time between stop signal and kill.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// A task that is to go and still counts as running this long after its grace ended sits on a node
/// that does not answer (the swarm keeps such tasks for a day): it is gone for us.
const STOP_MARGIN: Duration = Duration::from_secs(15);
/// The swarm itself gives up such a task after a day.
const ORPHANED: Duration = Duration::from_secs(86_400);
/// A container that was sent a stop signal so long ago and still runs does not mean to end.
const STOP_IGNORED: Duration = Duration::from_secs(300);
/// A task that was wanted and is in no list any more has been deleted, or the list is older than
/// the task. Serving a dead one so long costs retries, forgetting a live one costs its clients.
const DOUBT: Duration = Duration::from_secs(2);
/// No list is older than that: an old one must not bring back who is gone.
const OLDEST_LIST: Duration = Duration::from_secs(300);
/// Signals that end a program by default or by custom (nginx: QUIT; systemd: RTMIN+3). Others
/// mean a reload as often as a stop.
const STOP_SIGNALS: [&str; 5] = ["2", "3", "9", "15", "37"];

/// Label of a container that belongs to a task.
const TASK_LABEL: &str = "com.docker.swarm.task.id";

/// What has to be looked at because of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    Nothing,
    Glance,
    Survey,
}

/// How far the end of a task or container has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It was sent a stop signal, then.
    Stopping(Instant),
    /// It has exited.
    Dead,
}

impl Ending {
    fn was_ignored(self, now: Instant, patience: Duration) -> bool {
        matches!(self, Ending::Stopping(since) if now.duration_since(since) > patience)
    }
}

/// One engine's services and tasks, or its containers.
#[derive(Debug, Default)]
pub struct Picture {
    swarm: bool,
    services: Vec<Service>,
    networks: Vec<Network>,
    /// Those that run or shall run, by id.
    tasks: BTreeMap<String, Task>,
    /// When a task was first seen on its way out.
    leaving: BTreeMap<String, Instant>,
    /// When a task was first in no list, though it was wanted the last time.
    unlisted: BTreeMap<String, Instant>,
    /// When a task was seen to have ended.
    ended: BTreeMap<String, Instant>,
    containers: Vec<Container>,
    /// Tasks or containers whose end an event told before any list did.
    ending: BTreeMap<String, Ending>,
    /// That networks must not be looked at has been said.
    networks_forbidden: bool,
    /// Tasks may have come and gone unseen: the next look lists those on their way out, too.
    stale: bool,
}

impl Picture {
    /// An empty picture of a swarm, or of one engine's containers.
    pub fn new(swarm: bool) -> Picture {
        Picture { swarm, stale: true, ..Picture::default() }
    }

    /// The engine was out of sight for a while.
    pub fn doubt(&mut self) {
        self.stale = true;
    }

    /// Lists everything.
    pub async fn survey<E: Engine>(&mut self, engine: &E) -> Result<(), Trouble> {
        if self.swarm {
            let services = engine.services().await?;
            let networks = self.look_at_networks(engine).await?;
            self.look_at_tasks(engine).await?;
            self.take_in_services(services);
            self.networks = networks;
            Ok(())
        } else {
            self.glance(engine).await
        }
    }

    /// A proxy before the socket may forbid to look at networks. Tasks name theirs themselves; what
    /// is lost are the virtual addresses of services.
    async fn look_at_networks<E: Engine>(&mut self, engine: &E) -> Result<Vec<Network>, Trouble> {
        match engine.networks().await {
            Err(trouble @ Trouble::Status { status: 401 | 403, .. }) => {
                if !std::mem::replace(&mut self.networks_forbidden, true) {
                    tracing::warn!(
                        "no networks: {trouble}; allow /networks where labels ask for the virtual \
                         address of a service (lbswarm, loadbalancer.swarm)"
                    );
                }
                Ok(Vec::new())
            }
            answer => answer,
        }
    }

    /// A service that is in the list no more has gone, unless its tasks are still wanted.
    fn take_in_services(&mut self, mut listed: Vec<Service>) {
        let known = std::mem::take(&mut self.services);
        let mut known: BTreeMap<String, Service> =
            known.into_iter().map(|service| (service.id.clone(), service)).collect();
        for service in &mut listed {
            if let Some(known) = known.remove(&service.id)
                && known.version.index > service.version.index
            {
                *service = known;
            }
        }
        if !known.is_empty() {
            let wanted = |task: &&Task| self.standing(task) == Some(ServerState::Starting);
            let wanted: BTreeSet<&str> =
                self.tasks.values().filter(wanted).map(|task| task.service_id.as_str()).collect();
            listed.extend(known.into_values().filter(|s| wanted.contains(s.id.as_str())));
        }
        self.services = listed;
    }

    /// Lists what changes without an event.
    pub async fn glance<E: Engine>(&mut self, engine: &E) -> Result<(), Trouble> {
        if self.swarm {
            return self.look_at_tasks(engine).await;
        }
        self.containers = engine.containers(None).await?;
        let running: BTreeSet<&str> = self.containers.iter().map(|c| c.id.as_str()).collect();
        let now = Instant::now();
        self.ending.retain(|id, ending| {
            running.contains(id.as_str()) && !ending.was_ignored(now, STOP_IGNORED)
        });
        self.stale = false;
        Ok(())
    }

    /// Whether there are tasks of a service that we have not heard of.
    pub fn is_incomplete(&self) -> bool {
        self.tasks.values().any(|task| {
            self.standing(task) == Some(ServerState::Starting)
                && !self.services.iter().any(|service| service.id == task.service_id)
        })
    }

    /// Where a task stands, by the lists and by the events that were ahead of them.
    fn standing(&self, task: &Task) -> Option<ServerState> {
        match (swarm::state(task), self.ending.get(&task.id)) {
            // A task never gets a second container.
            (_, Some(Ending::Dead)) => None,
            (Some(_), Some(Ending::Stopping(_))) => Some(ServerState::Draining),
            (listed, _) => listed,
        }
    }

    async fn look_at_tasks<E: Engine>(&mut self, engine: &E) -> Result<(), Trouble> {
        let which = if self.stale { Tasks::All } else { Tasks::Wanted };
        let mut listed = engine.tasks(which).await?;
        // Who ran and is not wanted any more may still run: that is what draining is.
        let known: BTreeSet<&str> = listed.iter().map(|task| task.id.as_str()).collect();
        let ran = self.tasks.values().filter(|task| self.standing(task).is_some());
        let missing: Vec<String> =
            ran.map(|task| task.id.clone()).filter(|id| !known.contains(id.as_str())).collect();
        if !self.stale && !missing.is_empty() {
            listed.extend(engine.tasks(Tasks::Ids(&missing)).await?);
        }
        self.take_in(listed, Instant::now());
        self.stale = false;
        Ok(())
    }

    fn take_in(&mut self, listed: Vec<Task>, now: Instant) {
        let mut tasks = BTreeMap::new();
        for mut task in listed {
            if let Some(known) = self.tasks.get(&task.id) {
                swarm::never_back(known, &mut task);
            }
            tasks.insert(task.id.clone(), task);
        }
        self.ended.retain(|_, since| now.duration_since(*since) < OLDEST_LIST);
        let mut unlisted = BTreeMap::new();
        for (id, known) in &self.tasks {
            if swarm::state(known).is_none() {
                continue;
            }
            match tasks.get(id) {
                Some(task) if swarm::state(task).is_some() => continue,
                None if self.standing(known) == Some(ServerState::Starting) => {
                    let since = *self.unlisted.get(id).unwrap_or(&now);
                    if now.duration_since(since) < DOUBT {
                        unlisted.insert(id.clone(), since);
                        tasks.insert(id.clone(), known.clone());
                        continue;
                    }
                }
                _ => {}
            }
            self.ended.insert(id.clone(), now);
        }
        let ended = &self.ended;
        let may_serve = |task: &Task| swarm::state(task).is_some();
        tasks.retain(|id, task| {
            !ended.contains_key(id) && (may_serve(task) || task.desired_state == "running")
        });
        self.tasks = tasks;
        self.unlisted = unlisted;
        self.forget_ignored(now);
        self.drop_overdue(now);
    }

    /// The swarm needs a moment to write down what happened to a container of this node; but a
    /// signal that ended nothing was none to end it.
    fn forget_ignored(&mut self, now: Instant) {
        self.ending.retain(|id, ending| {
            let task = self.tasks.get(id);
            task.is_some_and(|task| !ending.was_ignored(now, patience(task)))
        });
    }

    fn drop_overdue(&mut self, now: Instant) {
        let mut overdue = Vec::new();
        for (id, task) in &self.tasks {
            if self.standing(task) != Some(ServerState::Draining) {
                self.leaving.remove(id);
                continue;
            }
            let since = *self.leaving.entry(id.clone()).or_insert(now);
            if now.duration_since(since) > patience(task) {
                overdue.push(id.clone());
            }
        }
        self.tasks.retain(|id, _| !overdue.contains(id));
        self.leaving.retain(|id, since| {
            // Kept for a while after its task: a full list would bring an overdue one back.
            self.tasks.contains_key(id) || now.duration_since(*since) < ORPHANED
        });
    }

    /// Takes in what an event tells, and says what it leaves to be looked at.
    pub fn note(&mut self, event: &Event) -> Concern {
        match event.kind.as_str() {
            "service" | "node" | "network" => Concern::Survey,
            "container" => self.note_container(event),
            _ => Concern::Nothing,
        }
    }

    fn note_container(&mut self, event: &Event) -> Concern {
        let id = match self.swarm {
            false => &event.id,
            true => match event.attributes.get(TASK_LABEL) {
                Some(task) => task,
                None => return Concern::Nothing,
            },
        };
        match event.action.as_str() {
            "kill" => {
                let signal = event.attributes.get("signal").map_or("15", String::as_str);
                if STOP_SIGNALS.contains(&signal) {
                    self.ending.entry(id.clone()).or_insert(Ending::Stopping(Instant::now()));
                }
            }
            "die" => drop(self.ending.insert(id.clone(), Ending::Dead)),
            "start" => drop(self.ending.remove(id)),
            "create" | "stop" | "destroy" | "pause" | "unpause" | "rename" | "oom" => {}
            health if health.starts_with("health_status") => {}
            // Commands run inside, copies, attached terminals: nothing to do with us.
            _ => return Concern::Nothing,
        }
        Concern::Glance
    }

    /// The picture in the words of the next step.
    pub fn workloads(&self) -> Vec<Workload> {
        if self.swarm {
            let tasks = self.tasks.values();
            let tasks = tasks.filter_map(|task| Some((task, self.standing(task)?)));
            swarm::workloads(&self.services, &self.networks, tasks)
        } else {
            // A dead container may still be listed as running for a moment; it is no harm.
            let stopping = self.ending.keys().cloned().collect();
            docker::workloads(&self.containers, &stopping)
        }
    }

    /// Tasks that run or shall run.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> + Clone {
        self.tasks.values()
    }

    /// Services as of the last survey; none without a swarm.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Networks as of the last survey; none without a swarm.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Number of services and of tasks, or of containers twice.
    pub fn size(&self) -> (usize, usize) {
        if self.swarm {
            let running = self.tasks.values().filter(|task| self.standing(task).is_some());
            (self.services.len(), running.count())
        } else {
            (self.containers.len(), self.containers.len())
        }
    }
}

/// How long a task may take from its stop signal to its end.
fn patience(task: &Task) -> Duration {
    let grace = match task.spec.container.stop_grace_nanoseconds {
        0 => STOP_GRACE,
        nanoseconds => Duration::from_nanos(nanoseconds),
    };
    grace.saturating_add(STOP_MARGIN)
}
