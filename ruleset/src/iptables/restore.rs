//! Reading what `iptables-save` lists and what `iptables-restore` is given.

use super::{BUILT_IN, Chain, Family, Policy, Rule, Table, Tables};
use crate::unreadable::Unreadable;
use crate::words;
use std::borrow::Cow;

impl Tables {
    /// The tables that `iptables-save` lists.
    ///
    /// # Errors
    /// A line that it does not print.
    pub fn read(family: Family, save: &str) -> Result<Self, Unreadable> {
        let mut tables = Self::new(family);
        tables.apply(save)?;
        Ok(tables)
    }

    /// Does what `iptables-restore --noflush` does with `input`: a chain that is declared is made or emptied, a built-in
    /// one keeps its rules.
    ///
    /// # Errors
    /// The first line that the kernel would refuse, or that is none of `iptables-restore`'s. What comes before it is done.
    pub fn apply(&mut self, input: &str) -> Result<(), Unreadable> {
        let mut table = None;
        for (number, line) in (1..).zip(input.lines()) {
            let refused = |reason: String| Unreadable::new(number, reason);
            match line.as_bytes() {
                [] | [b'#', ..] => continue,
                [b'*', ..] => {
                    table = Some(self.tables.entry(line[1..].trim().to_owned()).or_default());
                    continue;
                }
                _ if line.trim_end() == "COMMIT" => {
                    table = None;
                    continue;
                }
                _ => {}
            }
            let table = table.as_deref_mut().ok_or_else(|| refused(format!("this belongs to no table: {line}")))?;
            match line.strip_prefix(':') {
                Some(line) => declare(table, line).map_err(refused)?,
                None => command(table, self.family, &words::split(line)).map_err(refused)?,
            }
        }
        Ok(())
    }
}

/// The chains that `iptables-restore` changes with `input`, each with its table. Some come more than once.
pub fn named(input: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut table = "";
    input.lines().filter_map(move |line| match line.as_bytes() {
        [b'*', ..] => {
            table = line[1..].trim();
            None
        }
        [b':', ..] => Some((table, line[1..].split(' ').next()?)),
        [b'-', ..] => Some((table, line.split(' ').nth(1)?)),
        [b'[', ..] => Some((table, line.split(' ').nth(2)?)),
        _ => None,
    })
}

/// `NAME POLICY [packets:bytes]`.
fn declare(table: &mut Table, line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let name = words.next().ok_or("a chain has no name")?;
    let policy = match words.next() {
        Some("ACCEPT") => Policy::Accept,
        Some("DROP") => Policy::Drop,
        Some("-") | None => Policy::Return,
        Some(other) => return Err(format!("unknown policy {other}")),
    };
    match table.get_mut(name) {
        Some(chain) => {
            if !BUILT_IN.contains(&name) {
                chain.rules.clear();
            }
            chain.policy = policy;
        }
        None => drop(table.insert(name.into(), Chain { policy, rules: Vec::new() })),
    }
    Ok(())
}

/// One command with its arguments, such as `-A KUBE-SERVICES …`; it may have counters in front.
pub(super) fn command(table: &mut Table, family: Family, words: &[Cow<'_, str>]) -> Result<(), String> {
    let counters = words.first().is_some_and(|first| first.starts_with('['));
    let (verb, rest) = words[usize::from(counters)..].split_first().ok_or("there is no command")?;
    let (name, rest) = match rest.split_first() {
        Some((name, rest)) => (name.as_ref(), rest),
        None if matches!(verb.as_ref(), "-F" | "--flush") => {
            table.values_mut().for_each(|chain| chain.rules.clear());
            return Ok(());
        }
        None => return Err(format!("{verb} needs a chain")),
    };
    match verb.as_ref() {
        "-A" | "--append" => {
            let rule = Rule::read(rest, family);
            chain(table, name)?.rules.push(rule);
        }
        "-I" | "--insert" => {
            let (place, rest) = numbered(rest);
            let rules = &mut chain(table, name)?.rules;
            let place = place.unwrap_or(1);
            if place == 0 || place > rules.len() + 1 {
                return Err(format!("chain {name} has no place {place}"));
            }
            rules.insert(place - 1, Rule::read(rest, family));
        }
        "-D" | "--delete" => {
            let place = numbered(rest).0;
            let rule = Rule::read(rest, family);
            let rules = &mut chain(table, name)?.rules;
            let place = place.map_or_else(|| rules.iter().position(|held| *held == rule), |place| place.checked_sub(1));
            let place = place.filter(|&place| place < rules.len());
            rules.remove(place.ok_or_else(|| format!("chain {name} has no such rule"))?);
        }
        "-N" | "--new-chain" => {
            if table.contains_key(name) || BUILT_IN.contains(&name) {
                return Err(format!("chain {name} exists"));
            }
            table.insert(name.into(), Chain::default());
        }
        "-X" | "--delete-chain" => {
            if !chain(table, name)?.rules.is_empty() {
                return Err(format!("chain {name} is not empty"));
            }
            table.remove(name);
        }
        "-F" | "--flush" => chain(table, name)?.rules.clear(),
        "-P" | "--policy" => {
            let drops = rest.first().is_some_and(|policy| policy == "DROP");
            chain(table, name)?.policy = if drops { Policy::Drop } else { Policy::Accept };
        }
        "-C" | "--check" => {
            let rule = Rule::read(rest, family);
            if !chain(table, name)?.rules.contains(&rule) {
                return Err(format!("chain {name} has no such rule"));
            }
        }
        other => return Err(format!("unknown command {other}")),
    }
    Ok(())
}

/// The chain of this name. One of the kernel's is always there.
fn chain<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Chain, String> {
    if BUILT_IN.contains(&name) && !table.contains_key(name) {
        return Ok(table.entry(name.into()).or_insert(Chain { policy: Policy::Accept, rules: Vec::new() }));
    }
    table.get_mut(name).ok_or_else(|| format!("there is no chain {name}"))
}

/// The place in front of a rule's words, if there is one.
fn numbered<'a, 'b>(words: &'a [Cow<'b, str>]) -> (Option<usize>, &'a [Cow<'b, str>]) {
    match words.split_first() {
        Some((first, rest)) if first.parse::<usize>().is_ok() => (first.parse().ok(), rest),
        _ => (None, words),
    }
}
