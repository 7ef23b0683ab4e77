//! `nftables`: kube-proxy's nftables mode.

use super::{Backend, nf_tables};
use crate::tool::Runner;
use anyhow::Result;
use lab_core::layout::{self, Installed, Layout, Tool};
use lab_core::vocabulary::BackendName;
use std::sync::LazyLock;

static LAYOUT: LazyLock<layout::Nftables> = LazyLock::new(layout::Nftables::default);

pub(super) struct Nftables;

impl Backend for Nftables {
    fn name(&self) -> BackendName {
        BackendName::Nftables
    }

    fn layout(&self) -> Option<&'static dyn Layout> {
        Some(&*LAYOUT)
    }

    fn program(&self, _: Tool) -> &'static str {
        "nft"
    }

    fn tools(&self) -> &'static [Tool] {
        &[Tool::Nft]
    }

    fn modules(&self) -> &'static str {
        "nf_tables nft_chain_nat nft_numgen nft_masq nft_reject_ipv4 nft_ct"
    }

    fn installed(&self, _: &dyn Runner) -> Result<Installed> {
        let counts = nf_tables::count()?;
        let chains = counts.chains + counts.base_chains;
        Ok(Installed { rules: counts.rules, chains, set_elements: counts.set_elements })
    }
}
