//! What nft would refuse of a cluster.

use super::set::LONGEST_COMMENT;
use super::view::View;
use super::{Nftables, Version};
use crate::cluster::{Cluster, Family};
use crate::layout::{Caveat, Severity};
use std::collections::BTreeMap;

pub(super) fn all(layout: &Nftables, cluster: &Cluster) -> Vec<Caveat> {
    let mut caveats = Caveat::of_names(cluster);
    caveats.extend(comments(layout, cluster));
    for family in Family::ALL {
        // A node port is an element by itself, whatever the address.
        caveats.extend(Caveat::of_shared(cluster, family, &[family.unspecified()], shared(layout.version)));
    }
    caveats
}

/// What becomes of an element that two Services want.
fn shared(version: Version) -> (Severity, &'static str) {
    match version {
        Version::V1_30 => (
            Severity::Refused,
            "kube-proxy 1.30 adds both elements: nft refuses the whole sync, and with it every Service of the node",
        ),
        _ => (Severity::LeftOut, "kube-proxy gives it to the one that it comes to last"),
    }
}

/// The Services whose elements have comments that are too long: 1.37 cuts them.
fn comments(layout: &Nftables, cluster: &Cluster) -> Vec<Caveat> {
    if layout.version >= Version::V1_37 {
        return Vec::new();
    }
    let (release, carriers) = match layout.version {
        Version::V1_30 => ("1.30", "without endpoints, or with source ranges,"),
        _ => ("1.36", "without endpoints"),
    };
    let mut found: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    for port in Family::ALL.into_iter().flat_map(|family| cluster.ports(family)) {
        let names = [port.namespace(), port.name(), &port.port.name].map(str::len);
        // Without a name, the colon is left out, too.
        let length = names.iter().sum::<usize>() + 1 + usize::from(names[2] > 0);
        if length <= LONGEST_COMMENT {
            continue;
        }
        let mut is_written = false;
        View::new(layout.version, port, &cluster.node).elements(&mut |element| is_written |= element.comment.is_some());
        let entry = found.entry(format!("{}/{}", port.namespace(), port.name())).or_default();
        *entry = (entry.0.max(length), entry.1 | is_written);
    }
    let said = |(name, (length, is_written)): (String, (usize, bool))| {
        let limit = format!("a comment of {length} characters, where nft takes {LONGEST_COMMENT}");
        let (severity, what) = if is_written {
            let what = format!(
                "kube-proxy {release} names it in {limit}: nft refuses the whole sync, and with it every Service of the \
                 node, until it is renamed (1.37 cuts the comment)"
            );
            (Severity::Refused, what)
        } else {
            let what = format!(
                "while it is {carriers} kube-proxy {release} would name it in {limit}: nft would then refuse every \
                 sync, and with it every Service of the node (1.37 cuts the comment)"
            );
            (Severity::LeftOut, what)
        };
        Caveat { severity, object: format!("Service {name}"), what }
    };
    found.into_iter().map(said).collect()
}
