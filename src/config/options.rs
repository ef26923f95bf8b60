//! The machinery over the table of options: find the row, read the value, apply it, or say what
//! is wrong and which option was probably meant.

use std::time::Duration;

use crate::model::{Complaint, Severity};
use crate::nearest::nearest;

use super::draft::Draft;
use super::table::{self, Fate, KNOWN, Known};
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
}

enum Found {
    Row(&'static Row),
    Known(&'static Known),
}

/// Whether a flag without `=` takes the argument behind it, as Traefik's own reader has it.
pub(super) fn takes_value(key: &str) -> bool {
    match find(key) {
        Some(Found::Row(row)) => !matches!(row.effect, Effect::Switch(_)),
        Some(Found::Known(known)) => known.kind.takes_value(),
        None => false,
    }
}

pub(super) fn family(key: &str) -> Option<Family> {
    find(key).map(|found| match found {
        Found::Row(row) => row.family,
        Found::Known(known) => known.family,
    })
}

/// Whether any option is one that only Traefik 1 has.
pub(super) fn is_first<'a>(mut settings: impl Iterator<Item = &'a Setting>) -> bool {
    settings.any(|setting| family(&setting.key) == Some(Family::First))
}

/// The settings with the sections that they bring about without naming them: rows do that
/// themselves, and an option that sets nothing here has nobody to do it.
pub(super) fn with_sections(tree: Vec<Setting>) -> Vec<Setting> {
    let mut all = tree;
    for at in 0..all.len() {
        let one = &all[at];
        let Some(Found::Known(known)) = find(&one.key) else { continue };
        if known.kind.asks(one.value.as_deref()) != Ok(true) {
            continue;
        }
        let ends = one.key.match_indices('.').map(|(end, _)| end);
        let sections: Vec<Setting> = ends
            .map(|end| &one.key[..end])
            .filter(|key| {
                matches!(find(key), Some(Found::Row(Row { effect: Effect::Switch(_), .. })))
            })
            .filter(|key| !all.iter().any(|other| other.key == *key))
            .map(|key| Setting {
                key: key.to_owned(),
                segments: one.segments[..key.split('.').count()].to_vec(),
                value: None,
                ..one.clone()
            })
            .collect();
        all.extend(sections);
    }
    all
}

/// Applies one setting to the draft; what comes back is what is wrong or doubtful with it.
pub(super) fn apply(draft: &mut Draft, setting: &Setting) -> Vec<Complaint> {
    let done = match find(&setting.key) {
        Some(Found::Row(row)) => enact(draft, row, user_name(row.name, setting), setting),
        Some(Found::Known(known)) => return remember(draft, known, setting).into_iter().collect(),
        None => return unknown(setting).into_iter().collect(),
    };
    match done {
        Ok(notes) => {
            notes.into_iter().map(|note| setting.complain(Severity::Warning, note, "")).collect()
        }
        Err(wrong) => vec![setting.complain(Severity::Error, wrong.problem, wrong.remedy)],
    }
}

/// The user's own word in the place of the `*`.
fn user_name<'a>(name: &str, setting: &'a Setting) -> &'a str {
    let wild = name.split('.').position(|segment| segment == "*");
    wild.and_then(|at| setting.segments.get(at)).map_or("", String::as_str)
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
        Effect::List(set) if s.is_element => set(draft, name, vec![needed()?.to_owned()])?,
        Effect::List(set) => set(draft, name, value::list(needed()?))?,
    }
    Ok(Vec::new())
}

/// Takes an option that sets nothing. Told to do what is done anyway, we do just that.
fn remember(draft: &mut Draft, known: &Known, setting: &Setting) -> Option<Complaint> {
    match known.kind.asks(setting.value.as_deref()) {
        Err(wrong) => Some(setting.complain(Severity::Error, wrong.problem, wrong.remedy)),
        Ok(_) if known.fate == Fate::Pointless => {
            draft.pointless.push(setting.spelled.clone());
            None
        }
        Ok(false) => None,
        Ok(true) if known.fate == Fate::Needed => {
            let name = user_name(&known.name, setting);
            let needs = match name {
                "" => &mut draft.control.web_needs,
                _ => &mut draft.entry(name).needs,
            };
            needs.get_or_insert_with(|| setting.spelled.clone());
            None
        }
        Ok(true) => {
            let problem = "is known to Traefik but not supported yet";
            Some(setting.complain_of_name(problem, ""))
        }
    }
}

fn example(row: &Row) -> String {
    format!("write --{}={}", row.name, placeholder(row))
}

/// What stands behind the `=` in `--help`.
pub(super) fn placeholder(row: &Row) -> &'static str {
    match row.effect {
        Effect::Switch(_) => "true",
        Effect::Text(_) => "<text>",
        Effect::Whole(_) => "<number>",
        Effect::Time(_) => "<seconds>",
        Effect::List(_) => "<a,b>",
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    table::rows().map(|row| row.name).chain(KNOWN.iter().map(|known| known.name.as_str()))
}

fn unknown(setting: &Setting) -> Option<Complaint> {
    let key = setting.key.as_str();
    // A section without anything in it: `providers: {}`, `--log`.
    let is_section = || names().any(|name| name.contains('.') && starts(name, key));
    if setting.value.as_deref().is_none_or(|value| value::switch(value).is_ok()) && is_section() {
        return None;
    }
    let candidates: Vec<String> = names().map(|name| filled(name, &setting.segments)).collect();
    let remedy = match nearest(key, candidates.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", setting.like(near)),
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

fn find(key: &str) -> Option<Found> {
    // Most names differ in their first word already.
    let word = key.split(['.', '[']).next().unwrap_or(key).as_bytes();
    let near = |name: &str| {
        name.as_bytes().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let known = |known: &&Known| match known.kind {
        table::Kind::Any => near(&known.name) && starts(key, &known.name),
        _ => near(&known.name) && is_same(key, &known.name),
    };
    let row = table::rows().find(|row| near(row.name) && is_same(key, row.name));
    row.map(Found::Row).or_else(|| KNOWN.iter().find(known).map(Found::Known))
}

/// Whether a lower-case key is the one of this name, `*` being any one segment.
fn is_same(key: &str, name: &str) -> bool {
    key.split('.').count() == name.split('.').count() && starts(key, name)
}

/// Whether the segments of the one begin with those of the other, in any case, `*` on either side
/// being any one segment. Elements of a list are spelled `domains[0]`.
fn starts(long: &str, short: &str) -> bool {
    let mut segments = long.split('.').map(|segment| segment.split('[').next().unwrap_or(segment));
    short.split('.').all(|short| match segments.next() {
        Some(long) => {
            let short = short.split('[').next().unwrap_or(short);
            let named = !long.is_empty() && !short.is_empty();
            (named && (long == "*" || short == "*")) || long.eq_ignore_ascii_case(short)
        }
        None => false,
    })
}
