//! Traefik 1's labels become raw settings through a table. Nothing fails here; a label that no row
//! knows is a warning with the nearest one that exists.

use crate::discovery::check::{Given, Voice, below_traefik};
use crate::dynamic::decode::Unknown;
use crate::nearest::nearest;

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
            voice.unknown(&unknown(label, rows.iter().map(|row| row.name), path), "label");
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

fn unknown<'n>(label: &str, names: impl Iterator<Item = &'n str>, path: &str) -> Unknown {
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
    Unknown { setting: label.to_owned(), nearest: near.map(|near| format!("traefik.{near}")) }
}
