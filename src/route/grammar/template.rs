//! Templates of Traefik 1 and 2, `{name:regexp}` among plain text, as expressions (gorilla/mux).

use super::matcher::Flaw;
use super::re2;
use crate::model::Pattern;

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The whole host; a name alone stands for one label.
    Host,
    /// The whole path; a name alone stands for one segment.
    Path,
    /// The beginning of a path.
    PathPrefix,
    /// The whole value of a parameter; a name alone stands for anything.
    Query,
}

/// The text as an expression that matches it as a whole, or from its beginning.
pub(super) fn pattern(text: &str, of: Of) -> Result<Pattern, Flaw> {
    let mut expression = String::from(if of == Of::Host { "(?i)^" } else { "^" });
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        plain.push_str(&rest[..open]);
        let length = closing(&rest[open..]).ok_or_else(|| unbalanced(text))?;
        let inner = &rest[open + 1..open + length - 1];
        let (name, given) = match inner.split_once(':') {
            Some((name, given)) => (name, Some(given)),
            None => (inner, None),
        };
        let usual = match of {
            Of::Host => "[^.]+",
            Of::Path | Of::PathPrefix => "[^/]+",
            Of::Query => ".*",
        };
        let given = given.unwrap_or(usual);
        if name.is_empty() || given.is_empty() {
            let problem = format!("a name or an expression is missing in {text:?}");
            return Err((problem, "write {name} or {name:expression}".to_owned()));
        }
        expression += &re2::quote(&std::mem::take(&mut plain));
        expression += &format!("(?:{given})");
        rest = &rest[open + length..];
    }
    if rest.contains('}') {
        return Err(unbalanced(text));
    }
    expression += &re2::quote(rest);
    if of != Of::PathPrefix {
        expression.push('$');
    }
    re2::compile(&expression).map_err(|problem| (problem, String::new()))
}

/// Length of what begins with a brace, up to the one that closes it.
fn closing(text: &str) -> Option<usize> {
    let mut level = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => level += 1,
            '}' => level = level.saturating_sub(1),
            _ => {}
        }
        if level == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn unbalanced(text: &str) -> Flaw {
    (format!("the braces of {text:?} do not match"), "write {name} or {name:expression}".to_owned())
}
