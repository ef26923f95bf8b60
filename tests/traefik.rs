//! Rules, beside what Traefik itself does with them.
//!
//! `tests/traefik/record` has asked Traefik; its answers are kept, so that Traefik is not needed
//! here. Where Ringress differs, it does so on purpose, and the table says why.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;

use ringress::h1::request::{self, RequestHead};
use ringress::limits::{HeadLimits, MAX_HEAD_FIELDS};
use ringress::model::Dialect;
use ringress::request::routing_host;
use ringress::route::{Destination, Routes, Subject, grammar};

#[derive(serde::Deserialize)]
struct Recorded {
    /// Host, target, field lines.
    requests: Vec<(String, String, Vec<String>)>,
    v2: Generation,
    v3: Generation,
}

#[derive(serde::Deserialize)]
struct Generation {
    version: String,
    /// For each rule a sign for each request: matched (+), not found (-), refused (!).
    rules: BTreeMap<String, String>,
}

/// A part of the rule, a part of the request, and why Ringress answers otherwise.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("Host(`a.b:80`)", "", "a port in a rule says nothing, as in a request"),
    ("HostRegexp", "a.b. ", "rules see one form of a host: a dot at its end is no way around them"),
    ("Path(`/a%20b`)", "", "in a rule an escape means what the character means"),
    ("Path(`/%C3%A4`)", "", "in a rule an escape means what the character means"),
    ("Path(`/%`)", "", "in a rule an escape means what the character means"),
    ("Path(`/a%2fb`)", "", "the case of an escape says nothing"),
    ("Path(`/a%2Fb`)", "", "2.11 resolves an escaped slash; here it is kept, as in 3"),
    ("/a/{x}", "%2", "2.11 takes an escaped slash for one that separates; 3 does not"),
    ("PathPrefix(`/a/`)", "%2", "2.11 takes an escaped slash for one that separates; 3 does not"),
    ("Query(`a=1`)", "a=2&a=1", "any of several values will do, as in 3; 2.11 looks at the first"),
    ("Query(`a=", "%zz", "an escape that is none stands for itself; Traefik drops the parameter"),
];

#[test]
fn rules_mean_what_they_mean_in_traefik() {
    let text = include_str!("traefik/answers.json");
    let recorded: Recorded = serde_json::from_str(text).expect("answers");
    let (mut checked, mut unexplained) = (0, Vec::new());
    let mut used = vec![0; DIFFERENCES.len()];
    for (dialect, generation) in [(Dialect::V2, &recorded.v2), (Dialect::V3, &recorded.v3)] {
        for (rule, signs) in &generation.rules {
            let parsed = grammar::parse(dialect, rule);
            let routes = parsed
                .as_ref()
                .ok()
                .map(|parsed| (&parsed.rule, parsed.priority, Destination::default()))
                .map(|router| Routes::compile([router].into_iter()));
            assert_eq!(signs.len(), recorded.requests.len(), "{rule}");
            for ((host, target, fields), sign) in recorded.requests.iter().zip(signs.chars()) {
                let ours = answer(routes.as_ref(), host, target, fields);
                checked += 1;
                if ours == sign {
                    continue;
                }
                let asked = format!("{host} {target} {fields:?}");
                let known = DIFFERENCES.iter().position(|(in_rule, in_request, _)| {
                    rule.contains(in_rule) && asked.contains(in_request)
                });
                match known {
                    Some(index) => used[index] += 1,
                    None => unexplained.push(format!(
                        "Traefik {} {sign}, here {ours}: {rule} {asked}",
                        generation.version
                    )),
                }
            }
        }
    }
    assert!(
        unexplained.is_empty(),
        "{} of {checked}:\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    for ((rule, request, why), used) in DIFFERENCES.iter().zip(used) {
        println!("figure: {used} answers differ on purpose ({rule}, {request}): {why}");
        assert!(used > 0, "{rule} and {request} do not differ any more");
    }
    println!("figure: {checked} answers compared with Traefik's");
}

fn answer(routes: Option<&Routes>, host: &str, target: &str, fields: &[String]) -> char {
    let fields: String = fields.iter().map(|line| format!("{line}\r\n")).collect();
    let wire = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
    let mut space = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let Ok(head) = request::parse(wire.as_bytes(), &mut space, &HeadLimits::default()) else {
        return '!';
    };
    let head: RequestHead<'_, '_> = head.expect("a whole head");
    let host = routing_host(head.authority);
    let subject = Subject {
        host: &host,
        path: &head.path,
        method: head.method.as_bytes(),
        headers: head.headers,
        query: &head.query,
        client: "127.0.0.1",
    };
    if routes.is_some_and(|routes| routes.find(&subject).is_some()) { '+' } else { '-' }
}
