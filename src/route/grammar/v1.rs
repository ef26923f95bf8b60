//! Traefik 1's rules: `Host: a.example, b.example; Method: GET, POST`.
//!
//! `;` splits first, then the first `:` ends the function's name, then `,` splits the arguments.
//! There is no quoting. Different functions must all match, of several arguments one is enough;
//! those of `Headers`, `HeadersRegexp` and `Query` must all match. Names are case-sensitive.

use crate::model::Rule;

use super::matcher::{self, Flaw, Matcher, Named, Templates};
use super::template::Of;
use super::{RuleError, all, any, error};

pub(super) fn parse(text: &str) -> Result<Rule, RuleError> {
    let parts: Result<Vec<Rule>, RuleError> =
        pieces(0, text, ';').into_iter().map(|(at, piece)| function(text, at, piece)).collect();
    let parts = parts?;
    if parts.is_empty() {
        let remedy = "write something like Host: app.example.com";
        return Err(error(text, 0, "the rule is empty", remedy));
    }
    Ok(all(parts))
}

/// What stands between separators, trimmed, blanks dropped, each with its byte offset.
fn pieces(base: usize, text: &str, separator: char) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = base;
    for piece in text.split(separator) {
        let blank = piece.len() - piece.trim_start().len();
        if !piece.trim().is_empty() {
            found.push((at + blank, piece.trim()));
        }
        at += piece.len() + separator.len_utf8();
    }
    found
}

/// `Name: argument, argument`, which starts at byte `start` of the text.
fn function(text: &str, start: usize, piece: &str) -> Result<Rule, RuleError> {
    let Some((name, rest)) = piece.split_once(':') else {
        let problem = format!("{piece:?} has no colon");
        let remedy = if piece.contains('(') {
            "this is the grammar of Traefik 2; write Name: argument"
        } else {
            "write Name: argument, argument"
        };
        return Err(error(text, start, problem, remedy));
    };
    let found = match matcher::find(matcher::V1, name.trim(), |a, b| a == b) {
        Named::Known(found) => found,
        Named::NotYet => {
            let problem =
                format!("the function {} is known to Traefik 1 but not supported yet", name.trim());
            return Err(error(text, start, problem, matcher::usable(matcher::V1)));
        }
        Named::Unknown(near) => {
            let problem = format!("there is no function {:?}", name.trim());
            let remedy = match near {
                Some(near) => format!("did you mean {near}?"),
                None if name.contains('(') => {
                    "this is the grammar of Traefik 2; write Name: argument".to_owned()
                }
                None => matcher::usable(matcher::V1),
            };
            return Err(error(text, start, problem, remedy));
        }
    };
    let arguments = pieces(start + name.len() + 1, rest, ',');
    if arguments.is_empty() {
        let problem = format!("the function {} has no argument", name.trim());
        return Err(error(text, start, problem, "write Name: argument, argument"));
    }
    let located = |at: usize| move |(problem, remedy): Flaw| error(text, at, problem, remedy);
    if matches!(found, Matcher::Header | Matcher::HeaderRegexp) {
        let mut pairs = Vec::new();
        for pair in arguments.chunks(2) {
            match *pair {
                [(at, key), (_, value)] => {
                    pairs.push(matcher::header(found, key, value).map_err(located(at))?);
                }
                _ => {
                    let at = pair.first().map_or(start, |(at, _)| *at);
                    let problem = "a header name stands without a value";
                    let remedy = format!("write {}: name, value", name.trim());
                    return Err(error(text, at, problem, remedy));
                }
            }
        }
        return Ok(all(pairs));
    }
    let parts: Result<Vec<Rule>, RuleError> = arguments
        .into_iter()
        .map(|(at, argument)| choice(found, argument).map_err(located(at)))
        .collect();
    Ok(if found == Matcher::Query { all(parts?) } else { any(parts?) })
}

fn choice(found: Matcher, argument: &str) -> Result<Rule, Flaw> {
    match found {
        Matcher::Host => matcher::host(argument),
        Matcher::HostRegexp => matcher::host_regexp(argument, Templates::Meant),
        Matcher::Path => matcher::path(argument, Of::Path, Templates::Meant),
        Matcher::PathPrefix => matcher::path(argument, Of::PathPrefix, Templates::Meant),
        Matcher::Method => matcher::method(argument),
        Matcher::Query => matcher::parameter(argument),
        // Pairs are read before; the others are none of Traefik 1's functions.
        Matcher::Header
        | Matcher::HeaderRegexp
        | Matcher::PathRegexp
        | Matcher::QueryRegexp
        | Matcher::ClientIp => {
            Err((format!("{argument:?} stands alone"), "write a pair".to_owned()))
        }
    }
}
