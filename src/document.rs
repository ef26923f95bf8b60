//! Texts of configuration files: TOML, YAML and JSON, as one kind of value.

mod tree;

use std::fmt;
use std::path::Path;

use serde_json::Value;

pub use tree::{Node, Tree, tree};

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Toml,
    /// And with it JSON.
    Yaml,
}

/// A text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Counted from 1, as an editor does; 0 where it is not known.
    pub line: usize,
    pub column: usize,
    /// As a clause.
    pub problem: String,
}

impl Format {
    /// By the end of a file's name; `None` for what Traefik does not read either.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" | "json" => Some(Self::Yaml),
            _ => None,
        }
    }
}

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.problem),
            line => write!(f, "line {line}, column {}: {}", self.column, self.problem),
        }
    }
}

/// Reads a text; one that says nothing is a null.
pub fn parse(text: &str, format: Format) -> Result<Value, Broken> {
    match format {
        Format::Toml => toml::from_str(text).map_err(|error| of_toml(text, &error)),
        Format::Yaml if text.trim().is_empty() => Ok(Value::Null),
        Format::Yaml => serde_saphyr::from_str(text).map_err(|error| of_yaml(&error)),
    }
}

fn of_toml(text: &str, error: &toml::de::Error) -> Broken {
    let before = error.span().and_then(|span| text.get(..span.start));
    let (line, column) = before.map_or((0, 0), |before| {
        let last = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, last.chars().count() + 1)
    });
    Broken { line, column, problem: first_line(error.message()) }
}

fn of_yaml(error: &serde_saphyr::Error) -> Broken {
    let place = error.location();
    let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
    let (line, column) = (line as usize, column as usize);
    let problem = first_line(&error.without_snippet().to_string());
    let place = format!(" at line {line}, column {column}");
    let problem = problem.strip_suffix(&place).unwrap_or(&problem).to_owned();
    Broken { line, column, problem }
}

/// The rest draws the place, which we name.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_formats_make_the_same_value() {
        let expected = json!({ "a": { "b": [1, "x"], "c": true, "d": {} } });
        for (format, text) in [
            (Format::Toml, "[a]\nb = [1, 'x']\nc = true\n[a.d]\n"),
            (Format::Yaml, "a:\n  b:\n    - 1\n    - x\n  c: true\n  d: {}\n"),
            (Format::Yaml, r#"{"a": {"b": [1, "x"], "c": true, "d": {}}}"#),
        ] {
            assert_eq!(parse(text, format), Ok(expected.clone()), "{text}");
        }
        assert_eq!(parse("# nothing\n", Format::Yaml), Ok(Value::Null));
        assert_eq!(parse("", Format::Toml), Ok(json!({})));
    }

    #[test]
    fn what_is_broken_has_a_place() {
        for (format, text, line) in [
            (Format::Toml, "a = 1\nb = = 2\n", 2),
            (Format::Toml, "a = 1\na = 2\n", 2),
            (Format::Yaml, "a: 1\nb: [1, 2\nc: 3\n", 3),
            (Format::Yaml, "a:\n\tb: 1\n", 2),
            (Format::Yaml, "a: 1\na: 2\n", 2),
        ] {
            let broken = parse(text, format).expect_err(text);
            assert_eq!(broken.line, line, "{text}: {broken}");
            assert!(broken.column > 0 && !broken.problem.is_empty(), "{broken:?}");
        }
    }

    #[test]
    fn aliases_do_not_explode() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            let all = [below.as_str(); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{all}]\n"));
        }
        assert!(parse(&text, Format::Yaml).is_err());
    }
}
