//! Style is a test: what the house asks of its source, checked on every run.
//!
//! Each rule is a function from a file to complaints, and each is shown a bad sample first: a check
//! that cannot fail checks nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Two rooms in one file, beyond this.
const FILE_LINES: usize = 500;
/// More than fits on one screen and a half.
const FUNCTION_LINES: usize = 80;
const LINE_CHARS: usize = 100;

/// Which rooms a room may know of. What is not listed may know nothing of the crate.
///
/// The order is that of the two arrows; a line that has to grow is a wall that moves, and wants a
/// reason in the commit that moves it.
const BORDERS: &[(&str, &[&str])] = &[
    // The ground: no room, or only data.
    ("clock", &[]),
    ("document", &[]),
    ("life", &[]),
    ("limits", &[]),
    ("model", &[]),
    ("nearest", &[]),
    ("observe", &["model"]),
    ("proxy_protocol", &["limits"]),
    ("request", &[]),
    ("echo", &[]),
    ("fault", &["model"]),
    // The truth's way.
    ("config", &["document", "limits", "model", "nearest"]),
    ("route", &["model", "nearest", "request"]),
    ("dynamic", &["config", "model", "nearest", "route"]),
    ("discovery", &["config", "document", "dynamic", "limits", "model", "nearest", "route"]),
    ("table", &["clock", "limits", "model", "observe", "route"]),
    ("health", &["limits", "model", "table"]),
    // The doors.
    ("handover", &[]),
    ("listeners", &["config", "limits"]),
    // The request's way. `worker` lends everybody on it its buffers, sockets and deadlines.
    ("balance", &["limits", "model", "table"]),
    (
        "worker",
        &[
            "clock",
            "config",
            "h1",
            "life",
            "limits",
            "listeners",
            "model",
            "observe",
            "table",
            "upstream",
        ],
    ),
    (
        "h1",
        &[
            "balance",
            "fault",
            "life",
            "limits",
            "model",
            "observe",
            "proxy_protocol",
            "relay",
            "request",
            "route",
            "upstream",
            "worker",
        ],
    ),
    ("upstream", &["fault", "limits", "model", "observe", "table", "worker"]),
    ("relay", &["limits", "worker"]),
    // Off the data path.
    ("control", &["config", "life", "model", "observe", "table"]),
    (
        "process",
        &[
            "config",
            "control",
            "discovery",
            "handover",
            "health",
            "life",
            "limits",
            "listeners",
            "model",
            "observe",
            "table",
            "worker",
        ],
    ),
    ("doctor", &["config", "discovery", "model", "worker"]),
    ("command", &["config", "discovery", "doctor", "echo", "model", "process"]),
    ("lib", &[]),
    ("main", &[]),
];

/// Rooms in which a panic would cost a client its connection.
const DATA_PATH: &[&str] = &[
    "balance",
    "fault",
    "h1",
    "proxy_protocol",
    "relay",
    "request",
    "route",
    "table",
    "upstream",
    "worker",
];

/// The only files with `unsafe`; each says at its head why.
const UNSAFE: &[&str] = &["src/table/publish.rs", "src/worker/socket.rs"];

struct Source {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The part before the unit tests, which lie at the end of a file.
    fn production(&self) -> &str {
        let is_test_file = self.path.contains("test") || self.path.ends_with("fixture.rs");
        if is_test_file || self.path.ends_with("/fake.rs") || self.path.ends_with("/wire.rs") {
            return "";
        }
        let tests = ["\n#[cfg(test)]\nmod ", "\n#[cfg(all(test,"];
        let ends = tests.iter().filter_map(|start| self.text.find(start));
        &self.text[..ends.min().unwrap_or(self.text.len())]
    }

    /// `src/h1/plan.rs` lies in the room `h1`, `src/relay.rs` is the room `relay`.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        inside.split('/').next()?.strip_suffix(".rs").or(inside.split('/').next())
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

fn header(source: &Source) -> Vec<String> {
    let has = source.text.starts_with("//! ");
    if has { vec![] } else { vec![format!("{}: has no //! header", source.path)] }
}

fn lengths(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        found.push(format!("{}: {lines} lines; {FILE_LINES} are two rooms", source.path));
    }
    for (number, line) in source.lines() {
        // rustfmt keeps code short; tables and string literals it leaves alone, and so do we.
        if line.chars().count() > LINE_CHARS && !line.contains('"') {
            found.push(format!("{}:{number}: longer than {LINE_CHARS} characters", source.path));
        }
    }
    found
}

/// Functions end, after rustfmt, at the first line that closes a brace in the column in which the
/// function began.
fn functions(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let starts = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) async fn "];
        let more = ["pub(super) fn ", "pub(crate) fn ", "const fn ", "pub const fn "];
        if !starts.iter().chain(&more).any(|start| code.starts_with(start)) {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[at..].iter().position(|line| *line == end).unwrap_or(0) + 1;
        if length > FUNCTION_LINES {
            found.push(format!("{}:{}: a function of {length} lines", source.path, at + 1));
        }
    }
    found
}

fn panics(source: &Source) -> Vec<String> {
    if !source.room().is_some_and(|room| DATA_PATH.contains(&room)) {
        return vec![];
    }
    let bad = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.production().lines()) {
        if !line.trim_start().starts_with("//") && bad.iter().any(|bad| line.contains(bad)) {
            found.push(format!("{}:{number}: may panic on the data path", source.path));
        }
    }
    found
}

fn borders(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return vec![] };
    let Some((_, allowed)) = BORDERS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: the room {room} has no line in BORDERS", source.path)];
    };
    let mut found = Vec::new();
    for (at, _) in source.production().match_indices("crate::") {
        // `$crate::` and `pub(crate)` are something else.
        let rest = &source.text[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            let name = &name[..end];
            if !name.is_empty() && name != room && !allowed.contains(&name) {
                found.push(format!("{}: {room} may not know of {name}", source.path));
            }
        }
    }
    found
}

fn reasons(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let all: Vec<&str> = source.text.lines().collect();
    for (at, line) in all.iter().enumerate() {
        let code = line.trim_start();
        if !(code.starts_with("#[allow(") || code.starts_with("#![allow(")) {
            continue;
        }
        // The attribute may be broken over lines.
        let whole: String = all[at..all.len().min(at + 4)].join(" ");
        if !whole.split(']').next().is_some_and(|attribute| attribute.contains("reason")) {
            found.push(format!("{}:{}: a lint is relaxed without a reason", source.path, at + 1));
        }
    }
    found
}

fn unsafety(source: &Source) -> Vec<String> {
    let mut attributes = source.text.split("#![allow(").skip(1);
    let relaxes = attributes.any(|rest| rest.trim_start().starts_with("unsafe_code"));
    if source.path.starts_with("src/") && relaxes && !UNSAFE.contains(&source.path.as_str()) {
        return vec![format!("{}: unsafe outside of the named modules", source.path)];
    }
    vec![]
}

/// Every Rust file of the project that git would know of.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rooms = ["src", "tests", "bench", "fuzz/fuzz_targets"];
    let mut folders: Vec<PathBuf> = rooms.map(|name| root.join(name)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let inside = path.strip_prefix(root).expect("below the root");
                let inside = inside.to_string_lossy().replace('\\', "/");
                files.push(Source::new(&inside, &fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    files
}

/// Shows the rule a bad sample, then the project.
fn check(rule: fn(&Source) -> Vec<String>, bad: &Source) {
    assert!(!rule(bad).is_empty(), "the rule cannot fail: {}", bad.text);
    let all = sources();
    assert!(all.len() > 50, "only {} files were found", all.len());
    let found: Vec<String> = all.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    check(header, &Source::new("src/a.rs", "use std::io;\n"));
}

#[test]
fn files_and_lines_are_short() {
    check(lengths, &Source::new("src/a.rs", &"x\n".repeat(FILE_LINES + 1)));
    check(lengths, &Source::new("src/a.rs", &"x".repeat(LINE_CHARS + 1)));
}

#[test]
fn functions_are_short() {
    let body = "        x();\n".repeat(FUNCTION_LINES);
    check(functions, &Source::new("src/a.rs", &format!("    fn f() {{\n{body}    }}\n")));
}

#[test]
fn the_data_path_does_not_panic() {
    check(panics, &Source::new("src/h1/a.rs", "fn f() {\n    x.unwrap();\n}\n"));
}

#[test]
fn rooms_keep_to_their_borders() {
    check(borders, &Source::new("src/model/a.rs", "use crate::worker::Worker;\n"));
    check(borders, &Source::new("src/model/a.rs", "use crate::{config, limits};\n"));
    check(borders, &Source::new("src/attic/a.rs", "\n"));
}

#[test]
fn relaxed_lints_have_a_reason() {
    check(reasons, &Source::new("src/a.rs", "#[allow(dead_code)]\nfn f() {}\n"));
}

#[test]
fn unsafe_stays_in_its_modules() {
    check(unsafety, &Source::new("src/a.rs", "#![allow(unsafe_code, reason = \"x\")]\n"));
}
