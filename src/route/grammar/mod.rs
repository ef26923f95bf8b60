//! Rule text to [`Rule`]: the grammars of the three dialects, one tree for all of them.
//!
//! An error says where it is and what would be right; it costs one router, never a neighbour.

pub mod expression;
mod later;
mod matcher;
mod re2;
mod template;
mod v1;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::model::{Dialect, Pattern, Rule};

/// Longest rule that is read. Traefik has no bound; a label that long is not a rule, and the
/// bound keeps the work per label small.
pub const MAX_RULE_BYTES: usize = 8 * 1024;

/// Deepest nesting of parentheses and `!`. The tree is walked recursively from here on, so this
/// is what bounds the stack of everything that reads a [`Rule`].
pub const MAX_DEPTH: usize = 32;

/// A rule that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub rule: Rule,
    /// The priority of a router that names none: the length of the text in bytes.
    pub priority: i64,
    /// What was accepted though the dialect itself would not have taken it, as clauses.
    pub notes: Vec<String>,
}

/// Why a rule was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Offset in characters from the start of the text, counted from 1 as an editor does.
    pub position: usize,
    /// What is wrong, as a clause.
    pub problem: String,
    /// What would be right, as a clause; may be empty.
    pub remedy: String,
}

impl std::error::Error for RuleError {}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.problem, self.position)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Reads a rule in the grammar of its dialect.
///
/// Traefik 3's names and arities are read in the second dialect and the second's in the third:
/// nothing that works in one means something else in the other, and a plain
/// `--providers.docker` does not tell which of both wrote the labels. Templates (`{name:re}`)
/// are an exception: the third dialect takes them literally, and so does `HostRegexp` there.
pub fn parse(dialect: Dialect, text: &str) -> Result<Parsed, RuleError> {
    if text.len() > MAX_RULE_BYTES {
        return Err(RuleError {
            position: MAX_RULE_BYTES,
            problem: format!("the rule is longer than {MAX_RULE_BYTES} bytes"),
            remedy: "split it over several routers".to_owned(),
        });
    }
    let (rule, notes) = match dialect {
        Dialect::V1 => (v1::parse(text)?, Vec::new()),
        Dialect::V2 | Dialect::V3 => later::parse(dialect, text)?,
    };
    Ok(Parsed { rule, priority: i64::try_from(text.len()).unwrap_or(i64::MAX), notes })
}

/// An expression in Go's syntax, for whoever else reads one; the error is a clause.
pub fn expression(text: &str) -> Result<Pattern, String> {
    re2::compile(text)
}

/// An error at a byte offset of `text`.
fn error(
    text: &str,
    byte: usize,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> RuleError {
    let before = text.get(..byte).unwrap_or(text);
    RuleError {
        position: before.chars().count() + 1,
        problem: problem.into(),
        remedy: remedy.into(),
    }
}

/// One part stands for itself; several need all of them.
fn all(mut parts: Vec<Rule>) -> Rule {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Rule::All(parts)
        }
        None => Rule::All(parts),
    }
}

/// One part stands for itself; of several, one is enough.
fn any(mut parts: Vec<Rule>) -> Rule {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Rule::Any(parts)
        }
        None => Rule::Any(parts),
    }
}
