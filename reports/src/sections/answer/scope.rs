//! What an answer holds for: the releases, who programmed the node, the tools and the kernel.

use crate::prose::list;
use crate::report::Point;
use crate::results::Results;
use lab_core::cell::DriverName;
use lab_core::dataset::{CellRecord, Dataset, Header};
use lab_core::kube_proxy::KubeProxy;
use lab_core::metric::Metric;
use lab_core::reference::upstream::{self, Standing};
use lab_core::vocabulary::{BackendName, LayoutName, Word};
use std::collections::BTreeMap;

/// The tools that program a node: a name of the header's, and what people call it.
const TOOLS: [(&str, &str); 4] =
    [("iptables-legacy", "iptables"), ("iptables-nft", "iptables"), ("nft", "nftables"), ("ipset", "ipset")];

/// What `run` holds for; `None` where nothing was programmed.
pub(super) fn point(results: &Results, run: usize) -> Option<Point> {
    let dataset = &results.runs.datasets()[run];
    let releases = releases(dataset);
    if releases.is_empty() {
        return None;
    }
    // A real kube-proxy reads whatever it reads.
    let reads = dataset.cells.iter().any(|cell| cell.metric == Metric::SyncRead)
        || dataset.cells.iter().all(|cell| cell.cell.variant.driver.is_kube_proxy());
    let syncs = if reads { "" } else { " Without what kube-proxy reads before it writes." };
    let text = format!("{}, {}{}.{syncs}", list(&releases), programmed(dataset), with(&dataset.header));
    let label = if results.is_several() {
        format!("{}: holds for.", results.runs.labels()[run])
    } else {
        "Holds for.".to_owned()
    };
    Some(Point::new(label, text))
}

/// What Kubernetes says of the modes that were measured.
pub(super) fn upstream(results: &Results) -> Option<Point> {
    let mut modes: Vec<Standing> = Vec::new();
    for cell in results.runs.datasets().iter().flat_map(|dataset| &dataset.cells) {
        let mode = upstream::standing(cell.cell.variant.backend);
        modes.extend(mode.filter(|mode| !modes.contains(mode)));
    }
    modes.sort_by_key(|mode| mode.mode);
    let each: Vec<String> =
        modes.iter().map(|Standing { mode, said, source }| format!("{mode} mode is {said} ({source})")).collect();
    let text = format!("As of Kubernetes {}, {}.", upstream::AS_OF, each.join("; "));
    (!each.is_empty()).then(|| Point::new("Upstream.", text))
}

/// What programs the nodes: the lab, kube-proxy binaries, or both.
fn programmed(dataset: &Dataset) -> String {
    let asked = |driver: DriverName| {
        let is_of = |cell: &CellRecord| cell.cell.variant.driver == driver && cell.cell.probe.programs();
        dataset.cells.iter().any(is_of)
    };
    let real: Vec<String> =
        dataset.header.plan.kube_proxies.iter().filter(|binary| asked(binary.driver())).map(named).collect();
    match (asked(DriverName::Lab), &real[..]) {
        (_, []) => "as the lab itself programs it".to_owned(),
        (true, real) => format!("as the lab itself programs it, and beside it by {}", list(real)),
        (false, real) => format!("as programmed by {}", list(real)),
    }
}

/// `kube-proxy v1.36.2`, or with another name `old (kube-proxy v1.30.5)`.
fn named(binary: &KubeProxy) -> String {
    let KubeProxy { name, version, .. } = binary;
    if name.as_str() == "kube-proxy" {
        format!("kube-proxy {version}")
    } else {
        format!("{} (kube-proxy {version})", name.as_str())
    }
}

/// `kube-proxy-1.36 (iptables-legacy and nftables)`, of each layout; of the only one without the backends.
fn releases(dataset: &Dataset) -> Vec<String> {
    let mut backends: BTreeMap<LayoutName, Vec<BackendName>> = BTreeMap::new();
    for cell in &dataset.cells {
        let of = backends.entry(cell.cell.variant.layout).or_default();
        if !of.contains(&cell.cell.variant.backend) {
            of.push(cell.cell.variant.backend);
        }
    }
    backends.remove(&LayoutName::None);
    let only = backends.len() == 1;
    let named = |(layout, mut backends): (LayoutName, Vec<BackendName>)| {
        backends.sort_unstable();
        let backends: Vec<String> = backends.iter().map(|backend| backend.name().to_owned()).collect();
        if only { layout.to_string() } else { format!("{layout} ({})", list(&backends)) }
    };
    backends.into_iter().rev().map(named).collect()
}

/// `, with iptables 1.8.9, nftables 1.0.6 and kernel 6.1.0`.
fn with(header: &Header) -> String {
    let mut tools: Vec<String> = Vec::new();
    for (tool, called) in TOOLS {
        let version = header.tools.get(tool).and_then(|said| version(said));
        let named = version.map(|version| format!("{called} {version}"));
        tools.extend(named.filter(|named| !tools.contains(named)));
    }
    let kernel = header.guest.get("kernel").or_else(|| header.host.get("kernel"));
    tools.extend(kernel.map(|kernel| format!("kernel {kernel}")));
    if tools.is_empty() { String::new() } else { format!(", with {}", list(&tools)) }
}

/// The version in what a tool says of itself: `iptables v1.8.9 (legacy)`.
fn version(said: &str) -> Option<&str> {
    let words = said.split([' ', ',']).map(|word| word.trim_start_matches('v'));
    words.into_iter().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_each_tool_says() {
        assert_eq!(version("iptables v1.8.9 (legacy)"), Some("1.8.9"));
        assert_eq!(version("ipset v7.17, protocol version: 7"), Some("7.17"));
        assert_eq!(version("nftables v1.0.6 (Lester Gooch #5)"), Some("1.0.6"));
        assert_eq!(version("nothing"), None);
    }
}
