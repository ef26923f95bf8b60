//! Traefik 1's labels become raw settings through a table. Nothing fails here; a label that no row
//! knows is a warning with the nearest one that exists.

use std::collections::BTreeMap;

use crate::discovery::check::{Given, Voice, below_traefik};
use crate::dynamic::decode::Unknown;
use crate::nearest::nearest;

/// A label's name behind `traefik.`, and what it sets in the raw settings `R`; `**` at the end is
/// everything below.
pub(super) struct Row<R: 'static> {
    pub name: &'static str,
    pub effect: Effect<R>,
}

/// Where a label is put.
pub(super) type Slot<R> = fn(&mut R) -> &mut Option<Given>;

pub(super) enum Effect<R> {
    /// The slot that takes the label.
    Take(Slot<R>),
    /// Not done yet, and serving without it could hand out what it protects: the slot keeps the
    /// first such label, and the router stays disabled.
    Blocks(Slot<R>),
    /// Read elsewhere, or rightly without effect.
    Ignored,
}

/// Labels by their names behind `traefik.`, as the user wrote them.
pub(super) type Labels = BTreeMap<String, Given>;

/// The labels of each segment, or of the workload as a whole where it has none.
///
/// A segment is a word of the user's before `port`, `frontend.rule` and the like. Each inherits
/// what it does not say itself from the labels without a segment.
pub(super) fn segments<'a>(
    labels: impl Iterator<Item = (&'a String, &'a String)>,
) -> Vec<(Option<String>, Labels)> {
    let mut common = Labels::new();
    let mut named: BTreeMap<String, Labels> = BTreeMap::new();
    for (label, value) in labels {
        let Some(path) = below_traefik(label) else { continue };
        let given = Given { label: label.clone(), value: value.clone() };
        match of_segment(path) {
            Some((segment, rest)) => {
                named.entry(segment.to_owned()).or_default().insert(rest.to_owned(), given);
            }
            None => drop(common.insert(path.to_owned(), given)),
        }
    }
    if named.is_empty() {
        return vec![(None, common)];
    }
    let inherit = |(segment, own): (String, Labels)| {
        let mut all = common.clone();
        all.extend(own);
        (Some(segment), all)
    };
    named.into_iter().map(inherit).collect()
}

fn of_segment(path: &str) -> Option<(&str, &str)> {
    let (segment, rest) = path.split_once('.')?;
    let own = ["frontend", "backend", "docker", "swarm"].contains(&segment);
    let is_one =
        ["port", "protocol", "weight", "backend"].contains(&rest) || rest.starts_with("frontend.");
    (!segment.is_empty() && !own && is_one).then_some((segment, rest))
}

/// Reads every label into `raw`.
pub(super) fn read<R>(rows: &[Row<R>], labels: &Labels, raw: &mut R, voice: &mut Voice) {
    for (path, given) in labels {
        let Some(row) = rows.iter().find(|row| fits(row.name, path)) else {
            voice.unknown(&unknown(&given.label, rows.iter().map(|row| row.name), path), "label");
            continue;
        };
        match row.effect {
            Effect::Take(slot) => *slot(raw) = Some(given.clone()),
            // Switched off, or naming nothing, it asks for nothing, in Traefik too.
            Effect::Blocks(_) if matches!(given.value.trim(), "" | "false") => {}
            Effect::Blocks(slot) => {
                slot(raw).get_or_insert_with(|| given.clone());
            }
            Effect::Ignored => {}
        }
    }
}

fn fits(name: &str, path: &str) -> bool {
    match name.strip_suffix(".**") {
        Some(prefix) => path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')),
        None => name == path,
    }
}

fn unknown<'n>(label: &str, names: impl Iterator<Item = &'n str>, path: &str) -> Unknown {
    let near = nearest(path, names.filter(|name| !name.ends_with("**")));
    Unknown { setting: label.to_owned(), nearest: near.map(|near| format!("traefik.{near}")) }
}
