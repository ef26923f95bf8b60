//! The machinery over the table of options: find the row, read the value, apply it, or say what
//! is wrong and which option was probably meant.

use std::time::Duration;

use crate::model::{Complaint, Severity};
use crate::nearest::nearest;

use super::draft::Draft;
use super::table::{NOT_YET, OPTIONS, SILENT};
use super::tree::Setting;
use super::value::{self, Wrong};

/// A row of the table.
pub(super) struct Row {
    /// In Traefik's own spelling; a segment `*` is a name that the user chose.
    pub name: &'static str,
    pub family: Family,
    pub effect: Effect,
    /// Half a line for `--help`.
    pub help: &'static str,
}

/// Whose option it is; one of [`Family::First`] makes the whole command line the first dialect's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    First,
    /// Only Traefik 2 has it; Traefik 3 refuses to start with it.
    Second,
    Later,
    Shared,
    Own,
}

/// What a value is and what it changes. The second argument is the name under the row's `*`.
///
/// Setters of text check it themselves and may answer with clauses for warnings.
pub(super) enum Effect {
    Switch(fn(&mut Draft, &str, bool)),
    Text(fn(&mut Draft, &str, &str) -> Result<Vec<String>, Wrong>),
    Whole(fn(&mut Draft, &str, i64)),
    Time(fn(&mut Draft, &str, Duration)),
    List(fn(&mut Draft, &str, Vec<String>) -> Result<(), Wrong>),
    /// Known to Traefik, with everything below it; the entry point must not be opened without it.
    Needs,
}

/// Whether a flag without `=` takes the argument behind it, as Traefik's own reader has it.
pub(super) fn takes_value(key: &str) -> bool {
    let row = find(key).map(|row| &row.effect);
    matches!(row, Some(Effect::Text(_) | Effect::Whole(_) | Effect::Time(_) | Effect::List(_)))
}

pub(super) fn family(key: &str) -> Option<Family> {
    if let Some(row) = find(key) {
        return Some(row.family);
    }
    NOT_YET.iter().find(|(prefix, _)| is_below(key, prefix)).map(|(_, family)| *family)
}

/// Whether any option is one that only Traefik 1 has.
pub(super) fn is_first<'a>(mut settings: impl Iterator<Item = &'a Setting>) -> bool {
    settings.any(|setting| family(&setting.key) == Some(Family::First))
}

/// Applies one setting to the draft; what comes back is what is wrong or doubtful with it.
pub(super) fn apply(draft: &mut Draft, setting: &Setting) -> Vec<Complaint> {
    let Some(row) = find(&setting.key) else {
        return unknown(setting).into_iter().collect();
    };
    let wild = row.name.split('.').position(|segment| segment == "*");
    let name = wild.and_then(|at| setting.segments.get(at)).map_or("", String::as_str);
    match enact(draft, row, name, setting) {
        Ok(notes) => {
            notes.into_iter().map(|note| setting.complain(Severity::Warning, note, "")).collect()
        }
        Err(wrong) => vec![setting.complain(Severity::Error, wrong.problem, wrong.remedy)],
    }
}

fn enact(draft: &mut Draft, row: &Row, name: &str, s: &Setting) -> Result<Vec<String>, Wrong> {
    let needed = || s.value.as_deref().ok_or_else(|| Wrong::new("has no value", example(row)));
    match row.effect {
        Effect::Switch(set) => {
            set(draft, name, s.value.as_deref().map_or(Ok(true), value::switch)?);
        }
        Effect::Text(set) => return set(draft, name, needed()?),
        Effect::Whole(set) => set(draft, name, value::whole(needed()?)?),
        Effect::Time(set) => set(draft, name, value::time(needed()?)?),
        Effect::List(set) => set(draft, name, value::list(needed()?))?,
        // Told not to do it, we do just that.
        Effect::Needs if s.value.as_deref().map(value::switch) == Some(Ok(false)) => {}
        Effect::Needs => {
            let entry = draft.entry(name);
            entry.needs.get_or_insert_with(|| s.spelled.clone());
        }
    }
    Ok(Vec::new())
}

fn example(row: &Row) -> String {
    format!("write --{}={}", row.name, placeholder(row))
}

/// What stands behind the `=` in `--help`.
pub(super) fn placeholder(row: &Row) -> &'static str {
    match row.effect {
        Effect::Switch(_) | Effect::Needs => "true",
        Effect::Text(_) => "<text>",
        Effect::Whole(_) => "<number>",
        Effect::Time(_) => "<seconds>",
        Effect::List(_) => "<a,b>",
    }
}

fn unknown(setting: &Setting) -> Option<Complaint> {
    let key = setting.key.as_str();
    if SILENT.iter().any(|prefix| is_below(key, prefix)) {
        return None;
    }
    if NOT_YET.iter().any(|(prefix, _)| is_below(key, prefix)) {
        let problem = "is known to Traefik but not supported yet";
        return Some(setting.complain_of_name(problem, ""));
    }
    let candidates: Vec<String> =
        OPTIONS.iter().map(|row| filled(row.name, &setting.segments)).collect();
    let remedy = match nearest(key, candidates.iter().map(String::as_str)) {
        Some(near) => format!("did you mean --{near}?"),
        None => "see ringress --help".to_owned(),
    };
    Some(setting.complain_of_name("is not a known option and is ignored", remedy))
}

/// A row's name with the user's own word in the place of `*`.
fn filled(name: &str, segments: &[String]) -> String {
    let mut filled = Vec::new();
    for (at, segment) in name.split('.').enumerate() {
        match segments.get(at) {
            Some(own) if segment == "*" => filled.push(own.as_str()),
            _ => filled.push(segment),
        }
    }
    filled.join(".")
}

fn find(key: &str) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| match row.effect {
        Effect::Needs => is_below(key, row.name),
        _ => is_same(key, row.name),
    })
}

/// Whether a lower-case key is the one of this name, `*` being any one segment.
fn is_same(key: &str, name: &str) -> bool {
    let mut segments = key.split('.');
    let fits = |known: &str| match segments.next() {
        Some(segment) => {
            (known == "*" && !segment.is_empty()) || known.eq_ignore_ascii_case(segment)
        }
        None => false,
    };
    name.split('.').all(fits) && segments.next().is_none()
}

/// Whether a lower-case key is the prefix itself or lies below it; `*` is any one segment.
fn is_below(key: &str, prefix: &str) -> bool {
    let mut segments = key.split('.');
    prefix.split('.').all(|known| match segments.next() {
        // List elements are spelled `domains[0]`.
        Some(segment) => {
            let bare = segment.split('[').next().unwrap_or(segment);
            known == "*" || known.eq_ignore_ascii_case(bare)
        }
        None => false,
    })
}
