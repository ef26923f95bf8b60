//! The text of `ringress --help`, from the table that reads the options.

use std::fmt::Write as _;

use super::options::{Effect, Family, placeholder};
use super::table::OPTIONS;

/// Every supported option, a line each, by family.
pub fn help() -> String {
    let mut text = String::from(
        "Options are Traefik's, of all its generations; names are read in any case, and every\n\
         later option can be given as TRAEFIK_<PATH_WITH_UNDERSCORES> instead.\n",
    );
    for (title, families) in [
        ("Traefik 2 and 3", &[Family::Later, Family::Second] as &[Family]),
        ("Traefik 1", &[Family::First]),
        ("All of them", &[Family::Shared]),
        ("Ringress", &[Family::Own]),
    ] {
        let _ = write!(text, "\n{title}:\n");
        for row in OPTIONS.iter().filter(|row| families.contains(&row.family)) {
            let value = match row.effect {
                Effect::Needs => continue,
                Effect::Switch(_) => String::new(),
                _ => format!("={}", placeholder(row)),
            };
            let name = row.name.replace('*', "<name>");
            let _ = writeln!(text, "  --{name}{value}\n        {}", row.help);
        }
    }
    text
}
