//! Every option by name: Traefik 1's, Traefik 2's and 3's, and our own.

mod access;
mod entrypoints;
mod first;
mod known;
mod observe;
mod own;
mod providers;
mod rest;

use super::draft::Draft;
use super::options::{Effect, Family, Row};
use super::value::Wrong;

pub(super) use known::{Fate, KNOWN, Kind, Known};
pub(super) use providers::PROVIDERS;

/// Less would refuse ordinary browsers.
const MIN_HEAD_BYTES: usize = 1024;

/// All rows, in the order and under the titles of `--help`.
pub(super) static GROUPS: &[(&str, &[Row])] = &[
    ("Traefik 2 and 3: where services are found", providers::ROWS),
    ("Traefik 2 and 3: entry points", entrypoints::ROWS),
    ("Traefik 2 and 3: the rest", rest::ROWS),
    ("All of them: what is told of the traffic", observe::ROWS),
    ("All of them: the access log", access::ROWS),
    ("Traefik 1", first::ROWS),
    ("Ringress", own::ROWS),
];

pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|(_, rows)| rows.iter())
}

const fn row(name: &'static str, family: Family, effect: Effect, help: &'static str) -> Row {
    Row { name, family, effect, help }
}

const fn none() -> Vec<String> {
    Vec::new()
}

fn log_format(draft: &mut Draft, text: &str) -> Result<Vec<String>, Wrong> {
    draft.log_json = match text.trim().to_ascii_lowercase().as_str() {
        "json" => true,
        "common" => false,
        _ => return Err(Wrong::new("is not a log format", "use common or json")),
    };
    Ok(none())
}

fn control_only(text: &str) -> Vec<String> {
    let problem = "is not supported yet; it is served on the entry point traefik (:8080) instead";
    if text.eq_ignore_ascii_case("traefik") { none() } else { vec![problem.to_owned()] }
}
