//! `ringress doctor` and `ringress swarm`: what an operator is told, and what is changed for him.

use std::process::{Command, Output};

use serde_json::json;

use crate::backends::Echo;
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::fresh_address;

/// Standard output, standard error and the exit status of one command.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

fn ringress(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringress"));
    let Output { stdout, stderr, status } =
        command.args(args).env_clear().output().expect("run ringress");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), code: status.code() }
}

fn doctor(engine: &FakeEngine, more: &[&str]) -> Said {
    let endpoint = format!("--docker.endpoint={}", engine.endpoint());
    let entry_point = format!("--entryPoints=Name:http Address:{}:28111", fresh_address());
    let args = ["doctor", "--docker", "--docker.swarmMode", &endpoint, &entry_point];
    ringress(&[&args, more].concat())
}

impl Said {
    /// The lines that begin with this verdict, each with the remedy below it.
    fn findings(&self, verdict: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut is_inside = false;
        for line in self.out.lines() {
            if line.starts_with("           → ") && is_inside {
                let last = found.last_mut().expect("a finding before its remedy");
                *last = format!("{last} {}", line.trim_start());
                continue;
            }
            is_inside = line.trim_start().split(' ').next() == Some(verdict);
            if is_inside {
                found.push(line.trim_start()[verdict.len()..].trim_start().to_owned());
            }
        }
        found
    }
}

#[test]
fn a_healthy_swarm_has_no_errors() {
    let engine = FakeEngine::start();
    let backend = Echo::start("a");
    engine.set("mystack_app", SEED_LABELS, &[&backend.ip]);
    let said = doctor(&engine, &[]);
    assert_eq!((said.code, said.findings("error")), (Some(0), vec![]), "{}", said.out);
    let fine = said.findings("ok");
    for expected in [
        "Engine 26.1.5, API 1.45",
        "GET /services: 1",
        "GET /tasks: 1",
        "GET /networks: 2",
        "GET /events: allowed",
        "this node is a swarm manager",
        "backend-mystack-app: 1 of 1 servers accept connections",
    ] {
        assert!(fine.iter().any(|line| line == expected), "{expected}: {}", said.out);
    }
    assert!(said.err.is_empty(), "{}", said.err);
}

#[test]
fn a_backend_that_nobody_reaches_is_named() {
    let engine = FakeEngine::start();
    let (well, ill) = (Echo::start("a"), fresh_address());
    engine.set("mystack_app", SEED_LABELS, &[&well.ip, &ill]);
    let said = doctor(&engine, &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let errors = said.findings("error");
    let [error] = errors.as_slice() else { panic!("one error: {}", said.out) };
    assert!(error.contains(&format!("{ill}:28080: Connection refused")), "{error}");
    assert!(error.contains("→ does it listen on that port"), "{error}");
    assert!(said.out.contains("backend-mystack-app: 1 of 2 servers"), "{}", said.out);
}

#[test]
fn what_a_socket_proxy_forbids_is_told_with_its_cost() {
    let engine = FakeEngine::start();
    let backend = Echo::start("a");
    engine.set("mystack_app", SEED_LABELS, &[&backend.ip]);
    engine.forbid(&["/networks", "/containers/json"]);
    let said = doctor(&engine, &[]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    let warnings = said.findings("warning");
    let about = |path: &str| warnings.iter().find(|line| line.starts_with(&format!("GET {path}")));
    let networks = about("/networks").unwrap_or_else(|| panic!("{}", said.out));
    assert!(networks.contains("403") && networks.contains("virtual address"), "{networks}");
    assert!(networks.contains("→ allow GET /networks"), "{networks}");
    assert!(about("/containers/json").is_some(), "{}", said.out);

    engine.forbid(&["/tasks"]);
    let said = doctor(&engine, &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let errors = said.findings("error");
    assert!(errors[0].starts_with("GET /tasks: ") && errors[0].contains("403"), "{errors:?}");
    assert!(errors[0].contains("→ allow GET /tasks where access"), "{errors:?}");
}

#[test]
fn without_an_engine_that_alone_is_the_finding() {
    let engine = FakeEngine::start();
    engine.vanish();
    let said = doctor(&engine, &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let errors = said.findings("error");
    let [error] = errors.as_slice() else { panic!("one error: {}", said.out) };
    assert!(error.contains("ringress-engine-") && error.contains("mount"), "{error}");
}

#[test]
fn a_taken_port_is_told_with_its_holder() {
    let engine = FakeEngine::start();
    let holder = std::net::TcpListener::bind((fresh_address().as_str(), 0)).expect("bind");
    let address = holder.local_addr().expect("address");
    let said = doctor(&engine, &[&format!("--entryPoints=Name:taken Address:{address}")]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let errors = said.findings("error");
    let [error] = errors.as_slice() else { panic!("one error: {}", said.out) };
    let pid = std::process::id();
    assert!(error.starts_with(&format!("entry point taken on {address}: ")), "{error}");
    assert!(error.contains(&format!("(pid {pid}) listens there")), "{error}");
}

#[test]
fn flags_that_would_not_start_end_it() {
    let said = ringress(&["doctor", "--docker", "--docker.watch=maybe"]);
    assert_eq!(said.code, Some(2), "{}", said.out);
    let errors = said.findings("error");
    assert!(errors[0].contains("--docker.watch=\"maybe\""), "{errors:?}");
}

fn enable(engine: &FakeEngine, service: &str, more: &[&str]) -> Said {
    let endpoint = format!("--endpoint={}", engine.endpoint());
    ringress(&[&["swarm", "enable-io-uring", service, &endpoint], more].concat())
}

#[test]
fn one_field_of_a_service_changes_and_no_other() {
    let engine = FakeEngine::start();
    engine.set("mystack_lb", &[("a", "b")], &["127.0.0.1"]);

    let said = enable(&engine, "mystack_lb", &["--dry-run"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("to   {") && said.out.contains("unconfined"), "{}", said.out);
    assert!(engine.updates().is_empty(), "a dry run changes nothing");

    let said = enable(&engine, "mystack_lb", &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("the engine warns: the fake engine starts"), "{}", said.out);
    assert!(said.out.contains("`docker stack deploy` takes it away"), "{}", said.out);
    let updates = engine.updates();
    let [update] = updates.as_slice() else { panic!("one update: {updates:?}") };
    assert!(update.target.ends_with("/update?version=17"), "{}", update.target);
    assert!(update.target.starts_with("/v1.45/services/"), "{}", update.target);
    let container = &update.spec["TaskTemplate"]["ContainerSpec"];
    assert_eq!(container["Privileges"]["Seccomp"], json!({ "Mode": "unconfined" }));
    assert_eq!(container["Image"], "ringress:latest");
    assert_eq!(update.spec["Labels"], json!({ "a": "b" }));
    assert_eq!(update.spec["Mode"], json!({ "Replicated": { "Replicas": 1 } }));
    let tomorrow = json!({ "Weather": ["sun", 0.5, null] });
    assert_eq!(update.spec["Tomorrow"], tomorrow, "what we do not know stays");

    let said = enable(&engine, "mystack_lb", &[]);
    assert_eq!(said.out.trim(), "mystack_lb: no seccomp filter already");
    assert_eq!(engine.updates().len(), 1, "nothing to change, nothing changed");

    let said = enable(&engine, "mystack_lb", &["--undo"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let last = engine.updates().pop().expect("an update");
    let privileges = &last.spec["TaskTemplate"]["ContainerSpec"]["Privileges"];
    assert_eq!(privileges["Seccomp"], json!(null), "{privileges}");
}

#[test]
fn what_cannot_be_changed_is_explained() {
    let engine = FakeEngine::start();
    engine.set("mystack_lb", &[], &["127.0.0.1"]);
    let said = enable(&engine, "mystack_bl", &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let expected = "there is no service \"mystack_bl\"; did you mean mystack_lb?";
    assert!(said.err.contains(expected), "{}", said.err);

    engine.speak(43);
    let said = enable(&engine, "mystack_lb", &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.err.contains("API 1.43") && said.err.contains("1.44"), "{}", said.err);

    engine.vanish();
    let said = enable(&engine, "mystack_lb", &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.err.contains("ringress-engine-"), "{}", said.err);
    assert!(engine.updates().is_empty());

    let said = ringress(&["swarm", "enable-io-uring"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("<SERVICE>"), "{}", said.err);
}
