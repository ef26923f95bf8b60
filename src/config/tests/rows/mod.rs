//! Every documented option: taken, from each source, with an effect that shows.

mod first;
mod later;

use serde_json::{Map, Value};

use super::files::TestFile;
use super::*;

/// What is seen of an option.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// As this setting with this value, which comes from where the option was given.
    As(&'static str, &'static str),
    /// As a warning that it is not done yet.
    NotYet,
    /// As an entry point that stays closed for its sake.
    Closed,
    /// As one of those that rightly change nothing.
    Pointless,
    /// Not at all: it says what holds anyway.
    Holds,
}

/// An option, its value (nothing for a section, `[a,b]` for a list), and its effect.
pub type Row = (&'static str, &'static str, Seen);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Flag,
    Variable,
    Toml,
    Yaml,
}

/// The option beside what makes it one of its dialect, without what it says itself.
fn beside(base: &[(&'static str, &'static str)], row: &Row) -> Vec<(&'static str, &'static str)> {
    let own = row.0.to_lowercase();
    let other = |(name, _): &&(&str, &str)| {
        let name = name.to_lowercase();
        own != name && !own.starts_with(&format!("{name}."))
    };
    let mut all: Vec<_> = base.iter().filter(other).copied().collect();
    all.push((row.0, row.1));
    all
}

fn flat(value: &str) -> &str {
    list(value).unwrap_or(value)
}

fn list(value: &str) -> Option<&str> {
    value.strip_prefix('[').and_then(|value| value.strip_suffix(']'))
}

/// What the settings come to, and how the last of them is spelled in this form.
fn load_as(form: Form, all: &[(&str, &str)]) -> (Static, Vec<Line>, String) {
    let last = all.last().unwrap().0;
    match form {
        Form::Flag => {
            let flag = |(name, value): &(&str, &str)| match *value {
                "" => format!("--{name}"),
                value => format!("--{name}={}", flat(value)),
            };
            let args: Vec<String> = all.iter().map(flag).collect();
            let (statics, lines) = explained(&args, &[]);
            (statics, lines, format!("--{last}"))
        }
        Form::Variable => {
            let named = |name: &str| {
                let path = name.replace(['.', '['], "_").replace(']', "");
                format!("TRAEFIK_{}", path.to_uppercase())
            };
            let variable = |(name, value): &(&str, &str)| match *value {
                "" => (named(name), "true".to_owned()),
                value => (named(name), flat(value).to_owned()),
            };
            let env: Vec<(String, String)> = all.iter().map(variable).collect();
            let (statics, lines) = explained(&[], &env);
            (statics, lines, named(last))
        }
        Form::Toml | Form::Yaml => {
            let mut root = Value::Object(Map::new());
            for (name, value) in all {
                insert(&mut root, &name.split('.').collect::<Vec<_>>(), value);
            }
            let file = match form {
                Form::Toml => TestFile::new("traefik.toml", &toml(&root)),
                _ => TestFile::new("traefik.yml", &yaml(&root, 0)),
            };
            let (statics, lines) = explained(&args(&file.flag()), &[]);
            (statics, lines, last.to_owned())
        }
    }
}

fn insert(into: &mut Value, path: &[&str], value: &str) {
    let (Some(key), Value::Object(fields)) = (path.first(), into) else { panic!("{path:?}") };
    let (key, is_element) = match key.strip_suffix("[0]") {
        Some(key) => (key, true),
        None => (*key, false),
    };
    if path.len() == 1 {
        let value = match (value, list(value)) {
            ("", _) => Value::Object(Map::new()),
            (_, Some(list)) => list.split(',').collect(),
            _ => value.into(),
        };
        fields.insert(key.to_owned(), value);
        return;
    }
    let below = fields.entry(key).or_insert_with(|| match is_element {
        true => Value::Array(vec![Value::Object(Map::new())]),
        false => Value::Object(Map::new()),
    });
    insert(if is_element { &mut below[0] } else { below }, &path[1..], value);
}

fn scalar(value: &Value) -> String {
    let text = value.as_str().expect("a text");
    let bare = text.parse::<bool>().is_ok() || text.parse::<i64>().is_ok();
    if bare { text.to_owned() } else { value.to_string() }
}

fn toml(value: &Value) -> String {
    let fields = value.as_object().expect("a table").iter();
    fields.map(|(key, value)| format!("{key} = {}\n", inline(value))).collect()
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(inline).collect::<Vec<_>>().join(", ")),
        _ => scalar(value),
    }
}

fn yaml(value: &Value, depth: usize) -> String {
    let gap = "  ".repeat(depth);
    match value {
        Value::Object(fields) if fields.is_empty() => " {}\n".to_owned(),
        Value::Object(fields) => {
            let start = if depth == 0 { "" } else { "\n" };
            let fields =
                fields.iter().map(|(key, value)| format!("{gap}{key}:{}", yaml(value, depth + 1)));
            format!("{start}{}", fields.collect::<String>())
        }
        Value::Array(all) => {
            let one = |value: &Value| format!("{gap}-{}", yaml(value, depth + 1));
            format!("\n{}", all.iter().map(one).collect::<String>())
        }
        _ => format!(" {}\n", scalar(value)),
    }
}

/// What is wrong with the effect.
fn judge(row: &Row, form: Form, (statics, lines, spelled): (Static, Vec<Line>, String)) -> String {
    let folded = |text: &str| text.to_lowercase();
    let said = |part: &str, name: &str| {
        let all = statics.complaints.iter();
        let named = all.filter(|c| name.is_empty() || folded(&c.setting) == folded(name));
        named.filter(|c| c.to_string().contains(part)).count() == 1
    };
    let mut wrong = Vec::new();
    let mut expect = |what: &str, is: bool, should: bool| {
        if is != should {
            wrong.push(format!("{what}: {is}"));
        }
    };
    let seen = row.2;
    let strict = |c: &Complaint| c.severity == Severity::Error || c.problem.contains("a known ");
    expect("refused or unknown", statics.complaints.iter().any(strict), false);
    let not_yet = said(" is known to Traefik but not supported yet", &spelled);
    expect("not yet", not_yet, matches!(seen, Seen::NotYet));
    expect("closed", said("stays closed", ""), matches!(seen, Seen::Closed));
    let pointless = statics.pointless.iter().any(|option| folded(option) == folded(&spelled));
    expect("pointless", pointless, matches!(seen, Seen::Pointless));
    if let Seen::As(key, value) = seen {
        let line = lines.iter().find(|line| folded(&line.key) == folded(key));
        expect("a line", line.is_some_and(|line| line.value == value), true);
        let from = match form {
            Form::Toml | Form::Yaml => "/traefik.",
            Form::Flag | Form::Variable => &spelled,
        };
        let is_from = |line: &Line| folded(&line.source).contains(&folded(from));
        expect("the source", line.is_some_and(is_from), true);
    }
    match wrong.is_empty() {
        true => String::new(),
        false => format!("{form:?} {row:?}: {wrong:?}: {:?}\n", warnings(&statics)),
    }
}

fn check(rows: &[Row], base: &[(&'static str, &'static str)]) {
    let forms = [Form::Flag, Form::Variable, Form::Toml, Form::Yaml];
    let cases = rows.iter().flat_map(|row| forms.map(|form| (row, form)));
    let wrong: String =
        cases.map(|(row, form)| judge(row, form, load_as(form, &beside(base, row)))).collect();
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn of_the_first_dialect() {
    check(first::ROWS, &[("docker.domain", "x.org"), ("docker", "")]);
    check(first::WEB, &[("docker.domain", "x.org"), ("web", "")]);
    let doors = [("docker", ""), ("entryPoints.http.address", ":80")];
    check(first::DOORS, &doors);
}

#[test]
fn of_the_first_dialects_entry_points() {
    let mut wrong = String::new();
    for &(field, seen) in first::FIELDS {
        let value = format!("Name:http Address::8000 {field}");
        let args = ["--docker".to_owned(), format!("--entryPoints={value}")];
        let (statics, lines) = explained(&args, &[]);
        let name = field.split(':').next().unwrap();
        let spelled = format!("--entryPoints Name:http {name}");
        let row = ("entryPoints", field, seen);
        wrong.push_str(&judge(&row, Form::Flag, (statics, lines, spelled)));
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn of_the_later_dialects() {
    let base = [("providers.swarm", ""), ("entryPoints.web.address", ":8000")];
    check(later::ENTRY_POINTS, &base);
    check(later::PROVIDERS, &base);
    check(later::REST, &base);
    check(later::CERTIFICATES, &base);
}

#[test]
fn of_the_second_dialect() {
    check(later::SECOND, &[("providers.docker", ""), ("entryPoints.web.address", ":8000")]);
}
