//! The way from a router through groups to the service that answers.
//!
//! One step per group and no way back: whether somebody below can answer is looked up in the
//! group's list of services.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Ask;
use super::strategy::{highest, score};
use crate::table::{Failover, GroupEntry, GroupKind, Member, Mirror, Node, ServiceEntry, Table};

/// What the groups on the way want beside an answer.
#[derive(Default)]
pub struct Wishes {
    /// From the router to the service: the last one is the nearest.
    pub fallbacks: Vec<Fallback>,
    pub copies: Vec<Mirror>,
    /// The client waits to be told that its body is wanted.
    pub expects_continue: bool,
}

/// Answers that somebody else is to give.
pub struct Fallback {
    /// For [`super::Tried::give_up`].
    pub group: u64,
    statuses: Arc<[RangeInclusive<u16>]>,
    /// Bytes of the longest body that is kept for it.
    body: usize,
}

impl Wishes {
    /// The nearest fallback that is to answer instead of this.
    pub fn fallback(&self, status: u16) -> Option<&Fallback> {
        let wants = |range: &RangeInclusive<u16>| range.contains(&status);
        self.fallbacks.iter().rev().find(|fallback| fallback.statuses.iter().any(wants))
    }

    /// Bytes of the longest body that somebody wants to have whole.
    pub fn kept_body(&self) -> usize {
        let fallbacks = self.fallbacks.iter().map(|fallback| fallback.body);
        fallbacks.chain(self.copies.iter().filter_map(|copy| copy.body)).max().unwrap_or(0)
    }
}

/// The service that a node leads to. `set_cookie` gets the field lines with which the client is to
/// be kept on this way.
#[inline]
pub fn descend<'t, 'a, C>(
    table: &'t Table,
    mut node: u32,
    ask: &Ask<'_, C>,
    wishes: &mut Option<Box<Wishes>>,
    mut set_cookie: impl FnMut(&[u8]),
) -> Option<&'t ServiceEntry>
where
    C: Iterator<Item = &'a [u8]> + Clone,
{
    // It ends: the table has no circles.
    loop {
        let group = match table.node(node)? {
            Node::Service(service) => return Some(service),
            Node::Group(group) => group,
        };
        let walk = Walk { table, group, ask };
        node = match &group.kind {
            GroupKind::Weighted { .. } => walk.weighted(&mut set_cookie)?,
            GroupKind::HighestRandomWeight(members) => walk.by_hash(members)?,
            GroupKind::Mirroring { node, mirrors } => {
                walk.mirror(mirrors, wishes);
                (*node)?
            }
            GroupKind::Failover(failover) => walk.failover(failover, wishes)?,
        };
    }
}

/// A step of the way.
struct Walk<'t, 'a, C> {
    table: &'t Table,
    group: &'t GroupEntry,
    ask: &'a Ask<'a, C>,
}

impl<'b, C: Iterator<Item = &'b [u8]> + Clone> Walk<'_, '_, C> {
    fn can_answer(&self, node: u32) -> bool {
        self.table.is_any(node, |state| self.ask.prefers(state))
    }

    /// A repetition looks elsewhere, even if nobody has asked for health checks.
    fn may_take(&self, member: &Member) -> bool {
        let looks = self.group.passes_over || !self.ask.tried.is_empty();
        !looks || self.can_answer(member.node)
    }

    fn weighted(&self, set_cookie: &mut impl FnMut(&[u8])) -> Option<u32> {
        let GroupKind::Weighted { members, rotation, sticky } = &self.group.kind else {
            return None;
        };
        if let Some(sticky) = sticky
            && let Some(hit) = sticky.find_in(self.ask.cookies.clone())
            && let Some(member) = members.get(hit.index as usize)
            && self.may_take(member)
        {
            if hit.outdated {
                set_cookie(sticky.set_cookie(hit.index));
            }
            return Some(member.node);
        }
        let turn = self.group.state.cursor.fetch_add(1, Ordering::Relaxed);
        let length = rotation.len() as u64;
        let at = |step: u64| {
            let index = *rotation.get((turn.wrapping_add(step) % length) as usize)?;
            Some((index, members.get(index as usize)?))
        };
        // Who cannot answer says so better than nobody does.
        let mut others = (0..length).filter_map(at);
        let next = others.find(|(_, member)| self.may_take(member));
        let (index, member) = next.or_else(|| (0..length).find_map(at))?;
        if let Some(sticky) = sticky {
            set_cookie(sticky.set_cookie(index));
        }
        Some(member.node)
    }

    fn by_hash(&self, members: &[Member]) -> Option<u32> {
        let score =
            |member: &Member| (member.node, score(self.ask.peer, &member.name, member.weight));
        highest(members.iter().filter(|member| self.may_take(member)).map(score))
            .or_else(|| highest(members.iter().map(score)))
    }

    /// Each mirror gets its part of the requests, evenly spread, beginning with the first. A
    /// repetition is not another request.
    fn mirror(&self, mirrors: &[Mirror], wishes: &mut Option<Box<Wishes>>) {
        if mirrors.is_empty() || !self.ask.tried.is_empty() {
            return;
        }
        let before = self.group.state.cursor.fetch_add(1, Ordering::Relaxed);
        for mirror in mirrors {
            let copied = |of: u64| (of.wrapping_mul(mirror.percent.into())).div_ceil(100);
            if copied(before.wrapping_add(1)) > copied(before) {
                wishes.get_or_insert_default().copies.push(*mirror);
            }
        }
    }

    fn failover(&self, failover: &Failover, wishes: &mut Option<Box<Wishes>>) -> Option<u32> {
        let id = self.group.state.id;
        let main = failover.main.filter(|_| !self.ask.tried.has_given_up(id));
        let can_answer = |node: &u32| self.can_answer(*node);
        match (main.filter(can_answer), failover.fallback.filter(can_answer)) {
            (Some(main), Some(_)) if !failover.statuses.is_empty() => {
                wishes.get_or_insert_default().fallbacks.push(Fallback {
                    group: id,
                    statuses: Arc::clone(&failover.statuses),
                    body: failover.body,
                });
                Some(main)
            }
            (Some(answers), _) | (None, Some(answers)) => Some(answers),
            // Who has just refused a connection is better than nobody.
            (None, None) => main.or(failover.fallback),
        }
    }
}
