//! The ordered cells of a run: a scenario's axes, expanded.

use crate::slowdown::Slowdown;
use crate::vocabulary::{BackendName, Forwarding, Position, ProbeName, Scheduler, TargetName, Way, Word};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One point of a run: a backend at a size, asked one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "WrittenCell")]
pub struct Cell {
    /// The number of Services.
    pub services: u32,
    /// The number of endpoints behind each Service.
    pub endpoints: u32,
    /// The backend.
    pub backend: BackendName,
    /// How IPVS picks a real server; `None` for any other backend.
    pub scheduler: Option<Scheduler>,
    /// How IPVS hands packets on; `None` for any other backend.
    pub forwarding: Option<Forwarding>,
    /// How changes are applied.
    pub way: Way,
    /// The probe.
    pub probe: ProbeName,
    /// Which Service is asked; `None` where the probe asks no single one.
    pub position: Option<Position>,
}

/// A cell as it stands in a file: those of before there was more than one way leave the way out.
#[derive(Deserialize)]
struct WrittenCell {
    services: u32,
    endpoints: u32,
    backend: BackendName,
    #[serde(default)]
    scheduler: Option<Scheduler>,
    #[serde(default)]
    forwarding: Option<Forwarding>,
    way: Option<Way>,
    probe: ProbeName,
    position: Option<Position>,
}

impl From<WrittenCell> for Cell {
    fn from(cell: WrittenCell) -> Self {
        let WrittenCell { services, endpoints, backend, scheduler, forwarding, way, probe, position } = cell;
        let way = way.unwrap_or(Way::of(backend)[0]);
        Self { services, endpoints, backend, scheduler, forwarding, way, probe, position }
    }
}

/// What a node is loaded with. Cells of the same load are asked on the same node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Load {
    /// The number of Services.
    pub services: u32,
    /// The number of endpoints behind each Service.
    pub endpoints: u32,
    /// The backend.
    pub backend: BackendName,
    /// How IPVS picks a real server.
    pub scheduler: Option<Scheduler>,
    /// How IPVS hands packets on.
    pub forwarding: Option<Forwarding>,
    /// How changes are applied to it.
    pub way: Way,
    /// The one probe that the node is for; `None` when it serves several.
    pub only: Option<ProbeName>,
}

impl Cell {
    /// What its node is loaded with.
    ///
    /// What was taken out of an IPVS node lies about in it for two minutes and slows down whatever is added, so that a
    /// probe which programs IPVS has a node of its own.
    #[must_use]
    pub fn load(&self) -> Load {
        let Self { services, endpoints, backend, scheduler, forwarding, way, probe, .. } = *self;
        let only = (backend == BackendName::Ipvs && probe.programs()).then_some(probe);
        Load { services, endpoints, backend, scheduler, forwarding, way, only }
    }

    /// What its guest is loaded with in the target `exact`: a guest is booted for a load, and serves every probe in turn.
    #[must_use]
    pub fn guest_load(&self) -> Load {
        Load { only: None, ..self.load() }
    }

    /// The cell of `direct` that asks the same question.
    #[must_use]
    pub fn direct(self) -> Self {
        Self { backend: BackendName::Direct, scheduler: None, forwarding: None, way: Way::None, ..self }
    }
}

/// One measurement of a cell: its turn in a round, or in a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Visit {
    /// The round, from 0.
    pub round: u32,
    /// The replica, from 0.
    pub replica: u32,
    /// The cell.
    pub cell: Cell,
}

/// The cells of a run and how often each is to be sampled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Where it runs.
    pub target: TargetName,
    /// Decides the order of cells, everything random in the workload, and a guest's entropy.
    pub seed: u64,
    /// Passes over all cells; 1 in the `exact` target.
    pub rounds: u32,
    /// Guests with an entropy of their own that each cell is measured in; 1 but in the `exact` target.
    #[serde(default = "one")]
    pub replicas: u32,
    /// Time that one cell may take over all rounds, on the run's clock.
    pub budget: Duration,
    /// Connections that `connect` opens in a round.
    pub dials: u32,
    /// How long `bandwidth` and `connections_per_second` send in a round.
    pub traffic: Duration,
    /// How long `churn` goes on in a round.
    #[serde(default)]
    pub churn: Duration,
    /// For how long IPVS sends a client to the same real server; `None` for no such thing.
    #[serde(default)]
    pub persistence: Option<Duration>,
    /// Memory of each guest, in MiB. Hash tables are sized by it, so that it is part of what `exact` measures.
    #[serde(default)]
    pub memory: u32,
    /// Every cell once, in the order of the axes.
    pub cells: Vec<Cell>,
    /// Cells that are made slower on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowdowns: Vec<Slowdown>,
}

fn one() -> u32 {
    1
}

impl Plan {
    /// A small plan without cells, for examples and tests.
    #[must_use]
    pub fn example(target: TargetName) -> Self {
        Self {
            scenario: "test".to_owned(),
            target,
            seed: 1,
            rounds: 1,
            replicas: 1,
            budget: Duration::from_secs(60),
            dials: 10,
            traffic: Duration::from_secs(1),
            churn: Duration::from_secs(10),
            persistence: None,
            memory: 4096,
            cells: Vec::new(),
            slowdowns: Vec::new(),
        }
    }

    /// The visits that share a kernel from its start, in their order.
    ///
    /// On a wall clock everything shares one, and each round is shuffled by the seed, so that what drifts on the machine
    /// meets every backend alike. In the `exact` target each load has a guest of its own (those that differ only in what
    /// they are for share one), where the cells keep the order of the axes: nothing drifts there, and what comes out of a
    /// guest depends on nothing but itself.
    #[must_use]
    pub fn boots(&self) -> Vec<Vec<Visit>> {
        if !self.target.is_exact() {
            let round = |round| self.round(round).into_iter().map(move |cell| Visit { round, replica: 0, cell });
            return vec![(0..self.rounds).flat_map(round).collect()];
        }
        let mut boots: Vec<Vec<Visit>> = Vec::new();
        for replica in 0..self.replicas {
            let first = boots.len();
            for &cell in &self.cells {
                let visit = Visit { round: 0, replica, cell };
                match boots[first..].iter_mut().find(|boot| boot[0].cell.guest_load() == cell.guest_load()) {
                    Some(boot) => boot.push(visit),
                    None => boots.push(vec![visit]),
                }
            }
        }
        boots
    }

    /// The cells of one round, in the order in which they run.
    fn round(&self, round: u32) -> Vec<Cell> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(round));
        let mut cells = self.cells.clone();
        cells.shuffle(&mut rng);
        cells
    }

    /// The same in so many rounds. A cell has no less time for each than it had.
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

/// What is combined into cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes {
    /// The numbers of Services.
    pub services: Vec<u32>,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// The backends.
    pub backends: Vec<BackendName>,
    /// Ways; a backend that has none of them takes its first.
    pub ways: Vec<Way>,
    /// How IPVS picks a real server.
    pub schedulers: Vec<Scheduler>,
    /// How IPVS hands packets on.
    pub forwardings: Vec<Forwarding>,
    /// What is asked.
    pub probes: Vec<ProbeName>,
}

/// kube-proxy's ipvs mode as it is, beside what it could cost; nothing to ask yet.
impl Default for Axes {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            endpoints: 2,
            backends: BackendName::ALL.to_vec(),
            ways: vec![Way::KubeProxy, Way::Batched],
            schedulers: vec![Scheduler::RoundRobin],
            forwardings: vec![Forwarding::Masquerading],
            probes: ProbeName::usual(),
        }
    }
}

impl Axes {
    /// Every cell once, sizes outermost and positions innermost.
    ///
    /// A probe that programs the node has no cell for `direct`. A probe that does not is asked in one way only: what is
    /// installed is the same. Where two positions are the same Service only one of them is asked: the first before the
    /// last, the last before the middle.
    #[must_use]
    pub fn expand(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &services in &self.services {
            for &backend in &self.backends {
                self.expand_backend(services, backend, &mut cells);
            }
        }
        cells
    }

    fn expand_backend(&self, services: u32, backend: BackendName, cells: &mut Vec<Cell>) {
        let ipvs = backend == BackendName::Ipvs;
        let schedulers = if ipvs { optional(&self.schedulers) } else { vec![None] };
        let forwardings = if ipvs { optional(&self.forwardings) } else { vec![None] };
        let known = Way::of(backend);
        let mut ways: Vec<Way> = self.ways.iter().copied().filter(|way| known.contains(way)).collect();
        if ways.is_empty() {
            ways.push(known[0]);
        }
        // The quickest one to load with.
        let loading = if ipvs { Way::Batched } else { known[0] };
        let probes = || self.probes.iter().copied().filter(|probe| backend != BackendName::Direct || !probe.programs());
        for &scheduler in &schedulers {
            for &forwarding in &forwardings {
                for probe in probes() {
                    for &way in if probe.programs() { &ways[..] } else { std::slice::from_ref(&loading) } {
                        for position in positions(probe, services) {
                            let endpoints = self.endpoints;
                            cells.push(Cell {
                                services,
                                endpoints,
                                backend,
                                scheduler,
                                forwarding,
                                way,
                                probe,
                                position,
                            });
                        }
                    }
                }
            }
        }
    }
}

fn optional<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    values.iter().copied().map(Some).collect()
}

/// The positions a probe asks among `services`.
fn positions(probe: ProbeName, services: u32) -> Vec<Option<Position>> {
    let asked: &[Position] = match probe {
        ProbeName::Connect => &[Position::First, Position::Middle, Position::Last],
        ProbeName::ConnectionsPerSecond | ProbeName::Bandwidth => &[Position::First, Position::Last],
        _ => return vec![None],
    };
    let same = |a: Position, b: Position| a.index(services) == b.index(services);
    let shadowed = |position: Position| match position {
        Position::First => false,
        Position::Last => same(position, Position::First),
        Position::Middle => same(position, Position::First) || same(position, Position::Last),
    };
    asked.iter().copied().filter(|&position| !shadowed(position)).map(Some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan {
            seed,
            rounds: 3,
            cells: axes(&[1, 100], BackendName::ALL, ProbeName::ALL).expand(),
            ..Plan::example(TargetName::Host)
        }
    }

    fn axes(services: &[u32], backends: &[BackendName], probes: &[ProbeName]) -> Axes {
        Axes { services: services.to_vec(), backends: backends.to_vec(), probes: probes.to_vec(), ..Axes::default() }
    }

    #[test]
    fn direct_has_no_cells_that_program_the_node() {
        let plan = plan(1);
        assert!(plan.cells.iter().any(|cell| cell.backend == BackendName::Direct));
        assert!(!plan.cells.iter().any(|cell| cell.backend == BackendName::Direct && cell.probe.programs()));
    }

    #[test]
    fn one_service_is_asked_once_whatever_its_position() {
        let connect = |services| {
            let cells = axes(&[services], &[BackendName::Nftables], &[ProbeName::Connect]).expand();
            cells.iter().filter_map(|cell| cell.position).collect::<Vec<_>>()
        };
        assert_eq!(connect(1), [Position::First]);
        assert_eq!(connect(2), [Position::First, Position::Last]);
        assert_eq!(connect(3), Position::ALL);
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
    fn only_what_programs_ipvs_has_its_ways() {
        let cells = axes(&[10], &[BackendName::Ipvs], &[ProbeName::SyncChange, ProbeName::Connect]).expand();
        let ways = |probe| {
            let mut ways: Vec<_> = cells.iter().filter(|cell| cell.probe == probe).map(|cell| cell.way).collect();
            ways.dedup();
            ways
        };
        assert_eq!(ways(ProbeName::SyncChange), [Way::KubeProxy, Way::Batched]);
        assert_eq!(ways(ProbeName::Connect), [Way::Batched]);
        assert!(cells.iter().all(|cell| cell.scheduler == Some(Scheduler::RoundRobin)));
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
    fn on_a_wall_clock_every_round_shares_the_kernel() {
        let boots = plan(7).boots();
        assert_eq!(boots.len(), 1);
        assert_eq!(boots[0].len(), 3 * plan(7).cells.len());
        assert_eq!(boots[0].last().map(|visit| visit.round), Some(2));
    }

    #[test]
    fn a_cell_that_was_written_before_there_were_ways_has_its_backends_first() {
        let text = r#"{"services":1,"endpoints":2,"backend":"nftables","probe":"connect","position":"first"}"#;
        let cell: Cell = serde_json::from_str(text).unwrap();
        assert_eq!((cell.way, cell.scheduler), (Way::Partial, None));
        assert_eq!(serde_json::from_str::<Cell>(&serde_json::to_string(&cell).unwrap()).unwrap(), cell);
    }
}
