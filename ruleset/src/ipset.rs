//! The sets of `ipset`: what `ipset save` and `ipset list` print, and what `ipset restore` does.

use crate::address::canonical;
use crate::difference::{Held, Kind, Object};
use crate::unreadable::Unreadable;
use crate::words;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// All sets, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sets {
    /// The sets.
    pub sets: BTreeMap<String, Set>,
}

/// A set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// Its type and what makes it another set: family, range, `maxelem`. Its hash's size and seed are left out.
    pub kind: String,
    /// Its entries, each with its options.
    pub entries: BTreeSet<Box<str>>,
}

impl Sets {
    /// The sets that `ipset save` prints.
    ///
    /// # Errors
    /// A line that it does not print.
    pub fn read_save(save: &str) -> Result<Self, Unreadable> {
        let mut sets = Self::default();
        sets.apply(save)?;
        Ok(sets)
    }

    /// The sets that `ipset list` prints.
    ///
    /// # Errors
    /// A set without a type.
    pub fn read_list(list: &str) -> Result<Self, Unreadable> {
        let mut sets = Self::default();
        let (mut name, mut kind, mut members) = ("", "", false);
        for (number, line) in (1..).zip(list.lines()) {
            match line.split_once(':') {
                Some(("Name", rest)) => (name, kind, members) = (rest.trim(), "", false),
                Some(("Type", rest)) if !members => kind = rest.trim(),
                Some(("Header", rest)) if !members => {
                    if name.is_empty() || kind.is_empty() {
                        return Err(Unreadable::new(number, "a set has no name or no type"));
                    }
                    let header: Vec<&str> = rest.split_whitespace().collect();
                    let set = Set { kind: spell_kind(kind, &header), entries: BTreeSet::new() };
                    sets.sets.insert(name.to_owned(), set);
                }
                Some(("Members", _)) => members = true,
                _ if members && !line.trim().is_empty() => {
                    let set = sets.sets.get_mut(name).ok_or_else(|| Unreadable::new(number, "a set has no header"))?;
                    set.entries.insert(spell_entry(&line.split_whitespace().collect::<Vec<_>>()));
                }
                _ => {}
            }
        }
        Ok(sets)
    }

    /// Does what `ipset restore` does with `input`, a command a line.
    ///
    /// # Errors
    /// The first line that the kernel would refuse, or that is none of `ipset`'s. What comes before it is done.
    pub fn apply(&mut self, input: &str) -> Result<(), Unreadable> {
        for (number, line) in (1..).zip(input.lines()) {
            if !line.trim().is_empty() && !line.starts_with('#') {
                self.call(&words::split(line)).map_err(|reason| Unreadable::new(number, reason))?;
            }
        }
        Ok(())
    }

    /// Does what `ipset` does with these arguments.
    ///
    /// # Errors
    /// Why it would refuse.
    pub fn call(&mut self, args: &[impl AsRef<str>]) -> Result<(), String> {
        let lenient = |word: &str| matches!(word, "-exist" | "--exist" | "-!");
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let exist = args.iter().any(|word| lenient(word));
        let args: Vec<&str> = args.into_iter().filter(|word| !lenient(word)).collect();
        match args[..] {
            ["create" | "-N", name, kind, ref header @ ..] => {
                let kind = spell_kind(kind, header);
                match self.sets.get(name) {
                    Some(held) if !exist || held.kind != kind => return Err(format!("set {name} exists")),
                    Some(_) => {}
                    None => drop(self.sets.insert(name.to_owned(), Set { kind, entries: BTreeSet::new() })),
                }
            }
            ["add" | "-A", name, ref entry @ ..] => {
                if !self.set(name)?.entries.insert(spell_entry(entry)) && !exist {
                    return Err(format!("set {name} has {} already", entry.join(" ")));
                }
            }
            ["del" | "-D", name, ref entry @ ..] => {
                if !self.set(name)?.entries.remove(&spell_entry(entry)) && !exist {
                    return Err(format!("set {name} has no {}", entry.join(" ")));
                }
            }
            ["flush" | "-F", name] => self.set(name)?.entries.clear(),
            ["flush" | "-F"] => self.sets.values_mut().for_each(|set| set.entries.clear()),
            ["destroy" | "-X", name] => {
                self.sets.remove(name).map(drop).or(exist.then_some(())).ok_or(format!("there is no set {name}"))?;
            }
            ["destroy" | "-X"] => self.sets.clear(),
            ["COMMIT"] | [] => {}
            [verb, ..] => return Err(format!("unknown command {verb}")),
        }
        Ok(())
    }

    fn set(&mut self, name: &str) -> Result<&mut Set, String> {
        self.sets.get_mut(name).ok_or_else(|| format!("there is no set {name}"))
    }
}

impl Held for Sets {
    fn objects(&self) -> Vec<Object<'_>> {
        let objects = self.sets.iter().map(|(name, set)| Object {
            table: Cow::Borrowed(""),
            kind: Kind::Ipset,
            name: Cow::Borrowed(name),
            properties: Cow::Borrowed(&set.kind),
            lines: set.entries.iter().map(|entry| (entry.as_ref(), "")).collect(),
        });
        objects.collect()
    }
}

/// A type with what makes it another one.
fn spell_kind(kind: &str, header: &[&str]) -> String {
    let value = |option: &str| {
        let place = header.iter().position(|word| *word == option)?;
        header.get(place + 1).copied()
    };
    if kind.starts_with("bitmap:") {
        return format!("{kind} range {}", value("range").unwrap_or("0-65535"));
    }
    let (family, maximum) = (value("family").unwrap_or("inet"), value("maxelem").unwrap_or("65536"));
    let mut text = format!("{kind} family {family} maxelem {maximum}");
    if let Some(timeout) = value("timeout") {
        text += &format!(" timeout {timeout}");
    }
    text
}

/// An entry with each of its addresses in one spelling. A protocol and a port stand together: `tcp:80`.
fn spell_entry(words: &[&str]) -> Box<str> {
    let mut text = String::with_capacity(48);
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        for (place, part) in word.split(',').enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(&canonical(part).unwrap_or(part.into()));
        }
    }
    text.into()
}
