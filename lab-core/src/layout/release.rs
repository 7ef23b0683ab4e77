//! What each kube-proxy release does, in one table: a row for each layout name and mode.
//!
//! # Add a release
//!
//! 1. Give the layout a word in [`LayoutName`], and add it to `LayoutName::of` for its backends. Its name says which
//!    rules are installed and, if that is not the release's own way, how they are synced.
//! 2. Write what it installs: a file in the folder of its mode (`layout/iptables/`, `ipvs/` or `nftables/`) with a type
//!    that implements [`Layout`] as a walk over rules. If only details differ, add a field to the type that is there.
//! 3. Add a row to [`RELEASES`].
//! 4. Describe it in CHANGELOG.md.
//!
//! `BLESS=1 cargo nextest run -p lab-core` renders its golden files. Compare it with captures of a real binary in
//! `ci/fidelity`.

use super::{Iptables, Ipvs, Layout, Nftables, iptables, ipvs, nftables};
use crate::cell::Variant;
use crate::proxy_config::ProxyConfig;
use crate::vocabulary::{BackendName, LayoutName};
use std::sync::Arc;

/// A layout in one of kube-proxy's modes: what the release installs, and what the lab does of it.
pub struct Release {
    /// Its name in datasets.
    pub layout: LayoutName,
    /// The backends that it can be installed in.
    pub backends: &'static [BackendName],
    /// The release whose rules are installed.
    pub rules: &'static str,
    /// What a sync writes.
    pub syncs: &'static str,
    /// The releases that sync so.
    pub synced_by: &'static str,
    /// How often a sync writes everything, changed or not.
    pub full_syncs: &'static str,
    /// What the release reads before it writes.
    pub reads: &'static str,
    /// Whether the lab reads that as well.
    pub lab_reads: bool,
    /// How what a change leaves unused is removed.
    pub cleanup: &'static str,
    /// The capture of a real binary that its rules and syncs were compared with, in `ci/fidelity/reference/`.
    pub checked_against: &'static str,
    make: fn(Variant, &ProxyConfig) -> Arc<dyn Layout>,
}

/// The variants of the tools that iptables mode works with.
const IPTABLES: [BackendName; 2] = [BackendName::IptablesLegacy, BackendName::IptablesNft];

/// Every layout of every mode.
pub static RELEASES: [Release; 8] = [
    Release {
        layout: LayoutName::KubeProxy136,
        backends: &IPTABLES,
        rules: "1.36",
        syncs: "the fixed chains, and all chains of the Services that changed",
        synced_by: "1.36; since 1.27 or so, but for how conntrack is cleaned and what counts packets",
        full_syncs: "at start, after an error and once an hour; the lab: at start",
        reads: "the nat table with iptables-save: at every sync of a small cluster, once a sync period in a large one",
        lab_reads: true,
        cleanup: "by the sync in a small cluster; once a sync period in a large one",
        checked_against: "iptables-legacy/ and iptables-nft/ of 1.36.3: three clusters, four changes, every call",
        make: |_, config| Arc::new(Iptables::new(iptables::Version::V1_36, config)),
    },
    Release {
        layout: LayoutName::KubeProxy130,
        backends: &IPTABLES,
        rules: "1.30",
        syncs: "the fixed chains, and all chains of the Services that changed",
        synced_by: "1.30",
        full_syncs: "at start, after an error and once an hour; the lab: at start",
        reads: "the nat table with iptables-save: at every sync of a small cluster, once a sync period in a large one",
        lab_reads: true,
        cleanup: "by the sync in a small cluster; once a sync period in a large one",
        checked_against: "iptables-legacy/ and iptables-nft/ of 1.30.5: three clusters, four changes",
        make: |_, config| Arc::new(Iptables::new(iptables::Version::V1_30, config)),
    },
    Release {
        layout: LayoutName::KubeProxy120,
        backends: &IPTABLES,
        rules: "1.20",
        syncs: "everything",
        synced_by: "1.20",
        full_syncs: "every sync",
        reads: "the filter and nat tables with iptables-save, at every sync",
        lab_reads: true,
        cleanup: "by the sync",
        checked_against: "iptables-legacy/ and iptables-nft/ of 1.20.2: three clusters, four changes; external IPs are \
                          after the source",
        make: |_, config| Arc::new(Iptables::new(iptables::Version::V1_20, config)),
    },
    Release {
        layout: LayoutName::KubeProxy130,
        backends: &[BackendName::Ipvs],
        rules: "1.30",
        syncs: "everything that differs; the other ways are the lab's own, with less around it",
        synced_by: "1.30",
        full_syncs: "never: every sync looks at all Services",
        reads: "each virtual server and its real ones, the addresses of all devices, each jump with iptables -C, and \
                every set with ipset list",
        lab_reads: true,
        cleanup: "by the sync",
        checked_against: "ipvs-legacy/ and ipvs-nft/ of 1.30.5: the node after the first sync",
        make: |variant, config| in_ipvs(ipvs::Version::V1_30, variant, config),
    },
    Release {
        layout: LayoutName::KubeProxy120,
        backends: &[BackendName::Ipvs],
        rules: "1.20",
        syncs: "everything that differs; the other ways are the lab's own, with less around it",
        synced_by: "1.20",
        full_syncs: "never: every sync looks at all Services",
        reads: "each virtual server and its real ones, the device's addresses, local routes, both tables with \
                iptables-save, each jump with iptables -C, and every set with ipset list",
        lab_reads: true,
        cleanup: "by the sync",
        checked_against: "ipvs-legacy/ of 1.20.2: the node after the first sync",
        make: |variant, config| in_ipvs(ipvs::Version::V1_20, variant, config),
    },
    Release {
        layout: LayoutName::KubeProxy136,
        backends: &[BackendName::Nftables],
        rules: "1.36",
        syncs: "what changed",
        synced_by: "1.36",
        full_syncs: "at start, after an error and once an hour; the lab: at start",
        reads: "the table without its elements, with nft --json --terse list, at every sync; each set at a full one",
        lab_reads: true,
        cleanup: "emptied by the sync, and deleted by a later transaction",
        checked_against: "nftables/ of 1.36.3: full syncs, partial ones, and what is read",
        make: |variant, config| in_nftables(nftables::Version::V1_36, variant, config),
    },
    Release {
        layout: LayoutName::KubeProxy130,
        backends: &[BackendName::Nftables],
        rules: "1.30",
        syncs: "everything",
        synced_by: "1.30",
        full_syncs: "every sync",
        reads: "chains and sets of the family with nft --json list, at every sync",
        lab_reads: true,
        cleanup: "emptied by the sync, and deleted by a later transaction",
        checked_against: "nftables/ of 1.30.5: the syncs of a first load and of four changes",
        make: |variant, config| in_nftables(nftables::Version::V1_30, variant, config),
    },
    Release {
        layout: LayoutName::KubeProxy137,
        backends: &[BackendName::Nftables],
        rules: "1.37",
        syncs: "what changed",
        synced_by: "1.37",
        full_syncs: "at start, after an error and once an hour; the lab: at start",
        reads: "chains and sets over netlink, at every sync",
        lab_reads: false,
        cleanup: "emptied by the sync, and deleted by a later transaction",
        checked_against: "*not checked against a binary*; read in its source",
        make: |variant, config| in_nftables(nftables::Version::V1_37, variant, config),
    },
];

fn in_ipvs(version: ipvs::Version, variant: Variant, config: &ProxyConfig) -> Arc<dyn Layout> {
    let (scheduler, forwarding) = variant.settings.ipvs();
    Arc::new(Ipvs { scheduler, forwarding, way: variant.way, ..Ipvs::new(version, config) })
}

fn in_nftables(version: nftables::Version, variant: Variant, config: &ProxyConfig) -> Arc<dyn Layout> {
    Arc::new(Nftables { way: variant.way, ..Nftables::new(version, config) })
}

/// The row of `layout` in `backend`; `None` for a layout that the backend does not have, or that installs nothing.
#[must_use]
pub fn of(backend: BackendName, layout: LayoutName) -> Option<&'static Release> {
    RELEASES.iter().find(|release| release.layout == layout && release.backends.contains(&backend))
}

/// The layout of `variant` with the settings of `config`; `None` when it installs nothing.
#[must_use]
pub fn layout(variant: Variant, config: &ProxyConfig) -> Option<Arc<dyn Layout>> {
    of(variant.backend, variant.layout).map(|release| (release.make)(variant, config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Word;

    #[test]
    fn every_layout_of_every_backend_has_its_row_and_goes_by_its_name() {
        for &backend in BackendName::ALL {
            for &name in LayoutName::of(backend) {
                let variant = Variant { layout: name, ..Variant::usual(backend) };
                let made = layout(variant, &ProxyConfig::default());
                assert_eq!(made.is_none(), name == LayoutName::None, "{name} in {backend}");
                assert!(made.is_none_or(|layout| (layout.name(), layout.way()) == (name, variant.way)));
            }
        }
        let known = |release: &Release, backend| LayoutName::of(backend).contains(&release.layout);
        assert!(RELEASES.iter().all(|release| release.backends.iter().all(|&backend| known(release, backend))));
    }
}
