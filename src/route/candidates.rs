//! Routers that may serve a request, found by what its path must begin with.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::matcher::{Subject, matches};
use crate::model::Rule;

/// So many routers are tried one after the other sooner than a hash is made.
const FEW: usize = 8;

/// A router, as far as it is not known to match already.
pub(super) struct Candidate {
    pub priority: i64,
    /// Place among all routers in the order of names: decides between equal priorities, so that
    /// two replicas with the same model never disagree.
    pub order: u32,
    /// What is left of the rule; `None` matches everything.
    pub rule: Option<Rule>,
    pub to: Destination,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Destination {
    /// Place of the router in the table.
    pub router: u32,
    /// Place of what it leads to.
    pub node: u32,
}

impl Candidate {
    /// Its place in the order in which routers are tried.
    fn rank(&self) -> (Reverse<i64>, u32) {
        (Reverse(self.priority), self.order)
    }
}

/// Routers of which the first that matches is wanted.
///
/// Those that need one of a list of beginnings of the path are found by one hash probe for each
/// length that such a beginning has, and there are few; the others are tried in turn. A router is
/// found in each place that it may match by, which changes nothing.
#[derive(Default)]
pub(super) struct Candidates {
    others: Vec<Candidate>,
    by_beginning: HashMap<Box<[u8]>, Vec<Candidate>, ahash::RandomState>,
    /// Of the beginnings, each once, ascending.
    lengths: Vec<usize>,
}

impl Candidates {
    pub fn new(list: Vec<Candidate>) -> Self {
        let mut found = Self::default();
        if list.len() <= FEW {
            found.others = list;
        } else {
            list.into_iter().for_each(|candidate| found.add(candidate));
        }
        found.others.sort_by_key(Candidate::rank);
        found.by_beginning.values_mut().for_each(|list| list.sort_by_key(Candidate::rank));
        found.lengths.sort_unstable();
        found.lengths.dedup();
        found
    }

    fn add(&mut self, candidate: Candidate) {
        let split = candidate.rule.as_ref().and_then(split_beginnings);
        let Some((beginnings, rest)) = split else { return self.others.push(candidate) };
        let Candidate { priority, order, to, .. } = candidate;
        for beginning in beginnings {
            self.lengths.push(beginning.len());
            let list = self.by_beginning.entry(beginning.as_bytes().into()).or_default();
            list.push(Candidate { priority, order, rule: rest.clone(), to });
        }
    }

    /// The first that matches, or `best` where that is tried before it.
    #[inline]
    pub fn better<'a>(
        &'a self,
        subject: &Subject<'_>,
        best: Option<&'a Candidate>,
    ) -> Option<&'a Candidate> {
        let mut best = first(&self.others, subject, best);
        for &length in &self.lengths {
            let Some(beginning) = subject.path.get(..length) else { break };
            if let Some(list) = self.by_beginning.get(beginning) {
                best = first(list, subject, best);
            }
        }
        best
    }
}

fn first<'a>(
    list: &'a [Candidate],
    subject: &Subject<'_>,
    best: Option<&'a Candidate>,
) -> Option<&'a Candidate> {
    list.iter()
        .take_while(|candidate| best.is_none_or(|best| candidate.rank() < best.rank()))
        .find(|candidate| candidate.rule.as_ref().is_none_or(|rule| matches(rule, subject)))
        .or(best)
}

/// Takes a rule apart into beginnings of which the path must have one, and the rest; `None` if it
/// also matches paths that it says nothing about.
fn split_beginnings(rule: &Rule) -> Option<(Vec<&str>, Option<Rule>)> {
    match rule {
        Rule::PathPrefix(prefix) => Some((vec![prefix], None)),
        Rule::Path(path) => Some((vec![path], Some(rule.clone()))),
        Rule::Any(parts) if !parts.is_empty() => {
            let split: Option<Vec<_>> = parts.iter().map(split_beginnings).collect();
            let beginnings = split?.into_iter().flat_map(|(beginnings, _)| beginnings).collect();
            // Which of the parts it was is looked at again.
            Some((beginnings, Some(rule.clone())))
        }
        Rule::All(parts) => {
            let (position, (beginnings, inner)) = parts
                .iter()
                .enumerate()
                .find_map(|(i, part)| split_beginnings(part).map(|split| (i, split)))?;
            let others = parts.iter().enumerate().filter(|&(i, _)| i != position);
            let rest = inner.into_iter().chain(others.map(|(_, part)| part.clone())).collect();
            Some((beginnings, Some(Rule::All(rest))))
        }
        _ => None,
    }
}
