//! Workloads that have not changed need not be understood again.
//!
//! A swarm of thousands of services is listed anew for every change of one of them.

use std::collections::{BTreeSet, HashMap};

use crate::discovery::check::Voice;
use crate::discovery::workload::Workload;
use crate::model::{Complaint, Dialect};

use super::World;
use super::v2::{self, Claims};

/// What was found in the workloads of one provider, by name and first instance.
#[derive(Debug, Default)]
pub struct Memory {
    own_networks: BTreeSet<String>,
    known: Known,
}

type Known = HashMap<(String, Option<String>), Remembered, ahash::RandomState>;

#[derive(Debug)]
struct Remembered {
    workload: Workload,
    dialect: Dialect,
    claims: Claims,
    complaints: Vec<Complaint>,
}

/// One model in the making: what it does not ask for is forgotten.
pub(super) struct Remembering<'a> {
    memory: &'a mut Memory,
    before: Known,
}

impl Memory {
    pub(super) fn of(&mut self, own_networks: &BTreeSet<String>) -> Remembering<'_> {
        let mut before = std::mem::take(&mut self.known);
        if self.own_networks != *own_networks {
            // They decide at which addresses instances are reached.
            before.clear();
            self.own_networks.clone_from(own_networks);
        }
        Remembering { memory: self, before }
    }
}

impl Remembering<'_> {
    pub fn claims(
        &mut self,
        world: &World,
        workload: &Workload,
        dialect: Dialect,
        voice: &mut Voice,
    ) -> Claims {
        let first = workload.instances.first().map(|instance| instance.name.clone());
        let key = (workload.name.clone(), first);
        let known = self.before.remove(&key);
        let known = known.filter(|known| known.dialect == dialect && known.workload == *workload);
        let known = known.unwrap_or_else(|| {
            let mut complaints = Vec::new();
            let mut voice = Voice { subject: voice.subject, complaints: &mut complaints };
            let claims = v2::claims(world, workload, dialect, &mut voice);
            Remembered { workload: workload.clone(), dialect, claims, complaints }
        });
        voice.complaints.extend(known.complaints.iter().cloned());
        let claims = known.claims.clone();
        self.memory.known.insert(key, known);
        claims
    }
}
