//! The part of Go's templates that default rules are made of.
//!
//! Text with actions: pipelines of functions over `.Name`, `.ContainerName` and `.Labels`, and
//! `if`, `with`, `else`, `end`. Functions are Go's own and those of sprig that make names into
//! names.

use std::collections::BTreeMap;

use super::normalize;
use crate::config::value::Wrong;

/// What a template speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'a> {
    pub name: &'a str,
    pub container_name: &'a str,
    pub labels: &'a BTreeMap<String, String>,
}

/// Deepest nesting of `if`, `with` and parentheses.
const MAX_DEPTH: usize = 16;
/// Longest text that is made.
const MAX_BYTES: usize = 8 * 1024;

/// The template's text for this data.
pub(super) fn render(template: &str, data: Data) -> Result<String, Wrong> {
    let tokens = tokens(template)?;
    let mut reader = Reader { tokens: &tokens, at: 0, data, text: String::new(), depth: 0 };
    let end = reader.block(&Value::Data, true)?;
    match end {
        None => Ok(reader.text),
        Some(word) => Err(wrong(format!("{word:?} has no beginning"))),
    }
}

fn wrong(problem: impl std::fmt::Display) -> Wrong {
    let problem = format!("is a template that is not understood: {problem}");
    Wrong::new(problem, "use something like Host(`{{ normalize .Name }}.example.com`)")
}

enum Token<'a> {
    Text(&'a str),
    Action(&'a str),
}

fn tokens(template: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = template;
    while let Some((mut before, after)) = rest.split_once("{{") {
        let Some(end) = closing(after) else {
            return Err(wrong("an action is not closed by }}"));
        };
        let (mut action, mut behind) = (&after[..end], &after[end + 2..]);
        if let Some(trimmed) = action.strip_prefix("- ") {
            (before, action) = (before.trim_end(), trimmed);
        }
        if let Some(trimmed) = action.strip_suffix(" -") {
            (action, behind) = (trimmed, behind.trim_start());
        }
        tokens.push(Token::Text(before));
        let action = action.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            tokens.push(Token::Action(action));
        }
        rest = behind;
    }
    tokens.push(Token::Text(rest));
    Ok(tokens)
}

/// Where the action ends: strings may hold braces.
fn closing(action: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in action.char_indices() {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '}') if action[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Data,
    Labels,
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<String>),
}

impl Value {
    fn is_true(&self, data: Data) -> bool {
        match self {
            Value::Data => true,
            Value::Labels => !data.labels.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0,
            Value::Switch(switch) => *switch,
            Value::List(all) => !all.is_empty(),
        }
    }

    fn text(&self) -> Result<String, Wrong> {
        match self {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Switch(switch) => Ok(switch.to_string()),
            Value::List(all) => Ok(format!("[{}]", all.join(" "))),
            Value::Data | Value::Labels => Err(wrong("labels as a whole are no text")),
        }
    }

    fn number(&self) -> Result<usize, Wrong> {
        match self {
            Value::Number(number) => {
                usize::try_from(*number).map_err(|_| wrong("a number is negative"))
            }
            other => Err(wrong(format!("{:?} is no number", other.text()?))),
        }
    }

    fn list(&self) -> Result<Vec<String>, Wrong> {
        match self {
            Value::List(all) => Ok(all.clone()),
            other => Err(wrong(format!("{:?} is no list", other.text()?))),
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    data: Data<'a>,
    text: String,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Everything up to the `else` or `end` that belongs to somebody further out, which is given
    /// back; `live` says whether it is written.
    fn block(&mut self, dot: &Value, live: bool) -> Result<Option<&'a str>, Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong(format!("it is nested deeper than {MAX_DEPTH}")));
        }
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            let action = match token {
                Token::Text(text) => {
                    self.write(text, live)?;
                    continue;
                }
                Token::Action(action) => *action,
            };
            let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
            match word {
                "else" | "end" => {
                    self.depth -= 1;
                    return Ok(Some(action));
                }
                "if" | "with" => self.branch(word, rest, dot, live)?,
                "range" | "define" | "template" | "block" | "break" | "continue" => {
                    return Err(wrong(format!("{word} is not supported")));
                }
                _ => {
                    let value = self.pipeline(action, dot)?;
                    if live {
                        let text = value.text()?;
                        self.write(&text, true)?;
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(None)
    }

    fn branch(&mut self, word: &str, rest: &str, dot: &Value, live: bool) -> Result<(), Wrong> {
        let value = self.pipeline(rest, dot)?;
        let holds = value.is_true(self.data);
        let inner = if word == "with" { value } else { dot.clone() };
        match self.block(&inner, live && holds)? {
            Some("end") => Ok(()),
            Some("else") => match self.block(dot, live && !holds)? {
                Some("end") => Ok(()),
                _ => Err(wrong(format!("{word} has no end"))),
            },
            Some(other) => {
                let next = other.trim_start_matches("else").trim();
                let (word, rest) = next.split_once(char::is_whitespace).unwrap_or((next, ""));
                self.branch(word, rest, dot, live && !holds)
            }
            None => Err(wrong(format!("{word} has no end"))),
        }
    }

    fn write(&mut self, text: &str, live: bool) -> Result<(), Wrong> {
        if live {
            self.text.push_str(text);
        }
        if self.text.len() > MAX_BYTES {
            return Err(wrong(format!("it makes more than {MAX_BYTES} bytes")));
        }
        Ok(())
    }

    fn pipeline(&mut self, text: &str, dot: &Value) -> Result<Value, Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong(format!("it is nested deeper than {MAX_DEPTH}")));
        }
        let mut last = None;
        for command in split(text, '|')? {
            last = Some(self.command(command, last.take(), dot)?);
        }
        self.depth -= 1;
        last.ok_or_else(|| wrong("an action is empty"))
    }

    /// A function with its arguments, or a value alone. What comes down the pipeline is the last
    /// argument.
    fn command(&mut self, text: &str, piped: Option<Value>, dot: &Value) -> Result<Value, Wrong> {
        let words = split(text, ' ')?;
        let Some((first, rest)) = words.split_first() else {
            return Err(wrong("an action is empty"));
        };
        let is_function = first.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["true", "false"].contains(first);
        if !is_function {
            return match (rest, piped) {
                ([], None) => self.operand(first, dot),
                _ => Err(wrong(format!("{first} is no function"))),
            };
        }
        let mut arguments = Vec::with_capacity(rest.len() + 1);
        for word in rest {
            arguments.push(self.operand(word, dot)?);
        }
        arguments.extend(piped);
        call(first, &arguments, self.data)
    }

    fn operand(&mut self, word: &str, dot: &Value) -> Result<Value, Wrong> {
        let inner = |open, close| word.strip_prefix(open).and_then(|w| w.strip_suffix(close));
        if let Some(inner) = inner('(', ')') {
            return self.pipeline(inner, dot);
        }
        if let Some(text) = inner('`', '`').or_else(|| inner('"', '"')) {
            return Ok(Value::Text(text.replace("\\\"", "\"")));
        }
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        match word {
            "." => Ok(dot.clone()),
            ".Name" => text(self.data.name),
            ".ContainerName" => text(self.data.container_name),
            ".Labels" => Ok(Value::Labels),
            "true" | "false" => Ok(Value::Switch(word == "true")),
            _ => match (word.strip_prefix(".Labels."), word.parse()) {
                (Some(label), _) => text(self.data.labels.get(label).map_or("", String::as_str)),
                (None, Ok(number)) => Ok(Value::Number(number)),
                (None, Err(_)) => Err(wrong(format!("{word} is not known"))),
            },
        }
    }
}

/// What stands between separators outside of strings and parentheses, blanks dropped.
fn split(text: &str, separator: char) -> Result<Vec<&str>, Wrong> {
    let (mut parts, mut start, mut quote, mut depth) = (Vec::new(), 0, None, 0_usize);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.checked_sub(1).ok_or_else(|| wrong("a ) has no ("))?;
            }
            (None, c)
                if depth == 0 && (c == separator || separator == ' ' && c.is_whitespace()) =>
            {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if depth > 0 || quote.is_some() {
        return Err(wrong("a string or a parenthesis is not closed"));
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn call(name: &str, arguments: &[Value], data: Data) -> Result<Value, Wrong> {
    let texts: Vec<String> = arguments.iter().filter_map(|value| value.text().ok()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let text = |text: String| Ok(Value::Text(text));
    let switch = |holds: bool| Ok(Value::Switch(holds));
    match (name, arguments, texts.as_slice()) {
        ("index", [Value::Labels, label], _) => {
            text(data.labels.get(&label.text()?).cloned().unwrap_or_default())
        }
        ("index", [list @ Value::List(_), at], _) => {
            text(list.list()?.get(at.number()?).cloned().unwrap_or_default())
        }
        ("normalize", _, [name]) => text(normalize(name)),
        ("lower", _, [of]) => text(of.to_lowercase()),
        ("upper", _, [of]) => text(of.to_uppercase()),
        ("trim", _, [of]) => text(of.trim().to_owned()),
        ("trimPrefix", _, [prefix, of]) => text(of.strip_prefix(prefix).unwrap_or(of).to_owned()),
        ("trimSuffix", _, [suffix, of]) => text(of.strip_suffix(suffix).unwrap_or(of).to_owned()),
        ("trimAll", _, [set, of]) => text(of.trim_matches(|c| set.contains(c)).to_owned()),
        ("replace", _, [old, new, of]) => text(of.replace(old, new)),
        ("print", _, parts) => text(parts.concat()),
        ("printf", _, [format, parts @ ..]) => text(printf(format, parts)?),
        ("quote", _, [of]) => text(format!("\"{of}\"")),
        ("contains", _, [part, of]) => switch(of.contains(part)),
        ("hasPrefix", _, [prefix, of]) => switch(of.starts_with(prefix)),
        ("hasSuffix", _, [suffix, of]) => switch(of.ends_with(suffix)),
        ("splitList", _, [by, of]) => Ok(Value::List(of.split(by).map(str::to_owned).collect())),
        ("join", [_, list], _) => text(list.list()?.join(texts.first().copied().unwrap_or(""))),
        ("first", [list], _) => text(list.list()?.into_iter().next().unwrap_or_default()),
        ("last", [list], _) => text(list.list()?.pop().unwrap_or_default()),
        ("trunc", [length, _], [_, of]) => text(of.chars().take(length.number()?).collect()),
        ("default", [usual, value], _) => {
            Ok(if value.is_true(data) { value.clone() } else { usual.clone() })
        }
        ("eq", [of, others @ ..], _) if !others.is_empty() => switch(others.contains(of)),
        ("ne", [a, b], _) => switch(a != b),
        ("not", [value], _) => switch(!value.is_true(data)),
        ("and", [first, rest @ ..], _) => {
            let all = || std::iter::once(first).chain(rest);
            Ok(all().find(|v| !v.is_true(data)).or(all().last()).unwrap_or(first).clone())
        }
        ("or", [first, rest @ ..], _) => {
            let all = || std::iter::once(first).chain(rest);
            Ok(all().find(|v| v.is_true(data)).or(all().last()).unwrap_or(first).clone())
        }
        ("len", [Value::List(all)], _) => Ok(Value::Number(all.len() as i64)),
        ("len", _, [of]) => Ok(Value::Number(of.len() as i64)),
        _ => {
            let count = arguments.len();
            Err(wrong(format!("there is no function {name} of {count} arguments")))
        }
    }
}

/// `%s` and `%v`, in their order.
fn printf(format: &str, parts: &[&str]) -> Result<String, Wrong> {
    let mut parts = parts.iter();
    let mut made = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('s' | 'v' | 'd')) => {
                made.push_str(parts.next().ok_or_else(|| wrong("printf has too few arguments"))?);
            }
            ('%', Some('%')) => made.push('%'),
            ('%', _) => return Err(wrong("printf knows %s, %v and %d")),
            (c, _) => made.push(c),
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(template: &str) -> Result<String, String> {
        let labels = [("com.docker.compose.service", "web"), ("stage", "live"), ("n", "a,b")];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
        let data = Data { name: "stack_web", container_name: "stack_web.1", labels: &labels };
        render(template, data).map_err(|wrong| wrong.problem)
    }

    #[test]
    fn what_people_write() {
        for (template, expected) in [
            ("Host(`{{ normalize .Name }}`)", "Host(`stack-web`)"),
            ("Host(`{{.Name | normalize}}.x`)", "Host(`stack-web.x`)"),
            ("{{ .ContainerName }}", "stack_web.1"),
            ("{{ index .Labels \"com.docker.compose.service\" }}.x", "web.x"),
            ("{{ .Labels.stage }}{{ .Labels.none }}", "live"),
            ("{{ trimPrefix `stack_` .Name }}", "web"),
            ("{{ .Name | trimPrefix \"stack\" | replace \"_\" \"-\" | upper }}", "-WEB"),
            ("{{ index .Labels \"none\" | default \"x\" }}", "x"),
            (
                "{{ if index .Labels \"none\" }}a{{ else if eq .Labels.stage \"live\" }}b{{ else }}c{{ end }}",
                "b",
            ),
            ("{{ with index .Labels \"stage\" }}{{ . }}{{ end }}", "live"),
            ("{{ with index .Labels \"none\" }}{{ . }}{{ else }}none{{ end }}", "none"),
            ("a {{- /* silence */ -}} b", "ab"),
            ("{{ printf \"%s.%s\" .Labels.stage (lower .Name) }}", "live.stack_web"),
            ("{{ .Labels.n | splitList \",\" | join \"-\" }}", "a-b"),
            ("{{ first (splitList `_` .Name) }}", "stack"),
            ("{{ if and (hasPrefix \"st\" .Name) (not (contains \"z\" .Name)) }}y{{ end }}", "y"),
            ("{{ \"}}\" }}", "}}"),
            ("no action", "no action"),
        ] {
            assert_eq!(made(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_is_no_template() {
        for (template, expected) in [
            ("{{ .Name", "an action is not closed by }}"),
            ("{{ normalise .Name }}", "there is no function normalise of 1 arguments"),
            ("{{ .Foo }}", ".Foo is not known"),
            ("{{ if .Name }}x", "if has no end"),
            ("x{{ end }}", "\"end\" has no beginning"),
            ("{{ range .Labels }}{{ end }}", "range is not supported"),
            ("{{ (lower .Name }}", "a string or a parenthesis is not closed"),
            ("{{ }}", "an action is empty"),
            ("{{ .Labels }}", "labels as a whole are no text"),
        ] {
            let problem = made(template).expect_err(template);
            assert!(problem.ends_with(expected), "{template}: {problem}");
        }
        assert!(made(&format!("{}{}", "{{if .}}".repeat(99), "{{end}}".repeat(99))).is_err());
        assert!(made(&format!("{{{{ {}.Name{} }}}}", "(".repeat(99), ")".repeat(99))).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(
            parts in proptest::collection::vec(
                prop_oneof!["\\PC{0,4}", Just("{{".to_owned()), Just("}}".to_owned()),
                    Just("if .Name".to_owned()), Just("end".to_owned()), Just("else".to_owned()),
                    Just("with .Labels".to_owned()), Just("| lower".to_owned()), Just("(".to_owned()),
                    Just(")".to_owned()), Just("\"".to_owned()), Just(" - ".to_owned())],
                0..20,
            )
        ) {
            let _ = made(&parts.concat());
        }
    }
}
