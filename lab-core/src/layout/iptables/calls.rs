//! How kube-proxy calls the tools of iptables (`pkg/util/iptables` in kube-proxy's source).

use super::chain::Table;
use super::rule::Sink;
use crate::cluster::Family;
use crate::layout::{Action, Invocation, Part, Tool};

/// How long the tools wait for the xtables lock, in seconds, and until 1.33 how often they try, in microseconds.
const WAIT: [&str; 4] = ["-w", "5", "-W", "100000"];

/// The tools of one address family, as a release calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::layout) struct Tools {
    family: Family,
    wait: &'static [&'static str],
}

impl Tools {
    /// Until 1.33.
    pub(in crate::layout) const fn patient(family: Family) -> Self {
        Self { family, wait: &WAIT }
    }

    /// From 1.34 on.
    pub(super) const fn recent(family: Family) -> Self {
        Self { family, wait: WAIT.split_at(2).0 }
    }

    /// One call of `iptables`, with the arguments in kube-proxy's order (`makeFullArgs`).
    pub(in crate::layout) fn call(self, operation: &str, chain: &str, table: Table, rule: Vec<String>) -> Invocation {
        let args = self.wait.iter().copied().chain([operation, chain, "-t", table.name()]);
        let mut args: Vec<String> = args.map(str::to_owned).collect();
        args.extend(rule);
        Invocation { tool: self.single(), args, stdin: Vec::new() }
    }

    /// The tool's version, which kube-proxy asks for at start.
    pub(super) fn version(self) -> Invocation {
        Invocation { tool: self.single(), args: vec!["--version".to_owned()], stdin: Vec::new() }
    }

    /// Lists `table`.
    pub(in crate::layout) fn save(self, table: Table) -> Action {
        let tool = match self.family {
            Family::V4 => Tool::IptablesSave,
            Family::V6 => Tool::Ip6tablesSave,
        };
        let args = ["-t", table.name()].map(str::to_owned).to_vec();
        Action::Call(Part::Reads, Invocation { tool, args, stdin: Vec::new() })
    }

    /// Writes what `stdin` says, and leaves everything else.
    pub(in crate::layout) fn restore(self, stdin: Vec<u8>) -> Invocation {
        let mut restore = self.load(stdin);
        restore.args.extend(["--noflush", "--counters"].map(str::to_owned));
        restore
    }

    /// Empties the tables that `stdin` names, and writes what it says.
    pub(in crate::layout) fn load(self, stdin: Vec<u8>) -> Invocation {
        let tool = match self.family {
            Family::V4 => Tool::IptablesRestore,
            Family::V6 => Tool::Ip6tablesRestore,
        };
        Invocation { tool, args: self.wait.iter().map(|&word| word.to_owned()).collect(), stdin }
    }

    /// Empties `tables`, except for their built-in chains.
    pub(in crate::layout) fn empty(self, tables: &[Table]) -> Invocation {
        let mut stdin = Vec::new();
        for &table in tables {
            stdin.table(table);
            stdin.commit();
        }
        self.load(stdin)
    }

    fn single(self) -> Tool {
        match self.family {
            Family::V4 => Tool::Iptables,
            Family::V6 => Tool::Ip6tables,
        }
    }
}
