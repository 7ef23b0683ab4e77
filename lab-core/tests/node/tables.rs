//! The iptables of one family.

use super::Refusal;
use super::sets::Sets;
use std::collections::{BTreeMap, BTreeSet};

/// A table and a chain of it.
type ChainName = (String, String);

/// Its chains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Rules by their chains, in order; built-in chains once they have a rule.
    pub(crate) chains: BTreeMap<ChainName, Vec<String>>,
}

impl Tables {
    pub(crate) fn rules(&self) -> u64 {
        self.chains.values().map(|rules| rules.len() as u64).sum()
    }

    pub(crate) fn own_chains(&self) -> u64 {
        self.chains.keys().filter(|(_, chain)| !is_built_in(chain)).count() as u64
    }

    /// One call of `iptables`, which waits for its lock.
    pub(super) fn call(&mut self, args: &[&str]) -> Result<(), Refusal> {
        let start = args.iter().position(|word| ["-N", "-I", "-A", "-C", "-D", "-F", "-X"].contains(word)).unwrap();
        let [operation, chain, "-t", table, rule @ ..] = &args[start..] else { panic!("{args:?}") };
        let (name, rule) = (((*table).to_owned(), (*chain).to_owned()), rule.join(" "));
        let to = rule.rsplit(' ').next().filter(|target| target.starts_with("KUBE-"));
        if to.is_some_and(|to| !self.chains.contains_key(&((*table).to_owned(), to.to_owned()))) {
            return Err(2);
        }
        match *operation {
            "-N" if self.chains.contains_key(&name) => Err(1),
            "-N" => {
                self.chains.insert(name, Vec::new());
                Ok(())
            }
            "-I" | "-A" => {
                assert!(is_built_in(chain) || self.chains.contains_key(&name));
                let rules = self.chains.entry(name).or_default();
                let place = if *operation == "-I" { 0 } else { rules.len() };
                rules.insert(place, rule);
                Ok(())
            }
            "-C" | "-D" => {
                let rules = self.chains.get_mut(&name).ok_or(1)?;
                let place = rules.iter().position(|other| *other == rule).ok_or(1)?;
                if *operation == "-D" {
                    rules.remove(place);
                }
                self.chains.retain(|(_, chain), rules| !is_built_in(chain) || !rules.is_empty());
                Ok(())
            }
            "-F" => self.chains.get_mut(&name).map(Vec::clear).ok_or(1),
            _ => {
                let suffix = format!(" {chain}");
                let used = self
                    .chains
                    .iter()
                    .any(|((of, _), rules)| of == table && rules.iter().any(|rule| rule.ends_with(&suffix)));
                assert!(!used && self.chains.get(&name).is_none_or(Vec::is_empty), "{chain} is in use");
                self.chains.remove(&name).map(drop).ok_or(1)
            }
        }
    }

    /// Without `--noflush`: empties each table that is named.
    pub(super) fn flush(&mut self, text: &str) {
        let named: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix('*')).collect();
        self.chains.retain(|(table, _), _| !named.contains(table.as_str()));
    }

    /// With `--noflush`: empties each chain that is named, and keeps the others.
    pub(super) fn restore(&mut self, text: &str, sets: &Sets) {
        let mut table = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(chain) = line.strip_prefix(':') {
                let chain = chain.split(' ').next().unwrap();
                self.chains.insert((table.to_owned(), chain.to_owned()), Vec::new());
            } else if let Some(chain) = line.strip_prefix("-X ") {
                assert_eq!(self.chains.remove(&(table.to_owned(), chain.to_owned())), Some(Vec::new()), "{line}");
            } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(|rule| rule.split_once(' ')) {
                let mut words = rule.split(' ').skip_while(|&word| word != "--match-set").skip(1);
                assert!(words.next().is_none_or(|set| sets.has(set)), "no such set: {rule}");
                let name = (table.to_owned(), chain.to_owned());
                self.chains.get_mut(&name).unwrap().push(rule.replace('"', ""));
            } else {
                assert_eq!(line, "COMMIT");
            }
        }
    }
}

fn is_built_in(chain: &str) -> bool {
    !chain.starts_with("KUBE-")
}
