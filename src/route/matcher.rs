//! Rules compiled for one entry point: a hash probe for the host, and few for the path.

use std::collections::HashMap;

use super::candidates::{Candidate, Candidates, Destination};
use crate::model::Rule;
use crate::request::{parameters, without_escapes};

/// What a rule looks at. Names and values borrow from the connection's own buffer.
pub struct Subject<'a> {
    /// Lower case, without port and trailing dot.
    pub host: &'a [u8],
    /// Normalised: the form that is also forwarded.
    pub path: &'a [u8],
    pub method: &'a [u8],
    pub headers: &'a [httparse::Header<'a>],
    /// From the `?` on; may be empty.
    pub query: &'a [u8],
    /// The peer's address without port, as text.
    pub client: &'a str,
}

/// The routers of one entry point.
///
/// Routers that need one of a list of hosts are found by one hash probe; only the others are
/// looked at for every request.
#[derive(Default)]
pub struct Routes {
    by_host: HashMap<Box<[u8]>, Candidates, ahash::RandomState>,
    any_host: Candidates,
}

impl Routes {
    /// Compiles rules with their priority and destination; among equals, in their order.
    pub fn compile<'m>(routers: impl Iterator<Item = (&'m Rule, i64, Destination)>) -> Self {
        let mut by_host = HashMap::<_, Vec<Candidate>, ahash::RandomState>::default();
        let mut any_host = Vec::new();
        for (order, (rule, priority, to)) in (0..).zip(routers) {
            match split_hosts(rule) {
                Some((hosts, rest)) => {
                    for host in hosts {
                        let list = by_host.entry(host.as_bytes().into()).or_default();
                        // Host(a) || Host(a) would otherwise be listed, and tried, twice.
                        if list.last().is_none_or(|last| last.order != order) {
                            list.push(Candidate { priority, order, rule: rest.clone(), to });
                        }
                    }
                }
                None => {
                    let rule = Some(rule.clone());
                    any_host.push(Candidate { priority, order, rule, to });
                }
            }
        }
        Self {
            by_host: by_host.into_iter().map(|(h, list)| (h, Candidates::new(list))).collect(),
            any_host: Candidates::new(any_host),
        }
    }

    /// The first router that matches, and where it leads.
    #[inline]
    pub fn find(&self, subject: &Subject<'_>) -> Option<Destination> {
        let mut best = None;
        if !self.by_host.is_empty()
            && let Some(named) = self.by_host.get(subject.host)
        {
            best = named.better(subject, best);
        }
        self.any_host.better(subject, best).map(|candidate| candidate.to)
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

pub(super) fn matches(rule: &Rule, subject: &Subject<'_>) -> bool {
    match rule {
        Rule::All(parts) => parts.iter().all(|part| matches(part, subject)),
        Rule::Any(parts) => parts.iter().any(|part| matches(part, subject)),
        Rule::Not(part) => !matches(part, subject),
        Rule::Host(host) => subject.host == host.as_bytes(),
        Rule::HostRegexp(pattern) => pattern.is_found_in(subject.host),
        Rule::Path(path) => subject.path == path.as_bytes(),
        Rule::PathPrefix(prefix) => subject.path.starts_with(prefix.as_bytes()),
        Rule::PathRegexp(pattern) => pattern.is_found_in(&without_escapes(subject.path)),
        Rule::Method(method) => subject.method == method.as_bytes(),
        Rule::Header(name, value) => values(subject, name).any(|it| it == value.as_bytes()),
        Rule::HeaderRegexp(name, pattern) => {
            values(subject, name).any(|it| pattern.is_found_in(it))
        }
        Rule::Query(name, value) => parameters(subject.query, name).any(|it| it == *value),
        Rule::QueryRegexp(name, pattern) => {
            parameters(subject.query, name).any(|it| pattern.is_found_in(it.as_bytes()))
        }
        Rule::ClientIp(network) => subject.client.parse().is_ok_and(|ip| network.contains(ip)),
    }
}

fn values<'a>(subject: &Subject<'a>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
    subject.headers.iter().filter(named).map(|header| header.value)
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
            Routes::compile((0..).zip(rules).map(|(i, (rule, priority))| {
                (rule, *priority, Destination { router: i, node: 0 })
            }));
        let found = routes.find(&Subject {
            host: host.as_bytes(),
            path: path.as_bytes(),
            method: b"GET",
            headers: &[],
            query: b"",
            client: "",
        });
        found.map(|to| to.router)
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
            "/[xy]{0,2}".prop_map(Rule::PathPrefix),
            "/[xy]{0,2}".prop_map(Rule::Path),
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
            rules in prop::collection::vec((any_rule(), 0_i64..4), 0..24),
            host in "[abc]",
            path in "/[xyz]{0,3}",
        ) {
            let subject = Subject {
                host: host.as_bytes(), path: path.as_bytes(), method: b"GET", headers: &[],
                query: b"", client: "",
            };
            let mut order: Vec<usize> = (0..rules.len()).collect();
            order.sort_by_key(|&i| (-rules[i].1, i));
            let expected = order.into_iter().find(|&i| matches(&rules[i].0, &subject));
            prop_assert_eq!(find(&rules, &host, &path), expected.map(|i| i as u32));
        }
    }
}
