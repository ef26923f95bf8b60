//! What operators do on purpose: rolling updates, scaling, an update of Ringress itself.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::bed::{APP, LB, NODES, eventually, nodes};
use crate::load::Outcome;
use crate::reports::{self, Report};
use crate::sticky::backends;
use crate::{Trial, at_length};

/// Updates in every way: stop-first and start-first, one and two at a time, backends that finish
/// what they have, and at last some that end at once.
pub fn rolling(trial: &mut Trial) {
    for is_abrupt in [false, true] {
        let what = if is_abrupt { "end at once" } else { "finish their work" };
        let args = format!("echo --report {}{}", reports::ADDRESS, abrupt(is_abrupt));
        // The tasks of the first update still end in the way of those before.
        trial.stack.update(APP, &["--args", &args]);
        let begun = Instant::now();
        let load = trial.load();
        let updates = if is_abrupt { at_length(5, 2) } else { at_length(15, 4) };
        for update in 0..updates {
            let order = ["stop-first", "start-first"][update % 2];
            let parallelism = ["1", "2"][update / 2 % 2];
            let options = ["--update-order", order, "--update-parallelism", parallelism];
            trial.stack.update(APP, &options);
        }
        std::thread::sleep(Duration::from_secs(1));
        let outcomes = load.finish();
        let what = format!("{updates} rolling updates of backends that {what}");
        // Whoever was being served by a backend that dies cannot be saved, unless it is a GET
        // that nobody answers: then another backend does.
        trial.judge(&what, begun, &outcomes, |_| !is_abrupt);
        let reports = trial.reports.since(begun);
        if is_abrupt {
            in_flight_only(trial, &outcomes, &reports);
        }
    }
    let args = format!("echo --report {}", reports::ADDRESS);
    trial.stack.update(APP, &["--args", &args]);
}

fn abrupt(is_abrupt: bool) -> &'static str {
    if is_abrupt { " --abrupt" } else { "" }
}

/// What failed had arrived at a backend that then died with it.
fn in_flight_only(trial: &mut Trial, outcomes: &[Outcome], reports: &[Report]) {
    let got: BTreeSet<&str> = reports.iter().map(|report| report.id.as_str()).collect();
    let failed = outcomes.iter().filter(|outcome| outcome.backend.is_err());
    let never: Vec<&Outcome> =
        failed.filter(|o| !got.contains(o.id.to_string().as_str())).collect();
    trial.figure(format_args!("… of those that failed, no backend had got {}", never.len()));
    if !never.is_empty() {
        trial.problems.push(format!("failed without need: {:#?}", &never[..never.len().min(5)]));
    }
}

/// Two to ten and back; how long it takes until new backends serve and old ones rest.
pub fn scaling(trial: &mut Trial) {
    trial.stack.scale(2);
    trial.stack.await_running(APP, 2);
    let (mut first_answers, mut last_answers) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let load = trial.load();
    let scalings = at_length(5, 2);
    for _ in 0..scalings {
        let before: BTreeSet<String> = nodes().flat_map(backends).collect();
        let up = Instant::now();
        trial.stack.scale(10);
        eventually("ten backends by each replica", Duration::from_secs(60), || {
            nodes().all(|node| backends(node).len() == 10).then_some(())
        });
        let reports = trial.reports.since(up);
        let new = reports.iter().find(|report| !before.contains(&report.backend));
        first_answers.push(new.expect("a new backend").at - up);

        let down = Instant::now();
        trial.stack.scale(2);
        let left = eventually("two backends by each replica", Duration::from_secs(60), || {
            let left: BTreeSet<String> = nodes().flat_map(backends).collect();
            (left.len() == 2).then_some(left)
        });
        trial.stack.await_running(APP, 2);
        std::thread::sleep(Duration::from_secs(1));
        let mut lasts: HashMap<String, Instant> = HashMap::new();
        for report in trial.reports.since(down) {
            if !left.contains(&report.backend) {
                lasts.insert(report.backend, report.at);
            }
        }
        last_answers.extend(lasts.values().map(|last| *last - down));
    }
    let outcomes = load.finish();
    trial.judge(&format!("2 to 10 and back, {scalings} times"), begun, &outcomes, |_| true);
    let quantiles = |mut times: Vec<Duration>| {
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize].as_millis();
        format!("p50 {} ms, p99 {} ms of {}", at(0.5), at(0.99), times.len())
    };
    trial.figure(format_args!(
        "scale to a new backend's first request: {}",
        quantiles(first_answers)
    ));
    trial.figure(format_args!(
        "scale to an old backend's last request: {}",
        quantiles(last_answers)
    ));
    trial.stack.scale(4);
    trial.stack.await_running(APP, 4);
}

/// One replica after the other goes and comes back; its clients know the other addresses.
pub fn of_ringress(trial: &mut Trial) {
    let begun = Instant::now();
    let load = trial.load();
    trial.stack.update(LB, &["--update-delay", "1s"]);
    trial.stack.await_running(LB, NODES);
    eventually("each replica serves", Duration::from_secs(60), || {
        nodes().all(|node| backends(node).len() == 4).then_some(())
    });
    let outcomes = load.finish();
    trial.judge("an update of Ringress itself", begun, &outcomes, |_| true);
}
