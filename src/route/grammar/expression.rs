//! Expressions of calls, as Traefik 2 and 3 write rules and constraints.
//!
//! A small recursive descent over bytes, because errors must say where they are:
//!
//! ```text
//! either  = both ("||" both)*
//! both    = single ("&&" single)*
//! single  = "!" single | "(" either ")" | name "(" string ("," string)* ")"
//! string  = "`" anything but "`" "`"  |  '"' with backslash escapes '"'
//! ```

use super::matcher::Flaw;
use super::{MAX_DEPTH, RuleError, error};

/// Calls, joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression<C> {
    All(Vec<Expression<C>>),
    Any(Vec<Expression<C>>),
    Not(Box<Expression<C>>),
    One(C),
}

/// A name with its arguments, all of them with their byte offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<K> {
    pub at: usize,
    /// As it was written.
    pub name: String,
    /// What the name stands for.
    pub known: K,
    /// At least one, none of them empty.
    pub arguments: Vec<(usize, String)>,
}

/// What may be called.
pub trait Vocabulary {
    type Known;

    /// What a name stands for; `rest` is what follows it in the text.
    fn find(&self, name: &str, rest: &str) -> Result<Self::Known, Flaw>;

    /// What could have been written where there is no name: a remedy.
    fn usable(&self) -> String;

    /// A whole expression, for whoever wrote nothing: a remedy.
    fn example(&self) -> &'static str;
}

/// Reads a whole text.
pub fn parse<V: Vocabulary>(
    text: &str,
    vocabulary: &V,
) -> Result<Expression<Call<V::Known>>, RuleError> {
    let mut reader = Reader { vocabulary, text, at: 0, depth: 0 };
    reader.skip_blanks();
    if reader.rest().is_empty() {
        return Err(reader.fail("the rule is empty", vocabulary.example()));
    }
    let found = reader.either()?;
    if !reader.rest().is_empty() {
        let problem = match reader.rest().chars().next() {
            Some(')') => "a closing parenthesis has no opening one".to_owned(),
            Some(other) => format!("{other:?} was not expected"),
            None => String::new(),
        };
        return Err(reader.fail(problem, "join matchers with && or ||"));
    }
    Ok(found)
}

struct Reader<'a, V> {
    vocabulary: &'a V,
    text: &'a str,
    /// Byte offset of what comes next; always on a character's border.
    at: usize,
    depth: usize,
}

/// What a vocabulary's reader finds.
type Found<V> = Expression<Call<<V as Vocabulary>::Known>>;

impl<'a, V: Vocabulary> Reader<'a, V> {
    fn either(&mut self) -> Result<Found<V>, RuleError> {
        let mut parts = vec![self.both()?];
        while self.take("||") {
            parts.push(self.both()?);
        }
        Ok(joined(parts, Expression::Any))
    }

    fn both(&mut self) -> Result<Found<V>, RuleError> {
        let mut parts = vec![self.single()?];
        while self.take("&&") {
            parts.push(self.single()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn single(&mut self) -> Result<Found<V>, RuleError> {
        if self.depth >= MAX_DEPTH {
            let problem = format!("the rule is nested deeper than {MAX_DEPTH}");
            return Err(self.fail(problem, "write it flatter"));
        }
        self.depth += 1;
        let rule = if self.take("!") {
            Expression::Not(Box::new(self.single()?))
        } else if self.take("(") {
            let inner = self.either()?;
            if !self.take(")") {
                return Err(self.fail("a closing parenthesis is missing", ""));
            }
            inner
        } else {
            self.matcher()?
        };
        self.depth -= 1;
        Ok(rule)
    }

    fn matcher(&mut self) -> Result<Found<V>, RuleError> {
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            let problem = match self.rest().chars().next() {
                Some(other) => format!("a matcher was expected instead of {other:?}"),
                None => "a matcher was expected instead of the end".to_owned(),
            };
            return Err(self.fail(problem, self.vocabulary.usable()));
        }
        let found = self.vocabulary.find(name, self.rest());
        let known = found.map_err(|(problem, remedy)| error(self.text, start, problem, remedy))?;
        let arguments = self.arguments(name)?;
        let name = name.to_owned();
        Ok(Expression::One(Call { at: start, name, known, arguments }))
    }

    /// `(`, quoted strings, `)`.
    fn arguments(&mut self, name: &str) -> Result<Vec<(usize, String)>, RuleError> {
        let remedy = || format!("write {name}(`argument`)");
        if !self.take("(") {
            return Err(self.fail(format!("{name} has no parenthesis"), remedy()));
        }
        let mut arguments = Vec::new();
        loop {
            let start = self.at;
            let argument = match self.rest().as_bytes().first() {
                Some(b'`') => self.raw()?,
                Some(b'"') => self.quoted()?,
                Some(b')') if arguments.is_empty() => {
                    return Err(self.fail(format!("{name} has no argument"), remedy()));
                }
                _ => {
                    let problem = format!("an argument of {name} is not quoted");
                    return Err(self.fail(problem, remedy()));
                }
            };
            if argument.is_empty() {
                let problem = format!("an argument of {name} is empty");
                return Err(error(self.text, start, problem, ""));
            }
            arguments.push((start, argument));
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                let problem = format!("the parenthesis of {name} is not closed");
                return Err(self.fail(problem, "separate arguments by a comma"));
            }
        }
    }

    fn raw(&mut self) -> Result<String, RuleError> {
        let body = self.rest().get(1..).unwrap_or_default();
        let Some(end) = body.find('`') else {
            return Err(self.fail("a backtick is not closed", ""));
        };
        let argument = body[..end].to_owned();
        self.at += end + 2;
        self.skip_blanks();
        Ok(argument)
    }

    /// A Go string in double quotes; only the escapes that make sense in a rule.
    fn quoted(&mut self) -> Result<String, RuleError> {
        let mut argument = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 1;
                    self.skip_blanks();
                    return Ok(argument);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => argument.push(escaped),
                    _ => {
                        let at = self.at + offset;
                        let problem = "only \\\" and \\\\ can be escaped";
                        return Err(error(self.text, at, problem, "use backticks"));
                    }
                },
                other => argument.push(other),
            }
        }
        Err(self.fail("a double quote is not closed", ""))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        self.skip_blanks();
        &rest[..end]
    }

    fn take(&mut self, token: &str) -> bool {
        let taken = self.rest().starts_with(token);
        if taken {
            self.at += token.len();
            self.skip_blanks();
        }
        taken
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn fail(&self, problem: impl Into<String>, remedy: impl Into<String>) -> RuleError {
        error(self.text, self.at, problem, remedy)
    }
}

/// One part stands for itself.
fn joined<C>(
    mut parts: Vec<Expression<C>>,
    join: fn(Vec<Expression<C>>) -> Expression<C>,
) -> Expression<C> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
