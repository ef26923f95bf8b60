//! Following an engine that exists in memory, in a time that only passes when nobody works.

use std::cell::RefCell;

use super::super::engine::fake::{self, FakeEngine, read, task};
use super::*;
use crate::model::{Dialect, ServerState};

pub(super) fn settings(swarm: bool) -> config::Docker {
    config::Docker {
        name: "swarm".to_owned(),
        dialect: Dialect::V3,
        endpoint: "unix:///fake.sock".to_owned(),
        swarm,
        watch: true,
        exposed_by_default: true,
        network: String::new(),
        domain: String::new(),
        default_rule: String::new(),
        refresh: Duration::from_secs(15),
        tls: None,
        login: None,
        constraints: Vec::new(),
    }
}

/// Our own container.
const OWN: &str = "4f1c2f5c9a0b";

/// Everything that was told, in order.
#[derive(Default)]
struct Diary(RefCell<Vec<String>>);

impl Diary {
    /// What was told since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

impl Outlet for Diary {
    fn deliver(&self, workloads: &[Workload], _: &BTreeSet<String>) {
        let mut text = String::new();
        for instance in workloads.iter().flat_map(|w| &w.instances) {
            let mark = match instance.state {
                ServerState::Starting => "+",
                ServerState::Serving => "!",
                ServerState::Draining => "-",
            };
            text.push_str(&format!("{mark}{} ", instance.name));
        }
        self.0.borrow_mut().push(text.trim_end().to_owned());
    }

    fn connected(&self, version: &EngineVersion) {
        self.0.borrow_mut().push(format!("connected {}", version.release));
    }

    fn synced(&self, _: usize, _: usize) {}

    fn lost(&self, trouble: &Trouble) {
        self.0.borrow_mut().push(format!("lost {trouble}"));
    }

    fn confined(&self, service: &str) {
        self.0.borrow_mut().push(format!("confined {service}"));
    }
}

/// Runs `script` beside a follower of `engine`.
async fn beside(
    engine: &FakeEngine,
    settings: &config::Docker,
    diary: &Diary,
    script: impl Future<Output = ()>,
) {
    tokio::select! {
        biased;
        () = script => {}
        () = follow(engine.clone(), settings, vec![OWN.to_owned()], diary) => panic!("it follows for ever"),
    }
}

async fn ms(count: u64) {
    sleep(Duration::from_millis(count)).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_takes_io_uring_away_is_told_once() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    let mut own = task("a", 1, "running", "running");
    own.status.container.id = format!("{OWN}ffff");
    engine.world().tasks = vec![own];
    let previous = r#""PreviousSpec":{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":
        {"Mode":"unconfined"}}}}}"#;
    let service = |more: &str| read(&format!(r#"[{{"ID":"s1","Spec":{{"Name":"lb"}}{more}}}]"#));
    engine.world().services = service("");
    beside(&engine, &settings(true), &diary, async {
        ms(50).await;
        assert_eq!(diary.take(), ["+lb.1", "connected 29.0.0"]);
        for _ in 0..2 {
            engine.world().services = service(&format!(",{previous}"));
            engine.world().emit("service", "update", &[]);
            ms(60_000).await;
            assert_eq!(diary.take(), ["confined lb"]);
            // Given back, and taken by the next deployment.
            engine.world().services = service("");
            engine.world().emit("service", "update", &[]);
            ms(60_000).await;
            assert!(diary.take().is_empty());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tasks_come_and_go() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(50).await;
        assert_eq!(diary.take(), ["+app.1", "connected 29.0.0"]);

        // Nothing changes: nothing is delivered.
        ms(10_000).await;
        assert!(diary.take().is_empty());

        // A scale is an event; the task itself makes none.
        engine.world().tasks.push(task("b", 2, "starting", "running"));
        engine.world().emit("service", "update", &[]);
        ms(1_500).await;
        assert!(diary.take().is_empty());
        engine.world().tasks[1] = task("b", 2, "running", "running");
        ms(110).await;
        assert_eq!(diary.take(), ["+app.1 +app.2"]);

        // On its way out, then gone, without any event.
        ms(10_000).await;
        engine.world().tasks[0] = task("a", 1, "running", "shutdown");
        ms(300).await;
        assert_eq!(diary.take(), ["-app.1 +app.2"]);
        engine.world().tasks[0] = task("a", 1, "shutdown", "shutdown");
        ms(300).await;
        assert_eq!(diary.take(), ["+app.2"]);

        // A crash.
        ms(10_000).await;
        engine.world().tasks[1] = task("b", 2, "failed", "running");
        ms(300).await;
        assert_eq!(diary.take(), [""]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn looking_calms_down() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    beside(&engine, &settings(true), &diary, async {
        ms(10_000).await;
        engine.world().calls.clear();
        ms(10_000).await;
        let world = engine.world();
        assert!((38..=44).contains(&world.count("tasks wanted")), "{}", world.calls.len());
        assert_eq!(world.count("services"), 2);
        assert_eq!(world.count("tasks all") + world.count("tasks by id"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_never_delivers_anything() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(3_000).await;
        diary.take();
        engine.world().trouble = Some(Trouble::Refused);
        engine.world().hang_up();
        ms(60_000).await;
        let said = diary.take();
        assert!(said.iter().all(|line| line.starts_with("lost nothing listens")), "{said:?}");
        assert!((13..40).contains(&said.len()), "waits grow to 5 s: {}", said.len());

        // Back, with another world: read at once, whatever happened meanwhile.
        engine.world().trouble = None;
        engine.world().tasks =
            vec![task("a", 1, "running", "shutdown"), task("b", 2, "running", "running")];
        ms(5_100).await;
        assert_eq!(diary.take(), ["-app.1 +app.2", "connected 29.0.0"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn back_with_the_same_world_there_is_nothing_new() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().trouble = Some(Trouble::NotManager);
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(1_000).await;
        assert!(diary.take().iter().all(|line| line.starts_with("lost this node is not a swarm")));
        engine.world().trouble = None;
        ms(5_100).await;
        assert_eq!(diary.take(), ["+app.1", "connected 29.0.0"]);
        engine.world().trouble = Some(Trouble::Timeout(10));
        ms(400).await;
        engine.world().trouble = None;
        ms(5_000).await;
        assert_eq!(diary.take().last().unwrap(), "connected 29.0.0");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_ends_is_no_loss() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    beside(&engine, &settings(true), &diary, async {
        ms(3_000).await;
        diary.take();
        for _ in 0..20 {
            engine.world().hang_up();
            ms(1_000).await;
        }
        assert!(diary.take().is_empty());
        assert_eq!(engine.world().count("version"), 1);
        assert!(engine.world().count("events") > 5, "it subscribes again");
        ms(20_000).await;
        engine.world().services[0].spec.labels.clear();
        engine.world().emit("service", "update", &[]);
        ms(50).await;
        assert_eq!(diary.take(), [""]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_label_is_found_even_without_events() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    beside(&engine, &settings(true), &diary, async {
        ms(10_000).await;
        diary.take();
        engine.world().services[0].spec.labels.clear();
        ms(5_100).await;
        assert_eq!(diary.take().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_of_an_unknown_service_calls_for_a_survey() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    let service = std::mem::take(&mut engine.world().services);
    beside(&engine, &settings(true), &diary, async {
        ms(10_000).await;
        diary.take();
        engine.world().services = service;
        engine.world().tasks = vec![task("a", 1, "running", "running")];
        ms(320).await;
        assert_eq!(diary.take(), ["+app.1"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_signal_drains_before_the_swarm_says_so() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(10_000).await;
        diary.take();
        let of_task = ("com.docker.swarm.task.id", "a");
        engine.world().emit("container", "kill", &[of_task, ("signal", "1")]);
        engine.world().emit("container", "exec_start: /check", &[of_task]);
        ms(400).await;
        assert!(diary.take().is_empty(), "a reload is no stop");
        engine.world().emit("container", "kill", &[of_task, ("signal", "15")]);
        ms(30).await;
        assert_eq!(diary.take(), ["-app.1"]);
        // Its container exits; the swarm still takes it for running, and then writes it down.
        engine.world().emit("container", "die", &[of_task]);
        ms(30).await;
        assert_eq!(diary.take(), [""]);
        ms(1_000).await;
        engine.world().tasks = vec![task("b", 1, "running", "running")];
        ms(400).await;
        assert_eq!(diary.take(), ["+app.1"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_signal_without_effect_is_forgotten() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(3_000).await;
        engine.world().emit("container", "kill", &[("com.docker.swarm.task.id", "a")]);
        ms(60_000).await;
        assert_eq!(diary.take().last().unwrap(), "+app.1");
        engine.world().tasks[0] = task("a", 1, "running", "shutdown");
        ms(5_000).await;
        assert_eq!(diary.take(), ["-app.1"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_go_is_given_up() {
    let (engine, diary) = (fake::swarm(), Diary::default());
    engine.world().tasks = vec![task("a", 1, "running", "running")];
    beside(&engine, &settings(true), &diary, async {
        ms(3_000).await;
        diary.take();
        // Its node is down: it is to go, and counts as running for a day.
        engine.world().tasks[0] = task("a", 1, "running", "shutdown");
        ms(24_000).await;
        assert_eq!(diary.take(), ["-app.1"]);
        ms(3_000).await;
        assert_eq!(diary.take(), [""]);
        engine.world().calls.clear();
        ms(10_000).await;
        assert_eq!(engine.world().count("tasks by id"), 0, "it is not asked for any more");
        engine.world().trouble = Some(Trouble::Refused);
        ms(1_000).await;
        engine.world().trouble = None;
        ms(5_000).await;
        assert!(!diary.take().contains(&"-app.1".to_owned()), "it does not come back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn containers_are_followed_by_their_events() {
    let (engine, diary) = (FakeEngine::default(), Diary::default());
    let mut settings = settings(false);
    beside(&engine, &settings, &diary, async {
        ms(10_000).await;
        diary.take();
        engine.world().calls.clear();
        ms(20_000).await;
        let looks = engine.world().calls.len();
        assert!(looks < 20, "{looks} calls in 20 s: events tell everything");
        engine.world().containers = read(r#"[{"Id":"c1","Names":["/web"],"State":"running"}]"#);
        engine.world().emit("container", "start", &[]);
        ms(30).await;
        assert_eq!(diary.take(), ["+web"]);
        engine.world().emit("container", "kill", &[("signal", "15")]);
        ms(30).await;
        assert_eq!(diary.take(), ["-web"]);
        engine.world().containers.clear();
        engine.world().emit("container", "die", &[]);
        ms(30).await;
        assert_eq!(diary.take(), [""]);
    })
    .await;

    settings.watch = false;
    engine.world().calls.clear();
    follow(engine.clone(), &settings, Vec::new(), &diary).await;
    assert_eq!(engine.world().count("events"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_proxy_forbids_costs_no_more_than_it_must() {
    for forbidden in ["events", "networks", "containers"] {
        let (engine, diary) = (fake::swarm(), Diary::default());
        engine.world().forbidden = Some(forbidden);
        engine.world().tasks = vec![task("a", 1, "running", "running")];
        beside(&engine, &settings(true), &diary, async {
            ms(3_000).await;
            assert_eq!(diary.take(), ["+app.1", "connected 29.0.0"], "{forbidden}");
            engine.world().tasks.push(task("b", 2, "running", "running"));
            ms(300).await;
            assert_eq!(diary.take(), ["+app.1 +app.2"], "{forbidden}");
        })
        .await;
    }
}
