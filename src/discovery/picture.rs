//! What an engine runs, as of the last look.
//!
//! A *survey* lists everything; a *glance* lists only what changes without an event. A look that
//! fails leaves the picture as it was.

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
    containers: Vec<Container>,
    /// Tasks or containers whose end an event told before any list did.
    ending: BTreeMap<String, Ending>,
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
            let networks = engine.networks().await?;
            self.look_at_tasks(engine).await?;
            self.services = services;
            self.networks = networks;
            Ok(())
        } else {
            self.glance(engine).await
        }
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
            swarm::state(task) == Some(ServerState::Starting)
                && !self.services.iter().any(|service| service.id == task.service_id)
        })
    }

    async fn look_at_tasks<E: Engine>(&mut self, engine: &E) -> Result<(), Trouble> {
        let which = if self.stale { Tasks::All } else { Tasks::Wanted };
        let listed = engine.tasks(which).await?;
        let mut tasks: BTreeMap<String, Task> =
            listed.into_iter().map(|task| (task.id.clone(), task)).collect();
        // Who ran and is not wanted any more may still run: that is what draining is.
        let missing: Vec<String> = self
            .tasks
            .values()
            .filter(|task| swarm::state(task).is_some() && !tasks.contains_key(&task.id))
            .map(|task| task.id.clone())
            .collect();
        if !self.stale && !missing.is_empty() {
            let rest = engine.tasks(Tasks::Ids(&missing)).await?;
            tasks.extend(rest.into_iter().map(|task| (task.id.clone(), task)));
        }
        tasks.retain(|_, task| swarm::state(task).is_some() || task.desired_state == "running");
        self.tasks = tasks;
        self.stale = false;
        self.mark_ending();
        self.drop_overdue(Instant::now());
        Ok(())
    }

    /// The swarm needs a moment to write down what happened to a container of this node.
    fn mark_ending(&mut self) {
        let now = Instant::now();
        self.ending.retain(|id, ending| {
            let task = self.tasks.get(id);
            task.is_some_and(|task| !ending.was_ignored(now, patience(task)))
        });
        for (id, ending) in &self.ending {
            let Some(task) = self.tasks.get_mut(id) else {
                continue;
            };
            match ending {
                Ending::Stopping(_) if task.desired_state == "running" => {
                    "shutdown".clone_into(&mut task.desired_state);
                }
                Ending::Stopping(_) => {}
                // A task never gets a second container.
                Ending::Dead => "failed".clone_into(&mut task.status.state),
            }
        }
    }

    fn drop_overdue(&mut self, now: Instant) {
        let leaving = &mut self.leaving;
        self.tasks.retain(|id, task| {
            if swarm::state(task) != Some(ServerState::Draining) {
                leaving.remove(id);
                return true;
            }
            let since = *leaving.entry(id.clone()).or_insert(now);
            now.duration_since(since) <= patience(task)
        });
        leaving.retain(|id, since| {
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
        if self.swarm {
            self.mark_ending();
        }
        Concern::Glance
    }

    /// The picture in the words of the next step.
    pub fn workloads(&self) -> Vec<Workload> {
        if self.swarm {
            swarm::workloads(&self.services, &self.networks, self.tasks.values())
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

    /// Networks as of the last survey; none without a swarm.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Number of services and of tasks, or of containers twice.
    pub fn size(&self) -> (usize, usize) {
        if self.swarm {
            let running = self.tasks.values().filter(|task| swarm::state(task).is_some());
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
