//! One thing about one object of a cluster that a release cannot do, or will do badly.

use kube_dump::Note;
use lab_core::cluster::{Cluster, Family, Service};
use lab_core::layout::{Caveat, Severity};
use lab_core::units;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// How many Services Kubernetes supports in a cluster (its scalability thresholds).
const SUPPORTED_SERVICES: usize = 10_000;
/// With more endpoints, kube-proxy's iptables mode takes a cluster for large (`largeClusterEndpointsThreshold`).
const LARGE_CLUSTER: usize = 1_000;
/// A Service outweighs the others when it has so many times the endpoints of an average one, and at least so many.
const OUTWEIGHS: (usize, usize) = (10, 100);

/// What it does to a node. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// A tool refuses the whole sync: no Service of the node is programmed any more.
    Refused,
    /// The object or a part of it is left out, or it would be refused in another state of the cluster.
    LeftOut,
    /// It works, and costs more.
    Costly,
    /// Something in the dump does not add up.
    Dump,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Effect,
    pub(super) object: String,
    pub(super) what: String,
    /// The figure in question, where there is one.
    pub(super) number: Option<u64>,
    /// The releases that it concerns; none for what concerns all.
    pub(super) releases: Vec<String>,
}

impl Finding {
    pub(super) fn new(severity: Effect, object: impl Into<String>, number: usize, what: String) -> Self {
        Self { severity, object: object.into(), what, number: Some(number as u64), releases: Vec::new() }
    }

    pub(super) fn of_caveat(caveat: Caveat) -> Self {
        let severity = match caveat.severity {
            Severity::Refused => Effect::Refused,
            Severity::LeftOut => Effect::LeftOut,
        };
        Self { severity, object: caveat.object, what: caveat.what, number: None, releases: Vec::new() }
    }

    pub(super) fn of_note(note: &Note) -> Self {
        let Note { object, what } = note.clone();
        Self { severity: Effect::Dump, object, what, number: None, releases: Vec::new() }
    }

    /// What stands above it and those like it.
    pub(super) fn heading(&self) -> String {
        let releases = self.releases.join(", ");
        match self.severity {
            Effect::Refused => format!("Refused, and with it every Service of the node ({releases})"),
            Effect::LeftOut => format!("Not as it should be, or not always ({releases})"),
            Effect::Costly if self.releases.is_empty() => "Costly".to_owned(),
            Effect::Costly => format!("Costly ({releases})"),
            Effect::Dump => "In the dump".to_owned(),
        }
    }
}

/// Findings of releases, put together where they are the same.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    places: HashMap<(String, String), usize>,
}

impl Findings {
    /// Adds what was found for `release`.
    pub(super) fn add(&mut self, release: &str, finding: Finding) {
        let key = (finding.object.clone(), finding.what.clone());
        let place = *self.places.entry(key).or_insert_with(|| {
            self.found.push(finding);
            self.found.len() - 1
        });
        let releases = &mut self.found[place].releases;
        if !releases.iter().any(|known| known == release) {
            releases.push(release.to_owned());
        }
    }

    pub(super) fn extend(&mut self, release: &str, findings: Option<Finding>) {
        findings.into_iter().for_each(|finding| self.add(release, finding));
    }

    /// The worst first, those of the same releases together.
    pub(super) fn in_order(self) -> Vec<Finding> {
        let mut found = self.found;
        found.sort_by(|one, other| (one.severity, &one.releases).cmp(&(other.severity, &other.releases)));
        found
    }
}

/// That iptables mode takes the cluster for large.
pub(super) fn large(cluster: &Cluster) -> Option<Finding> {
    let of = |family| {
        let endpoints =
            cluster.services.iter().filter(|service| !service.is_skipped()).flat_map(|service| &service.ports);
        endpoints.flat_map(|port| &port.endpoints).filter(|endpoint| Family::of(endpoint.address) == family).count()
    };
    let most = Family::ALL.into_iter().map(of).max().filter(|&most| most > LARGE_CLUSTER)?;
    let what = format!(
        "{} endpoints, more than {}: kube-proxy takes it for large, leaves comments out of most rules and, since 1.27, \
         removes stale chains only once a sync period",
        units::count(most as u64),
        units::count(LARGE_CLUSTER as u64)
    );
    Some(Finding::new(Effect::Costly, "the cluster", most, what))
}

/// What concerns every release.
pub(super) fn of_cluster(cluster: &Cluster) -> Vec<Finding> {
    let mut found = Vec::new();
    let services = cluster.services.len();
    if services > SUPPORTED_SERVICES {
        let what = format!(
            "{} Services; Kubernetes supports {} in a cluster (its scalability thresholds)",
            units::count(services as u64),
            units::count(SUPPORTED_SERVICES as u64)
        );
        found.push(Finding::new(Effect::Costly, "the cluster", services, what));
    }
    let programmed = || cluster.services.iter().filter(|service| !service.is_skipped());
    let total: usize = programmed().map(endpoints).sum();
    let others = programmed().count().saturating_sub(1);
    let (times, least) = OUTWEIGHS;
    for service in programmed() {
        let own = endpoints(service);
        // Against the average of the others, times their number.
        if own >= least && own * others > times * (total - own) && total > own {
            let what = format!(
                "{} of the cluster's {} endpoints, where the other Services have {} on the average: each change to it \
                 costs more than theirs, and a generated cluster of equal Services is not like this one",
                units::count(own as u64),
                units::count(total as u64),
                average(total - own, others),
            );
            found.push(Finding::new(
                Effect::Costly,
                format!("Service {}/{}", service.namespace, service.name),
                own,
                what,
            ));
        }
    }
    found
}

/// The endpoints of all its ports.
fn endpoints(service: &Arc<Service>) -> usize {
    service.ports.iter().map(|port| port.endpoints.len()).sum()
}

/// With a decimal: `1.5`.
fn average(total: usize, count: usize) -> String {
    let tenths = (10 * total).checked_div(count).unwrap_or_default();
    format!("{}.{}", units::count((tenths / 10) as u64), tenths % 10)
}
