//! What a node holds, read back and compared with what it must hold: rule for rule, element for element.
//!
//! Nothing of this is measured. After a load all of it is read, after a change what the change touches. A chain of
//! iptables whose listing was found right before, and of which nothing else is expected now, is not compared again. nft lists slowly, in a time that is quadratic in the anonymous maps of a table:
//! beyond [`LISTED`] of them it is not asked.

use super::others;
use super::state::{State, name, servers};
use super::tools::Tools;
use super::touched::Touched;
use crate::cell_error::CellError;
use crate::tool::place::{Place, within};
use crate::tool::{Ending, ToolRun};
use anyhow::{Context, Result};
use lab_core::layout::ipvs::DEVICE;
use lab_core::layout::{Action, ServerKey, Tool};
use lab_core::vocabulary::BackendName;
use node_netlink::Kernel;
use ruleset::ipset::Sets;
use ruleset::iptables::{Chain, Section, Selection, Table, Tables, sections};
use ruleset::ipvs::Servers;
use ruleset::nft::Ruleset;
use ruleset::{Comparison, Difference, Order, difference};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// Time for one listing.
const LISTING: Duration = Duration::from_secs(300);

/// How many anonymous maps a table of nftables may have if nft is to list it.
const LISTED: usize = 2_000;

/// After a change, a table with more chains than this is not listed whole: of 160,000 rules that takes seconds.
const LISTED_WHOLE: usize = 5_000;
/// How many chains are listed one by one. Beyond that, the whole table is.
const ONE_BY_ONE: usize = 64;

/// What a node must hold, and what was found right.
pub(super) struct Expected {
    how: How,
    state: State,
    /// What was done since then.
    done: Vec<Arc<[Action]>>,
    touched: Touched,
    /// By table and chain, in IPv4 and IPv6: the listing that was right, and for which rules.
    right: [Right; 2],
}

/// How what is held is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    comparison: Comparison,
    /// How many anonymous maps a table of nftables may have if nft is to list it.
    listed: usize,
}

/// As the lab installs it: in its own order, and nothing else. Large tables of nftables are not listed.
const OWN: How = How { comparison: Comparison { order: Order::Strict, without: &[] }, listed: LISTED };

/// As a real kube-proxy installs it: in an order of its own, with chains that are not its rules' or not its own.
pub(super) const REAL: How = How {
    comparison: Comparison { order: Order::Loose, without: &["KUBE-PROXY-CANARY", "KUBE-FIREWALL"] },
    listed: usize::MAX,
};

type Right = HashMap<(String, String), (u64, u64)>;

impl Default for Expected {
    fn default() -> Self {
        Self::compared(OWN)
    }
}

impl Expected {
    /// Of an empty node, to be compared so.
    pub(super) fn compared(how: How) -> Self {
        Self { how, state: State::default(), done: Vec::new(), touched: Touched::all(), right: Default::default() }
    }

    /// Of an empty node.
    pub(super) fn clear(&mut self) {
        (self.state, self.done, self.touched) = (State::default(), Vec::new(), Touched::all());
    }

    /// Takes note of what is done to the node.
    pub(super) fn follow(&mut self, actions: Arc<[Action]>) {
        self.done.push(actions);
    }

    /// Has all of the node compared next time.
    pub(super) fn doubt(&mut self) {
        self.touched = Touched::all();
    }

    /// Compares what `node` holds with what was done to it: all of it the first time, then what was changed since a
    /// comparison that found no difference.
    ///
    /// # Errors
    /// `Failed` with what differs.
    pub(super) fn check(&mut self, tools: &Tools, node: &dyn Place) -> Result<(), CellError> {
        match &self.differences(tools, node)?[..] {
            [] => {
                others::none(tools, node, &self.state)?;
                self.touched = Touched::default();
                Ok(())
            }
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
                Err(CellError::Failed(format!("the node holds something else than the layout says: {first}{more}")))
            }
        }
    }

    /// What differs, each in a sentence.
    pub(super) fn differences(&mut self, tools: &Tools, node: &dyn Place) -> Result<Vec<String>, CellError> {
        for action in mem::take(&mut self.done).iter().flat_map(|actions| actions.iter()) {
            self.touched.add(action);
            let applied = self.state.apply(action);
            applied
                .map_err(|reason| CellError::Failed(format!("what the layout says cannot be followed: {reason}")))?;
        }
        let touched = mem::replace(&mut self.touched, Touched::all());
        let how = self.how;
        let (mut differences, mut sentences) = (Vec::new(), Vec::new());
        for (family, right) in self.right.iter_mut().enumerate() {
            let found = iptables(tools, node, (&self.state, how.comparison), family, &touched, right)?;
            let of = if family == 0 { "" } else { "ip6tables: " };
            sentences.extend(found.iter().map(|difference| format!("{of}{difference}")));
        }
        if touched.nft || touched.all {
            differences.extend(nft(tools, node, &self.state.nft, how)?);
        }
        if (touched.sets || touched.all) && !self.state.sets.sets.is_empty() {
            let run = list(tools, node, tools.backend.program(Tool::Ipset), &["save"])?;
            let found = Sets::read_save(&run.stdout).context("reading ipset save")?;
            differences.extend(difference(&self.state.sets, &found, how.comparison));
        }
        sentences.extend(differences.iter().map(Difference::to_string));
        sentences.extend(ipvs(node, &self.state, &touched)?);
        Ok(sentences)
    }
}

/// Calls a tool that lists.
fn list(tools: &Tools, node: &dyn Place, program: &str, args: &[&str]) -> Result<ToolRun, CellError> {
    let args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
    within(node, || tools.runner.run(program, &args, b"", LISTING))?.through(&format!("{program} {}", args.join(" ")))
}

/// What the tables of iptables in one family, 0 for IPv4 and 1 for IPv6, differ in.
fn iptables(
    tools: &Tools,
    node: &dyn Place,
    (state, how): (&State, Comparison),
    family: usize,
    touched: &Touched,
    right: &mut Right,
) -> Result<Vec<Difference>, CellError> {
    let (expected, tool, save) = match family {
        0 => (&state.v4, Tool::Iptables, Tool::IptablesSave),
        _ => (&state.v6, Tool::Ip6tables, Tool::Ip6tablesSave),
    };
    // The legacy tools fetch the whole table for one chain, too.
    let by_chain = tools.backend.name() == BackendName::IptablesNft;
    let mut differences = Vec::new();
    for (table, chains) in &expected.tables {
        let changed = touched.chains[family].get(table);
        differences.extend(match changed {
            _ if touched.all => whole(tools, node, (expected, how), save, (table, chains), right)?,
            None => continue,
            Some(changed) if chains.len() > LISTED_WHOLE && changed.len() <= ONE_BY_ONE && by_chain => {
                one_by_one(tools, node, (expected, how), tool, table, changed)?
            }
            Some(_) => whole(tools, node, (expected, how), save, (table, chains), right)?,
        });
    }
    Ok(differences)
}

/// What a table differs in, from a listing of all of it.
fn whole(
    tools: &Tools,
    node: &dyn Place,
    (expected, how): (&Tables, Comparison),
    save: Tool,
    (table, chains): (&String, &Table),
    right: &mut Right,
) -> Result<Vec<Difference>, CellError> {
    let program = tools.backend.program(save);
    // The table is named, because only root may read the file that lists all of them.
    let run = list(tools, node, program, &["-t", table])?;
    let listed = sections(&run.stdout).with_context(|| format!("reading {program}"))?;
    let (mut found, mut looked_at) = (Tables::new(expected.family), Vec::new());
    let mut selected: HashSet<(&str, &str)> = chains.keys().map(|chain| (table.as_str(), chain.as_ref())).collect();
    for section in &listed {
        let key = (section.table.to_owned(), section.chain.to_owned());
        let both = (hash(&(section.policy, section.rules)), chains.get(section.chain).map_or(0, fingerprint));
        if right.get(&key) == Some(&both) {
            selected.remove(&(section.table, section.chain));
        } else {
            found.add(section).with_context(|| format!("reading {program}"))?;
            looked_at.push((key, both));
        }
    }
    let differences = difference(&Selection { tables: expected, chains: selected }, &found, how);
    if differences.is_empty() {
        right.extend(looked_at);
    }
    Ok(differences)
}

/// What the chains called `names` differ in, from a listing of each.
fn one_by_one(
    tools: &Tools,
    node: &dyn Place,
    (expected, how): (&Tables, Comparison),
    tool: Tool,
    table: &str,
    names: &BTreeSet<String>,
) -> Result<Vec<Difference>, CellError> {
    let program = tools.backend.program(tool);
    let mut found = Tables::new(expected.family);
    for chain in names {
        let args = ["-t", table, "-S", chain].map(str::to_owned);
        let run = within(node, || tools.runner.run(program, &args, b"", LISTING))?;
        // There is no such chain.
        if run.ending != Ending::Exited(1) {
            let run = run.through(&format!("{program} {}", args.join(" ")))?;
            let (first, rules) = run.stdout.split_once('\n').unwrap_or((&run.stdout, ""));
            // `-N KUBE-SERVICES`, or `-P PREROUTING ACCEPT`.
            let policy = first.split(' ').nth(2).unwrap_or("-");
            found.add(&Section { table, chain, policy, rules }).with_context(|| format!("reading {program} -S"))?;
        }
    }
    let chains = names.iter().map(|chain| (table, chain.as_str())).collect();
    Ok(difference(&Selection { tables: expected, chains }, &found, how))
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What a chain must be, in short.
fn fingerprint(chain: &Chain) -> u64 {
    let mut hasher = DefaultHasher::new();
    chain.rules.iter().for_each(|rule| rule.text().hash(&mut hasher));
    hasher.finish()
}

/// What the tables of nftables differ in.
fn nft(tools: &Tools, node: &dyn Place, expected: &Ruleset, how: How) -> Result<Vec<Difference>, CellError> {
    let mut differences = Vec::new();
    for (name, table) in &expected.tables {
        let rules = table.chains.values().flat_map(|chain| &chain.rules);
        if rules.filter(|rule| rule.contains("map {")).count() > how.listed {
            continue;
        }
        let words: Vec<&str> = ["list", "table"].into_iter().chain(name.split(' ')).collect();
        let run = list(tools, node, tools.backend.program(Tool::Nft), &words)?;
        let mut found = Ruleset::read(&run.stdout).context("reading nft list table")?;
        // What packets added is none of the layout's.
        let sets = found.tables.values_mut().flat_map(|table| table.sets.values_mut());
        sets.filter(|set| set.properties.contains("dynamic")).for_each(|set| set.elements.clear());
        let expected = Ruleset { tables: [(name.clone(), table.clone())].into() };
        differences.extend(difference(&expected, &found, how.comparison));
    }
    Ok(differences)
}

/// What IPVS's servers and their addresses differ in, in words.
fn ipvs(node: &dyn Place, expected: &State, touched: &Touched) -> Result<Vec<String>, CellError> {
    let mut sentences = Vec::new();
    if (touched.all && !expected.servers.servers.is_empty()) || !touched.servers.is_empty() {
        let touches = |key: &ServerKey| touched.all || touched.servers.contains(key);
        let listed = within(node, || -> Result<_> {
            let mut kernel = Kernel::open().context("asking the kernel")?;
            kernel.list_of(touches).context("listing virtual servers")
        })?;
        let names: HashSet<String> = touched.servers.iter().map(name).collect();
        let wanted = expected.servers.servers.iter().filter(|(name, _)| touched.all || names.contains(*name));
        let wanted = Servers { servers: wanted.map(|(name, server)| (name.clone(), server.clone())).collect() };
        let differences = difference(&wanted, &servers(listed), Comparison::default());
        sentences.extend(differences.iter().map(Difference::to_string));
    }
    if (touched.all && !expected.addresses.is_empty()) || touched.addresses {
        let addresses = within(node, || -> Result<_> { Ok(Kernel::open()?.addresses(DEVICE)?) })?;
        let addresses = addresses.into_iter().collect();
        let missing = expected.addresses.difference(&addresses).map(|address| format!("{DEVICE} lacks {address}"));
        let unexpected =
            addresses.difference(&expected.addresses).map(|address| format!("{DEVICE} should not have {address}"));
        sentences.extend(missing.chain(unexpected));
    }
    Ok(sentences)
}
