//! What is installed, counted: for 2,000 node port Services, and in ipvs mode at any number of them.

use super::claim::Claim;
use super::evidence::{Evidence, is, is_iptables};
use super::finding::{Finding, Verdict};
use super::line::{Line, list, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;

pub(super) const NODE_PORT: Claim = Claim {
    id: "node-port-records",
    says: "2,000 NodePort Services with 10 pods each make at least 20,000 iptables records on each node",
    source: "ipvs-deep-dive-nodeport",
    judge: node_port,
};

pub(super) const STATIC: Claim = Claim {
    id: "ipvs-static-rules",
    says: "In ipvs mode the number of iptables rules stays the same, whatever Services and pods there are",
    source: "ipvs-deep-dive-static-rules",
    judge: ipvs_static,
};

/// The published number of Services, their endpoints, and the least number of records.
const SERVICES: u32 = 2000;
const ENDPOINTS: u32 = 10;
const RECORDS: f64 = 20_000.0;
/// The mix of the Services.
const MIX: &str = "node-port";

fn node_port(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| {
        let cluster = cell.cluster;
        cluster.services == SERVICES && cluster.endpoints == ENDPOINTS && cluster.source.name() == MIX
    };
    let lines = evidence.lines(Metric::Rules, which);
    let full = evidence.lines(Metric::SyncFull, which);
    if lines.is_empty() && full.is_empty() {
        return None;
    }
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lines {
        for (services, rules) in line.medians() {
            let figure = line.figure(services, rules);
            if figures.contains(&figure) {
                continue;
            }
            figures.push(figure);
            if line.contender.backend == BackendName::IptablesLegacy
                || line.contender.backend == BackendName::IptablesNft
            {
                votes.cast(&line.name, rules.is_above(RECORDS - 1.0));
            }
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("No rules of iptables were counted."),
        _ => "",
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::SyncFull, |cell| which(cell) && is_iptables(cell))))
}

/// What else ipvs mode installs.
const GROWING: [Metric; 4] = [Metric::SetElements, Metric::VirtualServers, Metric::RealServers, Metric::Addresses];

fn ipvs_static(evidence: &Evidence) -> Option<Finding> {
    let which = is(BackendName::Ipvs);
    let lines = evidence.lines(Metric::Rules, &which);
    if lines.is_empty() && evidence.lines(Metric::SyncFull, &which).is_empty() {
        return None;
    }
    let (mut votes, mut figures, mut grow) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        let Some([(few, small), (many, large)]) = line.ends() else { continue };
        figures.extend([line.figure(few, small), line.figure(many, large)]);
        let same = line.medians().iter().all(|(_, rules)| rules.value == small.value);
        votes.cast(&line.name, Some(same));
    }
    for metric in GROWING {
        for line in evidence.lines(metric, &which) {
            let Some([(few, small), (many, large)]) =
                line.ends().filter(|[(_, few), (_, many)]| few.value < many.value)
            else {
                continue;
            };
            figures.extend([line.figure(few, small), line.figure(many, large)]);
            let grows = metric.to_string();
            if !grow.contains(&grows) {
                grow.push(grows);
            }
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "No rules were counted at two sizes.".to_owned(),
        _ if grow.is_empty() => String::new(),
        _ => {
            let most = lines.iter().filter_map(Line::ends).map(|[_, (many, _)]| many).max().unwrap_or_default();
            format!("What grows, up to {}, is {}.", services_of(most), list(&grow))
        }
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::SyncFull, &which)))
}
