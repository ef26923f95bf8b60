//! What the process says at its start, and where what it says goes.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};

use crate::config::{Log, Static};
use crate::control::Control;
use crate::model::{Complaint, Severity};
use crate::observe::access;
use crate::worker::ladder::Standing;

pub(super) fn init_log(log: &Log) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(log.level)
        .with_target(false)
        .with_ansi(io::stdout().is_terminal());
    // Fails only when there is a subscriber already, and then that one shall have it.
    let _ = if log.json { builder.json().try_init() } else { builder.try_init() };
}

/// What is to be said of the options.
pub(super) fn log_options(config: &Static) {
    log_complaints(&config.complaints, &HashSet::new());
    if !config.pointless.is_empty() {
        tracing::debug!("taken without effect: {}", config.pointless.join(", "));
    }
}

/// Logs complaints that were not known before.
pub(super) fn log_complaints(complaints: &[Complaint], known: &HashSet<Complaint>) {
    for complaint in complaints.iter().filter(|c| !known.contains(c)) {
        match complaint.severity {
            Severity::Error => tracing::error!("{complaint}"),
            Severity::Warning => tracing::warn!("{complaint}"),
        }
    }
}

pub(super) fn log_driver(standing: &Standing) {
    let rung = standing.rung.name();
    match (&standing.reason, standing.remedy) {
        (None, _) => tracing::info!("driver: {rung}"),
        (Some(reason), None) => tracing::info!("driver: {rung}; {reason}"),
        (Some(reason), Some(remedy)) => {
            tracing::info!("driver: {rung}; {reason}; for a faster one {remedy}");
        }
    }
}

pub(super) fn log_listeners(config: &Static, control: Option<&Control>) {
    for entry_point in &config.entry_points {
        tracing::info!("entry point {} listens on {}", entry_point.name, entry_point.address);
    }
    if let Some(control) = control {
        tracing::info!("API and dashboard on http://{}/dashboard/", control.address());
    }
}

pub(super) fn open_access_log(
    config: &Static,
    workers: usize,
) -> io::Result<(Vec<access::Log>, Option<access::Writer>)> {
    let Some(settings) = config.log.access.clone() else { return Ok((Vec::new(), None)) };
    let (logs, writer) = access::open(settings, workers)?;
    Ok((logs, Some(writer)))
}
