//! The text of `ringress --help`, from the table that reads the options.

use std::fmt::Write as _;

use super::options::{Effect, placeholder};
use super::table::GROUPS;

/// Where the explanations begin; a longer name has a line to itself.
const COLUMN: usize = 48;

/// Every supported option, by group.
pub fn help() -> String {
    let mut text = String::from(
        "Options are Traefik's, of all its generations; names are read in any case, and every\n\
         later option can be given as TRAEFIK_<PATH_WITH_UNDERSCORES> or in a file instead. What\n\
         else Traefik knows is taken with a warning. In brackets: what holds without the option.\n",
    );
    for (title, rows) in GROUPS {
        let _ = write!(text, "\n{title}:\n");
        for row in *rows {
            let value = match row.effect {
                Effect::Switch(_) => String::new(),
                _ => format!("={}", placeholder(row)),
            };
            let name = format!("  --{}{value}", row.name.replace('*', "<name>"));
            let gap = if name.len() < COLUMN { "" } else { "\n" };
            let fill = if gap.is_empty() { COLUMN - name.len() } else { COLUMN };
            let _ = writeln!(text, "{name}{gap}{:fill$}{}", "", row.help);
        }
    }
    text
}
