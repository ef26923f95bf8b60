//! The life of the process: the engine gone and back, a graceful stop.

use std::time::{Duration, Instant};

use crate::backends::Echo;
use crate::engine::SEED_LABELS;
use crate::harness::{Driver, both_drivers, eventually};
use crate::heads::single;

both_drivers!(
    engine_gone_and_back,
    stop_finishes_what_is_in_flight,
    chosen_driver_is_said,
    ping_subcommand_tells_health,
);

fn engine_gone_and_back(driver: Driver) {
    let (engine, echo, lb) = single(driver);
    engine.vanish();
    let gone = Instant::now();
    while gone.elapsed() < Duration::from_secs(3) {
        assert_eq!(lb.get("/", &[]).backend(), Some("one"), "the last table serves on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = Echo::start("two");
    engine.appear();
    engine.set("mystack_app", SEED_LABELS, &[&echo.ip, &second.ip]);
    lb.wait_for_backends(&["one", "two"]);
}

fn stop_finishes_what_is_in_flight(driver: Driver) {
    let (_engine, _echo, mut lb) = single(driver);
    let mut idle = lb.connect();
    assert_eq!(idle.get("/", &[]).status, 200);
    let mut busy = lb.connect();
    busy.send("GET /__echo/delay/1500 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));

    lb.process.terminate();
    let begun = Instant::now();
    let answer = busy.response("GET");
    assert_eq!((answer.status, answer.backend()), (200, Some("one")));
    assert!(begun.elapsed() > Duration::from_millis(800), "it really was in flight");
    assert!(idle.rest().is_ok_and(|rest| rest.is_empty()), "idle connections are closed");
    let status = lb.process.wait_for_exit(Duration::from_secs(5));
    assert!(status.success(), "{status}");
}

fn chosen_driver_is_said(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let name = match driver {
        Driver::IoUring => "io_uring",
        Driver::Epoll => "epoll",
    };
    lb.process.wait_for_log(&["driver", name]);
    assert!(lb.web("/api/ringress").text().contains(name));
}

fn ping_subcommand_tells_health(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let ping = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_ringress"))
            .args(["ping", &format!("--web.address={}", lb.web)])
            .output()
            .expect("run ringress ping")
            .status
            .success()
    };
    assert!(ping());
    lb.process.terminate();
    eventually("ping fails after the end", Duration::from_secs(15), || (!ping()).then_some(()));
}
