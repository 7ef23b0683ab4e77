//! The ordered cells of a run: a scenario's axes, expanded.

use crate::vocabulary::{BackendName, Position, ProbeName, TargetName};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One point of a run: a backend at a size, asked one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The number of Services.
    pub services: u32,
    /// The number of endpoints behind each Service.
    pub endpoints: u32,
    /// The backend.
    pub backend: BackendName,
    /// The probe.
    pub probe: ProbeName,
    /// Which Service is asked; `None` where the probe asks no single one.
    pub position: Option<Position>,
}

/// The cells of a run and how often each is to be sampled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// Where it runs.
    pub target: TargetName,
    /// Decides the order of cells and everything random in the workload.
    pub seed: u64,
    /// Passes over all cells.
    pub rounds: u32,
    /// Time that one cell may take over all rounds.
    pub budget: Duration,
    /// Connections that `connect` opens in a round.
    pub dials: u32,
    /// How long `bandwidth` and `connections_per_second` send in a round.
    pub traffic: Duration,
    /// Every cell once, in the order of the axes.
    pub cells: Vec<Cell>,
}

impl Plan {
    /// The cells of one round, in the order in which they run: shuffled by the seed, so that what drifts on the
    /// machine meets every backend alike.
    #[must_use]
    pub fn round(&self, round: u32) -> Vec<Cell> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(round));
        let mut cells = self.cells.clone();
        cells.shuffle(&mut rng);
        cells
    }
}

/// The cells of a set of axes, sizes outermost and positions innermost.
///
/// A probe that programs the node has no cell for `direct`. Where two positions are the same Service only one of them
/// is asked: the first before the last, the last before the middle.
#[must_use]
pub fn expand(services: &[u32], endpoints: u32, backends: &[BackendName], probes: &[ProbeName]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &services in services {
        for &backend in backends {
            for &probe in probes.iter().filter(|probe| backend != BackendName::Direct || !probe.programs()) {
                for position in positions(probe, services) {
                    cells.push(Cell { services, endpoints, backend, probe, position });
                }
            }
        }
    }
    cells
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
    use crate::vocabulary::Word;

    fn plan(seed: u64) -> Plan {
        Plan {
            scenario: "test".to_owned(),
            target: TargetName::Host,
            seed,
            rounds: 3,
            budget: Duration::from_secs(60),
            dials: 10,
            traffic: Duration::from_secs(1),
            cells: expand(&[1, 100], 2, BackendName::ALL, ProbeName::ALL),
        }
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
            let cells = expand(&[services], 2, &[BackendName::Nftables], &[ProbeName::Connect]);
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
}
