//! Stage one: labels become raw settings through a table. Nothing fails here; a label that no row
//! knows is a warning with the nearest one that exists.

use crate::config::value::Wrong;
use crate::model::{Complaint, Severity};
use crate::nearest::nearest;

/// A label as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub label: String,
    pub value: String,
}

/// A label's name behind `traefik.`, and what it sets in the raw settings `R`.
///
/// A segment `*` is a name that the user chose, `**` at the end is everything below.
pub(super) struct Row<R: 'static> {
    pub name: &'static str,
    pub effect: Effect<R>,
}

/// Where a label is put; the second argument is the name under the row's `*`.
pub(super) type Slot<R> = for<'a> fn(&'a mut R, &str) -> &'a mut Option<Given>;

pub(super) enum Effect<R> {
    /// The slot that takes the label.
    Take(Slot<R>),
    /// Not done yet, and serving without it could hand out what it protects: the slot keeps the
    /// first such label, and the router stays disabled.
    Blocks(Slot<R>),
    NotYet,
    /// Read elsewhere, or rightly without effect.
    Ignored,
}

/// Reads every label into `raw`; `fold` says whether names are read in any case (Traefik 2, 3).
pub(super) fn read<'a, R>(
    rows: &[Row<R>],
    labels: impl Iterator<Item = (&'a String, &'a String)>,
    fold: bool,
    raw: &mut R,
    voice: &mut Voice,
) {
    for (label, value) in labels {
        let Some(path) = below_traefik(label) else {
            continue;
        };
        let given = Given { label: label.clone(), value: value.clone() };
        let Some(row) = rows.iter().find(|row| fits(row.name, path, fold)) else {
            voice.unknown(&given, rows.iter().map(|row| row.name), path);
            continue;
        };
        let wild = row.name.split('.').position(|segment| segment == "*");
        let name = wild.and_then(|at| path.split('.').nth(at)).unwrap_or_default();
        match row.effect {
            Effect::Take(slot) => *slot(raw, name) = Some(given),
            // Switched off, or naming nothing, it asks for nothing, in Traefik too.
            Effect::Blocks(_) if matches!(given.value.trim(), "" | "false") => {}
            Effect::Blocks(slot) => {
                slot(raw, name).get_or_insert(given);
            }
            Effect::NotYet => voice.not_yet(&given),
            Effect::Ignored => {}
        }
    }
}

/// The label's name behind `traefik.`, whose own case does not count.
pub(super) fn below_traefik(label: &str) -> Option<&str> {
    let (head, path) = label.split_once('.')?;
    head.eq_ignore_ascii_case("traefik").then_some(path)
}

fn fits(name: &str, path: &str, fold: bool) -> bool {
    let mut segments = path.split('.');
    for known in name.split('.') {
        let Some(segment) = segments.next() else {
            return false;
        };
        // List elements are spelled `domains[0]`.
        let bare = segment.split('[').next().unwrap_or(segment);
        match known {
            "**" => return true,
            "*" if !segment.is_empty() => {}
            _ if known == bare || (fold && known.eq_ignore_ascii_case(bare)) => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// How a workload's settings are complained about.
pub(super) struct Voice<'a> {
    /// The workload's name.
    pub subject: &'a str,
    pub complaints: &'a mut Vec<Complaint>,
}

impl Voice<'_> {
    pub fn say(
        &mut self,
        severity: Severity,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let nothing = Given { label: String::new(), value: String::new() };
        self.say_of(severity, &nothing, problem, remedy);
    }

    pub fn say_of(
        &mut self,
        severity: Severity,
        given: &Given,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.complaints.push(Complaint {
            severity,
            subject: self.subject.to_owned(),
            setting: given.label.clone(),
            value: given.value.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// A bad value; `cost` says what it costs the user.
    pub fn reject(&mut self, given: &Given, wrong: Wrong, cost: &str) {
        let problem =
            if cost.is_empty() { wrong.problem } else { format!("{}, so {cost}", wrong.problem) };
        self.say_of(Severity::Error, given, problem, wrong.remedy);
    }

    /// Names the label without its value, which may be a secret (password hashes).
    pub fn not_yet(&mut self, given: &Given) {
        let named = Given { label: given.label.clone(), value: String::new() };
        let problem = "is known to Traefik but not supported yet, and is ignored";
        self.say_of(Severity::Warning, &named, problem, "");
    }

    fn unknown<'n>(&mut self, given: &Given, names: impl Iterator<Item = &'n str>, path: &str) {
        let named = Given { label: given.label.clone(), value: String::new() };
        let own: Vec<&str> = path.split('.').collect();
        let filled: Vec<String> = names
            .filter(|name| !name.ends_with("**"))
            .map(|name| {
                let fill = |(at, segment): (usize, &'n str)| match own.get(at) {
                    Some(own) if segment == "*" => (*own).to_owned(),
                    _ => segment.to_owned(),
                };
                name.split('.').enumerate().map(fill).collect::<Vec<_>>().join(".")
            })
            .collect();
        let near = nearest(path, filled.iter().map(String::as_str));
        let remedy = near.map(|near| format!("did you mean traefik.{near}?")).unwrap_or_default();
        self.say_of(Severity::Warning, &named, "is not a known label and is ignored", remedy);
    }
}
