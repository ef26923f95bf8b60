//! Which workloads are served at all: constraints of both families.

use std::collections::BTreeMap;

use crate::config::value::Wrong;
use crate::model::{Dialect, Pattern};
use crate::route::expression;
use crate::route::grammar::expression::{Call, Expression, Vocabulary, parse};

/// What all must hold; nothing is always true.
pub(super) enum Constraints {
    First(Vec<Tag>),
    Later(Vec<Expression<Test>>),
}

/// `tag==api-*` wants a tag that fits, `tag!=api-*` wants none.
pub(super) struct Tag {
    wanted: bool,
    glob: String,
}

/// A label that is missing is empty.
pub(super) enum Test {
    Label(String, String),
    LabelRegex(String, Pattern),
}

impl Constraints {
    /// The error names the constraint that is none.
    pub fn read(dialect: Dialect, texts: &[String]) -> Result<Self, (String, Wrong)> {
        let located = |text: &String| {
            let text = text.clone();
            move |wrong: Wrong| (text, wrong)
        };
        if dialect == Dialect::V1 {
            let tags = texts.iter().map(|text| tag(text).map_err(located(text)));
            return tags.collect::<Result<_, _>>().map(Self::First);
        }
        let read = |text: &String| test(text).map_err(located(text));
        texts.iter().map(read).collect::<Result<_, _>>().map(Self::Later)
    }

    pub fn hold(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::First(tags) => {
                let own = labels.get("traefik.tags").map_or("", String::as_str);
                let own: Vec<&str> = own.split(',').map(str::trim).collect();
                let fits = |tag: &Tag| own.iter().any(|own| glob(&tag.glob, own));
                tags.iter().all(|tag| fits(tag) == tag.wanted)
            }
            Self::Later(tests) => tests.iter().all(|test| holds(test, labels)),
        }
    }
}

fn tag(text: &str) -> Result<Tag, Wrong> {
    let (wanted, parts) = match text.split_once("==") {
        Some(parts) => (true, Some(parts)),
        None => (false, text.split_once("!=")),
    };
    match parts.map(|(name, glob)| (name.trim(), glob.trim())) {
        Some(("tag", glob)) if !glob.is_empty() => Ok(Tag { wanted, glob: glob.to_owned() }),
        _ => Err(Wrong::new("is not a constraint", "write tag==name or tag!=name, * for anything")),
    }
}

/// A star fits anything.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

struct Tests;

impl Vocabulary for Tests {
    type Known = bool;

    fn find(&self, name: &str, _: &str) -> Result<bool, (String, String)> {
        match name {
            "Label" => Ok(false),
            "LabelRegex" => Ok(true),
            _ => Err((format!("there is no function {name:?}"), self.usable())),
        }
    }

    fn usable(&self) -> String {
        "use Label or LabelRegex".to_owned()
    }

    fn example(&self) -> &'static str {
        "write something like Label(`stage`, `live`)"
    }
}

fn test(text: &str) -> Result<Expression<Test>, Wrong> {
    let wrong = |problem: String, remedy: String| {
        Wrong::new(format!("is a constraint that is not understood: {problem}"), remedy)
    };
    let read = parse(text, &Tests).map_err(|error| {
        wrong(format!("{} at character {}", error.problem, error.position), error.remedy)
    })?;
    map(&read, &|call: &Call<bool>| match (call.known, call.arguments.as_slice()) {
        (false, [(_, label), (_, value)]) => Ok(Test::Label(label.clone(), value.clone())),
        (true, [(_, label), (_, text)]) => match expression(text) {
            Ok(pattern) => Ok(Test::LabelRegex(label.clone(), pattern)),
            Err(problem) => Err(wrong(problem, "write it in the syntax of Go (RE2)".to_owned())),
        },
        _ => {
            let remedy = format!("write {}(`label`, `value`)", call.name);
            Err(wrong(format!("{} does not have two arguments", call.name), remedy))
        }
    })
}

fn map<A, B, E>(
    from: &Expression<A>,
    one: &impl Fn(&A) -> Result<B, E>,
) -> Result<Expression<B>, E> {
    let all = |parts: &[Expression<A>]| -> Result<Vec<_>, E> {
        parts.iter().map(|part| map(part, one)).collect()
    };
    Ok(match from {
        Expression::All(parts) => Expression::All(all(parts)?),
        Expression::Any(parts) => Expression::Any(all(parts)?),
        Expression::Not(part) => Expression::Not(Box::new(map(part, one)?)),
        Expression::One(leaf) => Expression::One(one(leaf)?),
    })
}

fn holds(test: &Expression<Test>, labels: &BTreeMap<String, String>) -> bool {
    let value = |label: &String| labels.get(label).map_or("", String::as_str);
    match test {
        Expression::All(parts) => parts.iter().all(|part| holds(part, labels)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, labels)),
        Expression::Not(part) => !holds(part, labels),
        Expression::One(Test::Label(label, wanted)) => value(label) == wanted,
        Expression::One(Test::LabelRegex(label, pattern)) => {
            pattern.is_found_in(value(label).as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(dialect: Dialect, texts: &[&str], labels: &[(&str, &str)]) -> bool {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let Ok(constraints) = Constraints::read(dialect, &texts) else { panic!("{texts:?}") };
        let labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned()));
        constraints.hold(&labels.collect())
    }

    #[test]
    fn tags_of_the_first_dialect() {
        let tagged =
            |texts: &[&str], tags: &str| hold(Dialect::V1, texts, &[("traefik.tags", tags)]);
        assert!(tagged(&[], ""));
        assert!(tagged(&["tag==api-*"], "x, api-1"));
        assert!(!tagged(&["tag==api-*"], "web"));
        assert!(tagged(&["tag!=api-*"], "web"));
        assert!(!tagged(&["tag!=api-*", "tag==web"], "web,api-2"));
        assert!(hold(Dialect::V1, &["tag!=x"], &[]));
        assert!(!hold(Dialect::V1, &["tag==x"], &[]));
        for (pattern, text, fits) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*", "", true),
            ("*b*", "abc", true),
            ("ab*b", "ab", false),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn expressions_of_the_later_dialects() {
        let labels = [("stage", "live"), ("team", "a-1")];
        for (text, holds) in [
            ("Label(`stage`, `live`)", true),
            ("Label(`stage`,`test`) || LabelRegex(`team`, `^a-`)", true),
            ("!Label(`stage`, `live`)", false),
            ("Label(`stage`, `live`) && !(LabelRegex(`team`, `[2-9]`) || Label(`x`, `y`))", true),
            ("LabelRegex(`none`, `^$`)", true),
        ] {
            assert_eq!(hold(Dialect::V3, &[text], &labels), holds, "{text}");
        }
    }

    #[test]
    fn what_is_no_constraint() {
        for (dialect, text, expected) in [
            (Dialect::V1, "tag=x", "is not a constraint"),
            (Dialect::V1, "label==x", "is not a constraint"),
            (Dialect::V3, "tag==x", "there is no function \"tag\" at character 1"),
            (Dialect::V3, "Labl(`a`, `b`)", "there is no function \"Labl\" at character 1"),
            (Dialect::V3, "Label(`a`)", "Label does not have two arguments"),
            (Dialect::V3, "LabelRegex(`a`, `(`)", "is not a regular expression"),
        ] {
            match Constraints::read(dialect, &[text.to_owned()]) {
                Ok(_) => panic!("{text}"),
                Err((_, wrong)) => assert!(wrong.problem.contains(expected), "{}", wrong.problem),
            }
        }
    }
}
