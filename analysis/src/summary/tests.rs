//! What becomes of rounds that were measured, were not, and were never reached.

use super::*;
use lab_core::cell::{ClusterSpec, Variant};
use lab_core::dataset::{End, Header, Splits};
use lab_core::plan::Plan;
use lab_core::vocabulary::{LayoutName, Position, ProbeName, TargetName, Way, Word};

fn cell(backend: BackendName, probe: ProbeName) -> Cell {
    let position = (probe == ProbeName::Connect).then_some(Position::Last);
    Cell::new(ClusterSpec::uniform(10, 2), Variant::usual(backend), probe, position)
}

fn nftables() -> Cell {
    cell(BackendName::Nftables, ProbeName::Connect)
}

fn record(cell: Cell, metric: Metric, round: u32, samples: &[f64]) -> CellRecord {
    CellRecord {
        scenario: "test".to_owned(),
        target: TargetName::Host,
        cell,
        round,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: samples.to_vec(),
        split: Splits::default(),
    }
}

fn without_samples(cell: Cell, metric: Metric, round: u32, outcome: Outcome, reason: &str) -> CellRecord {
    CellRecord { outcome, reason: reason.to_owned(), ..record(cell, metric, round, &[]) }
}

fn dataset(plan: &[Cell], rounds: u32, cells: Vec<CellRecord>) -> Dataset {
    let header = Header::example(Plan { rounds, cells: plan.to_vec(), ..Plan::example(TargetName::Host) });
    let end = "2026-01-01T00:01:00Z".parse().unwrap();
    let end = End { end, peak_rss: 1, interrupted: false, cells: BTreeMap::new(), boots: Vec::new() };
    Dataset { header, cells, end: Some(end) }
}

fn only(dataset: &Dataset) -> Row {
    let mut rows = summarise(dataset);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[test]
fn rounds_are_pooled_into_one_row() {
    let rounds = vec![
        record(nftables(), Metric::Connect, 0, &[1.0, 2.0, 3.0]),
        record(nftables(), Metric::Connect, 1, &[4.0, 5.0, f64::NAN]),
    ];
    let row = only(&dataset(&[nftables()], 2, rounds));
    assert_eq!((row.outcome, row.reason.as_str(), row.cell), (Outcome::Measured, "", nftables()));
    let figures = row.figures.unwrap();
    assert_eq!((figures.n, figures.min, figures.p50, figures.max, figures.mad), (5, 1.0, 3.0, 5.0, 1.0));
    assert!((figures.p90 - 4.6).abs() < 1e-9 && (figures.p99 - 4.96).abs() < 1e-9);
    assert!(figures.interval.is_some());
    assert_eq!(figures.ratio_to_direct, None);
}

#[test]
fn rows_come_in_the_order_of_the_plan_and_then_of_the_metrics() {
    let (direct, full) =
        (cell(BackendName::Direct, ProbeName::Connect), cell(BackendName::IptablesNft, ProbeName::SyncFull));
    let records = vec![
        record(direct, Metric::FirstByte, 0, &[1.0]),
        record(full, Metric::Rules, 0, &[1.0]),
        record(direct, Metric::Connect, 0, &[1.0]),
    ];
    let rows = summarise(&dataset(&[nftables(), full, direct], 1, records));
    let order: Vec<_> = rows.iter().map(|row| (row.cell.variant.backend, row.metric)).collect();
    let expected = [
        (BackendName::Nftables, Metric::Connect),
        (BackendName::IptablesNft, Metric::SyncFull),
        (BackendName::IptablesNft, Metric::Rules),
        (BackendName::Direct, Metric::Connect),
        (BackendName::Direct, Metric::FirstByte),
    ];
    assert_eq!(order, expected);
}

#[test]
fn the_ratio_compares_within_a_round_before_it_takes_a_median() {
    let direct = cell(BackendName::Direct, ProbeName::Connect);
    // The machine is ten times slower in the second round and was not measured directly in the third.
    let records = vec![
        record(direct, Metric::Connect, 0, &[10.0]),
        record(direct, Metric::Connect, 1, &[100.0]),
        record(nftables(), Metric::Connect, 0, &[20.0]),
        record(nftables(), Metric::Connect, 1, &[200.0]),
        record(nftables(), Metric::Connect, 2, &[999.0]),
    ];
    let rows = summarise(&dataset(&[direct, nftables()], 3, records));
    let ratios: Vec<_> = rows.iter().map(|row| row.figures.unwrap().ratio_to_direct).collect();
    assert_eq!(ratios, [Some(1.0), Some(2.0)]);
}

#[test]
fn a_direct_of_zero_is_no_baseline() {
    let direct = cell(BackendName::Direct, ProbeName::Connect);
    let records = vec![record(direct, Metric::Connect, 0, &[0.0]), record(nftables(), Metric::Connect, 0, &[20.0])];
    let rows = summarise(&dataset(&[direct, nftables()], 1, records));
    assert!(rows.iter().all(|row| row.figures.unwrap().ratio_to_direct.is_none()));
}

#[test]
fn a_failure_in_any_round_fails_the_row_and_keeps_its_figures() {
    for outcome in Outcome::ALL.iter().copied().filter(|outcome| *outcome != Outcome::Measured) {
        let records = vec![
            record(nftables(), Metric::Connect, 0, &[1.0]),
            without_samples(nftables(), Metric::Connect, 1, outcome, "the reason"),
        ];
        let row = only(&dataset(&[nftables()], 2, records));
        let failed = outcome == Outcome::Failed;
        assert_eq!(row.outcome, if failed { Outcome::Failed } else { Outcome::Measured });
        assert_eq!((row.reason.as_str(), row.figures.unwrap().n), ("the reason", 1));
    }
}

#[test]
fn without_samples_the_worst_round_decides() {
    let line = |round, outcome, reason| without_samples(nftables(), Metric::Connect, round, outcome, reason);
    let skipped = line(0, Outcome::Skipped, "no nft");
    let late = line(1, Outcome::OverBudget, "3 of 9");
    let failed = line(2, Outcome::Failed, "wrong endpoint");
    let silent = line(1, Outcome::Unanswered, "none of 9 got an answer");
    let of = |records: &[&CellRecord]| {
        let row = only(&dataset(&[nftables()], 3, records.iter().copied().cloned().collect()));
        assert_eq!(row.figures, None);
        (row.outcome, row.reason)
    };
    assert_eq!(of(&[&skipped, &skipped]), (Outcome::Skipped, "no nft".to_owned()));
    assert_eq!(of(&[&silent, &silent]), (Outcome::Unanswered, "none of 9 got an answer".to_owned()));
    assert_eq!(of(&[&skipped, &late]), (Outcome::OverBudget, "no nft; 3 of 9".to_owned()));
    assert_eq!(of(&[&skipped, &late, &failed]), (Outcome::Failed, "wrong endpoint".to_owned()));
    assert_eq!(of(&[&record(nftables(), Metric::Connect, 0, &[])]).0, Outcome::Failed);
}

#[test]
fn a_failed_cell_fails_all_its_metrics_but_a_failed_metric_only_itself() {
    let outcomes = |failed: Metric| {
        let records = vec![
            record(nftables(), Metric::Connect, 0, &[1.0]),
            record(nftables(), Metric::FirstByte, 0, &[1.0]),
            without_samples(nftables(), failed, 1, Outcome::Failed, "refused"),
        ];
        summarise(&dataset(&[nftables()], 1, records)).iter().map(|row| row.outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(Metric::Connect), [Outcome::Failed, Outcome::Failed]);
    assert_eq!(outcomes(Metric::FirstByte), [Outcome::Measured, Outcome::Failed]);
}

#[test]
fn a_cell_that_was_never_reached_is_a_row() {
    let row = only(&dataset(&[nftables()], 2, Vec::new()));
    assert_eq!((row.outcome, row.reason.as_str(), row.figures), (Outcome::Skipped, NEVER_REACHED, None));
    let row = &summarise(&dataset(&[cell(BackendName::Direct, ProbeName::Connect)], 2, Vec::new()))[0];
    assert_eq!((row.cell.variant.layout, row.cell.variant.way), (LayoutName::None, Way::None));
}

#[test]
fn a_cell_that_lacks_rounds_says_so() {
    let mut dataset = dataset(&[nftables()], 3, vec![record(nftables(), Metric::Connect, 0, &[1.0])]);
    assert_eq!(only(&dataset).reason, "measured in 1 of 3 rounds: no reason was recorded");
    dataset.end = None;
    assert_eq!(only(&dataset).reason, "measured in 1 of 3 rounds: the run ended before the others");
}

#[test]
fn a_cell_outside_the_plan_comes_last() {
    let stray = cell(BackendName::Direct, ProbeName::Connect);
    let rows = summarise(&dataset(&[nftables()], 1, vec![record(stray, Metric::Connect, 0, &[1.0])]));
    assert_eq!(
        rows.iter().map(|row| row.cell.variant.backend).collect::<Vec<_>>(),
        [BackendName::Nftables, BackendName::Direct]
    );
}

#[test]
fn two_layouts_of_one_backend_are_two_rows() {
    let one = nftables();
    let other = Cell { variant: Variant { layout: LayoutName::None, ..one.variant }, ..one };
    let records = vec![record(one, Metric::Connect, 0, &[1.0]), record(other, Metric::Connect, 0, &[9.0])];
    let rows = summarise(&dataset(&[one, other], 1, records));
    let medians: Vec<_> = rows.iter().map(|row| (row.cell, row.figures.map(|figures| figures.p50))).collect();
    assert_eq!(medians, [(one, Some(1.0)), (other, Some(9.0))]);
}
