//! Which shard of a plan gets what.

use crate::run::parts::{self, Dealt};
use lab_core::plan::Plan;
use lab_core::shard::{self, Part};
use lab_core::units;

/// A line for each shard, and one for how even they are.
pub(super) fn lines(plan: &Plan, dealt: &[Dealt]) -> Vec<String> {
    let minutes = |seconds: f64| format!("about {} min", (seconds / 60.0).ceil());
    let line = |dealt: &Dealt| {
        let Dealt { part: Part { shard, cells }, pieces, seconds } = dealt;
        let (pieces, cells) =
            (units::counted(*pieces as u64, parts::piece_name(plan)), units::counted(cells.len() as u64, "cell"));
        format!("shard {shard}: {pieces}, {cells}, {}", minutes(*seconds))
    };
    let seconds: Vec<f64> = dealt.iter().map(|dealt| dealt.seconds).collect();
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    let last = format!(
        "the longest shard takes {}, {:.2} times the mean; each on a machine with two cores",
        minutes(longest),
        shard::imbalance(&seconds)
    );
    dealt.iter().map(line).chain([last]).collect()
}
