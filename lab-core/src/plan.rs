//! The plan of a run: its cells in order, and how often each is measured.

use crate::cell::Cell;
use crate::cluster::Base;
use crate::kube_proxy::KubeProxy;
use crate::proxy_config::ProxyConfig;
use crate::slowdown::Slowdown;
use crate::vocabulary::{BackendName, TargetName};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One measurement of a cell, in a round or a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Visit {
    /// The round, from 0.
    pub round: u32,
    /// The replica, from 0.
    pub replica: u32,
    /// The cell.
    pub cell: Cell,
}

/// The cells of a run, and how they are measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Where it runs.
    pub target: TargetName,
    /// The backends without which the run fails: see [`crate::dataset::unmet`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<BackendName>,
    /// Seeds the order of cells, the workload's randomness, and a guest's entropy.
    pub seed: u64,
    /// Passes over all cells; 1 in the `exact` target.
    pub rounds: u32,
    /// Guests that each cell is measured in, each with its own entropy; 1 on other targets than `exact`.
    #[serde(default = "one")]
    pub replicas: u32,
    /// Time limit of one cell over all rounds, on the run's clock.
    pub budget: Duration,
    /// Connections that `connect` opens in a round.
    pub dials: u32,
    /// How long `bandwidth` and `connections_per_second` send in a round.
    pub traffic: Duration,
    /// How long `churn` goes on in a round.
    #[serde(default)]
    pub churn: Duration,
    /// Connections that `open_loop` opens in a second.
    #[serde(default = "usual_rate", skip_serializing_if = "is_usual_rate")]
    pub rate: u32,
    /// Session affinity of every Service: for how long a client stays with its endpoint; `None` without.
    #[serde(default)]
    pub persistence: Option<Duration>,
    /// kube-proxy's settings.
    #[serde(default, skip_serializing_if = "ProxyConfig::is_usual")]
    pub proxy: ProxyConfig,
    /// The kube-proxy binaries that program nodes in place of the lab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kube_proxies: Vec<KubeProxy>,
    /// Memory of each guest, in MiB. The kernel sizes its hash tables by it, so it changes what `exact` measures.
    #[serde(default)]
    pub memory: u32,
    /// The Services that clusters repeat which are no mix of the lab's own. Datasets leave them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Arc<Base>>,
    /// Every cell once, in the order of the axes.
    pub cells: Vec<Cell>,
    /// Injected slowdowns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowdowns: Vec<Slowdown>,
}

/// The rate of `open_loop` where a scenario says nothing else.
pub const USUAL_RATE: u32 = 100;

fn one() -> u32 {
    1
}

fn usual_rate() -> u32 {
    USUAL_RATE
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_usual_rate(rate: &u32) -> bool {
    *rate == USUAL_RATE
}

impl Plan {
    /// A small plan without cells, for examples and tests.
    #[must_use]
    pub fn example(target: TargetName) -> Self {
        Self {
            scenario: "test".to_owned(),
            target,
            require: Vec::new(),
            seed: 1,
            rounds: 1,
            replicas: 1,
            budget: Duration::from_secs(60),
            dials: 10,
            traffic: Duration::from_secs(1),
            churn: Duration::from_secs(10),
            rate: USUAL_RATE,
            persistence: None,
            proxy: ProxyConfig::default(),
            kube_proxies: Vec::new(),
            memory: 4096,
            base: None,
            cells: Vec::new(),
            slowdowns: Vec::new(),
        }
    }

    /// The visits of each boot: those that share a running kernel, in order.
    ///
    /// On a wall clock there is one boot. Each round is shuffled by the seed, so that drift of the machine hits every
    /// backend alike. In the `exact` target each load has its own guest, and the cells keep the order of the axes:
    /// nothing drifts there. A kernel and a limit of memory are those of a guest, which has a boot of its own.
    #[must_use]
    pub fn boots(&self) -> Vec<Vec<Visit>> {
        if !self.target.is_exact() {
            let round = |round| self.round(round).into_iter().map(move |cell| Visit { round, replica: 0, cell });
            let visits = (0..self.rounds).flat_map(round);
            if self.target == TargetName::Host {
                return vec![visits.collect()];
            }
            let mut boots: BTreeMap<_, Vec<Visit>> = BTreeMap::new();
            let guest = |cell: &Cell| (cell.activity.memory, cell.variant.kernel);
            visits.for_each(|visit| boots.entry(guest(&visit.cell)).or_default().push(visit));
            return boots.into_values().collect();
        }
        let pieces = self.pieces();
        let boot = |replica, piece: &Vec<usize>| -> Vec<Visit> {
            piece.iter().map(|&place| Visit { round: 0, replica, cell: self.cells[place] }).collect()
        };
        (0..self.replicas).flat_map(|replica| pieces.iter().map(move |piece| boot(replica, piece))).collect()
    }

    /// What only one machine can measure, each by the places of its cells in the plan.
    ///
    /// In the `exact` target that is a load, whose guest serves every probe in turn. On a wall clock it is everything that is
    /// compared: all backends with the same cluster.
    #[must_use]
    pub fn pieces(&self) -> Vec<Vec<usize>> {
        let mut pieces: Vec<Vec<usize>> = Vec::new();
        let together = |one: &Cell, other: &Cell| {
            if self.target.is_exact() { one.guest_load() == other.guest_load() } else { one.cluster == other.cluster }
        };
        for (place, cell) in self.cells.iter().enumerate() {
            match pieces.iter_mut().find(|piece| together(&self.cells[piece[0]], cell)) {
                Some(piece) => piece.push(place),
                None => pieces.push(vec![place]),
            }
        }
        pieces
    }

    /// The cells of one round, in the order in which they run.
    fn round(&self, round: u32) -> Vec<Cell> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(round));
        let mut cells = self.cells.clone();
        cells.shuffle(&mut rng);
        cells
    }

    /// The same plan with so many `rounds`. The time for each round does not shrink.
    #[must_use]
    pub fn in_rounds(&self, rounds: u32) -> Self {
        let budget = self.budget.max(self.budget / self.rounds.max(1) * rounds);
        Self { rounds, budget, ..self.clone() }
    }

    /// How often every cell is to be measured.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.rounds * self.replicas
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::Axes;
    use crate::cell::Activity;
    use crate::vocabulary::{ProbeName, Word};

    fn plan(seed: u64) -> Plan {
        let axes = Axes { services: vec![1, 100], probes: ProbeName::ALL.to_vec(), ..Axes::default() };
        Plan { seed, rounds: 3, cells: axes.expand(), ..Plan::example(TargetName::Host) }
    }

    #[test]
    fn a_round_holds_every_cell_in_an_order_of_its_own_that_the_seed_repeats() {
        let (first, second) = (plan(7).round(0), plan(7).round(1));
        assert_ne!(first, second);
        assert_eq!(first, plan(7).round(0));
        assert_ne!(first, plan(8).round(0));
        for mut round in [first, second] {
            round.sort_unstable();
            let mut cells = plan(7).cells;
            cells.sort_unstable();
            assert_eq!(round, cells);
        }
    }

    #[test]
    fn each_limit_of_memory_has_guests_of_its_own_and_none_on_host() {
        let limits = [None, Some(64), Some(512)].map(|memory| Activity { memory, ..Activity::default() });
        let axes = Axes { services: vec![10], probes: vec![ProbeName::SyncFull], ..Axes::default() };
        let cells = Axes { activities: limits.to_vec(), ..axes }.expand();
        let boots = |target| Plan { cells: cells.clone(), rounds: 2, ..Plan::example(target) }.boots();
        assert_eq!(boots(TargetName::Host).len(), 1);
        assert_eq!(boots(TargetName::Vm).len(), 3);
        for boot in [boots(TargetName::Vm), boots(TargetName::Exact)].concat() {
            let memory = |visit: &Visit| visit.cell.activity.memory;
            assert!(boot.iter().all(|visit| memory(visit) == memory(&boot[0])));
        }
        assert_eq!(boots(TargetName::Vm).concat().len(), 2 * cells.len());
    }

    #[test]
    fn each_kernel_has_guests_of_its_own_and_is_compared_on_one_machine() {
        let kernels = ["debian-12", "debian-13"].map(|name| name.to_owned().into());
        let axes = Axes { services: vec![10], probes: ProbeName::ALL.to_vec(), ..Axes::default() };
        let cells = Axes { kernels: kernels.to_vec(), ..axes }.expand();
        let plan = |target| Plan { cells: cells.clone(), rounds: 2, ..Plan::example(target) };
        assert_eq!(plan(TargetName::Vm).boots().len(), 2);
        for boot in [plan(TargetName::Vm).boots(), plan(TargetName::Exact).boots()].concat() {
            assert!(boot.iter().all(|visit| visit.cell.variant.kernel == boot[0].cell.variant.kernel));
        }
        assert_eq!(plan(TargetName::Vm).pieces().len(), 1);
    }

    #[test]
    fn an_exact_run_boots_once_a_load_and_replica_and_keeps_the_order_of_the_axes() {
        let exact = Plan { target: TargetName::Exact, rounds: 1, replicas: 2, ..plan(1) };
        let boots = exact.boots();
        let mut loads: Vec<_> = exact.cells.iter().map(Cell::guest_load).collect();
        loads.sort_unstable();
        loads.dedup();
        assert_eq!(boots.len(), 2 * loads.len());
        for boot in &boots {
            assert!(boot.iter().all(|visit| visit.cell.guest_load() == boot[0].cell.guest_load()));
            assert!(boot.iter().all(|visit| visit.replica == boot[0].replica && visit.round == 0));
        }
        assert_eq!(boots.concat().len(), 2 * exact.cells.len());
    }

    #[test]
    fn pieces_hold_every_cell_once_and_nothing_that_is_compared_on_a_wall_clock_is_parted() {
        let wall = plan(1);
        let exact = Plan { target: TargetName::Exact, ..plan(1) };
        assert_eq!(wall.pieces().len(), 2);
        assert_eq!(exact.pieces().len(), exact.boots().len());
        for plan in [wall, exact] {
            let mut places = plan.pieces().concat();
            places.sort_unstable();
            assert_eq!(places, (0..plan.cells.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn on_a_wall_clock_every_round_shares_the_kernel() {
        let boots = plan(7).boots();
        assert_eq!(boots.len(), 1);
        assert_eq!(boots[0].len(), 3 * plan(7).cells.len());
        assert_eq!(boots[0].last().map(|visit| visit.round), Some(2));
    }
}
