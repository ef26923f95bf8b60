//! The Autobahn test suite: a WebSocket server must look the same through Ringress as directly.
//!
//! The suite's own server is asked by the suite's own client three times at once: directly, and
//! through Ringress on either driver. What the server gets wrong it may get wrong; no case may end
//! otherwise only because Ringress is in between.
//!
//! Run by `tests/run websocket`, which brings the suite. A plain `cargo test` leaves this target
//! out; run by name without the suite, it fails and says so.

#[path = "../blackbox/client.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod client;
#[path = "../blackbox/engine.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod engine;
#[path = "../blackbox/harness.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the black-box tests use more of it")]
mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::{FakeEngine, SEED_LABELS};
use harness::{BACKEND_PORT, Driver, Lb, eventually, fresh_address};
use serde::Deserialize;
use serde_json::json;

/// What clients are told to connect to; the server insists on it in the Host field.
const SEEN_PORT: u16 = 25580;

/// Cases 12 and 13 (compression) send a thousand messages each, in twelve groups of eighteen
/// sizes. These sizes, from 16 KiB on, make up nearly all of a pass's time; left out unless
/// everything is asked for. Large frames without compression are cases 9.
const LONG_SIZES: [u32; 11] = [7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18];
const CASES: usize = 517;
const CASES_WITHOUT_LONG: usize = CASES - 12 * LONG_SIZES.len();

/// How a case ended, as `index.json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    behavior: String,
    behavior_close: String,
    remote_close_code: Option<u16>,
}

type Report = BTreeMap<String, Outcome>;

/// The tree that `tests/websocket/prepare` has made.
struct Suite {
    root: PathBuf,
    /// Every case, also those that take minutes each.
    everything: bool,
}

/// A process of the suite, ended at the latest with its guard.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Suite {
    fn asked_for() -> Self {
        let root = std::env::var_os("RINGRESS_AUTOBAHN").map(PathBuf::from);
        let root = root.expect("run by `tests/run websocket`, which brings the suite");
        assert!(root.join("testee.py").is_file(), "no suite in {}", root.display());
        Self { root, everything: std::env::var_os("RINGRESS_AUTOBAHN_ALL").is_some() }
    }

    /// A program of the tree; what it prints goes to a file in it.
    fn spawn(&self, log: &str, args: &[&str]) -> Running {
        let log = fs::File::create(self.root.join(log)).expect("a log in the tree");
        let child = Command::new("chroot")
            .arg(&self.root)
            .args(args)
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("the log once more"))
            .stdout(log)
            .spawn();
        Running(child.expect("start chroot"))
    }

    /// Starts the suite's server and waits until it listens.
    fn serve(&self, pass: &str, at: SocketAddr) -> Running {
        let (ip, port, seen) = (at.ip().to_string(), at.port().to_string(), SEEN_PORT.to_string());
        let args = ["python2.7", "/testee.py", &ip, &port, &seen];
        let running = self.spawn(&format!("{pass}-server.log"), &args);
        eventually("the suite's server", Duration::from_secs(60), || {
            TcpStream::connect_timeout(&at, Duration::from_secs(1)).ok()
        });
        running
    }

    /// Lets the suite's client ask the server at this address, and reads its report.
    fn ask(&self, pass: &str, at: SocketAddr) -> Report {
        let long: Vec<String> = match self.everything {
            true => vec![],
            false => LONG_SIZES
                .iter()
                .flat_map(|size| [format!("12.*.{size}"), format!("13.*.{size}")])
                .collect(),
        };
        let spec = json!({
            "outdir": format!("/{pass}"),
            "servers": [{ "agent": pass, "url": format!("ws://{at}") }],
            "cases": ["*"], "exclude-cases": long, "exclude-agent-cases": {},
        });
        let report = self.root.join(pass).join("index.json");
        let _ = fs::remove_file(&report);
        fs::write(self.root.join(format!("{pass}.json")), spec.to_string()).expect("the spec");

        let begun = Instant::now();
        let spec = format!("/{pass}.json");
        let args = ["wstest", "--mode", "fuzzingclient", "--spec", &spec];
        let mut client = self.spawn(&format!("{pass}-client.log"), &args);
        let within = Duration::from_secs(if self.everything { 7200 } else { 900 });
        let status = eventually("the suite's client", within, || {
            client.0.try_wait().expect("wait for the client")
        });
        assert!(status.success(), "{pass}: {status}");
        println!("figure: autobahn: {pass}: took {} s", begun.elapsed().as_secs());
        let text = fs::read_to_string(&report).expect("a report");
        let mut agents: BTreeMap<String, Report> =
            serde_json::from_str(&text).expect("the form of a report");
        agents.remove(pass).expect("the report on our server")
    }
}

fn directly(suite: &Suite) -> Report {
    let at = SocketAddr::new(fresh_address().parse().expect("an address"), SEEN_PORT);
    let _server = suite.serve("direct", at);
    suite.ask("direct", at)
}

fn through_ringress(suite: &Suite, pass: &str, driver: Driver) -> Report {
    let ip = fresh_address();
    let _server = suite.serve(pass, SocketAddr::new(ip.parse().expect("an address"), BACKEND_PORT));
    let engine = FakeEngine::start();
    engine.set("websocket", SEED_LABELS, &[&ip]);
    let lb = Lb::start(driver, &engine, &[]);
    assert_eq!(lb.entry.port(), SEEN_PORT);
    // To what is no handshake the server answers with a page; before it is known, we with an error.
    eventually("a route to the server", engine::EFFECT, || {
        (lb.get("/", &[]).status == 200).then_some(())
    });
    suite.ask(pass, lb.entry)
}

/// What is not the same in both, one line for each case.
fn differing(direct: &Report, through: &Report) -> Vec<String> {
    let cases: BTreeSet<&String> = direct.keys().chain(through.keys()).collect();
    let differs = |case: &&&String| direct.get(**case) != through.get(**case);
    let lines = cases.iter().filter(differs).map(|case| {
        format!(
            "{case}: directly {:?}, through Ringress {:?}",
            direct.get(*case),
            through.get(*case)
        )
    });
    lines.collect()
}

#[test]
fn looks_the_same_through_ringress() {
    let suite = Suite::asked_for();
    // Ends the line that the test harness has begun, so that what follows can be picked out.
    println!();
    let (direct, through) = std::thread::scope(|scope| {
        let passes = [("io_uring", Driver::IoUring), ("epoll", Driver::Epoll)];
        let passes = passes.map(|(name, driver)| {
            let suite = &suite;
            (name, scope.spawn(move || through_ringress(suite, name, driver)))
        });
        let direct = directly(&suite);
        (direct, passes.map(|(name, pass)| (name, pass.join().expect("a pass through Ringress"))))
    });

    let expected = if suite.everything { CASES } else { CASES_WITHOUT_LONG };
    assert_eq!(direct.len(), expected, "cases that were run");
    // Two reports full of the same failure would be equal, too.
    let good = ["OK", "NON-STRICT", "INFORMATIONAL"];
    let bad: Report = direct
        .iter()
        .filter(|(_, outcome)| !good.contains(&outcome.behavior.as_str()))
        .map(|(case, outcome)| (case.clone(), outcome.clone()))
        .collect();
    assert!(bad.is_empty(), "the server itself fails: {bad:#?}");

    let mut found = Vec::new();
    for (name, report) in &through {
        let lines = differing(&direct, report);
        println!("figure: autobahn: {name}: cases {}, differing {}", report.len(), lines.len());
        found.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_difference_is_found() {
    let outcome = Outcome {
        behavior: "OK".to_owned(),
        behavior_close: "OK".to_owned(),
        remote_close_code: Some(1000),
    };
    let direct = Report::from([("1.1.1".to_owned(), outcome.clone())]);
    assert!(differing(&direct, &direct).is_empty());
    for changed in [
        Outcome { behavior: "FAILED".to_owned(), ..outcome.clone() },
        Outcome { behavior_close: "UNCLEAN".to_owned(), ..outcome.clone() },
        Outcome { remote_close_code: None, ..outcome },
    ] {
        let through = Report::from([("1.1.1".to_owned(), changed)]);
        assert_eq!(differing(&direct, &through).len(), 1);
    }
    assert_eq!(differing(&direct, &Report::new()).len(), 1);
    assert_eq!(differing(&Report::new(), &direct).len(), 1);
}
