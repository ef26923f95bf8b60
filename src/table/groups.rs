//! Groups as workers see them: members are indices into the table, circles are gone.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::compile::indices;
use super::cookies::CookieTable;
use super::rotation;
use super::state::{Places, ServiceState};
use crate::limits::{GROUP_DEPTH, KEPT_BODY_BYTES};
use crate::model::{self, Group, Model};

/// A group as a worker sees it. Nodes are what [`super::Table::node`] takes.
pub struct GroupEntry {
    pub kind: GroupKind,
    /// Services of which one may answer in the end; those of mirrors are not among them.
    pub leaves: Box<[u32]>,
    /// New clients do not go to members that cannot answer.
    pub passes_over: bool,
    pub state: Arc<ServiceState>,
}

/// How a group's answer comes about. Members that do not exist, or do not work, are left out.
pub enum GroupKind {
    Weighted { members: Box<[Member]>, rotation: Box<[u32]>, sticky: Option<CookieTable> },
    HighestRandomWeight(Box<[Member]>),
    Mirroring { node: Option<u32>, mirrors: Box<[Mirror]> },
    Failover(Failover),
}

/// A part of a weighted group.
pub struct Member {
    pub node: u32,
    /// Goes into hashes.
    pub name: Box<str>,
    /// Never 0.
    pub weight: u32,
}

/// Who gets copies.
#[derive(Debug, Clone, Copy)]
pub struct Mirror {
    pub node: u32,
    /// Of a hundred requests so many.
    pub percent: u8,
    /// Bytes of the longest body that a copied request may have; `None` for copies without body.
    pub body: Option<usize>,
}

/// Who answers in whose place.
pub struct Failover {
    pub main: Option<u32>,
    pub fallback: Option<u32>,
    /// Answers of the main service that the client does not get; may be empty.
    pub statuses: Arc<[RangeInclusive<u16>]>,
    /// Bytes of the longest body that is kept for the fallback.
    pub body: usize,
}

/// Compiles the groups, in the order of their names. State of those that were there `before` is
/// kept by name.
///
/// From the services upwards, layer by layer: what is left behind the last layer leads in a circle,
/// or too deep, and answers nobody. So a walk from any group to a service is short.
pub(super) fn compile(
    model: &Model,
    before: HashMap<&str, &GroupEntry>,
    places: &mut Places,
) -> Arc<[GroupEntry]> {
    let work = Work { model, indices: indices(model) };
    let first = model.services.len();
    let groups: Vec<&Group> = model.groups.values().map(|group| &**group).collect();
    let mut leaves: Vec<Option<BTreeSet<u32>>> = vec![None; groups.len()];
    for _ in 0..GROUP_DEPTH {
        let layer: Vec<_> = groups
            .iter()
            .zip(&leaves)
            .map(|(group, known)| match known {
                None => work.leaves(group, |node| match (node as usize).checked_sub(first) {
                    None => Some(BTreeSet::from([node])),
                    Some(group) => leaves[group].clone(),
                }),
                Some(_) => None,
            })
            .collect();
        for (known, found) in leaves.iter_mut().zip(layer) {
            *known = known.take().or(found);
        }
    }
    let compiled = groups.iter().zip(leaves).map(|(group, leaves)| {
        let state = before.get(group.name.as_str()).map(|entry| Arc::clone(&entry.state));
        GroupEntry {
            kind: work.kind(group, leaves.is_some()),
            leaves: leaves.unwrap_or_default().into_iter().collect(),
            passes_over: group.health_check,
            state: state.unwrap_or_else(|| places.begin(&group.name)),
        }
    });
    compiled.collect()
}

struct Work<'m> {
    model: &'m Model,
    indices: HashMap<&'m str, u32, ahash::RandomState>,
}

impl Work<'_> {
    /// The node of this name, if it is there and works.
    fn node(&self, name: &str) -> Option<u32> {
        let service = self.model.services.get(name).map(|service| &service.disabled);
        let disabled = service.or(self.model.groups.get(name).map(|group| &group.disabled))?;
        disabled.is_none().then(|| self.indices.get(name).copied())?
    }

    /// The services below a group; `None` as long as those of one of its members are not known.
    fn leaves(
        &self,
        group: &Group,
        of: impl Fn(u32) -> Option<BTreeSet<u32>>,
    ) -> Option<BTreeSet<u32>> {
        let mut leaves = BTreeSet::new();
        for name in group.below() {
            // A mirror must be known as well: it could lead back here.
            let Some(node) = self.node(name) else { continue };
            let found = of(node)?;
            let is_mirror = matches!(&group.kind,
                model::GroupKind::Mirroring { service, .. } if service != name);
            if !is_mirror {
                leaves.extend(found);
            }
        }
        Some(leaves)
    }

    /// `works` is false for a group that leads in a circle: it gets no members.
    fn kind(&self, group: &Group, works: bool) -> GroupKind {
        let node = |name: &str| self.node(name).filter(|_| works);
        let members = |members: &[model::Member]| -> Box<[Member]> {
            let member = |member: &model::Member| {
                let node = node(&member.service).filter(|_| member.weight > 0)?;
                let name = short_name(&member.service, group).into();
                Some(Member { node, name, weight: member.weight })
            };
            members.iter().filter_map(member).collect()
        };
        match &group.kind {
            model::GroupKind::Weighted { members: wanted, sticky } => {
                let members = members(wanted);
                let weights: Vec<u32> = members.iter().map(|member| member.weight).collect();
                let sticky = sticky.as_ref().map(|sticky| {
                    let provider = &group.provider;
                    let full = |member: &Member| match member.name.contains('@') {
                        true => member.name.to_string(),
                        false => format!("{}@{provider}", member.name),
                    };
                    let full: Vec<String> = members.iter().map(full).collect();
                    let names = members.iter().zip(&full);
                    CookieTable::of_members(sticky, names.map(|(m, full)| [&*m.name, full]))
                });
                GroupKind::Weighted { rotation: rotation::round(&weights).into(), members, sticky }
            }
            model::GroupKind::HighestRandomWeight { members: wanted } => {
                GroupKind::HighestRandomWeight(members(wanted))
            }
            model::GroupKind::Mirroring { service, mirrors, mirror_body, max_body_size } => {
                let body = mirror_body.then(|| kept(*max_body_size));
                let mirror = |mirror: &model::Mirror| {
                    Some(Mirror { node: node(&mirror.service)?, percent: mirror.percent, body })
                };
                let mirrors = mirrors.iter().filter_map(mirror).collect();
                GroupKind::Mirroring { node: node(service), mirrors }
            }
            model::GroupKind::Failover { service, fallback, statuses, max_request_body } => {
                GroupKind::Failover(Failover {
                    main: node(service),
                    fallback: node(fallback),
                    statuses: statuses.as_slice().into(),
                    body: kept(*max_request_body),
                })
            }
        }
    }
}

/// A member's name as it is mostly written in a group: without the provider that both have. It is
/// what Traefik hashes.
fn short_name<'n>(name: &'n str, group: &Group) -> &'n str {
    let own = name.strip_suffix(group.provider.as_str()).and_then(|name| name.strip_suffix('@'));
    own.unwrap_or(name)
}

/// Bytes of a body that are kept. What the user leaves open has a bound all the same.
fn kept(wanted: i64) -> usize {
    usize::try_from(wanted).unwrap_or(KEPT_BODY_BYTES)
}
