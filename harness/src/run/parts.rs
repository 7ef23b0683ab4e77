//! Which part of a plan each shard makes: pieces that only one machine can measure, dealt by what they are expected to take.

use super::estimate;
use anyhow::{Result, ensure};
use lab_core::plan::Plan;
use lab_core::shard::{self, Part, Shard};
use lab_core::units;

/// A shard's part, and what it is expected to take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dealt {
    pub(crate) part: Part,
    /// How many pieces it has: guests, or clusters on a wall clock.
    pub(crate) pieces: usize,
    /// Seconds on two cores.
    pub(crate) seconds: f64,
}

/// What a piece of `plan` is called.
pub(crate) fn piece_name(plan: &Plan) -> &'static str {
    if plan.target.is_exact() { "load" } else { "cluster size" }
}

/// What each of `shards` shards of `plan` has, by number. It depends on the plan alone.
///
/// # Errors
/// When there are more shards than pieces.
pub(crate) fn deal(plan: &Plan, shards: u32) -> Result<Vec<Dealt>> {
    let pieces = plan.pieces();
    let most = u32::try_from(pieces.len()).unwrap_or(shard::MOST).min(shard::MOST);
    ensure!(
        shards <= most,
        "{} for {}: one is not shared by two machines, so that more than {most} do not help; take at most {most}",
        units::counted(shards.into(), "shard"),
        units::counted(pieces.len() as u64, piece_name(plan))
    );
    let costs: Vec<f64> = pieces.iter().map(|piece| estimate::seconds(plan, piece)).collect();
    let dealt = (1..).zip(shard::deal(&costs, shards));
    let dealt = dealt.map(|(number, own)| {
        let mut cells: Vec<usize> = own.iter().flat_map(|&place| pieces[place].iter().copied()).collect();
        cells.sort_unstable();
        Dealt {
            part: Part { shard: Shard { number, of: shards }, cells },
            pieces: own.len(),
            seconds: own.iter().map(|&place| costs[place]).sum(),
        }
    });
    Ok(dealt.collect())
}

/// The part of `shard`.
///
/// # Errors
/// When there are more shards than pieces.
pub(crate) fn of(plan: &Plan, shard: Shard) -> Result<Part> {
    let mut dealt = deal(plan, shard.of)?;
    Ok(dealt.swap_remove(shard.number as usize - 1).part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::scenario::Scenario;
    use lab_core::vocabulary::TargetName;

    fn scale_20k() -> Plan {
        let text = include_str!("../../../scenarios/scale-20k.yaml");
        Scenario::read("scale-20k.yaml", text).unwrap().plan(TargetName::Exact, 1)
    }

    /// With more than seven shards, the longest is one load, which is not parted.
    #[test]
    fn the_longest_shard_of_scale_20k_is_little_above_the_mean_or_one_load() {
        let plan = scale_20k();
        for shards in 2..=12 {
            let dealt = deal(&plan, shards).unwrap();
            let seconds: Vec<f64> = dealt.iter().map(|dealt| dealt.seconds).collect();
            let longest = dealt.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds)).unwrap();
            let even = shard::imbalance(&seconds) <= 1.3;
            assert!(even || shards > 7 && longest.pieces == 1, "{shards}: {seconds:?}");
        }
    }

    #[test]
    fn every_cell_is_in_one_shard() {
        for target in [TargetName::Exact, TargetName::Host] {
            let plan = Plan { target, ..scale_20k() };
            let mut cells: Vec<usize> =
                deal(&plan, 3).unwrap().into_iter().flat_map(|dealt| dealt.part.cells).collect();
            cells.sort_unstable();
            assert_eq!(cells, (0..plan.cells.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn more_shards_than_loads_are_refused_with_how_many_help() {
        let plan = scale_20k();
        let most = plan.pieces().len() as u32;
        assert!(deal(&plan, most).is_ok());
        let refused = deal(&plan, most + 1).unwrap_err().to_string();
        assert!(refused.contains(&format!("take at most {most}")), "{refused}");
    }
}
