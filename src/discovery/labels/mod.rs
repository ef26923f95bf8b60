//! Labels to model: what the workloads of one provider ask for, checked.
//!
//! Each workload speaks its own dialect, found by its own labels. A bad label costs its own
//! router or service, never a neighbour, and says so: every rejection is a complaint in the model.

mod catch;
mod constraints;
mod memory;
mod names;
pub mod network;
mod raw;
mod servers;
mod template;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::collections::BTreeSet;

use crate::config::value;
use crate::config::{Docker, Static};
use crate::model::{Complaint, Dialect, Model, Severity};

use super::check::{self, Given, Origin, Voice};
use super::workload::Workload;
use catch::Catch;
use constraints::Constraints;

pub use memory::Memory;
pub use names::normalize;

/// The model of one provider's workloads.
///
/// `own_networks` are the full names of the networks that our own container is attached to; empty
/// when we do not run in one. The order of the workloads does not count. `memory` is of the same
/// provider's earlier models: what has not changed since is taken from there.
pub fn build(
    workloads: &[Workload],
    settings: &Docker,
    statics: &Static,
    own_networks: &BTreeSet<String>,
    memory: &mut Memory,
) -> Model {
    let mut sorted: Vec<&Workload> = workloads.iter().collect();
    let first = |workload: &Workload| workload.instances.first().map(|i| i.name.clone());
    sorted.sort_by_cached_key(|workload| (workload.name.clone(), first(workload)));
    let mut world = World { settings, statics, own_networks, catch: Catch::default() };
    let mut complaints: Vec<Complaint> = Vec::new();
    let constraints = match Constraints::read(settings.dialect, &settings.constraints) {
        Ok(constraints) => constraints,
        Err((text, wrong)) => {
            // Nobody knows what it was meant to exclude.
            let mut voice = Voice { subject: &settings.name, complaints: &mut complaints };
            let given = Given { label: "constraints".to_owned(), value: text };
            voice.reject(&given, wrong, "nothing of this provider is served");
            return world.catch.into_model(complaints);
        }
    };
    let mut remembering = memory.of(own_networks);
    for workload in sorted.into_iter().filter(|workload| constraints.hold(&workload.labels)) {
        let mut voice = Voice { subject: &workload.name, complaints: &mut complaints };
        if let Some(label) = &workload.misplaced {
            let given = Given { label: label.clone(), value: String::new() };
            let problem = "is a label of the containers, where no load balancer of a swarm looks";
            let remedy = "in the stack file, put labels below deploy";
            voice.say_of(Severity::Warning, &given, problem, remedy);
        }
        if !enabled(workload, settings, &mut voice) {
            continue;
        }
        match dialect(workload, settings, &mut voice) {
            Dialect::V1 => v1::build(&mut world, workload, &mut voice),
            later => {
                let claims = remembering.claims(&world, workload, later, &mut voice);
                world.catch.keep(&workload.name, claims);
            }
        }
    }
    world.catch.into_model(complaints)
}

/// What every check may look at, and what has been found so far.
struct World<'a> {
    settings: &'a Docker,
    statics: &'a Static,
    own_networks: &'a BTreeSet<String>,
    catch: Catch,
}

impl<'a> World<'a> {
    fn origin(&self, dialect: Dialect) -> Origin<'a> {
        Origin { provider: &self.settings.name, dialect, statics: self.statics }
    }
}

/// A swarm service without a port label is no backend; that deserves a word only when other
/// labels show that it was meant to be one.
fn port_missing(workload: &Workload, label: &str, voice: &mut Voice) {
    if workload.labels.keys().any(|label| check::below_traefik(label).is_some()) {
        let problem = "has labels but no port, so it is not a backend";
        voice.say(Severity::Warning, problem, format!("add the label {label}"));
    }
}

fn enabled(workload: &Workload, settings: &Docker, voice: &mut Voice) -> bool {
    let label =
        workload.labels.iter().find(|(label, _)| label.eq_ignore_ascii_case("traefik.enable"));
    let Some((label, text)) = label else {
        return settings.exposed_by_default;
    };
    match value::switch(text) {
        Ok(enabled) => enabled,
        Err(wrong) => {
            let given = Given { label: label.clone(), value: text.clone() };
            let default = settings.exposed_by_default;
            voice.reject(&given, wrong, &format!("the default {default} holds"));
            default
        }
    }
}

/// The family that the workload's labels are written in; the provider's where they do not tell.
fn dialect(workload: &Workload, settings: &Docker, voice: &mut Voice) -> Dialect {
    let later = match settings.dialect {
        Dialect::V1 => Dialect::V3,
        later => later,
    };
    let has = |family: fn(&str) -> bool| workload.labels.keys().any(|label| family(label));
    match (has(check::is_first), has(check::is_later)) {
        (true, false) => Dialect::V1,
        (false, true) => later,
        (false, false) => settings.dialect,
        (true, true) => {
            // Written so that either Traefik could serve it: the options say which one we are.
            let other =
                if settings.dialect == Dialect::V1 { "Traefik 2 and 3" } else { "Traefik 1" };
            let problem = format!("has labels of both families; those of {other} are ignored");
            voice.say(Severity::Warning, problem, "remove one family");
            settings.dialect
        }
    }
}
