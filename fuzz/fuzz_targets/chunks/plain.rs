//! A chunked body read line by line, with all of it at hand.

use ringress::h1::fields::belongs_into_a_head;
use ringress::limits::{CHUNK_LINE_BYTES, TRAILER_BYTES};

#[derive(Debug)]
pub enum Reading {
    /// Payload, and where the body ends.
    Whole(Vec<u8>, usize),
    /// Nothing wrong so far, and more to come.
    Part(Vec<u8>),
    Bad,
}

pub fn read(wire: &[u8]) -> Reading {
    let (mut payload, mut at) = (Vec::new(), 0);
    loop {
        let line = line(wire, at);
        let Some(size) = size(&line) else { return Reading::Bad };
        let Some(next) = line.next else { return Reading::Part(payload) };
        if size == 0 {
            return trailers(wire, next, payload);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        payload.extend(wire[next..].iter().take(size));
        at = next.saturating_add(size);
        match wire.get(at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at += 2,
            [] | [b'\r'] => return Reading::Part(payload),
            _ => return Reading::Bad,
        }
    }
}

struct Line<'w> {
    /// Without its end.
    text: &'w [u8],
    /// Its CR has come, so it will not grow.
    ends: bool,
    /// Behind its LF.
    next: Option<usize>,
}

fn line(wire: &[u8], at: usize) -> Line<'_> {
    let rest = &wire[at..];
    match (rest.windows(2).position(|pair| pair == b"\r\n"), rest.strip_suffix(b"\r")) {
        (Some(end), _) => Line { text: &rest[..end], ends: true, next: Some(at + end + 2) },
        (None, Some(text)) => Line { text, ends: true, next: None },
        (None, None) => Line { text: rest, ends: false, next: None },
    }
}

/// What a size line says; of one that may grow, what it says so far. `None` for a bad one.
fn size(line: &Line<'_>) -> Option<u64> {
    if line.text.is_empty() && !line.ends {
        return Some(0);
    }
    let end = line.text.iter().position(|&b| b == b';').unwrap_or(line.text.len());
    let (digits, extension) = line.text.split_at(end);
    let good = (1..=15).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_hexdigit)
        && is_extension(extension, line.ends)
        && (extension.is_empty() || line.text.len() + usize::from(line.ends) <= CHUNK_LINE_BYTES);
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().filter(|_| good)
}

/// Whether this is any number of `;name`, `;name=token` and `;name="text"`, or may become it.
fn is_extension(mut text: &[u8], ends: bool) -> bool {
    while let Some(rest) = text.strip_prefix(b";") {
        let (name, rest) = tokens(rest);
        if name == 0 {
            return rest.is_empty() && !ends;
        }
        text = rest;
        let Some(value) = rest.strip_prefix(b"=") else { continue };
        if let Some(quoted) = value.strip_prefix(b"\"") {
            let Some(rest) = unquoted(quoted) else { return false };
            match rest {
                Some(rest) => text = rest,
                None => return !ends,
            }
        } else {
            let (value, rest) = tokens(value);
            if value == 0 {
                return rest.is_empty() && !ends;
            }
            text = rest;
        }
    }
    text.is_empty()
}

/// How many characters of a token lead, and what is behind them.
fn tokens(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|b| is_token(b)).count();
    (count, &text[count..])
}

/// What is behind the end of a quoted string, `Some(None)` if its end has not come; `None` for a
/// bad one.
fn unquoted(mut text: &[u8]) -> Option<Option<&[u8]>> {
    loop {
        text = match text {
            [] | [b'\\'] => return Some(None),
            [b'"', rest @ ..] => return Some(Some(rest)),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] if is_text(*byte) => rest,
            _ => return None,
        };
    }
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn trailers(wire: &[u8], from: usize, payload: Vec<u8>) -> Reading {
    let mut at = from;
    loop {
        let line = line(wire, at);
        // Whether there is room for a line is asked behind its first byte.
        let seen = line.next.unwrap_or(wire.len() - usize::from(wire.len() == at + 1)) - from;
        if seen > TRAILER_BYTES {
            return Reading::Bad;
        }
        match line.next {
            Some(next) if line.text.is_empty() => return Reading::Whole(payload, next),
            Some(next) if is_field(&line) => at = next,
            None if is_field(&line) => return Reading::Part(payload),
            _ => return Reading::Bad,
        }
    }
}

/// Whether a line is a field, or the empty one behind all fields, or may become one of them.
fn is_field(line: &Line<'_>) -> bool {
    match line.text.iter().position(|&b| b == b':') {
        Some(colon) => {
            let (name, value) = line.text.split_at(colon);
            let misplaced = std::str::from_utf8(name).is_ok_and(belongs_into_a_head);
            !name.is_empty()
                && name.iter().all(is_token)
                && !misplaced
                && value.iter().all(|&b| is_text(b))
        }
        None => line.text.is_empty() || (line.text.iter().all(is_token) && !line.ends),
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
