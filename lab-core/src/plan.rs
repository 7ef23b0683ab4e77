//! The ordered cells of a run: a scenario's axes, expanded.

use crate::vocabulary::{BackendName, Position, ProbeName, TargetName};
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
    /// Every cell once, in the order of the axes.
    pub cells: Vec<Cell>,
}
