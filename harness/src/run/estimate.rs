//! An estimate of how long a plan takes: a coffee or a lunch.
//!
//! The factors are rounded from `svclab scenario scale-20k` on two cores of a shared machine. A load through the legacy
//! tools is linear in the number of rules. Through iptables-nft 1.8.9, and with nftables' anonymous maps, it is quadratic;
//! so is binding the Services' addresses to a device, for IPVS.

use lab_core::cell::Cell;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, ProbeName, TargetName, Way};
use std::time::Duration;

/// Seconds that a guest takes to start, emulated.
const BOOT: f64 = 5.0;
/// Real seconds of an emulated core for one second of the clock that counts instructions.
const EMULATION: f64 = 8.0;
/// Seconds of a visit besides the sample itself: building, settling, checking.
const AROUND: f64 = 0.2;

/// How many rounds of `cell` fit into the budget. 0 if a load that is to be measured is not expected to end in time.
pub(crate) fn rounds(plan: &Plan, cell: &Cell) -> u32 {
    let budget = plan.budget.as_secs_f64();
    if cell.probe == ProbeName::SyncFull && load(cell) > budget {
        return 0;
    }
    plan.rounds.min((budget / visit(plan, cell)) as u32).max(1)
}

/// The whole of `plan`, on two cores.
pub(crate) fn whole(plan: &Plan) -> Duration {
    let cell = |cell: &Cell| match rounds(plan, cell) {
        // The load is tried once.
        0 => plan.budget.as_secs_f64(),
        rounds => f64::from(rounds) * visit(plan, cell),
    };
    let cells: f64 = plan.cells.iter().map(cell).sum();
    let boots = plan.boots().len() as f64;
    Duration::from_secs_f64(match plan.target {
        TargetName::Exact => (boots * BOOT + f64::from(plan.replicas) * cells * EMULATION) / 2.0,
        TargetName::Host | TargetName::Vm => cells,
    })
}

/// Services in thousands: nftables has a map, and IPVS an address, for each.
fn services(cell: &Cell) -> f64 {
    f64::from(cell.cluster.services) / 1000.0
}

/// Services in thousands, as if each had two endpoints.
fn thousands(cell: &Cell) -> f64 {
    let rules_a_service = 2.0 + 3.0 * f64::from(cell.cluster.endpoints);
    f64::from(cell.cluster.services) * rules_a_service / 8.0 / 1000.0
}

/// Seconds of a full load.
fn load(cell: &Cell) -> f64 {
    let thousands = thousands(cell);
    match cell.variant.backend {
        BackendName::Direct => 0.0,
        BackendName::IptablesLegacy => 0.15 * thousands,
        // A process a set entry, or none.
        BackendName::Ipvs if cell.variant.way == Way::KubeProxy => 4.0 * thousands,
        BackendName::Ipvs => bound(cell),
        BackendName::IptablesNft => 0.9 * thousands * thousands,
        BackendName::Nftables => 0.2 * services(cell) * services(cell),
    }
}

/// Seconds of a load of IPVS with many requests a message.
fn bound(cell: &Cell) -> f64 {
    0.02 * services(cell) * (1.0 + services(cell))
}

/// Seconds of one visit.
fn visit(plan: &Plan, cell: &Cell) -> f64 {
    let thousands = thousands(cell);
    let change = match cell.variant.backend {
        BackendName::Direct => 0.0,
        // It lists the whole table first.
        BackendName::Nftables => 0.05 * services(cell) * (1.0 + services(cell)),
        BackendName::Ipvs if cell.variant.way == Way::KubeProxy => 0.3 + 0.1 * thousands,
        BackendName::Ipvs => 0.01,
        BackendName::IptablesLegacy => 0.07 * thousands,
        BackendName::IptablesNft => 0.02 * thousands + 0.01 * thousands * thousands,
    };
    // What programs IPVS has a node of its own.
    let node = if cell.load().only.is_some() { bound(cell) } else { 0.0 };
    let sample = match cell.probe {
        ProbeName::SyncFull => 1.0 + load(cell),
        ProbeName::AppendRule => 0.5 + change,
        ProbeName::Connect => f64::from(plan.dials) * (0.0003 + 0.000_01 * thousands),
        ProbeName::ConnectionsPerSecond => plan.traffic.as_secs_f64(),
        ProbeName::Churn => plan.churn.as_secs_f64() + 1.0,
        ProbeName::Reload => 1.0 + load(cell),
        // iperf3 takes whole seconds.
        ProbeName::Bandwidth => plan.traffic.as_secs_f64().ceil() + 0.3,
        // A few changes, or a new probe of which nothing is known yet.
        _ => 0.5 + 3.0 * change,
    };
    AROUND + node + sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;

    fn plan(services: u32, budget: u64) -> Plan {
        let backends = vec![BackendName::IptablesNft];
        let axes = Axes { services: vec![services], backends, ..Axes::default() };
        let budget = Duration::from_secs(budget);
        Plan { rounds: 3, budget, cells: axes.expand(), ..Plan::example(TargetName::Host) }
    }

    #[test]
    fn a_load_past_the_budget_costs_one_budget() {
        let plan = plan(20_000, 60);
        let sync = plan.cells.iter().find(|cell| cell.probe == ProbeName::SyncFull).map(|cell| rounds(&plan, cell));
        assert_eq!(sync, Some(0));
        assert!(whole(&plan) > plan.budget);
    }

    #[test]
    fn a_slow_load_is_expected_in_fewer_rounds() {
        let plan = plan(5_000, 60);
        let expected = |probe| plan.cells.iter().find(|cell| cell.probe == probe).map(|cell| rounds(&plan, cell));
        assert_eq!(expected(ProbeName::SyncFull), Some(2));
        assert_eq!(expected(ProbeName::SyncChange), Some(3));
    }
}
