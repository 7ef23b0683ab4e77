//! Clusters that the user hands over: files, standard input, folders and archives of what kubectl printed.

use super::handed::{self, Wanted};
use anyhow::{Context, Result, anyhow};
use kube_dump::{Dump, Input};
use lab_core::axes::Axes;
use lab_core::cluster::{AddressPlan, Cluster, Repeated, Supply};
use lab_core::scenario::choose_mix;
use lab_core::units;
use netns_topology::sandbox;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The files of folders and archives that may be of a cluster.
const WANTED: Wanted = Wanted {
    is_read: |path| path.extension().is_some_and(|ending| ["json", "yaml", "yml"].iter().any(|&known| ending == known)),
    names: "ends in .json, .yaml, .yml",
    advice: "Services and EndpointSlices only",
};
/// How many notes are printed.
const NOTES: usize = 12;

/// The cluster in `paths` together: files of JSON or YAML, `-` for standard input, folders and tar archives of such, each
/// compressed by gzip or not.
///
/// # Errors
/// If one cannot be read, or there is no Service in all of them. The message names the input.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Dump> {
    Ok(Dump::read(&inputs(paths)?)?)
}

/// The cluster in `paths` as its node `node` sees it: the Node of that name gives its addresses and zone. `addresses` are
/// the node's own, if there are any. Says what of the cluster was left out.
///
/// # Errors
/// As [`read`].
pub(crate) fn on_node(paths: &[PathBuf], node: Option<&str>, addresses: &[IpAddr]) -> Result<Arc<Cluster>> {
    let dump = read(paths)?;
    say(&dump);
    let mut cluster = dump.cluster;
    if let Some(name) = node {
        match dump.nodes.into_iter().find(|node| node.name == name) {
            Some(node) => cluster.node = node,
            None => name.clone_into(&mut cluster.node.name),
        }
    }
    if !addresses.is_empty() {
        cluster.node.addresses = addresses.to_vec();
    }
    Ok(Arc::new(cluster))
}

/// So many Services of the mix called `mix`, with `endpoints` each where it does not say how many.
///
/// # Errors
/// If there is no such mix, or there are not addresses for so many.
pub(crate) fn generated(mix: &str, endpoints: u32, services: u32) -> Result<Cluster> {
    let mut axes = Axes { endpoints: vec![endpoints], ..Axes::default() };
    choose_mix(mix, &mut axes).context("--mix")?;
    let supply: Box<dyn Supply> = match axes.base {
        Some(base) => Box::new(Repeated::of(base)),
        None => Box::new(AddressPlan::new(endpoints).of(axes.mix)),
    };
    supply.check(services).map_err(|full| anyhow!("--services: {full}"))?;
    Ok(Cluster::generate(services, &*supply))
}

/// What is to be read as the cluster in `paths`, unpacked.
///
/// # Errors
/// If one cannot be read, has no file that may be of a cluster, or is too much.
pub(crate) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>> {
    handed::unpack(paths, &WANTED)
}

/// Says what was left out of `dump` or does not add up in it, on standard error. The process that starts inside a sandbox
/// reads it, too, and says nothing again.
pub(crate) fn say(dump: &Dump) {
    if sandbox::awaits() {
        return;
    }
    if dump.unread > 0 {
        let files = units::agreeing(
            dump.unread as u64,
            "file is no document of Kubernetes; it is passed over",
            "files are no documents of Kubernetes; they are passed over",
        );
        tell!("svclab: {files}");
    }
    for note in dump.notes.iter().take(NOTES) {
        tell!("svclab: {note}");
    }
    if let Some(more) = dump.notes.len().checked_sub(NOTES).filter(|&more| more > 0) {
        tell!("svclab: {more} more like these; see all with: svclab check --cluster FILE");
    }
}
