//! Merges the runs of a plan's shards into the dataset that one machine would have written.
//!
//! Cells stand in the order of the plan, so that the result is the same whoever ran what. Times and machines are kept for each
//! run in the header. In the target `exact` a cell has one set of digits, so that two copies of it must be equal.

use super::record::in_order;
use super::sameness::first_difference;
use super::store;
use anyhow::{Context, Result, bail, ensure};
use lab_core::cell::Cell;
use lab_core::cluster::Base;
use lab_core::dataset::{CellRecord, Dataset, End, Header, Merged};
use lab_core::shard::Shard;
use lab_core::units;
use lab_core::vocabulary::Outcome;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

/// A run that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    /// Where it is, as the user named it.
    pub(crate) place: String,
    pub(crate) dataset: Dataset,
}

/// A shard that is not there, or not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    shard: Shard,
    why: String,
}

impl fmt::Display for Lacking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "shard {} {}", self.shard, self.why)
    }
}

/// The cluster that the run at `place` was given, if it has one.
pub(crate) fn base_of(place: &Path) -> Option<PathBuf> {
    store::folder(place).map(|folder| folder.join(Base::FILE)).filter(|file| file.is_file())
}

/// One dataset of `copies`, and what is missing of its plan.
///
/// # Errors
/// When they are not of one plan, one build and the same tools, or two of them measured the same cell and differ.
pub(crate) fn merge(mut copies: Vec<Recorded>) -> Result<(Dataset, Vec<Lacking>)> {
    copies.sort_by_key(|copy| copy.dataset.header.part.as_ref().map(|part| part.shard));
    let first = copies.first().context("nothing to merge")?;
    for copy in &copies[1..] {
        belongs(first, copy)?;
    }
    let copies = without_repeats(copies)?;
    let header = header(&copies);
    let missing = missing(&copies, &header);
    let end = end(&copies, &header);
    let mut cells: Vec<CellRecord> = copies.into_iter().flat_map(|copy| copy.dataset.cells).collect();
    in_order(&header, &mut cells);
    Ok((Dataset { header, cells, end }, missing))
}

/// Checks that `copy` is of the same run as `first`.
fn belongs(first: &Recorded, copy: &Recorded) -> Result<()> {
    let (one, other) = (&first.dataset.header, &copy.dataset.header);
    if let Some(difference) = first_difference(one, other) {
        bail!("{} and {} do not belong together: {difference}", first.place, copy.place);
    }
    let of = |header: &Header| header.part.as_ref().map(|part| part.shard.of);
    let said = |of: Option<u32>| of.map_or("the whole plan".to_owned(), |of| format!("one of {of} shards"));
    ensure!(
        of(one) == of(other),
        "{} and {} do not belong together: the one is {}, the other {}",
        first.place,
        copy.place,
        said(of(one)),
        said(of(other))
    );
    Ok(())
}

/// Of two copies of one shard the more complete. On a wall clock there is no second copy: it would be another measurement.
fn without_repeats(copies: Vec<Recorded>) -> Result<Vec<Recorded>> {
    let mut kept: Vec<Recorded> = Vec::new();
    for copy in copies {
        let same = |other: &&mut Recorded| other.dataset.header.part == copy.dataset.header.part;
        let Some(other) = kept.iter_mut().find(same) else {
            kept.push(copy);
            continue;
        };
        let target = copy.dataset.header.plan.target;
        ensure!(
            target.is_exact(),
            "{} and {} are the same part of the plan, measured twice; on the target {target} they differ: name one",
            other.place,
            copy.place
        );
        equal(other, &copy)?;
        tell!("svclab: {} and {} are the same part of the plan, with the same digits", other.place, copy.place);
        if copy.dataset.cells.len() > other.dataset.cells.len() {
            *other = copy;
        }
    }
    Ok(kept)
}

/// Checks that what both copies measured is the same to the digit.
fn equal(one: &Recorded, other: &Recorded) -> Result<()> {
    let key = |record: &CellRecord| (record.cell, record.replica, record.metric);
    let there: HashMap<_, &CellRecord> = one.dataset.cells.iter().map(|record| (key(record), record)).collect();
    for record in other.dataset.cells.iter().filter(|record| record.outcome == Outcome::Measured) {
        let Some(first) = there.get(&key(record)).filter(|first| first.outcome == Outcome::Measured) else { continue };
        ensure!(
            first.samples == record.samples && first.split == record.split,
            "{} and {} differ: {} of {} at {} is {:?} in the one and {:?} in the other, and exact counts come out \
             the same; one of them was damaged or edited, or its build was not the same",
            one.place,
            other.place,
            record.metric,
            record.cell.variant.backend,
            units::counted(record.cell.cluster.services.into(), "Service"),
            first.samples,
            record.samples
        );
    }
    Ok(())
}

/// Which shards are not there, or lack cells.
fn missing(copies: &[Recorded], header: &Header) -> Vec<Lacking> {
    let mut missing = Vec::new();
    let gone = header.missing_shards().into_iter();
    missing.extend(gone.map(|shard| Lacking { shard, why: "is missing".to_owned() }));
    for Recorded { place, dataset } in copies {
        let shard = dataset.header.part.as_ref().map_or(Shard { number: 1, of: 1 }, |part| part.shard);
        let recorded: BTreeSet<Cell> = dataset.cells.iter().map(|record| record.cell).collect();
        let planned: BTreeSet<Cell> = dataset.header.cells().collect();
        let lacks = planned.difference(&recorded).count() as u64;
        let broke_off = dataset.end.as_ref().is_none_or(|end| end.interrupted);
        if lacks > 0 || broke_off {
            let of = units::counted(planned.len() as u64, "cell");
            let what = if lacks > 0 { format!("lacks {lacks} of its {of}") } else { "has no end".to_owned() };
            let why = format!("is not complete: {place} {what}; start it again with the same options, and it goes on");
            missing.push(Lacking { shard, why });
        }
    }
    missing.sort_by_key(|missing| missing.shard);
    missing
}

/// The header of them all: that of the first, of the whole plan.
fn header(copies: &[Recorded]) -> Header {
    let merged = copies.iter().map(|Recorded { dataset: Dataset { header, end, .. }, .. }| Merged {
        end: end.as_ref().map(|end| end.end),
        ..Merged::of(header)
    });
    let start = copies.iter().map(|copy| copy.dataset.header.start).min().unwrap_or_default();
    let first = &copies[0].dataset.header;
    // A run of its own: others are told from it by its name.
    let id = format!("{}-merged", first.id);
    Header { id, command: whole(&first.command), part: None, merged: merged.collect(), start, ..first.clone() }
}

/// A shard's command line as that of the whole: without the shard, and without its folder.
fn whole(command: &[String]) -> Vec<String> {
    const OWN: [&str; 3] = ["--shard", "--out", "--resume"];
    let mut words = command.iter();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if OWN.contains(&word.as_str()) {
            words.next();
        } else if !OWN.iter().any(|own| word.strip_prefix(own).is_some_and(|rest| rest.starts_with('='))) {
            kept.push(word.clone());
        }
    }
    kept
}

/// The end of them all, before the plan was through if the `header` lacks shards; `None` if one has no end: the whole has
/// broken off, too.
fn end(copies: &[Recorded], header: &Header) -> Option<End> {
    let ends: Vec<&End> = copies.iter().map(|copy| copy.dataset.end.as_ref()).collect::<Option<_>>()?;
    let mut cells: BTreeMap<Outcome, u32> = BTreeMap::new();
    for (outcome, count) in ends.iter().flat_map(|end| &end.cells) {
        *cells.entry(*outcome).or_default() += count;
    }
    Some(End {
        end: ends.iter().map(|end| end.end).max()?,
        peak_rss: ends.iter().map(|end| end.peak_rss).max()?,
        interrupted: !header.missing_shards().is_empty() || ends.iter().any(|end| end.interrupted),
        cells,
        boots: ends.iter().flat_map(|end| end.boots.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{parts, unmeasured};
    use lab_core::axes::Axes;
    use lab_core::metric::Metric;
    use lab_core::plan::{Plan, Visit};
    use lab_core::vocabulary::TargetName;

    fn plan(target: TargetName) -> Plan {
        Plan { cells: Axes { services: vec![1, 10, 100], ..Axes::default() }.expand(), ..Plan::example(target) }
    }

    /// What the shard measured: of each cell its place in the plan.
    fn shard(plan: &Plan, number: u32, of: u32) -> Recorded {
        let part = parts::of(plan, Shard { number, of }).unwrap();
        let record = |&place: &usize| {
            let visit = Visit { round: 0, replica: 0, cell: plan.cells[place] };
            CellRecord { samples: vec![place as f64 + 1.0], ..unmeasured(plan, &visit, Outcome::Measured, "") }
        };
        let cells = part.cells.iter().rev().map(record).collect();
        let mut header = Header { part: Some(part), ..Header::example(plan.clone()) };
        header.host.insert("cpu".to_owned(), format!("number {number}"));
        Recorded { place: format!("runs/{number}"), dataset: Dataset { header, cells, end: Some(End::example()) } }
    }

    fn said(copies: Vec<Recorded>) -> String {
        format!("{:#}", merge(copies).unwrap_err())
    }

    #[test]
    fn shards_make_the_whole_in_the_order_of_the_plan_whatever_their_order() {
        for target in [TargetName::Exact, TargetName::Host] {
            let plan = plan(target);
            let copies = vec![shard(&plan, 2, 3), shard(&plan, 3, 3), shard(&plan, 1, 3)];
            let (merged, missing) = merge(copies).unwrap();
            assert!(missing.is_empty(), "{missing:?}");
            let samples: Vec<f64> = merged.cells.iter().flat_map(|record| record.samples.clone()).collect();
            assert_eq!(samples, (1..=plan.cells.len()).map(|place| place as f64).collect::<Vec<_>>());
            assert_eq!(merged.header.part, None);
            assert_eq!(merged.header.merged[2].host["cpu"], "number 3");
            assert!(!merged.end.unwrap().interrupted);
        }
    }

    #[test]
    fn a_visit_s_metrics_stay_together_and_replicas_follow_each_other() {
        let plan = Plan { replicas: 2, ..plan(TargetName::Exact) };
        let copies = [2, 1].map(|number| {
            let mut copy = shard(&plan, number, 2);
            let records = std::mem::take(&mut copy.dataset.cells);
            // As a fleet may write them: the second replica first, with two metrics.
            copy.dataset.cells = [1, 0]
                .into_iter()
                .flat_map(|replica| records.iter().map(move |record| CellRecord { replica, ..record.clone() }))
                .flat_map(|record| [record.clone(), CellRecord { metric: Metric::Rules, ..record }])
                .collect();
            copy
        });
        let (merged, _) = merge(copies.into()).unwrap();
        let order = |record: &CellRecord| (record.samples[0] as usize, record.replica, record.metric == Metric::Rules);
        let expected = (1..=plan.cells.len()).flat_map(|place| {
            [0, 1].into_iter().flat_map(move |replica| [false, true].map(|second| (place, replica, second)))
        });
        assert_eq!(merged.cells.iter().map(order).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_merged_run_is_repeated_as_a_whole() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let shard = words("svclab scenario smoke --shard 1/3 --seed 7 --out=runs/a --resume b --jobs 2");
        assert_eq!(whole(&shard), words("svclab scenario smoke --seed 7 --jobs 2"));
    }

    #[test]
    fn what_is_missing_is_named_and_the_rest_is_there() {
        let plan = plan(TargetName::Exact);
        let mut cut_off = shard(&plan, 2, 3);
        cut_off.dataset.end = None;
        cut_off.dataset.cells.pop();
        let (merged, missing) = merge(vec![shard(&plan, 1, 3), cut_off]).unwrap();
        let said: Vec<String> = missing.iter().map(Lacking::to_string).collect();
        assert!(said[0].starts_with("shard 2/3 is not complete: runs/2 lacks 1 of its"), "{said:?}");
        assert_eq!(said[1], "shard 3/3 is missing");
        assert_eq!(merged.end, None);
        let (merged, _) = merge(vec![shard(&plan, 1, 3), shard(&plan, 3, 3)]).unwrap();
        assert!(merged.end.unwrap().interrupted, "it lacks a shard");
    }

    #[test]
    fn what_does_not_belong_together_is_refused_with_the_first_difference() {
        let plan = plan(TargetName::Exact);
        let mut other = shard(&plan, 2, 3);
        other.dataset.header.revision = "abc".to_owned();
        let refused = said(vec![shard(&plan, 1, 3), other]);
        assert!(refused.contains("runs/1 and runs/2") && refused.contains("svclab.revision"), "{refused}");
        let refused = said(vec![shard(&plan, 1, 3), shard(&plan, 2, 2)]);
        assert!(refused.contains("one of 3 shards") && refused.contains("one of 2"), "{refused}");
    }

    #[test]
    fn two_copies_must_be_the_same_to_the_digit_and_on_a_wall_clock_there_is_one() {
        let plan = plan(TargetName::Exact);
        let whole = || vec![shard(&plan, 1, 2), shard(&plan, 2, 2)];
        let twice = || [whole(), vec![shard(&plan, 2, 2)]].concat();
        assert_eq!(merge(twice()).unwrap().0.cells, merge(whole()).unwrap().0.cells);
        let mut copies = twice();
        copies[2].dataset.cells[0].samples[0] += 1.0;
        let refused = said(copies);
        assert!(refused.contains("differ") && refused.contains("Services is ["), "{refused}");
        let plan = self::plan(TargetName::Host);
        let refused = said(vec![shard(&plan, 1, 2), shard(&plan, 2, 2), shard(&plan, 2, 2)]);
        assert!(refused.contains("measured twice"), "{refused}");
    }
}
