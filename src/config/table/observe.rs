//! Options about what is told of the traffic.

use super::super::draft::Draft;
use super::super::options::Effect::{List, Switch, Text};
use super::super::options::Family::{First, Later, Shared};
use super::super::options::Row;
use super::super::value::{self, Wrong};
use super::{control_only, row};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("metrics.prometheus", Shared, Switch(|d, _, on| d.control.metrics.set(on)), "GET /metrics on :8080"),
    row("metrics.prometheus.entryPoint", Shared, Text(|d, _, v| { d.control.metrics.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("metrics.prometheus.buckets", Shared, List(|d, _, v| { d.control.metrics.touch(); buckets(d, v) }), "seconds up to which durations are told apart (0.1,0.3,1.2,5)"),
    row("metrics.prometheus.addEntryPointsLabels", Later, Switch(|d, _, on| { d.control.metrics.touch(); d.metrics.entry_points = Some(on); }), "metrics of entry points (true)"),
    row("metrics.prometheus.addRoutersLabels", Later, Switch(|d, _, on| { d.control.metrics.touch(); d.metrics.routers = Some(on); }), "metrics of routers (false)"),
    row("metrics.prometheus.addServicesLabels", Later, Switch(|d, _, on| { d.control.metrics.touch(); d.metrics.services = Some(on); }), "metrics of services (true)"),
    row("web.metrics.prometheus", First, Switch(|d, _, on| { d.control.web.touch(); d.control.web_metrics = on; }), "metrics beside --web"),
    row("web.metrics.prometheus.buckets", First, List(|d, _, v| { d.control.web.touch(); d.control.web_metrics = true; buckets(d, v) }), "the same as --metrics.prometheus.buckets"),
];

fn buckets(draft: &mut Draft, numbers: Vec<String>) -> Result<(), Wrong> {
    for text in numbers {
        let seconds = value::number(&text)?;
        let is_greater = draft.metrics.buckets.last().is_none_or(|last| *last < seconds);
        if seconds <= 0.0 || !is_greater {
            let problem = "is no list of seconds, each greater than the one before it";
            return Err(Wrong::new(problem, "use a list such as 0.1,0.3,1.2,5"));
        }
        draft.metrics.buckets.push(seconds);
    }
    Ok(())
}
