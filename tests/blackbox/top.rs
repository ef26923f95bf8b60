//! `ringress top`: the figures of a running load balancer in a terminal.

use std::process::{Command, Output};

use crate::backends::{echoes, ips};
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{Driver, Lb, both_drivers};

both_drivers!(a_pipe_gets_one_picture);

fn top(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringress")).arg("top").args(args).output().expect("run")
}

fn a_pipe_gets_one_picture(driver: Driver) {
    let echoes = echoes(&["a", "b"]);
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &ips(&echoes));
    let lb = Lb::start(driver, &engine, &[]);
    lb.wait_for_backends(&["a", "b"]);
    let out = top(&["--address", &lb.web.to_string()]);
    let text = String::from_utf8(out.stdout).expect("text");
    assert!(out.status.success() && out.stderr.is_empty(), "{text}");
    let name = if driver == Driver::Epoll { "epoll" } else { "io_uring" };
    assert!(text.contains(&format!("2 workers on {name}")), "{text}");
    assert!(text.contains("backend-mystack-app"), "{text}");
    for echo in &echoes {
        let row = text.lines().find(|line| line.contains(&echo.ip));
        assert!(row.is_some_and(|row| row.contains("serving")), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "no orders to a terminal that is none: {text:?}");
}

#[test]
fn who_does_not_answer_is_named() {
    let out = top(&["--address", "127.0.0.1:1"]);
    let said = String::from_utf8(out.stderr).expect("text");
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("127.0.0.1:1") && said.contains("--address=IP:PORT"), "{said}");
    let out = top(&["--address", "nowhere"]);
    assert_eq!(out.status.code(), Some(2));
}
