//! A swarm that does what it likes, and an engine that tells of it late, twice, wrongly or not at
//! all: thousands of lives of it, each from a seed, in a time that only passes when nobody works.
//!
//! What is held against it:
//! - nobody who runs and is wanted is ever dropped or drained;
//! - nobody comes back who was told to go, or is gone;
//! - nobody is shown who never ran;
//! - once the engine tells the truth again, all of it is known within seconds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream::LocalBoxStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::super::engine::fake::read;
use super::super::engine::words::{Container, Network, Service, Task};
use super::super::engine::{ApiVersion, Tasks};
use super::tests::settings;
use super::*;
use crate::model::ServerState;

const SEEDS: u64 = 2_000;
/// Of a life, in virtual time: this long with faults, then in peace until all is known.
const TROUBLED: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(50);
/// Ended tasks that a manager keeps.
const HISTORY: usize = 8;
/// After the time of a doubt and a survey (every five seconds) nothing is unknown any more.
const CONVERGED: Duration = Duration::from_secs(8);

/// A generator that gives the same numbers for the same seed, everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Everything that a manager knows.
#[derive(Clone, Default)]
struct Truth {
    services: Vec<Service>,
    tasks: Vec<Task>,
}

/// A swarm, and how its engine tells of it.
struct Swarm {
    dice: Dice,
    truth: Truth,
    /// What the truth was lately, oldest first: an engine may be behind.
    past: Vec<Rc<Truth>>,
    has_changed: bool,
    next_task: u64,
    next_version: u64,
    /// Looks fail until then.
    silent_until: Instant,
    /// Lists are this many ticks old, until then.
    behind: usize,
    behind_until: Instant,
    listeners: Vec<UnboundedSender<Result<Event, Trouble>>>,
    /// Events on their way, with the moment of their arrival.
    mail: Vec<(Instant, Event)>,
    in_peace: bool,
    /// Addresses of tasks that have run.
    ran: BTreeSet<IpAddr>,
    /// Addresses of tasks that were told to go, or have ended.
    over: BTreeSet<IpAddr>,
}

impl Swarm {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let mut swarm = Self {
            dice: Dice(seed),
            truth: Truth::default(),
            past: Vec::new(),
            has_changed: true,
            next_task: 1,
            next_version: 1,
            silent_until: now,
            behind: 0,
            behind_until: now,
            listeners: Vec::new(),
            mail: Vec::new(),
            in_peace: false,
            ran: BTreeSet::new(),
            over: BTreeSet::new(),
        };
        for number in 0..2 + swarm.dice.below(2) {
            swarm.found(number);
        }
        swarm
    }

    /// A new service with some tasks.
    fn found(&mut self, number: u64) {
        self.has_changed = true;
        self.next_version += 1;
        let version = self.next_version;
        self.truth.services.push(read(&format!(
            r#"{{"ID":"s{number}","Version":{{"Index":{version}}},
              "Spec":{{"Name":"app{number}","Labels":{{}}}}}}"#
        )));
        for slot in 0..1 + self.dice.below(4) {
            self.hire(number, slot + 1);
        }
        self.tell("service", "create", &[]);
    }

    fn hire(&mut self, service: u64, slot: u64) {
        self.has_changed = true;
        let number = self.next_task;
        self.next_task += 1;
        let (high, low) = (number / 250, number % 250);
        self.truth.tasks.push(read(&format!(
            r#"{{"ID":"t{number}","ServiceID":"s{service}","Slot":{slot},"DesiredState":"running",
              "Status":{{"State":"preparing"}},"NetworksAttachments":[{{"Network":{{"ID":"n1",
              "Spec":{{"Name":"net"}}}},"Addresses":["10.1.{high}.{low}/16"]}}]}}"#
        )));
    }

    /// A [`TICK`] of a swarm's life.
    fn live(&mut self, now: Instant) {
        for index in 0..self.truth.tasks.len() {
            self.move_on(index);
        }
        self.reap();
        if !self.in_peace {
            match self.dice.below(60) {
                0 => self.replace_one(),
                1 => self.scale(),
                2 => self.relabel(),
                3 if self.truth.services.len() > 1 => self.dissolve(),
                4 if self.truth.services.len() < 4 => {
                    let number = self.next_version + 10;
                    self.found(number);
                }
                5 => self.silent_until = now + self.span(8_000),
                6 => {
                    self.behind = 1 + self.dice.below(40) as usize;
                    self.behind_until = now + self.span(3_000);
                }
                7 => self.listeners.clear(),
                _ => {}
            }
        }
        match self.past.last() {
            Some(last) if !self.has_changed => self.past.push(Rc::clone(last)),
            _ => self.past.push(Rc::new(self.truth.clone())),
        }
        self.has_changed = false;
        if self.past.len() > 60 {
            self.past.remove(0);
        }
        self.deliver_mail(now);
    }

    /// Forgets who ended first.
    fn reap(&mut self) {
        let has_ended = |task: &Task| matches!(task.status.state.as_str(), "shutdown" | "failed");
        let ended = self.truth.tasks.iter().filter(|task| has_ended(task)).count();
        let mut beyond = ended.saturating_sub(HISTORY);
        self.truth.tasks.retain(|task| {
            let goes = beyond > 0 && has_ended(task);
            beyond -= usize::from(goes);
            !goes
        });
    }

    fn span(&mut self, most_millis: u64) -> Duration {
        Duration::from_millis(1 + self.dice.below(most_millis))
    }

    /// A task takes its next step, or does not yet.
    fn move_on(&mut self, index: usize) {
        let task = &self.truth.tasks[index];
        let (id, address) = (task.id.clone(), address(task));
        let (service, slot) = (task.service_id.clone(), task.slot);
        let next = match (task.status.state.as_str(), task.desired_state.as_str()) {
            ("preparing", "running") if self.dice.once_in(8) => "starting",
            ("preparing" | "starting", "shutdown" | "remove") => "shutdown",
            ("starting", "running") if self.dice.once_in(4) => "running",
            ("running", "running") if !self.in_peace && self.dice.once_in(1_500) => {
                self.replace(&service, slot);
                self.tell("container", "die", &[("com.docker.swarm.task.id", &id)]);
                "failed"
            }
            ("running", "shutdown" | "remove") if self.dice.once_in(16) => {
                self.tell("container", "die", &[("com.docker.swarm.task.id", &id)]);
                "shutdown"
            }
            _ => return,
        };
        self.has_changed = true;
        let task = &mut self.truth.tasks[index];
        next.clone_into(&mut task.status.state);
        if next == "running" {
            self.ran.insert(address);
        } else if next != "starting" {
            "shutdown".clone_into(&mut task.desired_state);
            self.over.insert(address);
        }
    }

    fn dismiss(&mut self, index: usize, desired: &str) {
        let task = &mut self.truth.tasks[index];
        if task.desired_state != "running" {
            return;
        }
        self.has_changed = true;
        desired.clone_into(&mut task.desired_state);
        let (id, address) = (task.id.clone(), address(task));
        self.over.insert(address);
        let task = [("com.docker.swarm.task.id", id.as_str()), ("signal", "15")];
        self.tell("container", "kill", &task);
    }

    fn replace(&mut self, service: &str, slot: u64) {
        if let Some(number) = service.strip_prefix('s').and_then(|number| number.parse().ok()) {
            self.hire(number, slot);
        }
    }

    /// A step of a rolling update.
    fn replace_one(&mut self) {
        let wanted = self.wanted();
        let Some(&index) = wanted.get(self.dice.below(wanted.len().max(1) as u64) as usize) else {
            return;
        };
        let (service, slot) =
            (self.truth.tasks[index].service_id.clone(), self.truth.tasks[index].slot);
        self.dismiss(index, "shutdown");
        self.replace(&service, slot);
    }

    fn scale(&mut self) {
        let wanted = self.wanted();
        if wanted.len() < 4 || self.dice.once_in(2) {
            let service = self.dice.below(self.truth.services.len() as u64) as usize;
            let service = self.truth.services[service].id.clone();
            let slot = 10 + self.next_task;
            self.replace(&service, slot);
        } else {
            self.dismiss(wanted[0], "shutdown");
        }
        self.tell("service", "update", &[]);
    }

    fn relabel(&mut self) {
        self.has_changed = true;
        self.next_version += 1;
        let (version, index) = (self.next_version, self.dice.below(9) as usize);
        let count = self.truth.services.len();
        let service = &mut self.truth.services[index % count];
        service.version.index = version;
        service.spec.labels.insert("changed".to_owned(), version.to_string());
        self.tell("service", "update", &[]);
    }

    fn dissolve(&mut self) {
        self.has_changed = true;
        let service = self.truth.services.remove(0);
        for index in 0..self.truth.tasks.len() {
            if self.truth.tasks[index].service_id == service.id {
                self.dismiss(index, "remove");
            }
        }
        self.tell("service", "remove", &[]);
    }

    fn wanted(&self) -> Vec<usize> {
        let all = self.truth.tasks.iter().enumerate();
        all.filter(|(_, task)| task.desired_state == "running").map(|(index, _)| index).collect()
    }

    /// An event sets out: it may get lost, arrive late, arrive twice.
    fn tell(&mut self, kind: &str, action: &str, attributes: &[(&str, &str)]) {
        let event = Event {
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: "x".to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        if !self.in_peace && self.dice.once_in(3) {
            return;
        }
        for _ in 0..1 + u64::from(self.dice.once_in(4)) {
            let late = if self.in_peace { Duration::ZERO } else { self.span(1_500) };
            self.mail.push((Instant::now() + late, event.clone()));
        }
    }

    fn deliver_mail(&mut self, now: Instant) {
        let (due, later) = std::mem::take(&mut self.mail).into_iter().partition(|m| m.0 <= now);
        self.mail = later;
        for (_, event) in Vec::from_iter::<Vec<(Instant, Event)>>(due) {
            self.listeners.retain(|listener| listener.send(Ok(event.clone())).is_ok());
        }
    }

    /// What the engine says now.
    fn look(&self) -> Result<&Truth, Trouble> {
        let now = Instant::now();
        if now < self.silent_until {
            return Err(Trouble::Refused);
        }
        let behind = if now < self.behind_until { self.behind } else { 0 };
        Ok(self.past.len().checked_sub(1 + behind).map_or(&self.truth, |old| &*self.past[old]))
    }
}

fn address(task: &Task) -> IpAddr {
    let text = &task.attachments[0].addresses[0];
    text.split('/').next().and_then(|ip| ip.parse().ok()).expect("an address")
}

#[derive(Clone)]
struct Shaky(Rc<RefCell<Swarm>>);

impl Engine for Shaky {
    async fn negotiate(&mut self) -> Result<EngineVersion, Trouble> {
        self.0.borrow().look()?;
        Ok(EngineVersion { release: "29.0.0".to_owned(), api: ApiVersion::NEWEST })
    }

    async fn services(&self) -> Result<Vec<Service>, Trouble> {
        Ok(self.0.borrow().look()?.services.clone())
    }

    async fn tasks(&self, which: Tasks<'_>) -> Result<Vec<Task>, Trouble> {
        let asked = |task: &&Task| match which {
            Tasks::All => true,
            Tasks::Wanted => task.desired_state == "running",
            Tasks::Ids(ids) => ids.contains(&task.id),
        };
        Ok(self.0.borrow().look()?.tasks.iter().filter(asked).cloned().collect())
    }

    async fn networks(&self) -> Result<Vec<Network>, Trouble> {
        self.0.borrow().look()?;
        Ok(vec![read(r#"{"Id":"n1","Name":"net"}"#)])
    }

    async fn containers(&self, _: Option<&str>) -> Result<Vec<Container>, Trouble> {
        Ok(Vec::new())
    }

    fn events(&self) -> LocalBoxStream<'static, Result<Event, Trouble>> {
        let (sender, receiver) = unbounded_channel();
        self.0.borrow_mut().listeners.push(sender);
        futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })
        .boxed_local()
    }
}

/// Service, its labels and its instances with their states.
type Shown = BTreeMap<String, (BTreeMap<String, String>, BTreeMap<IpAddr, ServerState>)>;

/// Holds every delivery against the truth.
struct Judge {
    seed: u64,
    swarm: Rc<RefCell<Swarm>>,
    shown: RefCell<Shown>,
    /// Addresses that were shown as going, or not any more.
    dismissed: RefCell<BTreeSet<IpAddr>>,
}

fn shown(workloads: &[Workload]) -> Shown {
    let shown = workloads.iter().map(|workload| {
        let instances = workload.instances.iter();
        let instances = instances.map(|i| (i.addresses["net"], i.state)).collect();
        (workload.name.clone(), (workload.labels.clone(), instances))
    });
    shown.collect()
}

fn states(shown: &Shown) -> BTreeMap<IpAddr, ServerState> {
    shown.values().flat_map(|(_, instances)| instances.clone()).collect()
}

impl Outlet for Judge {
    fn deliver(&self, workloads: &[Workload], _: &BTreeSet<String>) {
        let shown = shown(workloads);
        let before = self.shown.replace(shown.clone());
        let (before, after) = (states(&before), states(&shown));
        let (swarm, seed) = (self.swarm.borrow(), self.seed);
        let mut dismissed = self.dismissed.borrow_mut();
        for (address, state) in &after {
            assert!(swarm.ran.contains(address), "seed {seed}: {address} has never run");
            let is_new = *state == ServerState::Starting;
            assert!(!is_new || !dismissed.contains(address), "seed {seed}: {address} is back");
            if !is_new {
                assert!(swarm.over.contains(address), "seed {seed}: {address} drains");
                dismissed.insert(*address);
            }
        }
        for address in before.keys().filter(|address| !after.contains_key(address)) {
            assert!(swarm.over.contains(address), "seed {seed}: {address} is lost");
            dismissed.insert(*address);
        }
    }

    fn connected(&self, _: &EngineVersion) {}
    fn synced(&self, _: usize, _: usize) {}
    fn lost(&self, _: &Trouble) {}
    fn confined(&self, _: &str) {}
}

/// One life.
async fn live(seed: u64) -> usize {
    let swarm = Rc::new(RefCell::new(Swarm::new(seed)));
    let judge = Judge {
        seed,
        swarm: Rc::clone(&swarm),
        shown: RefCell::default(),
        dismissed: RefCell::default(),
    };
    let settings = settings(true);
    let script = async {
        let pass = async |time: Duration| {
            let end = Instant::now() + time;
            while Instant::now() < end {
                swarm.borrow_mut().live(Instant::now());
                sleep(TICK).await;
            }
        };
        pass(TROUBLED).await;
        swarm.borrow_mut().in_peace = true;
        // The last outage ends, and a lost engine is asked again within five seconds.
        let troubled = swarm.borrow().silent_until.max(swarm.borrow().behind_until);
        pass(troubled.saturating_duration_since(Instant::now())).await;
        pass(Duration::from_secs(5) + CONVERGED).await;
    };
    tokio::select! {
        biased;
        () = script => {}
        () = follow(Shaky(Rc::clone(&swarm)), &settings, Vec::new(), &judge) => panic!("it follows for ever"),
    }
    let (truth, tasks) = (swarm.borrow().truth.clone(), swarm.borrow().next_task);
    let fresh = Shaky(Rc::new(RefCell::new(Swarm { truth, ..Swarm::new(0) })));
    let mut picture = Picture::new(true);
    picture.survey(&fresh).await.expect("a quiet engine");
    let known = judge.shown.take();
    assert_eq!(known, shown(&picture.workloads()), "seed {seed}: not all of it is known");
    tasks as usize
}

#[test]
fn whatever_a_swarm_does() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let lives = |first: u64| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
        (first..SEEDS).step_by(threads).map(|seed| runtime.block_on(live(seed))).sum::<usize>()
    };
    let tasks: usize = std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..threads as u64).map(|first| scope.spawn(move || lives(first))).collect();
        all.into_iter().map(|thread| thread.join().expect("a life without a fault")).sum()
    });
    println!("figure: simulated discovery: {SEEDS} lives with {tasks} tasks");
}
