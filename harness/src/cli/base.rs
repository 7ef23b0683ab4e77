//! The Services of a user's cluster, as what clusters of any size repeat.

use super::cluster;
use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use kube_dump::{Dump, Input};
use lab_core::cell::Source;
use lab_core::cluster::Base;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads `files` as the cluster that `node` sees. Says what in them was left out, or does not add up.
///
/// # Errors
/// When a file cannot be read, or no Service in it is one that kube-proxy programs.
pub(super) fn read(files: &[PathBuf], node: Option<&str>) -> Result<Arc<Base>> {
    let inputs = cluster::inputs(files)?;
    let dump = Dump::read(&inputs)?;
    cluster::say(&dump);
    of(files, &inputs, &dump, node)
}

/// The Services of `dump`, which was read from `files` with these `inputs`, as `node` sees them.
///
/// # Errors
/// When no Service in it is one that kube-proxy programs.
pub(super) fn of(files: &[PathBuf], inputs: &[Input], dump: &Dump, node: Option<&str>) -> Result<Arc<Base>> {
    let mut sum = Sha256::new();
    inputs.iter().for_each(|input| sum.update(&input.bytes));
    if let Some(node) = node
        && !nodes(dump).any(|known| known == node)
    {
        bail!("--node {node}: no endpoint is on it, and the cluster has no node of that name");
    }
    let name = files.first().map_or("-", |file| match file.file_name() {
        Some(name) if file != Path::new("-") => name.to_str().unwrap_or("cluster"),
        _ => "standard-input",
    });
    let source = Source::Imported { name: name.to_owned().into(), digest: HEXLOWER.encode(&sum.finalize()).into() };
    match Base::of(&dump.cluster, node, source) {
        Some(base) => Ok(Arc::new(base)),
        None => bail!("--cluster {name}: no Service in it is one that kube-proxy programs"),
    }
}

/// The names of the nodes that the cluster tells of.
fn nodes(dump: &Dump) -> impl Iterator<Item = &str> {
    let ports = dump.cluster.services.iter().flat_map(|service| &service.ports);
    let places = ports.flat_map(|port| &port.endpoints).filter_map(|endpoint| endpoint.place.as_ref());
    dump.nodes.iter().map(|node| node.name.as_str()).chain(places.map(|place| place.node.as_str()))
}
