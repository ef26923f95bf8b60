//! Rules compiled for one entry point: a hash probe for the host, then candidates by priority.

use std::collections::HashMap;

use crate::model::Rule;

/// What a rule looks at. Names and values borrow from the connection's own buffer.
pub struct Subject<'a> {
    /// Lower case, without port and trailing dot.
    pub host: &'a [u8],
    /// Normalised: the form that is also forwarded.
    pub path: &'a [u8],
    pub method: &'a [u8],
    pub headers: &'a [httparse::Header<'a>],
}

/// The routers of one entry point, in the order in which they are tried.
///
/// Routers that need one of a list of hosts are found by one hash probe; only the others are
/// looked at for every request. Both lists are sorted and merged while matching.
#[derive(Default)]
pub struct Routes {
    by_host: HashMap<Box<[u8]>, Vec<Candidate>, ahash::RandomState>,
    any_host: Vec<Candidate>,
}

struct Candidate {
    priority: i64,
    /// Place among all routers in the order of names: decides between equal priorities, so that
    /// two replicas with the same model never disagree.
    order: u32,
    /// What is left of the rule once the host is known to match.
    rule: Option<Rule>,
    service: u32,
}

impl Candidate {
    /// Whether `self` is tried before `other`.
    fn precedes(&self, other: &Self) -> bool {
        (other.priority, self.order) < (self.priority, other.order)
    }
}

impl Routes {
    /// Compiles rules with their priority and service, given in the order of router names.
    pub fn compile<'m>(routers: impl Iterator<Item = (&'m Rule, i64, u32)>) -> Self {
        let mut routes = Self::default();
        for (order, (rule, priority, service)) in (0..).zip(routers) {
            match split_hosts(rule) {
                Some((hosts, rest)) => {
                    for host in hosts {
                        let list = routes.by_host.entry(host.as_bytes().into()).or_default();
                        // Host(a) || Host(a) would otherwise be listed, and tried, twice.
                        if list.last().is_none_or(|last| last.order != order) {
                            list.push(Candidate { priority, order, rule: rest.clone(), service });
                        }
                    }
                }
                None => {
                    let rule = Some(rule.clone());
                    routes.any_host.push(Candidate { priority, order, rule, service });
                }
            }
        }
        let sort = |list: &mut Vec<Candidate>| {
            list.sort_by_key(|c| (std::cmp::Reverse(c.priority), c.order));
        };
        routes.by_host.values_mut().for_each(sort);
        sort(&mut routes.any_host);
        routes
    }

    /// The service of the first router that matches.
    #[inline]
    pub fn find(&self, subject: &Subject<'_>) -> Option<u32> {
        let mut named: &[Candidate] = if self.by_host.is_empty() {
            &[]
        } else {
            self.by_host.get(subject.host).map_or(&[], |l| l)
        };
        let mut general: &[Candidate] = &self.any_host;
        loop {
            let candidate = match (named, general) {
                ([first, rest @ ..], [other, ..]) if first.precedes(other) => {
                    named = rest;
                    first
                }
                (_, [first, rest @ ..]) => {
                    general = rest;
                    first
                }
                ([first, rest @ ..], []) => {
                    named = rest;
                    first
                }
                ([], []) => return None,
            };
            if candidate.rule.as_ref().is_none_or(|rule| matches(rule, subject)) {
                return Some(candidate.service);
            }
        }
    }
}

/// Takes a rule apart into hosts of which one must match, and the rest; `None` if it also matches
/// hosts that it does not name.
fn split_hosts(rule: &Rule) -> Option<(Vec<&str>, Option<Rule>)> {
    match rule {
        Rule::Host(host) => Some((vec![host], None)),
        Rule::Any(parts) if !parts.is_empty() => {
            let hosts: Option<Vec<&str>> = parts
                .iter()
                .map(|part| if let Rule::Host(host) = part { Some(host.as_str()) } else { None })
                .collect();
            hosts.map(|hosts| (hosts, None))
        }
        Rule::All(parts) => {
            let (position, (hosts, inner)) = parts
                .iter()
                .enumerate()
                .find_map(|(i, part)| split_hosts(part).map(|split| (i, split)))?;
            let mut rest: Vec<Rule> = inner.into_iter().collect();
            rest.extend(
                parts.iter().enumerate().filter(|&(i, _)| i != position).map(|(_, p)| p.clone()),
            );
            let rest = match rest.len() {
                0 => None,
                1 => rest.pop(),
                _ => Some(Rule::All(rest)),
            };
            Some((hosts, rest))
        }
        _ => None,
    }
}

fn matches(rule: &Rule, subject: &Subject<'_>) -> bool {
    match rule {
        Rule::All(parts) => parts.iter().all(|part| matches(part, subject)),
        Rule::Any(parts) => parts.iter().any(|part| matches(part, subject)),
        Rule::Not(part) => !matches(part, subject),
        Rule::Host(host) => subject.host == host.as_bytes(),
        Rule::Path(path) => subject.path == path.as_bytes(),
        Rule::PathPrefix(prefix) => subject.path.starts_with(prefix.as_bytes()),
        Rule::Method(method) => subject.method == method.as_bytes(),
        Rule::Header(name, value) => subject
            .headers
            .iter()
            .any(|h| h.name.eq_ignore_ascii_case(name) && h.value == value.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(name: &str) -> Rule {
        Rule::Host(name.into())
    }

    fn prefix(path: &str) -> Rule {
        Rule::PathPrefix(path.into())
    }

    fn find(rules: &[(Rule, i64)], host: &str, path: &str) -> Option<u32> {
        let routes =
            Routes::compile((0..).zip(rules).map(|(i, (rule, priority))| (rule, *priority, i)));
        routes.find(&Subject {
            host: host.as_bytes(),
            path: path.as_bytes(),
            method: b"GET",
            headers: &[],
        })
    }

    #[test]
    fn the_greatest_priority_wins_between_named_and_general() {
        let rules =
            [(prefix("/"), 1), (host("a.b"), 5), (Rule::All(vec![host("a.b"), prefix("/x")]), 9)];
        assert_eq!(find(&rules, "a.b", "/x/y"), Some(2));
        assert_eq!(find(&rules, "a.b", "/"), Some(1));
        assert_eq!(find(&rules, "c.d", "/x"), Some(0));
        let rules = [(prefix("/"), 9), (host("a.b"), 5)];
        assert_eq!(find(&rules, "a.b", "/"), Some(0), "a general router may have more priority");
        assert_eq!(find(&[], "a.b", "/"), None);
    }

    #[test]
    fn equal_priorities_go_by_name() {
        let rules = [(host("a.b"), 5), (prefix("/"), 5)];
        assert_eq!(find(&rules, "a.b", "/"), Some(0));
        let rules = [(prefix("/"), 5), (host("a.b"), 5)];
        assert_eq!(find(&rules, "a.b", "/"), Some(0));
    }

    #[test]
    fn a_prefix_is_a_plain_string_prefix() {
        assert_eq!(find(&[(prefix("/foo"), 1)], "h", "/foobar"), Some(0));
        assert_eq!(find(&[(Rule::Path("/foo".into()), 1)], "h", "/foobar"), None);
    }

    #[test]
    fn an_empty_conjunction_matches_everything() {
        assert_eq!(find(&[(Rule::All(vec![]), 0)], "h", "/"), Some(0));
        assert_eq!(find(&[(Rule::Any(vec![]), 0)], "h", "/"), None);
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let leaf = prop_oneof![
            "[ab]".prop_map(Rule::Host),
            "/[xy]?".prop_map(Rule::PathPrefix),
            Just(Rule::Method("GET".into())),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Rule::All),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Rule::Any),
                inner.prop_map(|r| Rule::Not(Box::new(r))),
            ]
        })
    }

    proptest! {
        /// The compiled form finds what trying every rule in order would find.
        #[test]
        fn compilation_changes_nothing(
            rules in prop::collection::vec((any_rule(), 0_i64..4), 0..8),
            host in "[abc]",
            path in "/[xyz]?",
        ) {
            let subject = Subject {
                host: host.as_bytes(), path: path.as_bytes(), method: b"GET", headers: &[],
            };
            let mut order: Vec<usize> = (0..rules.len()).collect();
            order.sort_by_key(|&i| (-rules[i].1, i));
            let expected = order.into_iter().find(|&i| matches(&rules[i].0, &subject));
            prop_assert_eq!(find(&rules, &host, &path), expected.map(|i| i as u32));
        }
    }
}
