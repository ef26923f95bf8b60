//! The language of labels, row by row: each is a service of its own of one swarm, so that whatever
//! a row does to its neighbours shows, too.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::backends::Echo;
use crate::engine::{EFFECT, FakeEngine};
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, both_drivers, eventually};

both_drivers!(labels_of_the_first_dialect, labels_of_the_later_dialects, broken_labels);

/// What a row of labels must come to.
#[derive(Debug, Clone, Copy)]
enum Outcome<'a> {
    /// No complaint, and this value at that place of the API.
    Shown(&'a str, &'a str),
    /// One complaint, with these words.
    Said(&'a str),
}

struct Row<'a> {
    name: String,
    labels: BTreeMap<String, String>,
    outcome: Outcome<'a>,
    line: &'a str,
}

/// Reads the rows of a file; `base` are labels that each has unless it says otherwise.
fn rows<'a>(text: &'a str, prefix: &str, base: &[(&str, &str)]) -> Vec<Row<'a>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |(number, line): (usize, &'a str)| {
        let name = format!("{prefix}{number}");
        let split = |by| line.split_once(by);
        let (labels, outcome) = match (split(" => "), split(" =! ")) {
            (Some((labels, shown)), _) => {
                let (place, value) = shown.split_once(' ').expect("a place and a value");
                (labels, Outcome::Shown(place, value))
            }
            (None, Some((labels, words))) => (labels, Outcome::Said(words)),
            (None, None) => panic!("neither => nor =! in {line:?}"),
        };
        let full = |label: &str| format!("traefik.{}", label.replace("{}", &name));
        let pair = |(label, value): &(&str, &str)| (full(label), value.replace("{}", &name));
        let mut given: BTreeMap<String, String> = base.iter().map(pair).collect();
        for label in labels.split(" ; ") {
            match label.strip_prefix('-') {
                Some(taken) => drop(given.remove(&full(taken))),
                None => {
                    let pair = label.split_once('=').expect("label=value");
                    let (label, value) = (full(pair.0), pair.1.replace("{}", &name));
                    given.retain(|other, _| !other.eq_ignore_ascii_case(&label));
                    given.insert(label, value);
                }
            }
        }
        Row { name, labels: given, outcome, line }
    };
    lines.enumerate().map(row).collect()
}

/// Gives all of them to a swarm; the services get the address of `echo`.
fn tell(engine: &FakeEngine, rows: &[Row], echo: &Echo) {
    for row in rows {
        let labels: Vec<(&str, &str)> =
            row.labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        engine.set(&row.name, &labels, &[&echo.ip]);
    }
}

/// What is said of each service.
fn complaints(lb: &Lb) -> BTreeMap<String, Vec<String>> {
    let document: Value = serde_json::from_slice(&lb.web("/api/ringress").body).expect("JSON");
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for complaint in document["complaints"].as_array().expect("a list") {
        // What only shows when all providers stand together names the service with its provider.
        let subject = complaint["subject"].as_str().expect("a subject");
        let subject = subject.split('@').next().unwrap_or(subject).to_owned();
        said.entry(subject).or_default().push(complaint.to_string());
    }
    said
}

/// Holds every row against what is said and shown, and tells of all that are wrong.
fn check(rows: &[Row], said: &BTreeMap<String, Vec<String>>, shown: &Value, echo: &Echo) {
    let mut wrong = Vec::new();
    for row in rows {
        let said = said.get(&row.name).map_or(&[][..], Vec::as_slice);
        let problem = match row.outcome {
            Outcome::Said(words) => {
                let has = |text: &String| text.to_lowercase().contains(&words.to_lowercase());
                (said.len() != 1 || !has(&said[0])).then(|| format!("said: {said:#?}"))
            }
            Outcome::Shown(place, value) => {
                let place = format!("/{}", place.replace("{}", &row.name));
                let found = shown.pointer(&place);
                let wanted = value.replace("{}", &row.name);
                let is_right = match (wanted.as_str(), found) {
                    (_, None) => false,
                    ("ANY", Some(_)) => true,
                    ("URL", Some(found)) => {
                        *found == format!("http://{}:{BACKEND_PORT_TEXT}", echo.ip)
                    }
                    ("RULE", Some(found)) => {
                        let rule = row.labels.iter().find(|(label, _)| label.ends_with(".rule"));
                        *found == rule.map_or(0, |(_, rule)| rule.len())
                    }
                    (_, Some(found)) => {
                        *found == serde_json::from_str::<Value>(&wanted).expect("JSON")
                    }
                };
                (!is_right || !said.is_empty()).then(|| format!("{found:?}, said: {said:#?}"))
            }
        };
        wrong.extend(problem.map(|problem| format!("{}\n  {problem}", row.line)));
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The API's answer once it knows all of them.
fn document(lb: &Lb, path: &str, has_all: impl Fn(&Value) -> bool) -> Value {
    eventually("all services are known", EFFECT, || {
        let document: Value = serde_json::from_slice(&lb.web(path).body).ok()?;
        has_all(&document).then_some(document)
    })
}

fn labels_of_the_later_dialects(driver: Driver) {
    let base = [
        ("http.routers.{}.rule", "Host(`{}`)"),
        ("http.services.{}.loadbalancer.server.port", BACKEND_PORT_TEXT),
    ];
    let rows = rows(include_str!("language/later.rows"), "row", &base);
    assert!(rows.len() > 180, "{}", rows.len());
    let (echo, engine) = (Echo::start("good"), FakeEngine::start());
    tell(&engine, &rows, &echo);
    let lb = Lb::start_modern(driver, &engine, &["--entrypoints.alt.address=127.0.0.1:0"]);
    let count = rows.len();
    let known = |document: &Value| {
        document["services"].as_object().is_some_and(|services| services.len() >= count * 9 / 10)
    };
    let shown = document(&lb, "/api/rawdata", known);
    check(&rows, &complaints(&lb), &shown, &echo);
}

fn labels_of_the_first_dialect(driver: Driver) {
    let base = [("port", BACKEND_PORT_TEXT), ("frontend.rule", "Host:{}")];
    let rows = rows(include_str!("language/first.rows"), "row", &base);
    assert!(rows.len() > 60, "{}", rows.len());
    let (echo, engine) = (Echo::start("good"), FakeEngine::start());
    tell(&engine, &rows, &echo);
    let lb = Lb::start(driver, &engine, &[]);
    let count = rows.len();
    let known = |document: &Value| {
        document["backends"].as_object().is_some_and(|backends| backends.len() >= count * 9 / 10)
    };
    let shown = document(&lb, "/api/providers/docker", known);
    check(&rows, &complaints(&lb), &shown, &echo);
}

/// Each is told once, with its place and what would be right, and costs no neighbour.
fn broken_labels(driver: Driver) {
    let base = [
        ("http.routers.{}.rule", "Host(`{}`)"),
        ("http.services.{}.loadbalancer.server.port", BACKEND_PORT_TEXT),
    ];
    let later = rows(include_str!("language/broken-later.rows"), "row", &base);
    let base = [("port", BACKEND_PORT_TEXT), ("frontend.rule", "Host:{}")];
    let first = rows(include_str!("language/broken-first.rows"), "old", &base);
    assert!(later.len() + first.len() >= 100, "{} and {}", later.len(), first.len());
    let (echo, engine) = (Echo::start("good"), FakeEngine::start());
    tell(&engine, &later, &echo);
    tell(&engine, &first, &echo);
    let good = [
        ("traefik.http.routers.good.rule", "PathPrefix(`/good`)"),
        ("traefik.http.services.good.loadbalancer.server.port", BACKEND_PORT_TEXT),
    ];
    engine.set("zz_good", &good, &[&echo.ip]);
    let lb = Lb::start_modern(driver, &engine, &[]);
    eventually("the neighbour is served", EFFECT, || {
        (lb.get("/good", &[]).backend() == Some("good")).then_some(())
    });
    let said = complaints(&lb);
    check(&later, &said, &Value::Null, &echo);
    check(&first, &said, &Value::Null, &echo);
    assert!(!said.contains_key("zz_good"), "{:?}", said["zz_good"]);
    for complaints in said.values() {
        let text = &complaints[0];
        let has_remedy = text.contains("\"remedy\":\"") && !text.contains("\"remedy\":\"\"");
        assert!(has_remedy, "no remedy: {text}");
    }
}
