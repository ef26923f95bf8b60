//! A swarm of three managers that does what it likes, with steady load on Ringress meanwhile.
//!
//! With the driver `traefik` the load balancer is Traefik, in the same scenarios, for its figures
//! alone. Run by `tests/run cluster`, which brings up the engines and enters their network. Each
//! scenario prints what it came to; what must not happen is collected and fails the test at its
//! end, so that one run shows everything.

#[path = "../blackbox/client.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod client;

mod bed;
mod load;
mod loss;
mod reports;
mod sticky;
mod updates;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bed::{Stack, TRAEFIK, nodes};
use load::{Load, Outcome};
use reports::{Reports, repeated_posts};

/// One request in so many may fail before the test does.
const TOLERATED: usize = 5_000;

/// Everything as often and as long as the figures ask for, not just once for each driver.
pub fn at_length<T>(long: T, short: T) -> T {
    if std::env::var_os("RINGRESS_CLUSTER_FULL").is_some() { long } else { short }
}

/// The stack under test, and what was found.
pub struct Trial {
    pub driver: String,
    pub stack: Stack,
    pub reports: Reports,
    pub problems: Vec<String>,
}

impl Trial {
    pub fn figure(&self, text: impl std::fmt::Display) {
        println!("figure: {}: {text}", self.driver);
    }

    pub fn entries() -> Vec<SocketAddr> {
        nodes().map(bed::Node::entry).collect()
    }

    /// Steady clients of all replicas, once they have begun.
    pub fn load(&self) -> Load {
        let load = Load::start(&Self::entries());
        std::thread::sleep(Duration::from_millis(700));
        load
    }

    /// Says what became of a scenario's requests: those that failed although `counts`, and POSTs
    /// that arrived twice, are problems.
    pub fn judge(
        &mut self,
        what: &str,
        begun: Instant,
        outcomes: &[Outcome],
        counts: impl Fn(&Outcome) -> bool,
    ) {
        let failed: Vec<&Outcome> = outcomes.iter().filter(|o| o.backend.is_err()).collect();
        let (bad, excused): (Vec<&Outcome>, Vec<&Outcome>) =
            failed.into_iter().partition(|outcome| counts(outcome));
        let repeated = repeated_posts(&self.reports.since(begun));
        let mut took: Vec<Duration> = outcomes.iter().map(|outcome| outcome.took).collect();
        took.sort_unstable();
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_millis();
        self.figure(format_args!(
            "{what}: {} sent, {} failed{}, {repeated} POSTs repeated; p50 {} ms, p99 {} ms, \
             slowest {} ms",
            outcomes.len(),
            bad.len(),
            match excused.len() {
                0 => String::new(),
                count => format!(" and {count} that could not be saved"),
            },
            at(0.5),
            at(0.99),
            at(1.0)
        ));
        for outcome in &excused {
            println!("{outcome:?}");
        }
        if !bad.is_empty() {
            let some: Vec<_> = bad.iter().take(20).collect();
            println!("{some:#?} (the scenario began {} ms ago)", begun.elapsed().as_millis());
        }
        // What races with the end of a process on a busy machine is printed; more is a fault.
        if bad.len() > outcomes.len() / TOLERATED + 1 {
            let some = &bad[..bad.len().min(5)];
            self.problems.push(format!("{what}: {} failed: {some:?}", bad.len()));
        }
        if repeated > 0 {
            self.problems.push(format!("{what}: {repeated} POSTs arrived twice"));
        }
        if outcomes.len() < 100 {
            self.problems.push(format!("{what}: the load was no load: {}", outcomes.len()));
        }
    }
}

type Scenario = fn(&mut Trial);

/// In this order: the last one costs a node. RINGRESS_CLUSTER_ONLY names some of them.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("sticky", sticky::nobody_moves),
    ("updates", updates::rolling),
    ("scaling", updates::scaling),
    ("ringress", updates::of_ringress),
    ("kill", loss::killed_task),
    ("drain", loss::drained_node),
    ("cut", loss::cut_node),
    ("engine", loss::stopped_engine),
    ("leader", loss::killed_leader),
];

#[test]
fn a_swarm_can_do_what_it_likes() {
    let driver = std::env::var("RINGRESS_TEST_DRIVER");
    let driver = driver.expect("run by `tests/run cluster`, which brings up the engines");
    // Ends the line that the test harness has begun, so that what follows can be picked out.
    println!();
    let reports = Reports::collect();
    let begun = Instant::now();
    let stack = Stack::deploy(&driver, 4);
    let mut trial = Trial { driver, stack, reports, problems: Vec::new() };
    bed::eventually("four backends by each replica", Duration::from_secs(60), || {
        nodes().all(|node| sticky::backends(node).len() == 4).then_some(())
    });
    trial.figure(format_args!("three replicas serve after {} ms", begun.elapsed().as_millis()));
    for node in nodes().filter(|_| trial.driver != TRAEFIK) {
        let shown = node.document().to_string();
        assert!(shown.contains(&trial.driver), "{node:?} runs on another driver: {shown}");
    }

    let only = std::env::var("RINGRESS_CLUSTER_ONLY").unwrap_or_default();
    for (name, scenario) in SCENARIOS {
        if only.is_empty() || only.split(',').any(|wanted| wanted == *name) {
            scenario(&mut trial);
        } else {
            trial.figure(format_args!("{name}: not in this run"));
        }
    }

    let Trial { stack, problems, driver, .. } = trial;
    drop(stack);
    // What a peer loses is a figure.
    assert!(driver == TRAEFIK || problems.is_empty(), "{}", problems.join("\n"));
}
