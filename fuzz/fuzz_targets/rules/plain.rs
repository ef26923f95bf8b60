//! Rules written, evaluated, and searched for what could tell them apart.

use httparse::Header;
use ringress::model::Rule;
use ringress::request::{parameters, without_escapes};
use ringress::route::Subject;

/// The rule in the grammar of Traefik 3, every argument in double quotes.
pub fn write(rule: &Rule) -> String {
    let joined = |parts: &[Rule], operator| {
        let parts: Vec<String> = parts.iter().map(part).collect();
        parts.join(operator)
    };
    match rule {
        Rule::All(parts) if parts.is_empty() => "Host(`*`)".to_owned(),
        Rule::All(parts) => joined(parts, " && "),
        Rule::Any(parts) => joined(parts, " || "),
        Rule::Not(inner) => format!("!{}", part(inner)),
        // One trailing dot is taken off, and so are brackets: both are put on.
        Rule::Host(host) if host.starts_with('[') => {
            format!("Host({})", quote(&format!("[{host}.]")))
        }
        Rule::Host(host) => format!("Host({})", quote(&format!("{host}."))),
        Rule::Path(path) => format!("Path({})", quote(path)),
        Rule::PathPrefix(path) => format!("PathPrefix({})", quote(path)),
        Rule::Method(method) => format!("Method({})", quote(method)),
        Rule::Header(name, value) => format!("Header({}, {})", quote(name), quote(value)),
        Rule::HostRegexp(pattern) => format!("HostRegexp({})", quote(pattern.text())),
        Rule::PathRegexp(pattern) => format!("PathRegexp({})", quote(pattern.text())),
        Rule::HeaderRegexp(name, pattern) => {
            format!("HeaderRegexp({}, {})", quote(name), quote(pattern.text()))
        }
        Rule::Query(name, value) if value.is_empty() => format!("Query({})", quote(name)),
        Rule::Query(name, value) => format!("Query({}, {})", quote(name), quote(value)),
        Rule::QueryRegexp(name, pattern) => {
            format!("QueryRegexp({}, {})", quote(name), quote(pattern.text()))
        }
        Rule::ClientIp(network) => format!("ClientIP(\"{}/{}\")", network.address, network.prefix),
    }
}

/// Parentheses only where they change something.
fn part(rule: &Rule) -> String {
    match rule {
        Rule::All(parts) | Rule::Any(parts) if !parts.is_empty() => format!("({})", write(rule)),
        _ => write(rule),
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub fn matches(rule: &Rule, subject: &Subject<'_>) -> bool {
    match rule {
        Rule::All(parts) => !parts.iter().any(|part| !matches(part, subject)),
        Rule::Any(parts) => parts.iter().any(|part| matches(part, subject)),
        Rule::Not(part) => !matches(part, subject),
        Rule::Host(host) => host.as_bytes() == subject.host,
        Rule::Path(path) => path.as_bytes() == subject.path,
        Rule::PathPrefix(prefix) => subject.path.get(..prefix.len()) == Some(prefix.as_bytes()),
        Rule::Method(method) => method.as_bytes() == subject.method,
        Rule::Header(name, value) => subject.headers.iter().any(|header| {
            header.name.to_ascii_lowercase() == *name && header.value == value.as_bytes()
        }),
        Rule::HostRegexp(pattern) => pattern.is_found_in(subject.host),
        Rule::PathRegexp(pattern) => pattern.is_found_in(&without_escapes(subject.path)),
        Rule::HeaderRegexp(name, pattern) => subject.headers.iter().any(|header| {
            header.name.to_ascii_lowercase() == *name && pattern.is_found_in(header.value)
        }),
        Rule::Query(name, value) => parameters(subject.query, name).any(|found| found == *value),
        Rule::QueryRegexp(name, pattern) => {
            parameters(subject.query, name).any(|found| pattern.is_found_in(found.as_bytes()))
        }
        Rule::ClientIp(network) => network.contains(subject.client.parse().expect("an address")),
    }
}

/// Most of each kind that are tried: their product counts.
const WORDS: usize = 3;

/// Everything that the rules name, and one of each kind that none of them does.
pub struct Words {
    hosts: Vec<String>,
    paths: Vec<String>,
    methods: Vec<String>,
    headers: Vec<(String, String)>,
    clients: Vec<String>,
    query: String,
}

impl Words {
    pub fn of<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let mut words = Self {
            hosts: vec!["host.of.nobody".to_owned()],
            paths: vec!["/".to_owned()],
            methods: vec!["NONE".to_owned()],
            headers: Vec::new(),
            clients: vec!["192.0.2.1".to_owned()],
            query: String::new(),
        };
        rules.for_each(|rule| words.add(rule));
        words
    }

    fn add(&mut self, rule: &Rule) {
        let keep = |list: &mut Vec<String>, word: String| {
            if list.len() < WORDS && !list.contains(&word) {
                list.push(word);
            }
        };
        match rule {
            Rule::All(parts) | Rule::Any(parts) => parts.iter().for_each(|part| self.add(part)),
            Rule::Not(part) => self.add(part),
            Rule::Host(host) => keep(&mut self.hosts, host.clone()),
            Rule::Path(path) => keep(&mut self.paths, path.clone()),
            Rule::PathPrefix(path) => keep(&mut self.paths, format!("{path}/x")),
            Rule::Method(method) => keep(&mut self.methods, method.clone()),
            Rule::Header(name, value) => self.headers.push((name.to_uppercase(), value.clone())),
            Rule::Query(name, value) => {
                self.query += &format!("&{}={}", escape(name), escape(value));
            }
            Rule::ClientIp(network) => keep(&mut self.clients, network.address.to_string()),
            // What they match is hard to tell from their text; the words of others are tried.
            Rule::HostRegexp(_)
            | Rule::PathRegexp(_)
            | Rule::HeaderRegexp(..)
            | Rule::QueryRegexp(..) => {}
        }
    }

    pub fn subjects(&self, mut show: impl FnMut(&Subject<'_>)) {
        let all: Vec<Header<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| Header { name, value: value.as_bytes() })
            .collect();
        // As many as there are hosts: their product counts.
        let clients = self.clients.iter().cycle();
        for (host, client) in self.hosts.iter().zip(clients) {
            for path in &self.paths {
                for method in &self.methods {
                    for (headers, query) in [(&[][..], ""), (&all, &*self.query)] {
                        show(&Subject {
                            host: host.as_bytes(),
                            path: path.as_bytes(),
                            method: method.as_bytes(),
                            headers,
                            query: query.as_bytes(),
                            client,
                        });
                    }
                }
            }
        }
    }
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
