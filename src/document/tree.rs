//! A text as a tree that knows where each of its parts stands, with scalars as text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Broken, Format, of_toml, of_yaml};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Counted from 1; 0 where it is not known.
    pub line: usize,
    pub tree: Tree,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// YAML's null.
    Nothing,
    /// Numbers and truth values as one would write them.
    Scalar(String),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

/// Reads a text; one that says nothing is an empty table.
pub fn tree(text: &str, format: Format) -> Result<Node, Broken> {
    match format {
        Format::Toml => {
            let table = DeTable::parse(text).map_err(|error| of_toml(text, &error))?;
            Ok(Node { line: 1, tree: table_of(text, table.get_ref()) })
        }
        Format::Yaml => {
            let node = match text.trim().is_empty() {
                true => Node { line: 1, tree: Tree::Nothing },
                false => serde_saphyr::from_str(text).map_err(|error| of_yaml(&error))?,
            };
            match node.tree {
                Tree::Nothing => Ok(Node { tree: Tree::Table(Vec::new()), ..node }),
                _ => Ok(node),
            }
        }
    }
}

fn table_of(text: &str, table: &DeTable<'_>) -> Tree {
    let mut fields: Vec<_> = table.iter().collect();
    fields.sort_by_key(|(key, _)| key.span().start);
    let field = |(key, value): &(&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let line = line_at(text, key.span().start);
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.clone().into_owned(), Node { line, tree: value_of(text, value.get_ref()) })
    };
    Tree::Table(fields.iter().map(field).collect())
}

fn value_of(text: &str, value: &DeValue<'_>) -> Tree {
    match value {
        DeValue::String(string) => Tree::Scalar(string.clone().into_owned()),
        DeValue::Integer(integer) => {
            let decimal = i64::from_str_radix(integer.as_str(), integer.radix());
            Tree::Scalar(decimal.map_or(integer.to_string(), |decimal| decimal.to_string()))
        }
        DeValue::Float(float) => Tree::Scalar(float.as_str().to_owned()),
        DeValue::Boolean(switch) => Tree::Scalar(switch.to_string()),
        DeValue::Datetime(time) => Tree::Scalar(time.to_string()),
        DeValue::Array(elements) => {
            let node = |element: &toml::Spanned<DeValue<'_>>| Node {
                line: line_at(text, element.span().start),
                tree: value_of(text, element.get_ref()),
            };
            Tree::List(elements.iter().map(node).collect())
        }
        DeValue::Table(table) => table_of(text, table),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(0, |before| before.matches('\n').count() + 1)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line() as usize, tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, switch: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(switch.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            // A table in blocks would begin on the line below its name.
            let node = Node { line: key.referenced.line() as usize, ..access.next_value()? };
            fields.push((key.value, node));
        }
        Ok(Tree::Table(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(node: &Node, name: &str, to: &mut Vec<String>) {
        match &node.tree {
            Tree::Nothing => to.push(format!("{}: {name}", node.line)),
            Tree::Scalar(text) => to.push(format!("{}: {name}={text}", node.line)),
            Tree::List(nodes) => nodes.iter().for_each(|n| flat(n, &format!("{name}[]"), to)),
            Tree::Table(fields) => {
                fields.iter().for_each(|(key, node)| flat(node, &format!("{name}/{key}"), to));
            }
        }
    }

    #[test]
    fn every_part_knows_its_line() {
        let yaml = "b:\n  c: true\n  d:\n    - 1\n    - x\ne: &e\n  f: 0.5\n\
                    g:\n  <<: *e\n  h: ~\n80: {i: '007'}\n";
        let toml = "b.c = true\n[b]\nd = [\n  0x1,\n  'x',\n]\n";
        let toml = toml.replace("b.c = true\n[b]\n", "[b]\nc = true\n");
        for (text, format, expected) in [
            (
                yaml,
                Format::Yaml,
                &[
                    "2: /b/c=true",
                    "4: /b/d[]=1",
                    "5: /b/d[]=x",
                    "7: /e/f=0.5",
                    "10: /g/h",
                    "9: /g/f=0.5",
                    "11: /80/i=007",
                ] as &[_],
            ),
            (&toml, Format::Toml, &["2: /b/c=true", "4: /b/d[]=1", "5: /b/d[]=x"]),
        ] {
            let mut found = Vec::new();
            flat(&tree(text, format).unwrap(), "", &mut found);
            assert_eq!(found, expected);
        }
        for (text, format) in [("", Format::Toml), ("# x\n", Format::Yaml)] {
            assert_eq!(tree(text, format).unwrap().tree, Tree::Table(Vec::new()));
        }
        assert_eq!(tree("a: 1\nb: [1, 2\nc: 3\n", Format::Yaml).unwrap_err().line, 3);
        assert_eq!(tree("a = 1\nb = = 2\n", Format::Toml).unwrap_err().line, 2);
    }
}
