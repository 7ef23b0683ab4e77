//! A table of iptables while it is read: its name, family and maker may be told late, or not at all.

use super::command::Hint;
use super::oddity::{Oddities, Oddity};
use super::parts::Parts;
use lab_core::node::{Chain, Families, HookPoint, Rule, Statement, Table, Verdict};
use std::collections::HashMap;

/// How a listing shows rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `iptables-save`
    Save,
    /// `iptables -S`
    Options,
    /// `iptables -L`
    Columns,
    /// `nft list ruleset`, which shows what iptables-nft made
    Nft,
}

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Draft {
    /// How the listing shows it.
    pub(super) form: Form,
    /// Its name, if it is told.
    pub(super) name: Option<Box<str>>,
    /// The line where it starts.
    pub(super) line: usize,
    /// What the command or the header before it tells.
    pub(super) hint: Hint,
    /// Whether its addresses are of IPv4, if it has any.
    pub(super) is_v4: Option<bool>,
    /// Whether it is known to be whole.
    pub(super) is_complete: bool,
    chains: Vec<Chain>,
    places: HashMap<Box<str>, usize>,
    /// The chain that was met last.
    last: usize,
    /// Whether lines are left out before the next rule.
    has_gap: bool,
    /// Whether a rule was met.
    has_rules: bool,
    /// Whether a rule rejects without saying how.
    has_plain_reject: bool,
}

impl Draft {
    pub(super) fn new(form: Form, name: Option<&str>, line: usize, hint: Hint) -> Self {
        Self {
            form,
            name: name.map(Into::into),
            line,
            hint,
            is_v4: None,
            is_complete: form != Form::Save,
            chains: Vec::new(),
            places: HashMap::new(),
            last: 0,
            has_gap: false,
            has_rules: false,
            has_plain_reject: false,
        }
    }

    /// Whether it has a chain of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Whether a rule was met.
    pub(super) fn has_rules(&self) -> bool {
        self.has_rules
    }

    /// Whether a chain with this heading is of another table: iptables lists the built-in chains of a table first, and each
    /// once.
    pub(super) fn ends_before(&self, name: &str) -> bool {
        let is_built_in = |name: &str| HookPoint::ALL.iter().any(|hook| hook.name() == name);
        self.has(name)
            || is_built_in(name)
                && (self.chains.last().is_some_and(|last| !is_built_in(&last.name))
                    || self.has("FORWARD") && !self.has("PREROUTING") && matches!(name, "PREROUTING" | "POSTROUTING"))
    }

    /// Opens a chain, which is made if there is none.
    pub(super) fn open(&mut self, name: &str) -> &mut Chain {
        if self.chains.get(self.last).is_none_or(|last| &*last.name != name) {
            self.last = self.places.get(name).copied().unwrap_or_else(|| {
                let boxed: Box<str> = name.into();
                self.places.insert(boxed.clone(), self.chains.len());
                self.chains.push(Chain { name: boxed, hook: None, drops: false, rules: Vec::new(), gaps: Vec::new() });
                self.chains.len() - 1
            });
        }
        &mut self.chains[self.last]
    }

    /// Adds a rule to the chain `name`.
    pub(super) fn add(&mut self, name: &str, parts: Parts, text: &str, line: usize, oddities: &mut Oddities) {
        self.is_v4 = self.is_v4.or(parts.is_v4);
        if parts.lacks_destination {
            oddities.add(Oddity::NoDestination, line, || super::note::quote(text));
        }
        let rule = parts.rule(text, u32::try_from(line).unwrap_or(u32::MAX));
        let reject = rule.statements.last();
        self.has_plain_reject |= matches!(reject, Some(Statement::Go(Verdict::Reject(with))) if with.is_empty());
        self.has_rules = true;
        let has_gap = std::mem::take(&mut self.has_gap);
        let chain = self.open(name);
        let place = chain.rules.len();
        if has_gap && chain.gaps.last() != Some(&place) {
            chain.gaps.push(place);
        }
        chain.rules.push(rule);
    }

    /// Adds a rule to the chain that was opened last, if there is one.
    pub(super) fn add_to_last(&mut self, parts: Parts, text: &str, line: usize, oddities: &mut Oddities) {
        if let Some(name) = self.chains.get(self.last).map(|chain| chain.name.clone()) {
            self.add(&name, parts, text, line, oddities);
        }
    }

    /// Notes that lines are left out here.
    pub(super) fn gap(&mut self) {
        // Rules of a save name their chains: what is left out may be of the next one.
        self.has_gap = self.form != Form::Columns;
        if let Some(chain) = self.chains.get_mut(self.last) {
            let place = chain.rules.len();
            if chain.gaps.last() != Some(&place) {
                chain.gaps.push(place);
            }
        }
    }

    /// The name that its chains and rules speak for.
    pub(super) fn guess(&self) -> &'static str {
        let statements = || self.chains.iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.statements);
        let rewrites = |statement: &Statement| match statement {
            Statement::Dnat(_) | Statement::Snat(_) | Statement::Masquerade | Statement::Redirect(_) => true,
            Statement::Go(Verdict::Jump(name) | Verdict::Goto(name)) => is_of_nat(name),
            _ => false,
        };
        let (prerouting, forward) = (self.has("PREROUTING"), self.has("FORWARD"));
        let leads = |statement: &Statement| match statement {
            Statement::Go(Verdict::Jump(name)) => name.starts_with("KUBE-") || &**name == "DOCKER",
            _ => false,
        };
        // raw has these two built-in chains and no other.
        let is_of_raw = prerouting && self.has("OUTPUT") && !self.has("INPUT") && !self.has("POSTROUTING") && !forward;
        if self.chains.iter().any(|chain| is_of_nat(&chain.name)) || statements().any(rewrites) {
            "nat"
        } else if prerouting && forward {
            "mangle"
        } else if statements().any(|statement| *statement == Statement::NoTrack)
            || is_of_raw && !statements().any(leads)
        {
            "raw"
        } else if prerouting || self.has("POSTROUTING") && !forward {
            "nat"
        } else {
            "filter"
        }
    }

    /// The table of these chains.
    pub(super) fn into_table(self, mut table: Table) -> Table {
        for mut chain in self.chains {
            if self.has_plain_reject {
                chain.rules.iter_mut().for_each(|rule| say_how(rule, table.families));
            }
            if !self.is_complete && chain.gaps.last() != Some(&chain.rules.len()) {
                // It is cut off: whichever chain the missing rules are of.
                chain.gaps.push(chain.rules.len());
            }
            let held = table.chain_mut(&chain.name);
            (held.drops, held.gaps, held.rules) = (chain.drops, chain.gaps, chain.rules);
            held.rules.shrink_to_fit();
        }
        table
    }
}

/// Whether kube-proxy has chains of this name in the nat table alone.
fn is_of_nat(name: &str) -> bool {
    const STARTS: [&str; 6] = ["KUBE-SVC-", "KUBE-SEP-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-XLB-", "KUBE-FW-"];
    const NAMES: [&str; 4] = ["KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-MARK-DROP", "KUBE-LOAD-BALANCER"];
    name.starts_with("KUBE-") && (NAMES.contains(&name) || STARTS.iter().any(|start| name.starts_with(start)))
}

/// Says what a rule answers that rejects without saying how.
fn say_how(rule: &mut Rule, families: Families) {
    if let Some(Statement::Go(Verdict::Reject(with))) = rule.statements.last_mut()
        && with.is_empty()
    {
        let is_v6 = families == Families::V6;
        *with = if is_v6 { "icmp6-port-unreachable" } else { "icmp-port-unreachable" }.into();
    }
}
