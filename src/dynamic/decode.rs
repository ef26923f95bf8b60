//! From a tree of texts to the structs of the language, through serde.
//!
//! Names are read in any case. A list is one text with commas or an element per child; where a
//! list of structs is meant and the children have names, they are those of its only element
//! (`loadbalancer.server.port`). A name that no field has is said and passed over; a value that
//! cannot be read ends the decoding with its place.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::tree::Node;
use crate::config::value;
use crate::nearest::nearest;

/// Marks fields that a `false` removes: see [`super::language::section`].
pub(super) const SECTION: &str = "ringress section";

/// Why a tree could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Dotted name of the setting, in the user's spelling.
    pub setting: String,
    /// As written; empty where no single value is at fault.
    pub value: String,
    /// As a clause: `is not a port number`.
    pub problem: String,
    pub remedy: String,
}

/// A name that means nothing, with the nearest one that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub setting: String,
    /// In full, with the wrong name replaced.
    pub nearest: Option<String>,
}

/// Decodes the tree that stands at this place.
pub fn decode<T: DeserializeOwned>(
    node: &Node,
    place: &str,
    unknown: &mut Vec<Unknown>,
) -> Result<T, Flaw> {
    let sink = RefCell::new(Vec::new());
    let decoded = T::deserialize(Reader { node, place: place.to_owned(), sink: &sink });
    unknown.append(&mut sink.into_inner());
    decoded
}

/// A name below a place.
pub fn below(place: &str, name: &str) -> String {
    if place.is_empty() || name.starts_with('[') {
        format!("{place}{name}")
    } else {
        format!("{place}.{name}")
    }
}

impl std::error::Error for Flaw {}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.problem)
    }
}

impl serde::de::Error for Flaw {
    /// A problem, or a problem, `; ` and a remedy. The place is added by who reads the field.
    fn custom<T: fmt::Display>(words: T) -> Self {
        let words = words.to_string();
        let (problem, remedy) = words.split_once("; ").unwrap_or((&words, ""));
        let (setting, value) = (String::new(), String::new());
        Self { setting, value, problem: problem.to_owned(), remedy: remedy.to_owned() }
    }
}

struct Reader<'a> {
    node: &'a Node,
    place: String,
    sink: &'a RefCell<Vec<Unknown>>,
}

impl<'a> Reader<'a> {
    /// Reads a child. What is wrong and does not know its place yet came from there.
    fn field<S: DeserializeSeed<'a>>(&self, node: &'a Node, seed: S) -> Result<S::Value, Flaw> {
        let place = below(&self.place, &node.name);
        let reader = Reader { node, place: place.clone(), sink: self.sink };
        seed.deserialize(reader).map_err(|mut flaw| {
            if flaw.setting.is_empty() {
                flaw.setting = place;
                flaw.value = node.value.clone().unwrap_or_default();
            }
            flaw
        })
    }

    fn text(&self) -> &'a str {
        self.node.value.as_deref().unwrap_or_default()
    }

    fn wrong(&self, wrong: value::Wrong) -> Flaw {
        let (setting, value) = (self.place.clone(), self.text().to_owned());
        Flaw { setting, value, problem: wrong.problem, remedy: wrong.remedy }
    }

    /// The text as a scalar, once it is one.
    fn scalar(&self) -> Result<&'a str, Flaw> {
        match self.node.below.as_slice() {
            [] => Ok(self.text()),
            _ => Err(self.wrong(value::Wrong::new("takes a value and nothing below it", ""))),
        }
    }

    fn whole<T, V: Visitor<'a, Value = T>>(self, visitor: V) -> Result<T, Flaw> {
        let number = value::whole(self.scalar()?).map_err(|wrong| self.wrong(wrong))?;
        let out_of_range = |_: Flaw| self.wrong(value::Wrong::new("is out of range", ""));
        visitor.visit_i64(number).map_err(out_of_range)
    }
}

macro_rules! numbers {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
            self.whole(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Flaw;

    /// For what has no shape of its own: texts, lists and maps of them.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        if self.node.is_list() {
            self.deserialize_seq(visitor)
        } else if self.node.below.is_empty() {
            visitor.visit_str(self.text())
        } else {
            self.deserialize_map(visitor)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        let switch = value::switch(self.scalar()?).map_err(|wrong| self.wrong(wrong))?;
        visitor.visit_bool(switch)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        visitor.visit_str(self.scalar()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Flaw> {
        let off = || value::switch(self.text()) == Ok(false);
        if name == SECTION && self.node.below.is_empty() && off() {
            return visitor.visit_none();
        }
        if name == SECTION { visitor.visit_some(self) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        if self.node.is_list() {
            let rest = self.node.below.iter();
            return visitor.visit_seq(Elements { list: &self, rest });
        }
        if !self.node.below.is_empty() {
            return visitor.visit_seq(Only(Some(self)));
        }
        let texts = self.text().split(',').map(str::trim).filter(|text| !text.is_empty());
        visitor.visit_seq(Texts(texts))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        let rest = self.node.below.iter();
        visitor.visit_map(Fields { of: &self, rest, known: None, next: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Flaw> {
        let text = self.text().trim();
        if self.node.below.is_empty() && !text.is_empty() && value::switch(text).is_err() {
            let remedy = match fields.first() {
                Some(first) => format!("write {}", below(&self.place, first)),
                None => "use true".to_owned(),
            };
            return Err(self.wrong(value::Wrong::new("has options and no value", remedy)));
        }
        let rest = self.node.below.iter();
        visitor.visit_map(Fields { of: &self, rest, known: Some(fields), next: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Flaw> {
        let text = self.scalar()?.trim();
        let Some(known) = variants.iter().find(|known| known.eq_ignore_ascii_case(text)) else {
            let remedy = format!("use one of {}", variants.join(", "));
            return Err(self.wrong(value::Wrong::new(format!("is not a {name}"), remedy)));
        };
        visitor.visit_enum(StrDeserializer::new(known))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Flaw> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier i128 u128
    }
}

/// A list with an element per child.
struct Elements<'r, 'a> {
    list: &'r Reader<'a>,
    rest: std::slice::Iter<'a, Node>,
}

impl<'a> SeqAccess<'a> for Elements<'_, 'a> {
    type Error = Flaw;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Flaw> {
        self.rest.next().map(|node| self.list.field(node, seed)).transpose()
    }
}

/// A list whose only element is the node itself.
struct Only<'a>(Option<Reader<'a>>);

impl<'a> SeqAccess<'a> for Only<'a> {
    type Error = Flaw;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Flaw> {
        self.0.take().map(|reader| seed.deserialize(reader)).transpose()
    }
}

/// A list in one text.
struct Texts<I>(I);

impl<'a, I: Iterator<Item = &'a str>> SeqAccess<'a> for Texts<I> {
    type Error = Flaw;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Flaw> {
        self.0.next().map(|text| seed.deserialize(StrDeserializer::new(text))).transpose()
    }
}

/// Children as the fields of a struct, or as a map where no fields are known.
struct Fields<'r, 'a> {
    of: &'r Reader<'a>,
    rest: std::slice::Iter<'a, Node>,
    known: Option<&'static [&'static str]>,
    next: Option<&'a Node>,
}

impl<'a> MapAccess<'a> for Fields<'_, 'a> {
    type Error = Flaw;

    fn next_key_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, Flaw> {
        for node in self.rest.by_ref() {
            self.next = Some(node);
            let Some(known) = self.known else {
                let name = StringDeserializer::new(node.name.clone());
                return seed.deserialize(name).map(Some);
            };
            if let Some(field) = known.iter().find(|field| field.eq_ignore_ascii_case(&node.name)) {
                return seed.deserialize(StrDeserializer::new(field)).map(Some);
            }
            let near = nearest(&node.name, known.iter().copied());
            self.of.sink.borrow_mut().push(Unknown {
                setting: below(&self.of.place, &node.name),
                nearest: near.map(|near| below(&self.of.place, near)),
            });
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Flaw> {
        match self.next.take() {
            Some(node) => self.of.field(node, seed),
            None => Err(serde::de::Error::custom("a value was asked for before its name")),
        }
    }
}
