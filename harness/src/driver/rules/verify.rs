//! What a node holds, read back and compared with what it must hold: rule for rule, element for element.
//!
//! Nothing of this is measured. A chain of iptables whose listing was found right before, and of which nothing else is
//! expected now, is not read again. nft lists slowly, in a time that is quadratic in the anonymous maps of a table:
//! beyond [`LISTED`] of them it is not asked.

use super::state::{State, servers};
use super::tools::Tools;
use crate::cell_error::CellError;
use crate::tool::place::{Place, within};
use crate::tool::{Ending, ToolRun};
use anyhow::{Context, Result};
use lab_core::layout::ipvs::DEVICE;
use lab_core::layout::{Action, Tool};
use node_netlink::Kernel;
use ruleset::ipset::Sets;
use ruleset::iptables::{Chain, Selection, Tables, sections};
use ruleset::nft::Ruleset;
use ruleset::{Comparison, Difference, difference};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// Time for one listing.
const LISTING: Duration = Duration::from_secs(300);

/// How many anonymous maps a table of nftables may have if nft is to list it.
const LISTED: usize = 2_000;

/// What a node must hold, and what was found right.
#[derive(Default)]
pub(super) struct Expected {
    state: State,
    /// What was done since then.
    done: Vec<Arc<[Action]>>,
    /// By table and chain, in IPv4 and IPv6: the listing that was right, and for which rules.
    right: [HashMap<(String, String), (u64, u64)>; 2],
}

impl Expected {
    /// Of an empty node.
    pub(super) fn clear(&mut self) {
        (self.state, self.done) = (State::default(), Vec::new());
    }

    /// Takes note of what is done to the node.
    pub(super) fn follow(&mut self, actions: Arc<[Action]>) {
        self.done.push(actions);
    }

    /// Compares what `node` holds with what was done to it.
    ///
    /// # Errors
    /// `Failed` with what differs.
    pub(super) fn check(&mut self, tools: &Tools, node: &dyn Place) -> Result<(), CellError> {
        for actions in self.done.drain(..) {
            let applied = actions.iter().try_for_each(|action| self.state.apply(action));
            applied
                .map_err(|reason| CellError::Failed(format!("what the layout says cannot be followed: {reason}")))?;
        }
        let [v4, v6] = &mut self.right;
        let mut differences = iptables(tools, node, &self.state.v4, Tool::IptablesSave, v4)?;
        differences.extend(iptables(tools, node, &self.state.v6, Tool::Ip6tablesSave, v6)?);
        differences.extend(nft(tools, node, &self.state.nft)?);
        if !self.state.sets.sets.is_empty() {
            let run = list(tools, node, tools.backend.program(Tool::Ipset), &["save"])?;
            let found = Sets::read_save(&run.stdout).context("reading ipset save")?;
            differences.extend(difference(&self.state.sets, &found, Comparison::default()));
        }
        let mut sentences = differences.iter().map(Difference::to_string).collect::<Vec<_>>();
        sentences.extend(ipvs(node, &self.state)?);
        match &sentences[..] {
            [] => Ok(()),
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
                Err(CellError::Failed(format!("the node holds something else than the layout says: {first}{more}")))
            }
        }
    }
}

/// Calls a tool that lists.
fn list(tools: &Tools, node: &dyn Place, program: &str, args: &[&str]) -> Result<ToolRun, CellError> {
    let args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
    let run = within(node, || tools.runner.run(program, &args, b"", LISTING))?;
    match run.ending {
        Ending::Exited(0) => Ok(run),
        Ending::Interrupted => Err(CellError::Interrupted),
        _ => Err(CellError::Failed(format!("{program} {} did not list: {}", args.join(" "), run.stderr.trim()))),
    }
}

/// What the tables of iptables differ in.
fn iptables(
    tools: &Tools,
    node: &dyn Place,
    expected: &Tables,
    save: Tool,
    right: &mut HashMap<(String, String), (u64, u64)>,
) -> Result<Vec<Difference>, CellError> {
    let program = tools.backend.program(save);
    let mut differences = Vec::new();
    for (table, chains) in &expected.tables {
        // Each table is named, because only root may read the file that lists them.
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
        let expected = Selection { tables: expected, chains: selected };
        let here = difference(&expected, &found, Comparison::default());
        if here.is_empty() {
            right.extend(looked_at);
        }
        differences.extend(here);
    }
    Ok(differences)
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
fn nft(tools: &Tools, node: &dyn Place, expected: &Ruleset) -> Result<Vec<Difference>, CellError> {
    let mut differences = Vec::new();
    for (name, table) in &expected.tables {
        let rules = table.chains.values().flat_map(|chain| &chain.rules);
        if rules.filter(|rule| rule.contains("map {")).count() > LISTED {
            continue;
        }
        let words: Vec<&str> = ["list", "table"].into_iter().chain(name.split(' ')).collect();
        let run = list(tools, node, tools.backend.program(Tool::Nft), &words)?;
        let mut found = Ruleset::read(&run.stdout).context("reading nft list table")?;
        // What packets added is none of the layout's.
        let sets = found.tables.values_mut().flat_map(|table| table.sets.values_mut());
        sets.filter(|set| set.properties.contains("dynamic")).for_each(|set| set.elements.clear());
        let expected = Ruleset { tables: [(name.clone(), table.clone())].into() };
        differences.extend(difference(&expected, &found, Comparison::default()));
    }
    Ok(differences)
}

/// What IPVS's servers and their addresses differ in, in words.
fn ipvs(node: &dyn Place, expected: &State) -> Result<Vec<String>, CellError> {
    if expected.servers.servers.is_empty() && expected.addresses.is_empty() {
        return Ok(Vec::new());
    }
    let (listed, addresses) = within(node, || -> Result<_> {
        let mut kernel = Kernel::open().context("asking the kernel")?;
        Ok((kernel.list().context("listing virtual servers")?, kernel.addresses(DEVICE)?))
    })?;
    let mut sentences: Vec<String> = difference(&expected.servers, &servers(listed), Comparison::default())
        .iter()
        .map(Difference::to_string)
        .collect();
    let addresses = addresses.into_iter().collect();
    let missing = expected.addresses.difference(&addresses).map(|address| format!("{DEVICE} lacks {address}"));
    let unexpected =
        addresses.difference(&expected.addresses).map(|address| format!("{DEVICE} should not have {address}"));
    sentences.extend(missing.chain(unexpected));
    Ok(sentences)
}
