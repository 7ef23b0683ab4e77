//! `ipvs`: kube-proxy's ipvs mode, with the legacy variant of iptables beside it.

use super::{Backend, iptables};
use crate::cell_error::{CellError, Missing};
use crate::tool::Runner;
use anyhow::Context;
use lab_core::layout::ipvs::DEVICE;
use lab_core::layout::{Installed, Tool};
use lab_core::vocabulary::BackendName;
use node_netlink::{Kernel, OpenError};
use std::time::Duration;

/// Time for a listing of all sets.
const LISTING: Duration = Duration::from_secs(60);

pub(super) struct Ipvs;

impl Backend for Ipvs {
    fn name(&self) -> BackendName {
        BackendName::Ipvs
    }

    fn program(&self, tool: Tool) -> &'static str {
        iptables::LEGACY.program(tool)
    }

    fn tools(&self) -> &'static [Tool] {
        &[
            Tool::Ipset,
            Tool::Ipvsadm,
            Tool::Iptables,
            Tool::IptablesRestore,
            Tool::IptablesSave,
            Tool::Ip6tables,
            Tool::Ip6tablesRestore,
            Tool::Ip6tablesSave,
        ]
    }

    fn modules(&self) -> &'static [&'static str] {
        &[
            "dummy",
            "ip_vs",
            "ip_vs_rr",
            "ip_vs_wrr",
            "ip_vs_lc",
            "ip_vs_wlc",
            "ip_vs_sh",
            "ip_vs_dh",
            "ip_vs_sed",
            "ip_vs_nq",
            "ip_vs_lblc",
            "ip_vs_lblcr",
            "ip_vs_mh",
            "ip_set_hash_ip",
            "ip_set_hash_ipport",
            "ip_set_hash_ipportip",
            "ip_set_hash_ipportnet",
            "ip_set_bitmap_port",
            "iptable_filter",
            "iptable_nat",
            "ip6table_filter",
            "ip6table_nat",
            "xt_set",
            "xt_ipvs",
            "xt_physdev",
            "xt_comment",
            "xt_conntrack",
            "xt_mark",
            "xt_MASQUERADE",
            "xt_addrtype",
            "ipt_REJECT",
            "ip6t_REJECT",
            "nf_conntrack_netlink",
            "ipip",
        ]
    }

    fn check_kernel(&self) -> Result<(), Missing> {
        let release = nix::sys::utsname::uname().map(|uname| uname.release().to_string_lossy().into_owned());
        let kernel = release.unwrap_or_default();
        Kernel::open().map(drop).map_err(|error| match error {
            OpenError::NoIpvs => Missing {
                why: format!("ipvs needs the ip_vs module, which kernel {kernel} lacks or has not loaded"),
                remedy: "run with --target exact, which brings its own kernel, or: sudo modprobe -a ip_vs dummy"
                    .to_owned(),
            },
            error => Missing {
                why: format!("kernel {kernel} cannot be asked about IPVS: {error}"),
                remedy: "run with --target exact, which brings its own kernel".to_owned(),
            },
        })
    }

    fn installed(&self, runner: &dyn Runner) -> Result<Installed, CellError> {
        let listed = iptables::listed(runner, &["filter", "nat"])?;
        let counts = Kernel::open().context("asking the kernel")?.count(DEVICE).context("counting virtual servers")?;
        Ok(Installed {
            set_elements: set_elements(runner)?,
            virtual_servers: counts.virtual_servers,
            real_servers: counts.real_servers,
            addresses: counts.addresses,
            rules: listed.rules,
            chains: listed.chains,
        })
    }
}

/// Counts the entries of all sets, as the sets' headers say.
fn set_elements(runner: &dyn Runner) -> Result<u64, CellError> {
    let run =
        runner.run("ipset", &["list".to_owned(), "-terse".to_owned()], b"", LISTING)?.through("ipset list -terse")?;
    let counts = run.stdout.lines().filter_map(|line| line.strip_prefix("Number of entries: "));
    let count = |count: &str| count.trim().parse::<u64>().context("reading the number of entries of an ipset");
    Ok(counts.map(count).sum::<anyhow::Result<u64>>()?)
}
