//! The tables of one listing of iptables, from its first line to the state that they become part of.

use super::Reading;
use super::command::Hint;
use super::draft::{Draft, Form};
use super::note::quote;
use super::oddity::{Oddities, Oddity};
use lab_core::node::{Chain, Families, HookPoint, Maker, Table};
use std::collections::{HashMap, HashSet};

/// The tables that one call of a tool listed: they are of one family and one maker.
#[derive(Debug, Default)]
pub(super) struct Dump {
    drafts: Vec<Draft>,
    /// The names that are told.
    names: HashSet<Box<str>>,
    /// The one that is being read is the last.
    is_open: bool,
    /// What the line before it told.
    pub(super) hint: Hint,
}

/// The tables that are held, by family and name: their places in the state, and how they were listed.
#[derive(Debug, Default)]
pub(super) struct Held(HashMap<Name, Vec<(usize, Form)>>);

type Name = (Families, Box<str>);

impl Dump {
    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Whether a table of this name was read.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The table that is being read, if it is shown in one of these forms.
    pub(super) fn open(&mut self, forms: &[Form]) -> Option<&mut Draft> {
        self.drafts.last_mut().filter(|draft| self.is_open && forms.contains(&draft.form))
    }

    /// Starts a table.
    pub(super) fn start(&mut self, form: Form, name: Option<&str>, line: usize) -> &mut Draft {
        // A command's `-t` is of one table.
        let told = self.hint.table.take();
        let name = name.or(told.as_deref().filter(|_| form != Form::Save));
        self.names.extend(name.map(Into::into));
        self.drafts.push(Draft::new(form, name, line, self.hint.clone()));
        self.is_open = true;
        self.drafts.last_mut().expect("one was pushed")
    }

    /// Ends the table that is being read.
    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    /// Makes the tables part of the state.
    pub(super) fn end(&mut self, listing: &str, held: &mut Held, oddities: &mut Oddities, reading: &mut Reading) {
        self.is_open = false;
        self.names.clear();
        let drafts = std::mem::take(&mut self.drafts);
        let seen = drafts.iter().find_map(|draft| draft.is_v4).map(of);
        let named = || {
            let name = listing.rsplit('/').next().unwrap_or(listing).to_ascii_lowercase();
            if name.contains("ip6") || name.contains("v6") { Families::V6 } else { Families::V4 }
        };
        for draft in drafts {
            let told = draft.hint.families;
            let families = draft.is_v4.map(of).or(told).or(seen).unwrap_or_else(named);
            let name = draft.name.clone().unwrap_or_else(|| {
                let name = draft.guess();
                oddities.add(Oddity::Guess, draft.line, || name.to_owned());
                name.into()
            });
            if !draft.is_complete {
                oddities.add(Oddity::Cut, draft.line, || quote(&name));
            }
            let maker = draft.hint.maker.unwrap_or(Maker::Iptables);
            let (form, line) = (draft.form, draft.line);
            let table = draft.into_table(Table::new(maker, families, name, listing));
            held.admit(table, form, line, oddities, reading);
        }
    }
}

impl Held {
    /// Remembers the tables of iptables-nft that nft listed: those from this place on.
    pub(super) fn note(&mut self, from: usize, reading: &Reading) {
        for (place, table) in
            reading.state.tables.iter().enumerate().skip(from).filter(|(_, table)| table.maker.is_iptables())
        {
            self.0.entry((table.families, table.name.clone())).or_default().push((place, Form::Nft));
        }
    }

    /// Makes `table` part of the state. Chains of a table that is shown in excerpts are put together; what is there already
    /// is left out.
    fn admit(&mut self, table: Table, form: Form, line: usize, oddities: &mut Oddities, reading: &mut Reading) {
        let places = self.0.entry((table.families, table.name.clone())).or_default();
        let tables = &mut reading.state.tables;
        let is_same = |place: usize| {
            let held = tables[place].maker;
            held == table.maker || held == Maker::Iptables || table.maker == Maker::Iptables
        };
        let Some((place, held_form)) = places.iter_mut().find(|(place, _)| is_same(*place)) else {
            places.push((tables.len(), form));
            tables.push(table);
            return;
        };
        let held = &mut tables[*place];
        if *held_form == Form::Nft {
            // iptables says more of its own table than nft does, as long as it is no excerpt.
            if table.chains().len() >= held.chains().len() {
                (*held_form, *held) = (form, table);
                held.maker = Maker::IptablesNft;
            }
            return;
        }
        let is_excerpt = form == *held_form && form != Form::Save;
        let differ = |hook: &HookPoint| {
            let chains = held.chain(hook.name()).zip(table.chain(hook.name()));
            chains.is_some_and(|(held, chain)| !is_part(held, chain) && !is_part(chain, held))
        };
        if !is_excerpt || HookPoint::ALL.iter().any(differ) {
            oddities.add(Oddity::Table, line, || format!("{} of {}", quote(&table.name), family(table.families)));
            return;
        }
        for chain in table.chains() {
            match held.chain(&chain.name) {
                Some(held) if is_part(chain, held) => continue,
                Some(held) if !is_part(held, chain) => {
                    oddities.add(Oddity::Chain, line, || quote(&chain.name));
                    continue;
                }
                _ => {}
            }
            let taken = held.chain_mut(&chain.name);
            (taken.drops, taken.rules, taken.gaps) = (chain.drops, chain.rules.clone(), chain.gaps.clone());
        }
    }
}

/// Whether every rule of `part` is one of `whole`, as in what `grep` finds of a listing.
fn is_part(part: &Chain, whole: &Chain) -> bool {
    /// A text may have a great many excerpts of one chain: those that are a small part of a long chain are not compared.
    const SHORT: usize = 1000;
    const FEW: usize = 4;
    let (count, of) = (part.rules.len(), whole.rules.len());
    if count > of || of > SHORT + 16 * count {
        return false;
    }
    if count <= FEW {
        return part.rules.iter().all(|rule| whole.rules.iter().any(|held| held.text == rule.text));
    }
    let texts: HashSet<&str> = whole.rules.iter().map(|rule| &*rule.text).collect();
    part.rules.iter().all(|rule| texts.contains(&*rule.text))
}

fn of(is_v4: bool) -> Families {
    if is_v4 { Families::V4 } else { Families::V6 }
}

fn family(families: Families) -> &'static str {
    if families == Families::V6 { "IPv6" } else { "IPv4" }
}
