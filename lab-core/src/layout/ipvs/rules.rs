//! The iptables rules of ipvs mode. Their number hardly grows with the Services, because ipsets say which packets they
//! match.
//!
//! The order is that of `createAndLinkKubeChain` and `writeIptablesRules` in kube-proxy's
//! `pkg/proxy/ipvs/proxier.go`.

use super::rule::{Chain, Match, Rule, Sink, Target, loopback};
use super::set::Set;
use super::wanted::Wanted;
use super::{Ipvs, Version};
use crate::cluster::{Family, Protocol};
use crate::layout::iptables::{Table, Tools};
use crate::layout::{Action, Count, Invocation, Part};

/// A rule about a set: where it stands, which of a packet's addresses and ports it looks up, of which protocol only,
/// and what it does.
type SetRule = (Set, Table, Chain, &'static str, Option<Protocol>, Target);

const SERVICES: Chain = "KUBE-SERVICES";
const POSTROUTING: Chain = "KUBE-POSTROUTING";
const NODE_PORT: Chain = "KUBE-NODE-PORT";
const LOAD_BALANCER: Chain = "KUBE-LOAD-BALANCER";
const MARK_MASQ: Chain = "KUBE-MARK-MASQ";
const FORWARD: Chain = "KUBE-FORWARD";
const PROXY_FIREWALL: Chain = "KUBE-PROXY-FIREWALL";
const SOURCE_RANGES_FIREWALL: Chain = "KUBE-SOURCE-RANGES-FIREWALL";
const IPVS_FILTER: Chain = "KUBE-IPVS-FILTER";
const IPVS_OUT_FILTER: Chain = "KUBE-IPVS-OUT-FILTER";
/// 1.20's chains for source ranges.
const FIREWALL: Chain = "KUBE-FIREWALL";
const MARK_DROP: Chain = "KUBE-MARK-DROP";

/// A jump from a built-in chain.
type Jump = (Table, Chain, Chain, Match);

impl Version {
    /// Every chain, in kube-proxy's order (`iptablesChains`).
    pub(super) fn chains(self) -> &'static [(Table, Chain)] {
        match self {
            Self::V1_20 => &[
                (Table::Nat, SERVICES),
                (Table::Nat, POSTROUTING),
                (Table::Nat, FIREWALL),
                (Table::Nat, NODE_PORT),
                (Table::Nat, LOAD_BALANCER),
                (Table::Nat, MARK_MASQ),
                (Table::Nat, MARK_DROP),
                (Table::Filter, FORWARD),
            ],
            Self::V1_30 => &[
                (Table::Nat, SERVICES),
                (Table::Nat, POSTROUTING),
                (Table::Nat, NODE_PORT),
                (Table::Nat, LOAD_BALANCER),
                (Table::Nat, MARK_MASQ),
                (Table::Filter, FORWARD),
                (Table::Filter, NODE_PORT),
                (Table::Filter, PROXY_FIREWALL),
                (Table::Filter, SOURCE_RANGES_FIREWALL),
                (Table::Filter, IPVS_FILTER),
                (Table::Filter, IPVS_OUT_FILTER),
            ],
        }
    }

    /// In kube-proxy's order (`iptablesJumpChain`). Each is inserted at the top of its chain. 1.20 has the first four.
    fn jumps(self) -> &'static [Jump] {
        const JUMPS: [Jump; 9] = [
            (Table::Nat, "OUTPUT", SERVICES, Match::Comment("kubernetes service portals")),
            (Table::Nat, "PREROUTING", SERVICES, Match::Comment("kubernetes service portals")),
            (Table::Nat, "POSTROUTING", POSTROUTING, Match::Comment("kubernetes postrouting rules")),
            (Table::Filter, "FORWARD", FORWARD, Match::Comment("kubernetes forwarding rules")),
            (Table::Filter, "INPUT", NODE_PORT, Match::Comment("kubernetes health check rules")),
            (Table::Filter, "INPUT", PROXY_FIREWALL, Match::Comment("kube-proxy firewall rules")),
            (Table::Filter, "FORWARD", PROXY_FIREWALL, Match::Comment("kube-proxy firewall rules")),
            (Table::Filter, "INPUT", IPVS_FILTER, Match::Comment("kubernetes ipvs access filter")),
            (Table::Filter, "OUTPUT", IPVS_OUT_FILTER, Match::Comment("kubernetes ipvs access filter")),
        ];
        match self {
            Self::V1_20 => &JUMPS[..4],
            Self::V1_30 => &JUMPS,
        }
    }

    /// Which sets a rule matches alone, in which chain, by what, and where it leads (`ipsetWithIptablesChain`).
    fn set_rules(self) -> &'static [SetRule] {
        const TO_MARK: Target = Target::Jump(MARK_MASQ);
        const TCP: Option<Protocol> = Some(Protocol::Tcp);
        const UDP: Option<Protocol> = Some(Protocol::Udp);
        const SCTP: Option<Protocol> = Some(Protocol::Sctp);
        match self {
            Self::V1_20 => &[
                (Set::LoopBack, Table::Nat, POSTROUTING, "dst,dst,src", None, Target::Masquerade),
                (Set::LoadBalancer, Table::Nat, SERVICES, "dst,dst", None, Target::Jump(LOAD_BALANCER)),
                (Set::LoadBalancerFw, Table::Nat, LOAD_BALANCER, "dst,dst", None, Target::Jump(FIREWALL)),
                (Set::LoadBalancerSourceCidr, Table::Nat, FIREWALL, "dst,dst,src", None, Target::Return),
                (Set::LoadBalancerSourceIp, Table::Nat, FIREWALL, "dst,dst,src", None, Target::Return),
                (Set::LoadBalancerLocal, Table::Nat, LOAD_BALANCER, "dst,dst", None, Target::Return),
                (Set::NodePortLocalTcp, Table::Nat, NODE_PORT, "dst", TCP, Target::Return),
                (Set::NodePortTcp, Table::Nat, NODE_PORT, "dst", TCP, TO_MARK),
                (Set::NodePortLocalUdp, Table::Nat, NODE_PORT, "dst", UDP, Target::Return),
                (Set::NodePortUdp, Table::Nat, NODE_PORT, "dst", UDP, TO_MARK),
                (Set::NodePortSctp, Table::Nat, NODE_PORT, "dst,dst", SCTP, TO_MARK),
                (Set::NodePortLocalSctp, Table::Nat, NODE_PORT, "dst,dst", SCTP, Target::Return),
            ],
            Self::V1_30 => &[
                (Set::LoopBack, Table::Nat, POSTROUTING, "dst,dst,src", None, Target::Masquerade),
                (Set::LoadBalancer, Table::Nat, SERVICES, "dst,dst", None, Target::Jump(LOAD_BALANCER)),
                (Set::LoadBalancerLocal, Table::Nat, LOAD_BALANCER, "dst,dst", None, Target::Return),
                (Set::NodePortLocalTcp, Table::Nat, NODE_PORT, "dst", TCP, Target::Return),
                (Set::NodePortTcp, Table::Nat, NODE_PORT, "dst", TCP, TO_MARK),
                (Set::NodePortLocalUdp, Table::Nat, NODE_PORT, "dst", UDP, Target::Return),
                (Set::NodePortUdp, Table::Nat, NODE_PORT, "dst", UDP, TO_MARK),
                (Set::NodePortLocalSctp, Table::Nat, NODE_PORT, "dst,dst", SCTP, Target::Return),
                (Set::NodePortSctp, Table::Nat, NODE_PORT, "dst,dst", SCTP, TO_MARK),
                (
                    Set::LoadBalancerFw,
                    Table::Filter,
                    PROXY_FIREWALL,
                    "dst,dst",
                    None,
                    Target::Jump(SOURCE_RANGES_FIREWALL),
                ),
                (
                    Set::LoadBalancerSourceCidr,
                    Table::Filter,
                    SOURCE_RANGES_FIREWALL,
                    "dst,dst,src",
                    None,
                    Target::Return,
                ),
                (Set::LoadBalancerSourceIp, Table::Filter, SOURCE_RANGES_FIREWALL, "dst,dst,src", None, Target::Return),
            ],
        }
    }
}

/// Makes the chains and jumps of a family, which do not exist yet.
pub(super) fn make(version: Version, family: Family) -> impl Iterator<Item = Action> {
    let chains =
        version.chains().iter().map(move |&(table, chain)| Tools::patient(family).call("-N", chain, table, Vec::new()));
    chains.chain(version.jumps().iter().map(move |jump| on_jump(family, "-I", jump))).map(Action::from)
}

/// Makes sure of the chains and jumps, as kube-proxy does before every sync. `found`: whether they exist.
///
/// It makes each chain; if the tool refuses, the chain exists. It checks each jump, and makes it if it is missing. 1.20
/// lists both tables before.
pub(super) fn ensure(version: Version, family: Family, found: bool) -> Vec<Action> {
    let (tools, mut actions) = (Tools::patient(family), Vec::new());
    if version == Version::V1_20 {
        actions.extend([Table::Filter, Table::Nat].map(|table| tools.save(table)));
    }
    for &(table, chain) in version.chains() {
        let make = tools.call("-N", chain, table, Vec::new());
        actions.push(if found { Action::Try(Part::Rules, make) } else { make.into() });
    }
    for jump in version.jumps() {
        let check = on_jump(family, "-C", jump);
        if found {
            actions.push(Action::Call(Part::Reads, check));
        } else {
            actions.extend([Action::Try(Part::Reads, check), on_jump(family, "-I", jump).into()]);
        }
    }
    actions
}

/// Removes the jumps and chains of a family, as `kube-proxy --cleanup` does.
///
/// Whatever is missing is no error. The chains are made first, because the tool refuses a jump to a chain that is
/// missing in another way than a missing jump.
pub(super) fn clean_up(version: Version, family: Family) -> Vec<Action> {
    let on_chains = |operation| {
        version
            .chains()
            .iter()
            .map(move |&(table, chain)| Tools::patient(family).call(operation, chain, table, Vec::new()))
    };
    let jumps = version.jumps().iter().map(|jump| on_jump(family, "-D", jump));
    let calls = on_chains("-N").chain(jumps).chain(on_chains("-F")).chain(on_chains("-X"));
    calls.map(|call| Action::Try(Part::Rules, call)).collect()
}

fn on_jump(family: Family, operation: &str, &(table, chain, to, comment): &Jump) -> Invocation {
    let rule = Rule { chain, matches: &[comment], target: Target::Jump(to) };
    Tools::patient(family).call(operation, chain, table, rule.args())
}

/// Rewrites every chain of both tables at once, with what [`text()`] gives.
pub(super) fn write(family: Family, text: Vec<u8>) -> Action {
    Tools::patient(family).restore(text).into()
}

/// Every chain with its rules, as `iptables-restore` reads it.
pub(super) fn text(layout: &Ipvs, family: Family, wanted: &Wanted) -> Vec<u8> {
    let mut text = Vec::with_capacity(8192);
    walk(layout, family, wanted, &mut text);
    text
}

/// Counts all chains and rules, with the jumps.
pub(super) fn count(layout: &Ipvs, family: Family, wanted: &Wanted, count: &mut Count) {
    walk(layout, family, wanted, count);
    count.installed.rules += layout.version.jumps().len() as u64;
}

/// The sink that counts.
impl Sink for Count {
    fn table(&mut self, _: Table) {}

    fn chain(&mut self, _: Chain) {
        self.installed.chains += 1;
    }

    fn rule(&mut self, _: &Rule<'_>) {
        self.installed.rules += 1;
    }

    fn commit(&mut self) {}
}

fn walk(layout: &Ipvs, family: Family, wanted: &Wanted, sink: &mut impl Sink) {
    let mut walk = Walk { layout, family, wanted, sink };
    walk.table(Table::Nat, Walk::nat);
    walk.table(Table::Filter, Walk::filter);
}

struct Walk<'a, S> {
    layout: &'a Ipvs,
    family: Family,
    wanted: &'a Wanted,
    sink: &'a mut S,
}

impl<S: Sink> Walk<'_, S> {
    fn table(&mut self, table: Table, rules: fn(&mut Self)) {
        self.sink.table(table);
        for &(_, chain) in self.layout.version.chains().iter().filter(|(of, _)| *of == table) {
            self.sink.chain(chain);
        }
        rules(self);
        self.sink.commit();
    }

    fn rule(&mut self, chain: Chain, matches: &[Match], target: Target) {
        self.sink.rule(&Rule { chain, matches, target });
    }

    fn in_set(&self, set: Set, fields: &'static str) -> Match {
        Match::InSet(set.name(self.family), fields)
    }

    /// Whether kube-proxy wants an entry in `set`, which it may not have got.
    fn has(&self, set: Set) -> bool {
        !self.wanted.entries(set).is_empty()
    }

    fn set_rules(&mut self, table: Table) {
        for &(set, of, chain, fields, protocol, target) in self.layout.version.set_rules() {
            if of == table && self.has(set) {
                let described = [Match::Comment(set.comment()), self.in_set(set, fields)];
                let matches: Vec<Match> = protocol.map(Match::Protocol).into_iter().chain(described).collect();
                self.rule(chain, &matches, target);
            }
        }
    }

    fn nat(&mut self) {
        let (version, mark) = (self.layout.version, self.layout.config.masquerade_mark());
        if version == Version::V1_30 {
            self.rule(SERVICES, &[Match::From(loopback(self.family))], Target::Return);
        }
        self.set_rules(Table::Nat);
        self.cluster_ips();
        for set in [Set::ExternalIp, Set::ExternalIpLocal] {
            self.external_ips(set);
        }
        self.rule(SERVICES, &[Match::ToLocal], Target::Jump(NODE_PORT));
        self.rule(LOAD_BALANCER, &[], Target::Jump(MARK_MASQ));
        if version == Version::V1_20 {
            self.rule(FIREWALL, &[], Target::Jump(MARK_DROP));
        }
        for set in [Set::ClusterIp, Set::LoadBalancer] {
            if self.has(set) {
                self.rule(SERVICES, &[self.in_set(set, "dst,dst")], Target::Accept);
            }
        }
        self.rule(POSTROUTING, &[Match::NotMarked(mark)], Target::Return);
        self.rule(POSTROUTING, &[], Target::Unmark(mark));
        let comment = Match::Comment("kubernetes service traffic requiring SNAT");
        self.rule(POSTROUTING, &[comment], Target::MasqueradeFully);
        self.rule(MARK_MASQ, &[], Target::Mark(mark));
    }

    fn cluster_ips(&mut self) {
        if !self.has(Set::ClusterIp) {
            return;
        }
        let comment = Match::Comment(Set::ClusterIp.comment());
        let (config, to_mark) = (&self.layout.config, Target::Jump(MARK_MASQ));
        let to_cluster_ip = self.in_set(Set::ClusterIp, "dst,dst");
        match config.cluster_cidr(self.family) {
            _ if config.masquerade_all => self.rule(SERVICES, &[comment, to_cluster_ip], to_mark),
            Some(pods) => self.rule(SERVICES, &[comment, to_cluster_ip, Match::NotFrom(pods)], to_mark),
            // What the node sends itself comes from the cluster IP, which the device has.
            None => self.rule(SERVICES, &[comment, self.in_set(Set::ClusterIp, "src,dst")], to_mark),
        }
    }

    fn external_ips(&mut self, set: Set) {
        if !self.has(set) {
            return;
        }
        let (comment, to_external_ip) = (Match::Comment(set.comment()), self.in_set(set, "dst,dst"));
        if set == Set::ExternalIp {
            self.rule(SERVICES, &[comment, to_external_ip], Target::Jump(MARK_MASQ));
        }
        let from_outside = [comment, to_external_ip, Match::NotFromBridge, Match::NotFromLocal];
        self.rule(SERVICES, &from_outside, Target::Accept);
        self.rule(SERVICES, &[comment, to_external_ip, Match::ToLocal], Target::Accept);
    }

    fn filter(&mut self) {
        let mark = self.layout.config.masquerade_mark();
        let marked = [Match::Comment("kubernetes forwarding rules"), Match::Marked(mark)];
        if self.layout.version == Version::V1_20 {
            self.rule(FORWARD, &marked, Target::Accept);
            for comment in [
                "kubernetes forwarding conntrack pod source rule",
                "kubernetes forwarding conntrack pod destination rule",
            ] {
                self.rule(FORWARD, &[Match::Comment(comment), Match::RelatedOrEstablished], Target::Accept);
            }
            return;
        }
        self.set_rules(Table::Filter);
        self.rule(SOURCE_RANGES_FIREWALL, &[], Target::Drop);
        for &key in &self.wanted.no_node_access {
            self.rule(IPVS_OUT_FILTER, &[Match::FromVirtualServer(key)], Target::Drop);
        }
        self.rule(FORWARD, &marked, Target::Accept);
        let answered = [Match::Comment("kubernetes forwarding conntrack rule"), Match::RelatedOrEstablished];
        self.rule(FORWARD, &answered, Target::Accept);
        let health_check = self.in_set(Set::HealthCheckNodePort, "dst");
        let comment = Match::Comment(Set::HealthCheckNodePort.comment());
        self.rule(NODE_PORT, &[comment, health_check], Target::Accept);
        for set in [Set::LoadBalancer, Set::ClusterIp, Set::ExternalIp, Set::ExternalIpLocal] {
            self.rule(IPVS_FILTER, &[self.in_set(set, "dst,dst")], Target::Return);
        }
        self.rule(IPVS_FILTER, &[health_check], Target::Return);
        self.rule(IPVS_FILTER, &[Match::New, self.in_set(Set::IpvsIps, "dst")], Target::Reject);
    }
}
