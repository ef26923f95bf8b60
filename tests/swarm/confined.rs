//! An engine whose default seccomp profile forbids io_uring, as those since 25 do: what a user of
//! an unmodified stack sees, and what an operator may do about it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::docker::{LB, Stack, docker, eventually, wait_for_running};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_a_seccomp_profile_forbids_is_told_and_lifted() {
    let driver = crate::asked_for();
    let stack = Stack::deploy(&driver);
    wait_for_running(LB, 1);
    let first = container_that_says("driver: epoll");
    let log = log_of(&first);
    assert!(log.contains("seccomp profile forbids it"), "{log}");
    assert!(log.contains("ringress swarm enable-io-uring"), "{log}");

    let report = doctor(&first);
    assert!(report.contains("the container's seccomp profile forbids it"), "{report}");
    assert!(report.contains(&format!("ringress swarm enable-io-uring {LB}")), "{report}");
    assert!(report.contains("2 of 2 servers accept connections"), "{report}");
    assert!(report.contains("this container is on mystack_net"), "{report}");

    let begun = Instant::now();
    let said = enable();
    assert!(said.contains("the swarm replaces its containers now"), "{said}");
    let second = container_that_says("driver: io_uring");
    println!("figure: enable-io-uring to a replica on it: {} ms", begun.elapsed().as_millis());
    assert!(!log_of(&second).contains("took io_uring from its containers"));
    let report = doctor(&second);
    assert!(report.contains("ok       driver: io_uring"), "{report}");

    // The same stack file again, as after any change of it.
    Stack::deploy_again(&driver);
    let third = container_that_says("driver: epoll");
    assert_ne!(third, first);
    eventually("it notices what it has lost", PATIENCE, || {
        let lost = format!("the last update of {LB} took io_uring from its containers");
        log_of(&third).contains(&lost).then_some(())
    });
    let report = doctor(&third);
    assert!(report.contains(&format!("the last update of {LB} took io_uring away")), "{report}");
    drop(stack);
}

/// The load balancer's container that runs now and has said so.
fn container_that_says(words: &str) -> String {
    eventually(&format!("a container of {LB} says {words:?}"), PATIENCE, || {
        let filter = format!("label=com.docker.swarm.service.name={LB}");
        let all = docker(&["ps", "-q", "--filter", &filter]);
        let says = |id: &&str| log_of(id).contains(words);
        all.lines().find(says).map(str::to_owned)
    })
}

/// What a container has printed; nothing if it is gone.
fn log_of(container: &str) -> String {
    let out = Command::new("docker").args(["logs", container]).output().expect("docker logs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&out.stdout) + &text(&out.stderr)
}

/// The doctor inside the container, once it has nothing to call an error: backends may still start.
fn doctor(container: &str) -> String {
    eventually("a doctor without errors", PATIENCE, || {
        let out = Command::new("docker").args(["exec", container, "/ringress", "doctor"]).output();
        let out = out.expect("docker exec");
        let report = String::from_utf8_lossy(&out.stdout).into_owned();
        let all_there = report.contains("2 of 2 servers");
        if out.status.success() && all_there {
            println!("{report}");
            return Some(report);
        }
        eprintln!("{report}{}", String::from_utf8_lossy(&out.stderr));
        std::thread::sleep(Duration::from_secs(1));
        None
    })
}

fn enable() -> String {
    let endpoint = std::env::var("DOCKER_HOST").expect("DOCKER_HOST");
    crate::docker::run(
        env!("CARGO_BIN_EXE_ringress"),
        &["swarm", "enable-io-uring", LB, "--endpoint", &endpoint],
    )
}
