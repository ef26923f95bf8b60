//! Regular expressions in rules.

use regex::bytes::Regex;

/// An expression in Go's syntax (RE2), compiled. Two are equal if their texts are.
///
/// It is matched in time proportional to what it is matched with, whoever wrote it.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// `text` as it was written, and what it compiles to.
    pub fn new(text: &str, regex: Regex) -> Self {
        Self { text: text.into(), regex }
    }

    /// In Go's syntax.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is found anywhere in these bytes.
    #[inline]
    pub fn is_found_in(&self, bytes: &[u8]) -> bool {
        self.regex.is_match(bytes)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}
