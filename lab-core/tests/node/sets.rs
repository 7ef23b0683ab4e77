//! ipsets.

use super::Refusal;
use std::collections::{BTreeMap, BTreeSet};

/// By their names: type and options, and entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sets(pub(crate) BTreeMap<String, (String, BTreeSet<String>)>);

impl Sets {
    pub(super) fn has(&self, set: &str) -> bool {
        self.0.contains_key(set)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn entries(&self) -> u64 {
        self.0.values().map(|(_, entries)| entries.len() as u64).sum()
    }

    /// Removes the sets called `names`; all of them without any name.
    pub(super) fn destroy(&mut self, names: &[&str]) -> Result<(), Refusal> {
        match names {
            [] => self.0.clear(),
            names => names.iter().try_for_each(|name| self.0.remove(*name).map(drop).ok_or(1))?,
        }
        Ok(())
    }

    /// One call, or a line of what `ipset restore` reads.
    pub(super) fn call(&mut self, args: &[&str], exist: bool) -> Result<(), Refusal> {
        let refusal = if exist { Ok(()) } else { Err(1) };
        match args {
            ["create", name, _, ..] if self.has(name) => refusal,
            ["create", name, options @ ..] => {
                self.0.insert((*name).to_owned(), (options.join(" "), BTreeSet::new()));
                Ok(())
            }
            ["list", name] => self.0.get(*name).map(drop).ok_or(1),
            [operation, name, entry] => {
                let (options, entries) = self.0.get_mut(*name).ok_or(1u8)?;
                let entry = stored(entry).ok_or(1u8)?;
                let full = options.contains("maxelem 65536") && entries.len() == 65_536;
                match *operation {
                    "add" if full && !entries.contains(&entry) => Err(1),
                    "add" if entries.insert(entry.clone()) => Ok(()),
                    "del" if entries.remove(&entry) => Ok(()),
                    "add" | "del" => refusal,
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// As the kernel keeps it: a network of one address without its prefix. It does not keep a network of all.
fn stored(entry: &str) -> Option<String> {
    let Some((rest, network)) = entry.rsplit_once(',').filter(|(_, last)| last.contains('/')) else {
        return Some(entry.to_owned());
    };
    let network: ipnet::IpNet = network.parse().unwrap();
    assert_eq!(network, network.trunc());
    match network.prefix_len() {
        0 => None,
        length if length == network.max_prefix_len() => Some(format!("{rest},{}", network.addr())),
        _ => Some(entry.to_owned()),
    }
}
