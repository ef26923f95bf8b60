//! Go's regular expressions (RE2 syntax, <https://golang.org/s/re2syntax>) as ours.
//!
//! Both engines know the same constructs, and neither looks around or backtracks. What differs is
//! written anew: Go's `\d`, `\s`, `\w` and `\b` are ASCII; it has `\Q…\E` and octal escapes; it
//! takes a brace that counts nothing, and `[`, `&&`, `--` and `~~` inside of a class, literally.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::RegexBuilder;

use crate::model::Pattern;

/// Most memory that one expression may take, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Compiles an expression of Go's; the error is a clause.
pub(super) fn compile(text: &str) -> Result<Pattern, String> {
    let regex = translate(text).and_then(|ours| {
        RegexBuilder::new(&ours).size_limit(MAX_BYTES).build().map_err(|error| {
            let error = error.to_string();
            // The last line says what it is; those before draw where.
            error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    });
    match regex {
        Ok(regex) => Ok(Pattern::new(text, regex)),
        Err(why) => Err(format!("{text:?} is not a regular expression ({why})")),
    }
}

/// The text as an expression that is found where it stands itself.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

fn translate(text: &str) -> Result<String, String> {
    let mut from = text.chars().peekable();
    let mut to = String::with_capacity(text.len() + 16);
    while let Some(c) = from.next() {
        match c {
            '\\' => escape(&mut from, &mut to, Place::Outside)?,
            '[' => class(&mut from, &mut to)?,
            '(' if from.peek() == Some(&'?') => group(&mut from, &mut to)?,
            '{' if !counts(&from) => to.push_str(r"\{"),
            other => to.push(other),
        }
    }
    Ok(to)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Class,
}

/// What stands behind a backslash.
fn escape(from: &mut Peekable<Chars<'_>>, to: &mut String, place: Place) -> Result<(), String> {
    let Some(c) = from.next() else { return Err("a backslash at the end".to_owned()) };
    match c {
        'd' => to.push_str("[0-9]"),
        'D' => to.push_str("[^0-9]"),
        's' => to.push_str(r"[\t\n\f\r ]"),
        'S' => to.push_str(r"[^\t\n\f\r ]"),
        'w' => to.push_str("[0-9A-Za-z_]"),
        'W' => to.push_str("[^0-9A-Za-z_]"),
        'b' | 'B' if place == Place::Outside => {
            to.push_str(r"(?-u:\");
            to.push(c);
            to.push(')');
        }
        'Q' if place == Place::Outside => literally(from, to),
        'A' | 'z' if place == Place::Outside => to.extend(['\\', c]),
        'a' | 'f' | 't' | 'n' | 'r' | 'v' => to.extend(['\\', c]),
        'x' | 'p' | 'P' => {
            to.extend(['\\', c]);
            if from.peek() == Some(&'{') {
                to.extend(from.by_ref().take_while(|&c| c != '}'));
                to.push('}');
            }
        }
        '0'..='7' => octal(c, from, to)?,
        '<' | '>' => to.push(c),
        other if other.is_ascii_punctuation() => to.extend(['\\', other]),
        other => return Err(format!("there is no escape \\{other}")),
    }
    Ok(())
}

/// Up to `\E`, or to the end.
fn literally(from: &mut Peekable<Chars<'_>>, to: &mut String) {
    let mut text = String::new();
    for c in from.by_ref() {
        text.push(c);
        if text.ends_with(r"\E") {
            text.truncate(text.len() - 2);
            break;
        }
    }
    to.push_str(&quote(&text));
}

/// `\0`, `\012`, `\123`; one digit alone would be a reference to a group, which there is none.
fn octal(first: char, from: &mut Peekable<Chars<'_>>, to: &mut String) -> Result<(), String> {
    let mut digits = String::from(first);
    while digits.len() < 3
        && let Some(digit) = from.next_if(|c| ('0'..='7').contains(c))
    {
        digits.push(digit);
    }
    if digits.len() == 1 && first != '0' {
        return Err(format!("there is no escape \\{first}"));
    }
    let value = u32::from_str_radix(&digits, 8).unwrap_or_default();
    to.push_str(&format!(r"\x{{{value:X}}}"));
    Ok(())
}

/// What stands behind `[`, up to its end.
fn class(from: &mut Peekable<Chars<'_>>, to: &mut String) -> Result<(), String> {
    to.push('[');
    if from.next_if_eq(&'^').is_some() {
        to.push('^');
    }
    if from.next_if_eq(&']').is_some() {
        to.push_str(r"\]");
    }
    while let Some(c) = from.next() {
        match c {
            ']' => {
                to.push(']');
                return Ok(());
            }
            '\\' => escape(from, to, Place::Class)?,
            '[' if named(from, to) => {}
            '[' => to.push_str(r"\["),
            '&' | '~' => to.extend(['\\', c]),
            '-' if from.next_if_eq(&'-').is_some() => to.push_str(r"-\-"),
            other => to.push(other),
        }
    }
    Err("a class is not closed".to_owned())
}

/// `[:alpha:]`, of which the bracket has been read.
fn named(from: &mut Peekable<Chars<'_>>, to: &mut String) -> bool {
    let rest: String = from.clone().take(16).collect();
    let Some(end) = rest.strip_prefix(':').and_then(|name| name.find(":]")) else { return false };
    to.push('[');
    to.extend(from.by_ref().take(end + 3));
    true
}

/// `(?i)`, `(?s-m:`, `(?P<name>`: what stands behind the parenthesis.
fn group(from: &mut Peekable<Chars<'_>>, to: &mut String) -> Result<(), String> {
    from.next();
    to.push_str("(?");
    let mut flags = String::new();
    for c in from.by_ref() {
        to.push(c);
        match c {
            'i' | 'm' | 's' | 'U' | '-' => flags.push(c),
            ')' | ':' => return Ok(()),
            'P' | '<' if flags.is_empty() => return Ok(()),
            other => return Err(format!("there is no group (?{flags}{other}")),
        }
    }
    Err("a group is not closed".to_owned())
}

/// Whether a brace that has been read begins a count: `{2}`, `{2,}`, `{2,3}`.
fn counts(from: &Peekable<Chars<'_>>) -> bool {
    let inner: String = from.clone().take_while(|&c| c != '}').take(12).collect();
    let closed = from.clone().nth(inner.chars().count()) == Some('}');
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (least, most) = inner.split_once(',').unwrap_or((&inner, ""));
    closed && !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each expression, what it is found in, and what not; checked with Go's own.
    #[test]
    fn go_is_understood() {
        for (text, found, missed) in [
            (r"^\d+$", "12", "٣"),
            (r"^\w+$", "a_1", "é"),
            (r"^[\w.-]+$", "a.b-c", "a b"),
            (r"^[^\d]$", "x", "1"),
            (r"^\s$", " ", "\u{b}"),
            (r"^é$", "é", "e"),
            (r"^.$", "é", "ab"),
            (r"\bfoo\b", "a foo b", "afoo"),
            (r"^\Qa.b\E+$", "a.bb", "axb"),
            (r"^a{2}$", "aa", "a"),
            (r"^a{2,}$", "aaa", "a"),
            (r"^{a}$", "{a}", "a"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^[[]$", "[", "]"),
            (r"^[]]$", "]", "["),
            (r"^[^]]$", "[", "]"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[+--]$", ",", "."),
            (r"^[[:alpha:]]$", "a", "1"),
            (r"^[[:^alpha:]]$", "1", "a"),
            (r"^\x41\101\x{42}$", "AAB", "ABA"),
            (r"(?i)^ab$", "AB", "b"),
            (r"^(?P<x>a)(?:b)(?<y>c)$", "abc", "ab"),
            (r"^\<\-\/\@$", "<-/@", "-"),
            (r"^\pL\p{Greek}$", "aα", "αa"),
            (r"a$", "a", "a\n"),
            ("", "", "\u{0}never"),
        ] {
            let pattern = compile(text).unwrap();
            assert!(pattern.is_found_in(found.as_bytes()), "{text} in {found}");
            if !text.is_empty() {
                assert!(!pattern.is_found_in(missed.as_bytes()), "{text} in {missed}");
            }
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "(",
            ")",
            "[",
            "[a",
            "a**b(",
            r"\",
            r"\1",
            r"\h",
            r"\u0041",
            r"[\b]",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?x)a",
            "(?u)a",
            "*a",
            r"\p{Nothing}",
            "(?i",
        ] {
            let why = compile(text).unwrap_err();
            assert!(why.contains("is not a regular expression (") && !why.contains('\n'), "{why}");
        }
        assert!(compile("((a{1000}){1000}){1000}").unwrap_err().contains("size limit"));
    }

    #[test]
    fn a_quoted_text_is_found_where_it_stands() {
        let text = r"a.b*c[d]{e}(f)\g^h$i|j";
        assert!(compile(&format!("^{}$", quote(text))).unwrap().is_found_in(text.as_bytes()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}", pieces in "([\\\\dwbQE\\[\\](){}?^$:a-c0-9,&~-]){0,20}") {
            let _ = compile(&text);
            let _ = compile(&pieces);
        }
    }
}
