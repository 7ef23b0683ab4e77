//! Walks packets through a node.

use super::cursor::Stage;
use super::ending::Ending;
use super::index::Index;
use super::route::IPVS_DEVICE;
use super::{Packet, Step, Surroundings};
use crate::node::{HookPoint, NatKind, NodeAddress, NodeState, Table};
use std::collections::HashMap;
use std::net::IpAddr;

/// Where IPVS takes packets for the node: `NF_IP_PRI_NAT_SRC - 1`.
const IPVS_INPUT: i32 = 99;
/// Where IPVS takes packets of the node: `NF_IP_PRI_NAT_DST + 2`.
const IPVS_OUTPUT: i32 = -98;

/// The chains that kube-proxy has called from nat's base chains. People paste them without those.
const TAKEN: [(HookPoint, i32, &str); 3] = [
    (HookPoint::Prerouting, -100, "KUBE-SERVICES"),
    (HookPoint::Output, -100, "KUBE-SERVICES"),
    (HookPoint::Postrouting, 100, "KUBE-POSTROUTING"),
];

/// What a packet meets at a hook.
#[derive(Debug, Clone, Copy)]
pub(super) enum Base {
    /// A base chain.
    Chain { table: usize, chain: usize, kind: NatKind },
    /// A chain of nat that the listings do not call here, and kube-proxy does.
    Taken { table: usize, chain: usize },
    /// IPVS.
    Ipvs,
}

/// Walks packets through one node. Made once, it walks each in little time.
#[derive(Debug)]
pub struct Walker<'a> {
    pub(super) state: &'a NodeState,
    pub(super) surroundings: Surroundings,
    /// What packets meet at each hook, in order, each with whether it is met by IPv4 and by IPv6.
    bases: HashMap<HookPoint, Vec<(Base, bool, bool)>>,
    /// For long chains, by table and chain.
    pub(super) indexes: HashMap<(usize, usize), Index>,
    /// Whether rules that do not apply become steps, too.
    pub(super) lists_misses: bool,
}

/// A packet's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// The packet.
    pub packet: Packet,
    /// Its steps, as a tree.
    pub steps: Vec<Step>,
    /// Where it may end, the main ways before those that take something for granted.
    pub endings: Vec<Ending>,
}

impl<'a> Walker<'a> {
    /// For this node, in these surroundings.
    #[must_use]
    pub fn new(state: &'a NodeState, surroundings: Surroundings) -> Self {
        let mut ordered: HashMap<HookPoint, Vec<(i32, Base, bool, bool)>> = HashMap::new();
        let mut indexes = HashMap::new();
        for (table_place, table) in state.tables.iter().enumerate() {
            for (chain_place, chain) in table.chains().iter().enumerate() {
                if let Some(hook) = chain.hook {
                    let base = Base::Chain { table: table_place, chain: chain_place, kind: hook.kind };
                    let (v4, v6) = (table.families.includes(true), table.families.includes(false));
                    ordered.entry(hook.point).or_default().push((hook.priority, base, v4, v6));
                }
                if let Some(index) = Index::of(chain).filter(|_| chain.gaps.is_empty()) {
                    indexes.insert((table_place, chain_place), index);
                }
            }
        }
        for (table_place, table) in state.tables.iter().enumerate().filter(|(_, table)| &*table.name == "nat") {
            for (point, priority, name) in TAKEN {
                let is_called = table.chains().iter().any(|chain| chain.hook.is_some_and(|hook| hook.point == point));
                if let Some(chain) = table.place(name).filter(|_| !is_called && table.maker.is_iptables()) {
                    let base = Base::Taken { table: table_place, chain };
                    let (v4, v6) = (table.families.includes(true), table.families.includes(false));
                    ordered.entry(point).or_default().push((priority, base, v4, v6));
                }
            }
        }
        if !state.servers.is_empty() {
            ordered.entry(HookPoint::Input).or_default().push((IPVS_INPUT, Base::Ipvs, true, true));
            ordered.entry(HookPoint::Output).or_default().push((IPVS_OUTPUT, Base::Ipvs, true, true));
        }
        let mut bases = HashMap::new();
        for (hook, mut chains) in ordered {
            chains.sort_by_key(|&(priority, ..)| priority);
            bases.insert(hook, chains.into_iter().map(|(_, base, v4, v6)| (base, v4, v6)).collect());
        }
        Self { state, surroundings, bases, indexes, lists_misses: false }
    }

    /// The same; rules that were tried and do not apply become steps, too.
    #[must_use]
    pub fn listing_misses(mut self) -> Self {
        self.lists_misses = true;
        self
    }

    /// The node's surroundings.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The node that it walks through.
    #[must_use]
    pub fn state(&self) -> &'a NodeState {
        self.state
    }

    /// Whether the listings have a table that packets of IPv4 (`true`) or IPv6 meet.
    pub(super) fn has_rules(&self, is_v4: bool) -> bool {
        self.state.tables.iter().any(|table| table.families.includes(is_v4))
    }

    pub(super) fn bases(&self, stage: Stage) -> &[(Base, bool, bool)] {
        self.bases.get(&stage.hook()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn table(&self, place: usize) -> &'a Table {
        &self.state.tables[place]
    }
}

impl Stage {
    pub(super) fn hook(self) -> HookPoint {
        match self {
            Self::Prerouting | Self::LoopedPrerouting => HookPoint::Prerouting,
            Self::Input | Self::LoopedInput => HookPoint::Input,
            Self::Forward => HookPoint::Forward,
            Self::Output => HookPoint::Output,
            Self::Postrouting => HookPoint::Postrouting,
        }
    }
}

impl Walker<'_> {
    /// The node's address on the way to `destination`, where it can be told: the one in its network, or the only one.
    ///
    /// A packet is masqueraded to an address of the device that it leaves by (`inet_select_addr`), and no listing of
    /// addresses tells which device that is.
    pub(super) fn leaving_address(&self, destination: IpAddr) -> Option<IpAddr> {
        if self.surroundings.is_local(destination) {
            return Some(destination);
        }
        let is_v4 = destination.is_ipv4();
        if !self.surroundings.is_known() {
            return (!self.surroundings.is_stand_in(is_v4)).then_some(self.surroundings.address(is_v4));
        }
        let may_leave = |held: &&NodeAddress| {
            let address = held.address.addr();
            let is_of_link = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
            address.is_ipv4() == is_v4 && !address.is_loopback() && !is_of_link && &*held.device != IPVS_DEVICE
        };
        let own = || self.state.addresses.iter().filter(may_leave).map(|held| held.address);
        let near = own().filter(|address| address.contains(&destination)).map(|near| (near.prefix_len(), near.addr()));
        if let Some((_, address)) = near.reduce(|best, other| if other.0 > best.0 { other } else { best }) {
            return Some(address);
        }
        let mut all = own().map(|address| address.addr());
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }
}
