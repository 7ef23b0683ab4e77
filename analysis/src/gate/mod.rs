//! The gate: two runs of one plan beside each other, what became better or worse, and whether that is more than noise.
//!
//! ```text
//! before ┐  differences ── may they be compared at all?
//!        ├─ compare ────── a change for every cell and metric
//! after  ┘  judge ──────── a verdict for each, by a policy; what is suspicious is run again; what it comes to
//! ```
//!
//! Pure: it reads datasets and a policy. Running suspicious cells again is the harness's.

pub mod baseline;
mod cause;
mod compared;
mod comparison;
mod difference;
mod drift;
mod evidence;
mod exact;
mod judgement;
mod layouts;
mod name;
mod policy;
mod timed;
mod times;
mod verdict;

pub use cause::Cause;
pub use compared::{Basis, Compared, Delta, Side};
pub use comparison::{Comparison, compare};
pub use difference::{Aspect, Bearing, Difference, differences};
pub use drift::{Drift, FEWEST_RUNS, LeftOut, Series, Shift, drift};
pub use evidence::beside;
pub use judgement::{Judged, Judgement, Tally, judge};
pub use policy::{Allowed, Consequence, Gating, Numbers, Policy, Rule};
pub use verdict::Verdict;

#[cfg(test)]
mod tests;
