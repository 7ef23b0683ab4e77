//! What Services are like: those of a real cluster, of a described mix, with affinity, without endpoints.

use super::{dataset, expect, scenario, workplace};
use anyhow::{Result, ensure};
use lab_core::cell::Source;
use lab_core::vocabulary::{BackendName, Outcome};
use std::fs;
use std::path::Path;

/// One Service more than the positions need.
const OWN: &str = "\
name: own
question: Is it measured?
target: host
backends: [direct, iptables-legacy, nftables]
rounds: 1
dials: 10
traffic: 100ms
";

const DUMPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../kube-dump/tests/questions");

/// Runs it; every cell must be measured, but those of `direct` may be skipped.
fn measured(yaml: &str, args: &[&str]) -> Result<Vec<(u32, Source)>> {
    let folder = workplace(yaml)?;
    expect(scenario(folder.path()).args(args), 0)?;
    let dataset = dataset(folder.path())?;
    for record in &dataset.cells {
        let allowed = record.cell.variant.backend == BackendName::Direct;
        ensure!(record.outcome == Outcome::Measured || allowed, "{record:?}");
    }
    ensure!(dataset.cells.iter().any(|record| record.outcome == Outcome::Measured), "nothing was measured");
    Ok(dataset.cells.iter().map(|record| record.cell.cluster).map(|c| (c.services, c.source)).collect())
}

pub(crate) fn a_real_cluster_is_measured_and_repeated() -> Result<()> {
    // Two files that are one cluster; both families; IPv6 alone, which is dialled over IPv6.
    for (files, own) in [(&["a-services.json", "a-slices.json"][..], 2), (&["dual.json"], 1), (&["v6only.json"], 1)] {
        let paths: Vec<String> = files.iter().map(|file| Path::new(DUMPS).join(file).display().to_string()).collect();
        let args: Vec<&str> = paths.iter().flat_map(|path| ["--cluster", path]).collect();
        for (more, services) in [(&[][..], own), (&["--services", "5"], 5)] {
            for (count, source) in measured(OWN_PROBES, &[&args, more].concat())? {
                ensure!(count == services, "{count} Services, not {services}");
                ensure!(matches!(source, Source::Imported { name, .. } if name.as_str() == files[0]), "{source:?}");
            }
        }
    }
    Ok(())
}

/// The process inside the sandbox reads it again; what is left out is said once.
pub(crate) fn a_cluster_comes_on_standard_input() -> Result<()> {
    let folder = workplace(OWN_PROBES)?;
    let dump = fs::File::open(Path::new(DUMPS).join("dangling.json"))?;
    let said = expect(scenario(folder.path()).args(["--cluster", "-"]).stdin(dump), 0)?;
    ensure!(said.matches("there is no Service d/gone").count() == 1, "{said}");
    ensure!(dataset(folder.path())?.cells.iter().all(|record| record.cell.cluster.services == 1), "its own size");
    Ok(())
}

/// With a size of its own, which a cluster's goes before.
const OWN_PROBES: &str = "\
name: own
question: Is it measured?
target: host
backends: [direct, iptables-legacy, nftables]
services: [3]
probes: [sync_full, sync_change, endpoint_change, remove_service, connect]
rounds: 1
dials: 10
";

/// Packets put elements into a set of nftables, which are no part of what was installed.
pub(crate) fn affinity_is_measured_in_each_backend() -> Result<()> {
    let yaml = format!("{OWN}services: [4]\nmix: {{affinity: 100%, endpoints: {{1: 1, 3: 1}}}}\n");
    measured(&yaml, &[]).map(drop)
}

pub(crate) fn services_without_endpoints_refuse_and_are_measured() -> Result<()> {
    let folder = workplace(&format!("{OWN}services: [3]\nendpoints: 0\nprobes: [connect, connections_per_second]\n"))?;
    expect(&mut scenario(folder.path()), 0)?;
    for record in dataset(folder.path())?.cells {
        let cell = record.cell;
        let expected = if cell.variant.backend == BackendName::Direct { Outcome::Skipped } else { Outcome::Measured };
        ensure!(record.outcome == expected, "{record:?}");
    }
    Ok(())
}
