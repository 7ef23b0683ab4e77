//! `nftables`: kube-proxy's nftables mode.

use super::{Backend, nf_tables};
use crate::cell_error::CellError;
use crate::tool::Runner;
use lab_core::layout::{Installed, Tool};
use lab_core::vocabulary::BackendName;

pub(super) struct Nftables;

impl Backend for Nftables {
    fn name(&self) -> BackendName {
        BackendName::Nftables
    }

    fn program(&self, tool: Tool) -> &'static str {
        match tool {
            Tool::Conntrack => "conntrack",
            _ => "nft",
        }
    }

    fn tools(&self) -> &'static [Tool] {
        &[Tool::Nft]
    }

    fn modules(&self) -> &'static [&'static str] {
        &[
            "nft_chain_nat",
            "nft_numgen",
            "nft_masq",
            "nft_nat",
            "nft_reject_ipv4",
            "nft_reject_ipv6",
            "nft_ct",
            "nft_fib_ipv4",
            "nft_fib_ipv6",
        ]
    }

    fn installed(&self, _: &dyn Runner) -> Result<Installed, CellError> {
        let counts = nf_tables::count()?;
        let chains = counts.chains + counts.base_chains;
        Ok(Installed { rules: counts.rules, chains, set_elements: counts.set_elements, ..Installed::default() })
    }
}
