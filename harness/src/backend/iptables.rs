//! `iptables-legacy` and `iptables-nft`: kube-proxy's iptables mode through either variant of the tools.

use super::{Backend, nf_tables};
use crate::cell_error::CellError;
use crate::tool::Runner;
use lab_core::layout::{Installed, Tool};
use lab_core::vocabulary::BackendName;
use std::time::Duration;

/// The tables in which kube-proxy's iptables mode has chains.
const TABLES: &[&str] = &["filter", "nat", "mangle"];

/// Time for a listing of one table.
const LISTING: Duration = Duration::from_secs(60);

/// What the legacy variant needs.
const LEGACY_MODULES: &[&str] = &[
    "iptable_filter",
    "iptable_nat",
    "iptable_mangle",
    "ip6table_filter",
    "ip6table_nat",
    "ip6table_mangle",
    "xt_comment",
    "xt_conntrack",
    "xt_statistic",
    "xt_mark",
    "xt_nat",
    "xt_MASQUERADE",
    "xt_addrtype",
    "xt_tcpudp",
    "xt_sctp",
    "xt_recent",
    "xt_physdev",
    "xt_nfacct",
    "nfnetlink_acct",
    "ipt_REJECT",
    "ip6t_REJECT",
];

/// What the nf_tables variant needs.
const NFT_MODULES: &[&str] = &[
    "nft_compat",
    "nft_chain_nat",
    "xt_comment",
    "xt_conntrack",
    "xt_statistic",
    "xt_mark",
    "xt_nat",
    "xt_MASQUERADE",
    "xt_addrtype",
    "xt_tcpudp",
    "xt_sctp",
    "xt_recent",
    "xt_physdev",
    "xt_nfacct",
    "nfnetlink_acct",
    "ipt_REJECT",
    "ip6t_REJECT",
];

pub(super) enum Iptables {
    Legacy,
    Nft,
}

pub(super) static LEGACY: Iptables = Iptables::Legacy;
pub(super) static NFT: Iptables = Iptables::Nft;

impl Backend for Iptables {
    fn name(&self) -> BackendName {
        match self {
            Self::Legacy => BackendName::IptablesLegacy,
            Self::Nft => BackendName::IptablesNft,
        }
    }

    fn program(&self, tool: Tool) -> &'static str {
        match (self, tool) {
            (Self::Legacy, Tool::Iptables) => "iptables-legacy",
            (Self::Legacy, Tool::IptablesRestore) => "iptables-legacy-restore",
            (Self::Nft, Tool::Iptables) => "iptables-nft",
            (Self::Nft, Tool::IptablesRestore) => "iptables-nft-restore",
            (Self::Legacy, Tool::IptablesSave) => "iptables-legacy-save",
            (Self::Nft, Tool::IptablesSave) => "iptables-nft-save",
            (Self::Legacy, Tool::Ip6tables) => "ip6tables-legacy",
            (Self::Nft, Tool::Ip6tables) => "ip6tables-nft",
            (Self::Legacy, Tool::Ip6tablesRestore) => "ip6tables-legacy-restore",
            (Self::Nft, Tool::Ip6tablesRestore) => "ip6tables-nft-restore",
            (Self::Legacy, Tool::Ip6tablesSave) => "ip6tables-legacy-save",
            (Self::Nft, Tool::Ip6tablesSave) => "ip6tables-nft-save",
            (_, Tool::Nft) => "nft",
            (_, Tool::Ipset) => "ipset",
            (_, Tool::Ipvsadm) => "ipvsadm",
            (_, Tool::Conntrack) => "conntrack",
        }
    }

    fn tools(&self) -> &'static [Tool] {
        &[
            Tool::IptablesRestore,
            Tool::Iptables,
            Tool::IptablesSave,
            Tool::Ip6tables,
            Tool::Ip6tablesRestore,
            Tool::Ip6tablesSave,
        ]
    }

    fn modules(&self) -> &'static [&'static str] {
        match self {
            Self::Legacy => LEGACY_MODULES,
            Self::Nft => NFT_MODULES,
        }
    }

    fn installed(&self, runner: &dyn Runner) -> Result<Installed, CellError> {
        match self {
            Self::Legacy => listed(runner, TABLES),
            Self::Nft => {
                let counts = nf_tables::count()?;
                Ok(Installed { rules: counts.rules, chains: counts.chains, ..Installed::default() })
            }
        }
    }
}

/// Counts what `iptables-legacy-save` lists of `tables`. Each table is named, because only root may read the file that
/// lists them.
pub(super) fn listed(runner: &dyn Runner, tables: &[&str]) -> Result<Installed, CellError> {
    let v4 = listed_by(runner, "iptables-legacy-save", tables)?;
    let v6 = listed_by(runner, "ip6tables-legacy-save", tables)?;
    Ok(Installed { rules: v4.rules + v6.rules, chains: v4.chains + v6.chains, ..v4 })
}

fn listed_by(runner: &dyn Runner, save: &str, tables: &[&str]) -> Result<Installed, CellError> {
    let mut installed = Installed::default();
    for table in tables {
        let run = runner.run(save, &["-t".to_owned(), (*table).to_owned()], b"", LISTING)?;
        let run = run.through(&format!("{save} -t {table}"))?;
        for line in run.stdout.lines() {
            match line.as_bytes() {
                [b'-', b'A', ..] => installed.rules += 1,
                // A chain that is not built in has no policy: ":KUBE-SERVICES - [0:0]".
                [b':', ..] if line.split(' ').nth(1) == Some("-") => installed.chains += 1,
                _ => {}
            }
        }
    }
    Ok(installed)
}
