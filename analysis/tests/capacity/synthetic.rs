//! Datasets drawn from laws that are known.

use lab_core::cell::{Cell, ClusterSpec, Variant};
use lab_core::dataset::{CellRecord, Dataset, Header, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, TargetName, Way};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The sizes of scenario `capacity`.
pub(crate) const SIZES: [u32; 7] = [1, 100, 250, 500, 1000, 2500, 5000];

/// How a figure scatters: deviations of its logarithm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    /// Between the samples of a cell in one round.
    pub(crate) within: f64,
    /// Between the rounds of a cell.
    pub(crate) between: f64,
    /// Between rounds, for all cells alike.
    pub(crate) drift: f64,
}

/// A synthetic dataset.
pub(crate) struct Draws {
    rng: ChaCha8Rng,
    pub(crate) dataset: Dataset,
}

impl Draws {
    pub(crate) fn new(seed: u64, clock: Clock) -> Self {
        let target = if clock == Clock::Instructions { TargetName::Exact } else { TargetName::Host };
        let header = Header {
            id: format!("synthetic-{clock}"),
            clock,
            ..Header::example(Plan { rounds: 5, ..Plan::example(target) })
        };
        let dataset = Dataset { header, cells: Vec::new(), end: None };
        Self { rng: ChaCha8Rng::seed_from_u64(seed), dataset }
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let mut uniform = || (f64::from(self.rng.next_u32()) + 0.5) / 4_294_967_296.0;
        (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
    }

    /// Measures `law` with `probe` in five rounds of `samples`, at each of `sizes`.
    pub(crate) fn measure(
        &mut self,
        backend: BackendName,
        probe: ProbeName,
        sizes: &[u32],
        samples: usize,
        noise: Noise,
        law: impl Fn(f64) -> f64,
    ) {
        let rounds = self.dataset.header.plan.rounds;
        let drifts: Vec<f64> = (0..rounds).map(|_| noise.drift * self.normal()).collect();
        for &services in sizes {
            let cell = cell(backend, probe, services);
            for (round, drift) in (0..rounds).zip(&drifts) {
                let level = law(services.into()) * (drift + noise.between * self.normal()).exp();
                let samples = (0..samples).map(|_| level * (noise.within * self.normal()).exp()).collect();
                self.dataset.cells.push(record(&cell, round, Outcome::Measured, "", samples));
            }
        }
    }

    /// Adds a cell that came to nothing.
    pub(crate) fn lose(&mut self, backend: BackendName, probe: ProbeName, services: u32, outcome: Outcome, why: &str) {
        self.dataset.cells.push(record(&cell(backend, probe, services), 0, outcome, why, Vec::new()));
    }
}

pub(crate) fn cell(backend: BackendName, probe: ProbeName, services: u32) -> Cell {
    let ipvs = backend == BackendName::Ipvs;
    let asks = [ProbeName::Connect, ProbeName::Bandwidth, ProbeName::ConnectionsPerSecond].contains(&probe);
    let position = if services == 1 { Position::First } else { Position::Last };
    let usual = Variant::usual(backend);
    let way = if probe.programs() || !ipvs { usual.way } else { Way::Batched };
    let cluster = ClusterSpec::uniform(services, 2);
    Cell::new(cluster, Variant { way, ..usual }, probe, asks.then_some(position))
}

pub(crate) fn record(cell: &Cell, round: u32, outcome: Outcome, reason: &str, samples: Vec<f64>) -> CellRecord {
    let cell = *cell;
    let metric = Metric::of(cell.probe);
    CellRecord {
        scenario: "synthetic".to_owned(),
        target: TargetName::Host,
        cell,
        round,
        replica: 0,
        outcome,
        reason: reason.to_owned(),
        metric,
        unit: metric.unit(),
        samples,
        split: Splits::default(),
    }
}
