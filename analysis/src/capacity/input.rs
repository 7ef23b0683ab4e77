//! What a load is the load of: its input, which grows with the number of Services, and which it cannot grow slower than.

use crate::summary::Gathered;
use lab_core::metric::Metric;
use lab_core::stats;
use lab_core::vocabulary::{BackendName, ProbeName};
use std::collections::BTreeMap;

/// The least growth of an input, from the smallest size to the largest, that is called one.
const GROWN: f64 = 1.1;

/// What a cold start and each of its parts read or install, as it is counted beside them; `None` for what is no load.
///
/// The time of a tool's user and system mode is counted in ticks on some kernels, and a listing before a cold start finds
/// an empty node: neither is held to the input.
fn counted(probe: ProbeName, metric: Metric) -> Option<&'static [Metric]> {
    let load = [ProbeName::SyncFull, ProbeName::Reload].contains(&probe);
    Some(match metric {
        _ if !load => return None,
        Metric::SyncFull | Metric::Reload | Metric::SyncWrite => {
            &[Metric::ScriptBytes, Metric::Rules, Metric::SetElements, Metric::RealServers]
        }
        Metric::SyncRules => &[Metric::Rules],
        Metric::SyncSets => &[Metric::SetElements],
        Metric::SyncVirtualServers => &[Metric::VirtualServers],
        Metric::SyncAddresses => &[Metric::Addresses],
        _ => return None,
    })
}

/// Whether `metric` of `probe` is what a load costs whose input grows over `sizes`, as it is counted there; if it is not
/// counted, with the Services. IPVS's rules do not grow with them.
pub(super) fn grows(
    backend: BackendName,
    probe: ProbeName,
    metric: Metric,
    sizes: &BTreeMap<u32, Vec<Gathered>>,
) -> bool {
    let Some(inputs) = counted(probe, metric) else { return false };
    let count = |input: Metric, cells: &Vec<Gathered>| {
        let gathered = cells.iter().find(|gathered| gathered.metric == input)?;
        stats::median(&gathered.passes.values().flatten().copied().collect::<Vec<_>>())
    };
    let grown = |input: &Metric| {
        let mut counts = sizes.values().filter_map(|cells| count(*input, cells));
        let (first, last) = (counts.next()?, counts.next_back()?);
        Some(last > GROWN * first)
    };
    let counted: Vec<bool> = inputs.iter().filter_map(grown).collect();
    match counted[..] {
        [] => metric != Metric::SyncRules || backend != BackendName::Ipvs,
        _ => counted.contains(&true),
    }
}
