//! The rules of Traefik 2 and 3: ``Host(`a.example`) && !PathPrefix(`/admin`)``.
//!
//! A small recursive descent over bytes, because errors must say where they are:
//!
//! ```text
//! either  = both ("||" both)*
//! both    = single ("&&" single)*
//! single  = "!" single | "(" either ")" | name "(" string ("," string)* ")"
//! string  = "`" anything but "`" "`"  |  '"' with backslash escapes '"'
//! ```

use crate::model::{Dialect, Rule};

use super::matcher::{self, Flaw, Matcher, Named, Templates};
use super::template::Of;
use super::{MAX_DEPTH, RuleError, all, any, error};

pub(super) fn parse(dialect: Dialect, text: &str) -> Result<(Rule, Vec<String>), RuleError> {
    let mut reader = Reader { dialect, text, at: 0, depth: 0, notes: Vec::new() };
    reader.skip_blanks();
    if reader.rest().is_empty() {
        return Err(
            reader.fail("the rule is empty", "write something like Host(`app.example.com`)")
        );
    }
    let rule = reader.either()?;
    if !reader.rest().is_empty() {
        let problem = match reader.rest().chars().next() {
            Some(')') => "a closing parenthesis has no opening one".to_owned(),
            Some(other) => format!("{other:?} was not expected"),
            None => String::new(),
        };
        return Err(reader.fail(problem, "join matchers with && or ||"));
    }
    Ok((rule, reader.notes))
}

struct Reader<'a> {
    dialect: Dialect,
    text: &'a str,
    /// Byte offset of what comes next; always on a character's border.
    at: usize,
    depth: usize,
    notes: Vec<String>,
}

/// An argument and the byte offset of its opening quote.
type Argument = (usize, String);

impl<'a> Reader<'a> {
    fn either(&mut self) -> Result<Rule, RuleError> {
        let mut parts = vec![self.both()?];
        while self.take("||") {
            parts.push(self.both()?);
        }
        Ok(any(parts))
    }

    fn both(&mut self) -> Result<Rule, RuleError> {
        let mut parts = vec![self.single()?];
        while self.take("&&") {
            parts.push(self.single()?);
        }
        Ok(all(parts))
    }

    fn single(&mut self) -> Result<Rule, RuleError> {
        if self.depth >= MAX_DEPTH {
            let problem = format!("the rule is nested deeper than {MAX_DEPTH}");
            return Err(self.fail(problem, "write it flatter"));
        }
        self.depth += 1;
        let rule = if self.take("!") {
            Rule::Not(Box::new(self.single()?))
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

    fn matcher(&mut self) -> Result<Rule, RuleError> {
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            let problem = match self.rest().chars().next() {
                Some(other) => format!("a matcher was expected instead of {other:?}"),
                None => "a matcher was expected instead of the end".to_owned(),
            };
            return Err(self.fail(problem, matcher::usable(matcher::LATER)));
        }
        let found = match matcher::find(matcher::LATER, name, spelled_alike) {
            Named::Known(found) => found,
            Named::NotYet => {
                let problem =
                    format!("the matcher {name} is known to Traefik but not supported yet");
                return Err(error(self.text, start, problem, matcher::usable(matcher::LATER)));
            }
            Named::Unknown(near) => {
                let problem = format!("there is no matcher {name:?}");
                let remedy = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None if self.rest().starts_with(':') => {
                        "this is the grammar of Traefik 1; write Name(`argument`)".to_owned()
                    }
                    None => matcher::usable(matcher::LATER),
                };
                return Err(error(self.text, start, problem, remedy));
            }
        };
        let arguments = self.arguments(name)?;
        self.build(start, name, found, arguments)
    }

    /// `(`, quoted strings, `)`.
    fn arguments(&mut self, name: &str) -> Result<Vec<Argument>, RuleError> {
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

    fn build(
        &mut self,
        start: usize,
        name: &str,
        found: Matcher,
        arguments: Vec<Argument>,
    ) -> Result<Rule, RuleError> {
        let text = self.text;
        let located = |at: usize| move |(problem, remedy): Flaw| error(text, at, problem, remedy);
        if self.dialect == Dialect::V3 && name.eq_ignore_ascii_case("HostHeader") {
            self.notes.push("HostHeader is Traefik 2's name; write Host".to_owned());
        }
        match found {
            Matcher::Header | Matcher::HeaderRegexp => {
                let mut pairs = Vec::new();
                for pair in arguments.chunks(2) {
                    let [(at, key), (_, value)] = pair else {
                        let problem = format!("a header name of {name} stands without a value");
                        let remedy = format!("write {name}(`name`, `value`)");
                        return Err(error(text, start, problem, remedy));
                    };
                    pairs.push(matcher::header(found, key, value).map_err(located(*at))?);
                }
                self.note_arity(name, pairs.len(), "&&");
                Ok(all(pairs))
            }
            Matcher::Query | Matcher::QueryRegexp => self.query(start, name, found, &arguments),
            _ => {
                self.note_arity(name, arguments.len(), "||");
                let choices: Result<Vec<Rule>, RuleError> = arguments
                    .iter()
                    .map(|(at, argument)| self.choice(found, argument).map_err(located(*at)))
                    .collect();
                Ok(any(choices?))
            }
        }
    }

    /// ``Query(`name`, `value`)``, or as Traefik 2 writes it, ``Query(`name=value`, …)``.
    fn query(
        &mut self,
        start: usize,
        name: &str,
        found: Matcher,
        arguments: &[Argument],
    ) -> Result<Rule, RuleError> {
        let text = self.text;
        let located = |at: usize| move |(problem, remedy): Flaw| error(text, at, problem, remedy);
        let second = self.dialect != Dialect::V3 && found == Matcher::Query;
        if second && arguments.iter().all(|(_, argument)| argument.contains('=')) {
            let parts = arguments
                .iter()
                .map(|(at, argument)| matcher::parameter(argument).map_err(located(*at)));
            return Ok(all(parts.collect::<Result<_, _>>()?));
        }
        match arguments {
            [(_, key)] => Ok(Rule::Query(key.clone(), String::new())),
            [(_, key), (at, value)] if found == Matcher::QueryRegexp => {
                let pattern = matcher::expression(value).map_err(located(*at))?;
                Ok(Rule::QueryRegexp(key.clone(), pattern))
            }
            [(_, key), (_, value)] => Ok(Rule::Query(key.clone(), value.clone())),
            _ => {
                let problem = format!("{name} has more than two arguments");
                Err(error(text, start, problem, format!("write {name}(`name`, `value`)")))
            }
        }
    }

    fn note_arity(&mut self, name: &str, count: usize, operator: &str) {
        if self.dialect == Dialect::V3 && count > 1 {
            self.notes.push(format!(
                "several arguments of {name} are Traefik 2's form; join matchers with {operator}"
            ));
        }
    }

    fn choice(&self, found: Matcher, argument: &str) -> Result<Rule, Flaw> {
        let templates = match self.dialect {
            Dialect::V1 | Dialect::V2 => Templates::Meant,
            Dialect::V3 => Templates::Literal,
        };
        match found {
            // Traefik 3.7 has a star alone for any host.
            Matcher::Host if argument == "*" && self.dialect == Dialect::V3 => {
                Ok(Rule::All(Vec::new()))
            }
            Matcher::Host => matcher::host(argument),
            Matcher::HostRegexp => matcher::host_regexp(argument, templates),
            Matcher::Path => matcher::path(argument, Of::Path, templates),
            Matcher::PathPrefix => matcher::path(argument, Of::PathPrefix, templates),
            Matcher::PathRegexp => matcher::expression(argument).map(Rule::PathRegexp),
            Matcher::Method => matcher::method(argument),
            Matcher::ClientIp => matcher::client_ip(argument),
            // Read before: a lone name is no choice.
            Matcher::Header | Matcher::HeaderRegexp | Matcher::Query | Matcher::QueryRegexp => {
                Err((format!("{argument:?} stands alone"), "write a pair".to_owned()))
            }
        }
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

/// Traefik takes a matcher's name as written, in lower case, in upper case, and capitalised with
/// the rest in lower case.
fn spelled_alike(known: &str, name: &str) -> bool {
    let lower = known.to_ascii_lowercase();
    let capitalised =
        |name: &str| name.get(..1) == known.get(..1) && name.get(1..) == lower.get(1..);
    name == known || name == lower || name == known.to_ascii_uppercase() || capitalised(name)
}
