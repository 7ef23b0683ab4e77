//! `nftables`: kube-proxy's nftables mode.

use super::{Backend, Options, nf_tables};
use crate::tool::Runner;
use anyhow::Result;
use lab_core::layout::{self, Installed, Layout, Tool};
use lab_core::vocabulary::BackendName;
use std::sync::Arc;

pub(super) struct Nftables;

impl Backend for Nftables {
    fn name(&self) -> BackendName {
        BackendName::Nftables
    }

    fn layout(&self, _: &Options) -> Option<Arc<dyn Layout>> {
        Some(Arc::new(layout::Nftables::default()))
    }

    fn program(&self, _: Tool) -> &'static str {
        "nft"
    }

    fn tools(&self) -> &'static [Tool] {
        &[Tool::Nft]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["nft_chain_nat", "nft_numgen", "nft_masq", "nft_nat", "nft_reject_ipv4", "nft_ct"]
    }

    fn installed(&self, _: &dyn Runner) -> Result<Installed> {
        let counts = nf_tables::count()?;
        let chains = counts.chains + counts.base_chains;
        Ok(Installed { rules: counts.rules, chains, set_elements: counts.set_elements, ..Installed::default() })
    }
}
