//! An estimate of how long a plan takes: a coffee or a lunch.
//!
//! The factors are rounded from the runs of `svclab study claims` and of the gallery, on two cores of a shared machine. A load
//! through the legacy tools is linear in the number of rules. Through iptables-nft 1.8.9 it is quadratic in them, and so in the
//! endpoints of each Service, too; with nftables, and where IPVS binds addresses to a device, in the Services.

use crate::lab::node::{QUICK, QUICK_EXACT};
use lab_core::cell::{Cell, Load};
use lab_core::plan::Plan;
use lab_core::stats;
use lab_core::vocabulary::{BackendName, LayoutName, ProbeName, TargetName, Way};
use std::collections::BTreeMap;
use std::time::Duration;

/// By how much an estimate may be off: a busy machine is as slow, and so are other versions of the tools.
const OFF: f64 = 2.0;
/// Billions of instructions of a second: `exact` beside `host` in the gallery has 2 to 4.5.
const INSTRUCTIONS: f64 = 2.5;
/// Seconds that a guest takes to start, emulated.
const BOOT: f64 = 5.0;
/// Real seconds of an emulated core for one second of the clock that counts instructions.
const EMULATION: f64 = 8.0;
/// Seconds of a visit besides the sample itself: settling, checking.
const AROUND: f64 = 0.1;
/// The same in a guest that counts instructions, which does not wait.
const AROUND_COUNTED: f64 = 0.05;
/// Seconds for a thousand Services of a load besides the tools: making its cluster, counting and verifying its rules.
const CHECKED: f64 = 0.2;

/// How many rounds of a cell are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounds {
    /// So many fit into the budget.
    Fit(u32),
    /// So many would, if the estimate is not off by more than [`OFF`]: a single one may run over.
    Perhaps(u32),
    /// Not even one does.
    OverBudget,
}

/// How many rounds of `cell` fit into the budget, if the sample that is to be measured ends in time at all.
pub(crate) fn rounds(plan: &Plan, cell: &Cell) -> Rounds {
    let budget = budget(plan);
    let fit = plan.rounds.min((budget / visit(plan, cell)) as u32).max(1);
    match least(plan, cell) {
        least if least > budget || !comes_up(plan, cell) => Rounds::OverBudget,
        least if least * OFF > budget => Rounds::Perhaps(fit),
        _ => Rounds::Fit(fit),
    }
}

/// The budget in seconds of this machine: in `exact` it is of instructions.
fn budget(plan: &Plan) -> f64 {
    let budget = plan.budget.as_secs_f64();
    if plan.target.is_exact() { budget / INSTRUCTIONS } else { budget }
}

/// Seconds of the least that one visit must measure.
fn least(plan: &Plan, cell: &Cell) -> f64 {
    match cell.probe {
        ProbeName::SyncFull | ProbeName::Reload | ProbeName::Restart | ProbeName::LoadAfterFailure => load(plan, cell),
        ProbeName::SyncChange | ProbeName::EndpointChange | ProbeName::RemoveService => change(cell),
        ProbeName::AppendRule => appended(cell),
        ProbeName::BuildOneByOne => built(cell),
        _ => 0.0,
    }
}

/// Seconds that a kube-proxy takes to start, beside its first sync.
const STARTED: f64 = 3.0;
/// Seconds between the changes that a kube-proxy follows, and until it is quiet: it syncs once a second at most.
const FOLLOWED: f64 = 5.0;
/// Seconds for which a kube-proxy is left alone.
const IDLE: f64 = 32.0;

/// The whole of `plan`, on two cores. Of guests two run at a time; the longest one may run alone.
pub(crate) fn whole(plan: &Plan) -> Duration {
    let pieces: Vec<f64> = plan.pieces().iter().map(|piece| seconds(plan, piece)).collect();
    let alone = if plan.target.is_exact() { 2.0 / f64::from(plan.replicas) } else { 1.0 };
    let longest = pieces.iter().copied().fold(0.0, f64::max) * alone;
    Duration::from_secs_f64(pieces.iter().sum::<f64>().max(longest))
}

/// The same in whole minutes, one at the least.
pub(crate) fn minutes(plan: &Plan) -> u64 {
    whole(plan).as_secs().div_ceil(60).max(1)
}

/// By how much an estimate for `targets` may be off, in words.
pub(crate) fn give_or_take(targets: &[TargetName]) -> String {
    let emulated = match targets.contains(&TargetName::Vm) {
        true => format!("; on vm without KVM some {EMULATION} times as long"),
        false => String::new(),
    };
    format!("give or take half{emulated}")
}

/// Seconds of one of the plan's pieces, on two cores.
pub(crate) fn seconds(plan: &Plan, piece: &[usize]) -> f64 {
    each_of(plan, piece).into_iter().sum()
}

/// Seconds of each of the plan's cells, on two cores, over all its visits.
pub(crate) fn cells(plan: &Plan) -> Vec<f64> {
    let mut each = vec![0.0; plan.cells.len()];
    for piece in plan.pieces() {
        for (&place, seconds) in piece.iter().zip(each_of(plan, &piece)) {
            each[place] = seconds;
        }
    }
    each
}

/// Seconds of each cell of a piece. Of guests two run at a time, and each starts once. A node is loaded once for all cells that
/// ask it.
fn each_of(plan: &Plan, piece: &[usize]) -> Vec<f64> {
    let mut nodes: BTreeMap<Load, Vec<&Cell>> = BTreeMap::new();
    for &place in piece {
        nodes.entry(plan.cells[place].load()).or_default().push(&plan.cells[place]);
    }
    let brought_up: BTreeMap<Load, f64> =
        nodes.into_iter().map(|(load, cells)| (load, brought_up(plan, &cells) / stats::size(cells.len()))).collect();
    let seconds = |&place: &usize| {
        let cell = &plan.cells[place];
        let visits = match rounds(plan, cell) {
            Rounds::OverBudget if !comes_up(plan, cell) && cell.probe != ProbeName::SyncFull => 0.0,
            // The load is tried once.
            Rounds::OverBudget => budget(plan),
            Rounds::Fit(rounds) | Rounds::Perhaps(rounds) => f64::from(rounds) * visit(plan, cell),
        };
        let seconds = visits + brought_up[&cell.load()];
        match plan.target {
            TargetName::Exact => {
                f64::from(plan.replicas) * (BOOT / stats::size(piece.len()) + seconds * EMULATION) / 2.0
            }
            TargetName::Host | TargetName::Vm => seconds,
        }
    };
    piece.iter().map(seconds).collect()
}

/// Seconds until a node is loaded for `cells`. Where one of them measures that, its first visit is no other load. Where no probe
/// does, or where that load is over its budget, a node is loaded the quickest way.
fn brought_up(plan: &Plan, cells: &[&Cell]) -> f64 {
    let Some(cell) = cells.first() else { return 0.0 };
    let is_measured = cells.iter().any(|cell| cell.probe == ProbeName::SyncFull);
    let tried = if is_measured { 0.0 } else { load(plan, cell).min(budget(plan)) };
    let loaded = match () {
        () if cell.variant.driver.is_kube_proxy() => 0.0,
        () if cell.load().only.is_some() && !is_measured => quickly(plan, cell),
        () if load(plan, cell) > budget(plan) => tried + quickly(plan, cell).min(patience(plan)),
        () => tried,
    };
    CHECKED * thousands(cell) + loaded
}

/// Seconds that a load may take that is not measured.
fn patience(plan: &Plan) -> f64 {
    budget(plan) * f64::from(if plan.target.is_exact() { QUICK_EXACT } else { QUICK })
}

/// Whether there is a node for `cell` to be measured on.
fn comes_up(plan: &Plan, cell: &Cell) -> bool {
    load(plan, cell) <= budget(plan) || quickly(plan, cell) <= patience(plan)
}

/// Seconds of the quickest load.
fn quickly(plan: &Plan, cell: &Cell) -> f64 {
    match cell.variant.backend {
        BackendName::Ipvs => bound(cell),
        BackendName::IptablesNft => 0.3 * thousands(cell),
        _ => load(plan, cell),
    }
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

/// Seconds of a full load. A list that is walked costs more time than its instructions say: its memory is waited for.
fn load(plan: &Plan, cell: &Cell) -> f64 {
    let (thousands, services, counted) = (thousands(cell), services(cell), plan.target.is_exact());
    match cell.variant.backend {
        BackendName::Direct => 0.0,
        BackendName::IptablesLegacy => 0.1 + 0.12 * thousands,
        // A process a set entry, or none.
        BackendName::Ipvs if cell.variant.way == Way::KubeProxy => 2.0 * thousands,
        BackendName::Ipvs => bound(cell),
        BackendName::IptablesNft => 0.1 * thousands + if counted { 0.29 } else { 0.52 } * thousands * thousands,
        BackendName::Nftables => {
            // From `nftables-cold-start`, where 1.30 takes three times as long as its followers, and `memory`.
            let square = match cell.variant.layout {
                LayoutName::KubeProxy130 => 0.3,
                _ if counted => 0.18,
                _ => 0.1,
            };
            0.15 * thousands + square * services * services
        }
    }
}

/// Seconds of a table that is built with a call for each of its rules.
fn built(cell: &Cell) -> f64 {
    const CALL: f64 = 0.004;
    let rules = 8000.0 * thousands(cell);
    match cell.variant.backend {
        // It has no such calls.
        BackendName::Direct | BackendName::Ipvs => 0.0,
        // Each reads and writes the whole table, which has half of its rules on average.
        BackendName::IptablesLegacy => rules * (CALL + change(cell) / 2.0),
        BackendName::IptablesNft | BackendName::Nftables => rules * CALL,
    }
}

/// Seconds in which cluster IPs are bound and taken away again. A device keeps its addresses in a list.
fn bound_alone(cell: &Cell) -> f64 {
    match cell.probe {
        ProbeName::BindRange => 0.0,
        ProbeName::BindRoutes => 0.02 * services(cell),
        _ => bound(cell),
    }
}

/// Seconds of a load of IPVS with many requests a message.
fn bound(cell: &Cell) -> f64 {
    0.03 * services(cell) + 0.006 * services(cell) * services(cell)
}

/// Seconds of one Service added.
fn change(cell: &Cell) -> f64 {
    let thousands = thousands(cell);
    match cell.variant.backend {
        BackendName::Direct => 0.0,
        // It lists the whole table first.
        BackendName::Nftables => 0.05 * services(cell) * (1.0 + services(cell)),
        BackendName::Ipvs if cell.variant.way == Way::KubeProxy => 0.06 + 0.04 * thousands,
        BackendName::Ipvs => 0.01,
        BackendName::IptablesLegacy => 0.05 * thousands,
        BackendName::IptablesNft => 0.06 * thousands + 0.002 * thousands * thousands,
    }
}

/// Seconds of one rule appended.
fn appended(cell: &Cell) -> f64 {
    match cell.variant.backend {
        BackendName::IptablesLegacy => change(cell) / 2.0,
        BackendName::IptablesNft | BackendName::Nftables => 0.01 * thousands(cell),
        BackendName::Direct | BackendName::Ipvs => 0.0,
    }
}

/// Seconds for each entry of a conntrack table that is filled: made, read by two clean-ups, and removed. From `udp-stale` in `exact`,
/// whose 14 cells with 100,000 entries took some 50 s of CPU each.
const TRACKED: f64 = 0.000_03;

/// Seconds of one answer, in instructions.
const ANSWER: f64 = 0.0002;

/// Answers a second that an open loop waits for: on its connections, and on those that stay open.
fn asked(plan: &Plan) -> f64 {
    f64::from(plan.rate) + 80.0
}

/// Seconds of one visit.
fn visit(plan: &Plan, cell: &Cell) -> f64 {
    let (thousands, change, load, counted) = (thousands(cell), change(cell), load(plan, cell), plan.target.is_exact());
    // What waits on a clock waits for nothing where instructions are the clock.
    let waited = |seconds: f64| if counted { 0.0 } else { seconds };
    let sample = match cell.probe {
        ProbeName::SyncFull | ProbeName::Restart | ProbeName::Resync if cell.variant.driver.is_kube_proxy() => {
            STARTED + load
        }
        ProbeName::Idle => IDLE + change,
        probe if probe.programs() && cell.variant.driver.is_kube_proxy() => FOLLOWED + 2.0 * change,
        ProbeName::SyncFull => waited(0.5) + load,
        ProbeName::AppendRule => waited(0.5) + 4.0 * appended(cell),
        ProbeName::Connect | ProbeName::Spread => {
            let dial = if counted { 0.000_1 } else { 0.000_2 };
            f64::from(plan.dials) * (dial + 0.000_01 * thousands)
        }
        ProbeName::OpenLoop if counted => plan.traffic.as_secs_f64() * asked(plan) * ANSWER,
        ProbeName::ConnectionsPerSecond | ProbeName::OpenLoop => plan.traffic.as_secs_f64(),
        ProbeName::UdpStale if counted => 0.5 + 3.0 * change,
        ProbeName::UdpStale => plan.traffic.as_secs_f64() + 3.0 * change,
        // With endpoints and without them.
        ProbeName::UdpBlackhole => 2.0 * plan.traffic.as_secs_f64() + 3.0 * change,
        ProbeName::RemovedEndpoint => 1.0 + 3.0 * change,
        ProbeName::BuildOneByOne => built(cell),
        ProbeName::Affinity => {
            let crowd = 300.0 * f64::from(cell.cluster.endpoints);
            waited(2.0 + 1.25 * plan.persistence.unwrap_or_default().as_secs_f64()) + 0.0005 * crowd
        }
        // It waits for answers that do not come, too.
        probe if probe.binds() => waited(2.0) + 2.0 * bound_alone(cell),
        // A sync a second at most.
        ProbeName::Churn if counted => 0.2 + plan.churn.as_secs_f64() * change.min(1.0),
        ProbeName::Churn => plan.churn.as_secs_f64() + 1.0,
        ProbeName::Reload | ProbeName::Restart => waited(1.0) + load,
        ProbeName::LoadAfterFailure => waited(2.0) + 2.0 * load,
        // iperf3 waits, too, and takes whole seconds.
        ProbeName::Bandwidth if counted => plan.traffic.as_secs_f64() / 2.0,
        ProbeName::Bandwidth => plan.traffic.as_secs_f64().ceil() + 0.3,
        // A few changes, or a new probe of which nothing is known yet.
        _ => waited(0.5) + 3.0 * change,
    };
    let entries = cell.activity.conntrack.map_or(0, |conntrack| conntrack.entries);
    let around = if counted { AROUND_COUNTED } else { AROUND };
    around + sample + TRACKED * f64::from(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::cell::{Activity, Conntrack};

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
        assert_eq!(sync, Some(Rounds::OverBudget));
        assert!(whole(&plan) > plan.budget);
    }

    #[test]
    fn a_slow_load_is_expected_in_fewer_rounds() {
        let plan = plan(5_000, 40);
        let expected = |probe| plan.cells.iter().find(|cell| cell.probe == probe).map(|cell| rounds(&plan, cell));
        assert_eq!(expected(ProbeName::SyncFull), Some(Rounds::Fit(2)));
        assert_eq!(expected(ProbeName::SyncChange), Some(Rounds::Fit(3)));
    }

    #[test]
    fn many_endpoints_make_few_services_a_large_load() {
        let expected = |services: u32, endpoints: u32| {
            let axes = Axes {
                services: vec![services],
                endpoints: vec![endpoints],
                backends: vec![BackendName::IptablesNft],
                ..Axes::default()
            };
            let plan =
                Plan { budget: Duration::from_secs(15), cells: axes.expand(), ..Plan::example(TargetName::Host) };
            let sync = plan.cells.iter().find(|cell| cell.probe == ProbeName::SyncFull).unwrap();
            rounds(&plan, sync)
        };
        // Measured on two busy cores: 4.5 s, and over a budget of 15 s at 50 and at 100 Services.
        assert_eq!(expected(25, 200), Rounds::Fit(1));
        assert_eq!(expected(50, 200), Rounds::Perhaps(1));
        assert_eq!(expected(100, 200), Rounds::OverBudget);
        assert_eq!(expected(100, 2), Rounds::Fit(1));
    }

    #[test]
    fn a_conntrack_table_that_is_filled_takes_its_time() {
        let with = |entries| {
            let conntrack = (entries > 0).then_some(Conntrack { entries, max: None });
            let activities = vec![Activity { conntrack, ..Activity::default() }];
            let axes = Axes { services: vec![100], activities, ..Axes::default() };
            whole(&Plan { cells: axes.expand(), ..Plan::example(TargetName::Exact) })
        };
        assert!(with(100_000) > 2 * with(0), "{:?} {:?}", with(100_000), with(0));
    }

    #[test]
    fn a_budget_of_instructions_is_spent_sooner_than_seconds() {
        let mut plan = plan(10_000, 65);
        let sync = *plan.cells.iter().find(|cell| cell.probe == ProbeName::SyncFull).unwrap();
        assert_ne!(rounds(&plan, &sync), Rounds::OverBudget);
        plan.target = TargetName::Exact;
        assert_eq!(rounds(&plan, &sync), Rounds::OverBudget);
    }
}
