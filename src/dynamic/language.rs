//! How the structs of the language are written down: Traefik's names, defaults, and what its API
//! leaves out.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::decode::SECTION;

/// Structs as Traefik has them: names in camel case, every field optional, empty ones left out of
/// the API (Go's `omitempty`). A default other than the empty one stands behind `=`.
macro_rules! language {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $kind:ty $(= $default:expr)?,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$of_field])*
            #[serde(skip_serializing_if = "crate::dynamic::language::Empty::is_empty")]
            pub $field: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: language!(@default $($default)?),)* }
            }
        }
    )*};
    (@default) => { Default::default() };
    (@default $default:expr) => { $default.into() };
}
pub(super) use language;

/// What Go's `omitempty` leaves out. What stands in an `Option` was said, even if it is empty.
pub trait Empty {
    fn is_empty(&self) -> bool;
}

impl<T> Empty for Option<T> {
    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T> Empty for Vec<T> {
    fn is_empty(&self) -> bool {
        Vec::is_empty(self)
    }
}

impl<K, V> Empty for BTreeMap<K, V> {
    fn is_empty(&self) -> bool {
        BTreeMap::is_empty(self)
    }
}

impl Empty for String {
    fn is_empty(&self) -> bool {
        String::is_empty(self)
    }
}

impl Empty for bool {
    fn is_empty(&self) -> bool {
        !self
    }
}

macro_rules! zero_is_empty {
    ($($kind:ty)*) => {$(
        impl Empty for $kind {
            fn is_empty(&self) -> bool {
                *self == 0
            }
        }
    )*};
}
zero_is_empty!(i64 u8 u16 u32);

/// Reads a part that a mere name brings into being, with its defaults, and that `false` removes.
pub(super) fn section<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    struct Said<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Said<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("options or a switch")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            T::deserialize(from).map(Some)
        }
    }

    from.deserialize_newtype_struct(SECTION, Said(std::marker::PhantomData))
}
