//! Stack files of the kind that people publish, through a swarm, to routes.
//!
//! The head of each file in tests/stacks says what it must come to: `route NAME | RULE` is served,
//! `off NAME | WORDS` is disabled for that reason, `say SERVICE | WORDS` is a complaint. What is
//! not listed must not be.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::backends::Echo;
use crate::engine::{EFFECT, FakeEngine};
use crate::harness::{Driver, Lb, both_drivers, eventually};

both_drivers!(stack_files);

/// A service as `docker stack deploy` hands it to the swarm.
struct Deployed {
    name: String,
    labels: BTreeMap<String, String>,
    container_labels: BTreeMap<String, String>,
}

/// Labels are a map or a list, values are texts to the swarm, and `$$` is a dollar.
fn labels(written: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.replace("$$", "$")
    };
    match written {
        Value::Array(list) => {
            let pairs = list.iter().filter_map(|label| label.as_str()?.split_once('='));
            pairs.map(|(label, value)| (label.to_owned(), value.replace("$$", "$"))).collect()
        }
        Value::Object(map) => {
            map.iter().map(|(label, value)| (label.clone(), text(value))).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn deploy(text: &str) -> Vec<Deployed> {
    let file: Value = serde_saphyr::from_str(text).expect("YAML");
    let services = file["services"].as_object().expect("services");
    let deployed = services.iter().map(|(name, service)| Deployed {
        name: format!("stack_{name}"),
        labels: labels(&service["deploy"]["labels"]),
        container_labels: labels(&service["labels"]),
    });
    deployed.collect()
}

/// The lines of a file's head that begin with this word, without it.
fn head<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let lines = text.lines().map_while(|line| line.strip_prefix("# "));
    lines.filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
}

fn stack_files(driver: Driver) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks");
    let files = std::fs::read_dir(folder).expect("tests/stacks");
    let mut files: Vec<_> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 20, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a stack file");
        let found = problems(driver, &text);
        wrong.extend(found.into_iter().map(|problem| format!("{}: {problem}", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as the head of the file says.
fn problems(driver: Driver, text: &str) -> Vec<String> {
    let (echo, engine) = (Echo::start("good"), FakeEngine::start());
    for service in deploy(text) {
        engine.deploy(&service.name, service.labels, service.container_labels, &[&echo.ip]);
    }
    let flags = head(text, "flag");
    let lb = match head(text, "dialect")[..] {
        ["1"] => Lb::start(driver, &engine, &flags),
        ["2"] => Lb::start_second(driver, &engine, &flags),
        ["3"] => Lb::start_modern(driver, &engine, &flags),
        ref other => panic!("which dialect is {other:?}?"),
    };
    let document: Value = eventually("the swarm is read", EFFECT, || {
        let document: Value = serde_json::from_slice(&lb.web("/api/ringress").body).ok()?;
        (document["generation"].as_u64()? > 0).then_some(document)
    });
    let routers: BTreeMap<&str, &Value> = document["routers"]
        .as_array()
        .expect("routers")
        .iter()
        .map(|router| (router["name"].as_str().expect("a name"), router))
        .collect();
    let complaints: Vec<String> = document["complaints"]
        .as_array()
        .expect("complaints")
        .iter()
        .map(|complaint| complaint.to_string().replace("\\\"", "\""))
        .collect();
    let pair = |line: &str| {
        let (name, rest) = line.split_once(" | ").expect("NAME | …");
        (name.to_owned(), rest.to_owned())
    };
    let mut problems = Vec::new();
    let (mut expected, mut said) = (0, Vec::new());
    for (name, rule) in head(text, "route").into_iter().map(pair) {
        expected += 1;
        let found = routers.get(name.as_str());
        if found.is_none_or(|router| router["rule"] != rule || router["status"] != "enabled") {
            problems.push(format!("{name} with {rule}: {found:?}"));
        }
    }
    for (name, why) in head(text, "off").into_iter().map(pair) {
        expected += 1;
        let found = routers.get(name.as_str()).map(|router| router["error"].to_string());
        let has = |text: &String| text.to_lowercase().contains(&why.to_lowercase());
        if !found.as_ref().is_some_and(has) {
            problems.push(format!("{name} disabled by {why}: {found:?}"));
        }
    }
    for (service, words) in head(text, "say").into_iter().map(pair) {
        let has = |text: &&String| {
            text.contains(&format!("\"subject\":\"{service}\"")) && text.contains(&words)
        };
        if !complaints.iter().any(|text| has(&text)) {
            problems.push(format!("{service} says {words}: {complaints:#?}"));
        }
        said.push(format!("\"subject\":\"{service}\""));
    }
    if routers.len() != expected {
        problems.push(format!("{expected} routers, not {:?}", routers.keys()));
    }
    for complaint in &complaints {
        if !said.iter().any(|subject| complaint.contains(subject)) && !complaint.contains('@') {
            problems.push(format!("nobody expects {complaint}"));
        }
    }
    problems
}
