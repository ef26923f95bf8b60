//! Rules in the three grammars, one per line: parsed, written anew, compiled, and matched.
//!
//! What a rule finds must be what evaluating its tree finds, alone and among all the others.

#![no_main]

#[path = "rules/plain.rs"]
mod plain;

use ringress::model::{Dialect, Rule};
use ringress::request::{is_authority, routing_host};
use ringress::route::grammar::{self, MAX_DEPTH, MAX_RULE_BYTES};
use ringress::route::{Destination, Routes, Subject};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    for dialect in [Dialect::V1, Dialect::V2, Dialect::V3] {
        let found: Vec<(Rule, i64)> =
            text.split('\n').filter_map(|line| parse(dialect, line)).collect();
        finds_what_the_trees_find(&found);
        for line in text.split('\n') {
            names_the_host_that_clients_send(dialect, line);
        }
    }
});

fn parse(dialect: Dialect, text: &str) -> Option<(Rule, i64)> {
    match grammar::parse(dialect, text) {
        Ok(parsed) => {
            assert_eq!(parsed.priority, text.len() as i64);
            assert!(depth(&parsed.rule) <= 2 * MAX_DEPTH + 2);
            is_in_the_form_that_is_compared(&parsed.rule);
            is_the_same_written_anew(&parsed.rule);
            Some((parsed.rule, parsed.priority))
        }
        Err(error) => {
            let read = text.len() <= MAX_RULE_BYTES;
            let last = if read { text.chars().count() + 1 } else { MAX_RULE_BYTES };
            assert!((1..=last).contains(&error.position));
            assert!(!error.problem.is_empty() && error.to_string().starts_with(&error.problem));
            None
        }
    }
}

fn depth(rule: &Rule) -> usize {
    match rule {
        Rule::All(parts) | Rule::Any(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        Rule::Not(part) => 1 + depth(part),
        _ => 1,
    }
}

fn is_in_the_form_that_is_compared(rule: &Rule) {
    match rule {
        Rule::All(parts) => parts.iter().for_each(is_in_the_form_that_is_compared),
        Rule::Any(parts) => {
            assert!(parts.len() > 1, "one choice stands for itself");
            parts.iter().for_each(is_in_the_form_that_is_compared);
        }
        Rule::Not(part) => is_in_the_form_that_is_compared(part),
        Rule::Host(host) => {
            assert!(!host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic()));
            assert!(!host.bytes().any(|b| b.is_ascii_uppercase()));
        }
        Rule::Path(path) | Rule::PathPrefix(path) => assert!(path.starts_with('/')),
        Rule::Method(method) => assert!(!method.bytes().any(|b| b.is_ascii_lowercase())),
        Rule::Header(name, _) | Rule::HeaderRegexp(name, _) => {
            assert!(!name.bytes().any(|b| b.is_ascii_uppercase()));
        }
        Rule::Query(name, _) | Rule::QueryRegexp(name, _) => assert!(!name.is_empty()),
        Rule::HostRegexp(_) | Rule::PathRegexp(_) | Rule::ClientIp(_) => {}
    }
}

/// The third grammar can say everything that the others can.
fn is_the_same_written_anew(rule: &Rule) {
    let text = plain::write(rule);
    match grammar::parse(Dialect::V3, &text) {
        Ok(again) => assert_eq!(again.rule, *rule, "{text}"),
        // Only the parentheses of the new text can be too many.
        Err(_) if text.len() > MAX_RULE_BYTES || depth(rule) > MAX_DEPTH => {}
        Err(error) => panic!("{text}: {error}"),
    }
}

/// A host that is written in a rule as a client sends it is the host that routing compares.
fn names_the_host_that_clients_send(dialect: Dialect, host: &str) {
    let text = match dialect {
        Dialect::V1 if !host.contains([',', ';']) => format!("Host:{host}"),
        Dialect::V2 | Dialect::V3 if !host.contains('`') => format!("Host(`{host}`)"),
        _ => return,
    };
    if let Ok(parsed) = grammar::parse(dialect, &text)
        && let Rule::Host(compared) = parsed.rule
        && is_authority(host.as_bytes())
    {
        assert_eq!(compared.as_bytes(), &*routing_host(host.as_bytes()), "{host}");
    }
}

fn finds_what_the_trees_find(rules: &[(Rule, i64)]) {
    let compile = |rules: &[(Rule, i64)]| {
        let to = |index| Destination { router: index, node: index };
        Routes::compile(
            (0..).zip(rules).map(|(index, (rule, priority))| (rule, *priority, to(index))),
        )
    };
    let all = compile(rules);
    let alone: Vec<Routes> = rules.iter().map(|rule| compile(std::slice::from_ref(rule))).collect();
    let mut by_rank: Vec<usize> = (0..rules.len()).collect();
    by_rank.sort_by_key(|&index| (-rules[index].1, index));
    let words = plain::Words::of(rules.iter().map(|(rule, _)| rule));
    words.subjects(|subject: &Subject<'_>| {
        let matches: Vec<bool> =
            rules.iter().map(|(rule, _)| plain::matches(rule, subject)).collect();
        for (routes, matches) in alone.iter().zip(&matches) {
            assert_eq!(routes.find(subject).is_some(), *matches);
        }
        let first = by_rank.iter().find(|&&index| matches[index]);
        assert_eq!(all.find(subject).map(|to| to.router), first.map(|&index| index as u32));
    });
}
