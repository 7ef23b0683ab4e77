//! A closed set of words: each has a name, is found by it, and is serialised as it.

use super::uncovered;
use crate::foreign::quoted;
use std::fmt;

/// A word of a closed set.
pub trait Word: Copy + Eq + fmt::Debug + Sized + 'static {
    /// What a member of the set is called in a message: `backend`, `position`.
    const KIND: &'static str;
    /// Every member, in the order in which tables show them.
    const ALL: &'static [Self];
    /// The spelling in YAML, CSV, HTML and prose.
    fn name(self) -> &'static str;

    /// The member spelled `name`.
    ///
    /// # Errors
    /// When there is none. The message lists the known names and suggests the nearest.
    fn find(name: &str) -> Result<Self, Unknown> {
        Self::ALL
            .iter()
            .copied()
            .find(|word| word.name() == name)
            .ok_or_else(|| Unknown::new(Self::KIND, name, Self::ALL.iter().map(|word| word.name())))
    }
}

/// A name that is not in its set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unknown {
    kind: &'static str,
    name: String,
    known: Vec<String>,
}

impl Unknown {
    /// `name` is not one of `known`, each a `kind`.
    pub fn new<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self { kind, name: name.to_owned(), known: known.map(str::to_owned).collect() }
    }

    /// That it is unknown, and what is known: for a file that a later svclab may have written.
    #[must_use]
    pub fn plainly(&self) -> String {
        format!("unknown {} {}; known: {}", self.kind, quoted(&self.name), self.known.join(", "))
    }

    /// The known names that may be meant: those that begin with what was written, else the one that is spelled most alike.
    #[must_use]
    pub fn nearest(&self) -> Vec<&str> {
        let begun: Vec<&str> =
            self.known.iter().map(String::as_str).filter(|known| known.starts_with(&self.name)).collect();
        if self.name.len() >= SHORTEST_BEGINNING && !begun.is_empty() {
            return begun;
        }
        let distance = |known: &&String| strsim::damerau_levenshtein(known, &self.name);
        let nearest = self.known.iter().min_by_key(distance);
        let is_alike = |known: &&String| distance(known) <= 1 + self.name.len() / 4;
        nearest.filter(is_alike).map(String::as_str).into_iter().collect()
    }
}

/// The fewest letters that say which names are meant that begin with them.
const SHORTEST_BEGINNING: usize = 3;

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest: Vec<String> = self.nearest().iter().map(|near| format!("\"{near}\"")).collect();
        match (nearest.is_empty(), uncovered::instead_of(&self.name)) {
            (true, Some(instead)) => {
                let (kind, name, known) = (self.kind, quoted(&self.name), self.known.join(", "));
                write!(out, "the {kind} {name} is not covered: {instead}; known: {known}")
            }
            (true, None) => write!(out, "{}", self.plainly()),
            (false, _) => write!(out, "{} (did you mean {}?)", self.plainly(), nearest.join(" or ")),
        }
    }
}

/// Gives an enum its words: the `Word` impl, `Display`, and serde by name.
#[macro_export]
macro_rules! words {
    ($kind:literal, $type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $crate::vocabulary::Word for $type {
            const KIND: &'static str = $kind;
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
        impl ::std::fmt::Display for $type {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                out.pad($crate::vocabulary::Word::name(*self))
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::vocabulary::Unknown;
            fn from_str(name: &str) -> ::std::result::Result<Self, $crate::vocabulary::Unknown> {
                <Self as $crate::vocabulary::Word>::find(name)
            }
        }
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::vocabulary::Word::name(*self))
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <String as ::serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::vocabulary::Word>::find(&name)
                    .map_err(|unknown| ::serde::de::Error::custom(unknown.plainly()))
            }
        }
    };
}
pub use words;
