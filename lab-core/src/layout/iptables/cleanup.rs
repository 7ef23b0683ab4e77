//! How a node is emptied: by name, as `kube-proxy --cleanup` does (`CleanupLeftovers` in `pkg/proxy/iptables/proxier.go`),
//! and then of what that leaves.

use super::chain::{Chain, Table};
use super::jumps::jumps;
use super::rule::Sink;
use super::walk::own_chains;
use super::{CANARY_TABLES, Iptables, Version};
use crate::cluster::{Cluster, Family};
use crate::layout::{Action, Part};

/// The chains of the filter table that are deleted.
const FILTER: [Chain; 4] = [Chain::KubeServices, Chain::KubeExternalServices, Chain::KubeForward, Chain::KubeNodePorts];
/// Those of the nat table, before the ones of Services.
const NAT: [Chain; 3] = [Chain::KubeServices, Chain::KubeNodePorts, Chain::KubePostrouting];

/// Removes what `layout` installed for `cluster`. Each jump is checked and deleted; then each table is listed, and its
/// chains are deleted at once.
///
/// kube-proxy leaves its canaries, KUBE-MARK-MASQ and more. These go last, with everything else in the tables: a node of
/// the lab has no other rules.
pub(super) fn by_name(layout: &Iptables, cluster: &Cluster) -> Vec<Action> {
    let mut actions = Vec::new();
    for &family in layout.families(cluster) {
        let tools = layout.tools(family);
        // The jumps to the kubelet's chains stay.
        for jump in jumps(layout.version).iter().filter(|jump| jump.to != Chain::KubeFirewall) {
            let on_jump = |operation| tools.call(operation, &jump.from.name(), jump.table, jump.rule().args());
            actions.extend([on_jump("-C"), on_jump("-D")].map(|call| Action::Call(Part::Rules, call)));
        }
        let ports = cluster.ports(family);
        let of_services = ports.flat_map(|port| own_chains(layout.version, port, &cluster.node));
        let nat: Vec<Chain> = NAT.into_iter().chain(of_services).collect();
        // 1.20 has no chain of node ports in the filter table.
        let filter = &FILTER[..if layout.version == Version::V1_20 { 3 } else { 4 }];
        for (table, chains) in [(Table::Nat, &nat[..]), (Table::Filter, filter)] {
            let mut text = Vec::new();
            text.table(table);
            chains.iter().for_each(|&chain| text.chain(chain));
            chains.iter().for_each(|&chain| text.delete(chain));
            text.commit();
            actions.extend([tools.save(table), tools.restore(text).into()]);
        }
    }
    actions.extend(Family::ALL.map(|family| layout.tools(family).empty(&CANARY_TABLES).into()));
    actions
}
