//! How many Services a node can hold: laws of growth, where they break an objective, and where backends cross.
//!
//! Pure, and the same for the same datasets. What is measured becomes [`Series`], a figure a size; through them goes a
//! [`Curve`], with a [`Law`] behind it and its uncertainty; [`answer()`] asks the curves where they break the [`Objective`]s.
//! The method, its reasons and its limits: METHODOLOGY.md, "Capacity".

mod answer;
mod calibration;
mod cluster;
mod crossover;
mod curve;
mod doubt;
mod equations;
mod fitted;
mod input;
mod law;
mod limit;
mod objective;
mod question;
mod rates;
mod series;
mod standing;

pub use answer::{Answer, Baseline, ObjectiveAnswer, VariantAnswer, answer};
pub use calibration::{Calibration, Factor, LeftOut, Uncalibrated};
pub use cluster::{AtCluster, Equivalent, Ground};
pub use crossover::{Comparison, Crossing, Relation, crossovers};
pub use curve::{Curve, DRAWS, Estimate, SIZES};
pub use doubt::{Doubt, SETTLING, WIDEST};
pub use fitted::{Fitted, laws, laws_of};
pub use law::{Law, Shape};
pub use limit::Measure;
pub use objective::{Misfitting, Objective, Unreadable};
pub use question::{Question, Unanswerable};
pub use rates::Rates;
pub use series::{Absence, Figure, Missing, Series};
pub use standing::{Basis, Capacity, End, Verdict};

/// How far beyond the largest measured size a law is believed: twice as many Services.
pub const REACH: f64 = 2.0;

/// The most Services that anything is said of, however far one extrapolates.
pub const MOST_SERVICES: u32 = 1_000_000;
