//! What a release leaves out of a cluster, or what iptables would refuse of it, by object.

use super::chain::{Chain, Table};
use super::rule::{Match, Rule, Sink};
use super::sync::Sync;
use super::{Iptables, Version};
use crate::cluster::{Cluster, Family, IpMode, Service, ServicePort, TrafficPolicy, Use};
use crate::layout::{Caveat, Severity};
use std::sync::Arc;

/// The longest comment that iptables takes, in bytes (`XT_MAX_COMMENT_LEN`).
const MAX_COMMENT: usize = 255;
/// A name that is no longer than this fits into any comment.
const FITS: usize = MAX_COMMENT - "other traffic to  will be dropped by KUBE-PROXY-FIREWALL".len();

/// All of them.
pub(super) fn of(layout: &Iptables, cluster: &Cluster) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    let ports = layout.families(cluster).iter().flat_map(|&family| cluster.ports(family));
    let lengthy = |port: &ServicePort<'_>| port.to_string().len() > FITS;
    for service in cluster.services.iter().filter(|service| !service.is_skipped()) {
        let object = || format!("Service {}/{}", service.namespace, service.name);
        let left_out = lacks(layout, cluster, service).into_iter();
        caveats.extend(left_out.map(|what| Caveat { severity: Severity::LeftOut, object: object(), what }));
    }
    for port in ports.filter(lengthy) {
        if let Some(length) = longest_comment(layout, cluster, port) {
            caveats.push(Caveat {
                severity: Severity::Refused,
                object: format!("Service {port}"),
                what: format!(
                    "a comment of {length} bytes, where iptables takes {MAX_COMMENT}: it refuses the whole sync, and \
                     kube-proxy tries again and again"
                ),
            });
        }
    }
    caveats
}

/// What a release does not do for `service`, and what it does instead.
fn lacks(layout: &Iptables, cluster: &Cluster, service: &Arc<Service>) -> Vec<String> {
    let mut lacks = Vec::new();
    let mut lack = |says: bool, what: &str| lacks.extend(says.then(|| what.to_owned()));
    let old = layout.version == Version::V1_20;
    let endpoints = || service.ports.iter().flat_map(|port| &port.endpoints);
    let ports = || Family::ALL.into_iter().flat_map(|family| service.ports_of(family));
    lack(
        old && service.internal_policy == TrafficPolicy::Local,
        "1.20 does not know the internal traffic policy: traffic to the cluster IP goes to endpoints on all nodes",
    );
    lack(
        old && ports().any(|port| port.has_endpoints() && !port.is_ready()),
        "1.20 sends nothing to terminating endpoints: it rejects all traffic",
    );
    lack(
        old && service.ingress.iter().any(|ingress| ingress.mode == IpMode::Proxy),
        "1.20 does not know ipMode: the node answers for the load balancer's address",
    );
    lack(
        old && service.health_check_node_port.is_some_and(|port| port != 0),
        "1.20 has no rule that lets health checks in: the node's own firewall decides",
    );
    let hinted = || {
        let ready = endpoints().filter(|endpoint| endpoint.usage() == Use::Ready);
        ready.filter_map(|endpoint| endpoint.place.as_deref()).collect::<Vec<_>>()
    };
    let by_zone = || hinted().iter().any(|place| !place.for_zones.is_empty());
    let by_node = || hinted().iter().any(|place| !place.for_nodes.is_empty());
    lack(old && by_zone(), "1.20 does not know topology hints: traffic goes to endpoints in all zones");
    lack(
        layout.version == Version::V1_30 && by_zone() && !service.topology_aware,
        "1.30 follows topology hints only of Services with the annotation service.kubernetes.io/topology-mode: Auto; \
         traffic goes to endpoints in all zones",
    );
    lack(
        layout.version < Version::V1_36 && by_node(),
        "a release before 1.33 does not know hints about nodes: traffic goes to endpoints on all nodes",
    );
    let families = layout.families(cluster);
    let only_other = Family::ALL.iter().any(|&family| service.cluster_ips.of(family).is_some())
        && families.iter().all(|&family| service.cluster_ips.of(family).is_none());
    lack(only_other, "1.20 runs for the node's family alone: the Service's cluster IP is of the other");
    lacks
}

/// The length of the longest comment of `port`, if it is too long.
fn longest_comment(layout: &Iptables, cluster: &Cluster, port: ServicePort<'_>) -> Option<usize> {
    let alone = Cluster {
        services: vec![Arc::new(port.service.clone())],
        node: cluster.node.clone(),
        service_cidrs: Vec::new(),
    };
    let mut longest = Longest::default();
    Sync::full(layout, &alone, port.family()).walk(&mut longest);
    (longest.bytes > MAX_COMMENT).then_some(longest.bytes)
}

/// The sink that measures comments.
#[derive(Default)]
struct Longest {
    bytes: usize,
    scratch: Vec<u8>,
}

impl Sink for Longest {
    fn table(&mut self, _: Table) {}

    fn chain(&mut self, _: Chain) {}

    fn rule(&mut self, rule: &Rule<'_>) {
        for condition in rule.matches {
            if let Match::Comment(comment) = condition {
                self.scratch.clear();
                comment.put(&mut self.scratch);
                let quotes = self.scratch.iter().filter(|&&byte| byte == b'"').count();
                self.bytes = self.bytes.max(self.scratch.len() - quotes);
            }
        }
    }

    fn delete(&mut self, _: Chain) {}

    fn commit(&mut self) {}
}
