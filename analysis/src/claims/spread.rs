//! Whether connections spread evenly over the endpoints of a Service.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{list, services_of};
use super::votes::Votes;
use lab_core::cell::{Activity, Cell};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Word};

pub(super) const UNEQUAL: Claim = Claim {
    id: "balances-unequally",
    says: "kube-proxy in iptables mode balances unequally over endpoints",
    source: "kubernetes-unequal-balancing",
    judge: unequal,
};

/// Standard deviations of a normal distribution that one of 1,000 is beyond.
const ONE_OF_1000: f64 = 3.09;

/// With endpoints that stay, or that come and go, and nothing else beside it.
fn is_asked(cell: &Cell) -> bool {
    let besides = Activity { churn: None, ..cell.activity };
    cell.variant.backend != BackendName::Direct && besides.is_none()
}

fn unequal(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::Spread, is_asked);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures, mut in_turn) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        for taken in &line.taken {
            let (services, endpoints) = (taken.services(), taken.cell().cluster.endpoints);
            let statistics = taken.samples();
            if statistics.is_empty() || endpoints < 2 {
                continue;
            }
            let changes = taken.cell().activity.churn.is_some();
            let scheduler = taken.cell().variant.settings.scheduler;
            let name =
                scheduler.map_or(line.name.clone(), |scheduler| format!("{} with {}", line.name, scheduler.name()));
            // The sum over rounds is distributed like one of more endpoints.
            let free = f64::from(endpoints - 1) * statistics.len() as f64;
            let sum: f64 = statistics.iter().sum();
            let of = |metric| evidence.sum(line, metric, services, is_asked);
            let share = |part| Estimate::share(of(part)?, of(Metric::SpreadConnections)?);
            for (metric, which) in [(Metric::SpreadMost, "most"), (Metric::SpreadLeast, "fewest")] {
                let what = format!(
                    "share of the endpoint with the {which} connections of {name} at {}",
                    services_of(services)
                );
                figures.extend(share(metric).map(|estimate| Figure { what, estimate, measure: Measure::Share }));
            }
            let lost = evidence.sum(line, Metric::SpreadLost, services, is_asked).unwrap_or_default();
            let tried = of(Metric::SpreadConnections).map(|reached| reached + lost);
            if let Some(estimate) = tried.and_then(|tried| Estimate::share(lost, tried)).filter(|_| changes) {
                let what = format!("connections lost of {name} at {}", services_of(services));
                figures.push(Figure { what, estimate, measure: Measure::Share });
            }
            // As little as 1 of 1,000 random choices has: so it is no random one.
            if sum < quantile(free, -ONE_OF_1000).max(1e-6) {
                in_turn.push(name.clone());
            }
            votes.cast(name, Some(sum > quantile(free, ONE_OF_1000)));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "There are no connections to a Service of two endpoints or more.".to_owned(),
        _ => "Unequal is what a choice with equal probabilities comes to less than once in 1,000 (chi-squared)."
            .to_owned(),
    };
    in_turn.dedup();
    let turns = match &in_turn[..] {
        [] => String::new(),
        names => format!("More even than chance, so in turn: {}.", list(names)),
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).say(turns);
    Some(finding.lacking(&evidence.uncounted(Metric::Spread, Metric::SpreadConnections, is_asked)))
}

/// The quantile of chi-squared with `free` degrees of freedom that lies `deviations` from the middle (Wilson and Hilferty).
fn quantile(free: f64, deviations: f64) -> f64 {
    let spread = 2.0 / (9.0 * free);
    free * (1.0 - spread + deviations * spread.sqrt()).max(0.0).powi(3)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (free, high) in [(1.0, 10.83), (9.0, 27.88), (99.0, 148.23)] {
            assert!((quantile(free, 3.09) / high - 1.0).abs() < 0.04, "{free}: {}", quantile(free, 3.09));
        }
        assert!((quantile(9.0, -3.09) - 1.15).abs() < 0.2, "{}", quantile(9.0, -3.09));
    }
}
