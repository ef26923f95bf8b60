//! The rules of Traefik 2 and 3: ``Host(`a.example`) && !PathPrefix(`/admin`)``.

use crate::model::{Dialect, Rule};

use super::expression::{self, Call, Expression, Vocabulary};
use super::matcher::{self, Flaw, Matcher, Named, Templates};
use super::template::Of;
use super::{RuleError, all, any, error};

pub(super) fn parse(dialect: Dialect, text: &str) -> Result<(Rule, Vec<String>), RuleError> {
    let expression = expression::parse(text, &Matchers)?;
    let mut builder = Builder { dialect, text, notes: Vec::new() };
    let rule = builder.rule(&expression)?;
    Ok((rule, builder.notes))
}

/// The matchers of both generations.
struct Matchers;

impl Vocabulary for Matchers {
    type Known = Matcher;

    fn find(&self, name: &str, rest: &str) -> Result<Matcher, Flaw> {
        match matcher::find(matcher::LATER, name, spelled_alike) {
            Named::Known(found) => Ok(found),
            Named::NotYet => {
                let problem =
                    format!("the matcher {name} is known to Traefik but not supported yet");
                Err((problem, self.usable()))
            }
            Named::Unknown(near) => {
                let remedy = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None if rest.starts_with(':') => {
                        "this is the grammar of Traefik 1; write Name(`argument`)".to_owned()
                    }
                    None => self.usable(),
                };
                Err((format!("there is no matcher {name:?}"), remedy))
            }
        }
    }

    fn usable(&self) -> String {
        matcher::usable(matcher::LATER)
    }

    fn example(&self) -> &'static str {
        "write something like Host(`app.example.com`)"
    }
}

/// From calls to matchers.
struct Builder<'a> {
    dialect: Dialect,
    text: &'a str,
    notes: Vec<String>,
}

impl Builder<'_> {
    fn rule(&mut self, expression: &Expression<Call<Matcher>>) -> Result<Rule, RuleError> {
        match expression {
            Expression::All(parts) => Ok(Rule::All(self.rules(parts)?)),
            Expression::Any(parts) => Ok(Rule::Any(self.rules(parts)?)),
            Expression::Not(part) => Ok(Rule::Not(Box::new(self.rule(part)?))),
            Expression::One(call) => self.one(call),
        }
    }

    fn rules(&mut self, parts: &[Expression<Call<Matcher>>]) -> Result<Vec<Rule>, RuleError> {
        parts.iter().map(|part| self.rule(part)).collect()
    }

    fn one(&mut self, call: &Call<Matcher>) -> Result<Rule, RuleError> {
        let Call { at: start, name, known: found, arguments } = call;
        let (start, name, found, text) = (*start, name.as_str(), *found, self.text);
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
            Matcher::Query | Matcher::QueryRegexp => self.query(start, name, found, arguments),
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
        arguments: &[(usize, String)],
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
}

/// Traefik takes a matcher's name as written, in lower case, in upper case, and capitalised with
/// the rest in lower case.
fn spelled_alike(known: &str, name: &str) -> bool {
    let lower = known.to_ascii_lowercase();
    let capitalised =
        |name: &str| name.get(..1) == known.get(..1) && name.get(1..) == lower.get(1..);
    name == known || name == lower || name == known.to_ascii_uppercase() || capitalised(name)
}
