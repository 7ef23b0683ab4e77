//! What a reader is told to take, and what follows from the figures.

#[allow(dead_code, reason = "other tests use the rest of it")]
mod sample;

use lab_core::cell::{Activity, Source};
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName};
use reports::report::Report;

fn told(dataset: &Dataset) -> String {
    let markdown = Report::of(&dataset.clone().into()).markdown();
    markdown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_told(dataset: &Dataset, sentence: &str) {
    let told = told(dataset);
    let start = told.find("**From").or_else(|| told.find("**At")).unwrap_or(0);
    assert!(
        told.contains(sentence),
        "{sentence:?} is not in: {}",
        told.chars().skip(start).take(1500).collect::<String>()
    );
}

/// `dataset` with `metric` of `backend` at all sizes from `services` on times `factor`.
fn times(mut dataset: Dataset, backend: BackendName, metric: Metric, services: u32, factor: f64) -> Dataset {
    let cells =
        dataset.cells.iter_mut().filter(|record| record.cell.variant.backend == backend && record.metric == metric);
    for cell in cells.filter(|record| record.cell.cluster.services >= services) {
        cell.samples.iter_mut().for_each(|sample| *sample *= factor);
    }
    dataset
}

#[test]
fn what_costs_least_of_a_change_and_of_a_connection_is_to_be_taken() {
    let dataset = sample::dataset();
    assert_told(
        &dataset,
        "**From 1,000 to 20,000 Services, take nftables rather than iptables-legacy or iptables-nft.** At 1,000,",
    );
    assert_told(
        &dataset,
        "a change costs 6.03 ms and a new connection 23.5 µs; iptables-legacy needs 2.47× and 1.40× as much,",
    );
    assert_told(&dataset, "At 1 Service, iptables-legacy, iptables-nft and nftables cost alike.");
    assert_told(
        &dataset,
        "**Why:** The first packet of a connection is tried against iptables' rules one after the other",
    );
}

#[test]
fn an_imported_cluster_is_found_as_it_is() {
    let mut dataset = sample::dataset();
    let imported = |name: &str| name.to_owned().into();
    let source = Source::Imported { name: imported("dump.yaml"), digest: imported("0123abc") };
    dataset.header.plan.cells.iter_mut().for_each(|cell| cell.cluster.source = source);
    dataset.cells.iter_mut().for_each(|record| record.cell.cluster.source = source);
    assert_told(&dataset, "At 1,000, a change costs 6.03 ms and a new connection 23.5 µs;");
}

#[test]
fn its_price_is_said_where_another_starts_for_less() {
    let dataset = times(sample::dataset(), BackendName::Nftables, Metric::SyncFull, 1, 10.0);
    assert_told(&dataset, "Its price: a cold start costs 376 ms, where iptables-legacy needs 45.9 ms.");
}

#[test]
fn those_that_cost_alike_are_told_apart_by_what_a_cold_start_costs() {
    let dataset = sample::counted();
    assert_told(&dataset, "**At 1,000 Services, ipvs and nftables cost alike.**");
    assert_told(
        &dataset,
        "What tells them apart: a cold start costs 37.8 M instr with nftables, with ipvs (kube-proxy) 6.52×",
    );
}

/// `dataset` where of `backend`'s `metrics` at 20,000 Services nothing has a figure.
fn without(mut dataset: Dataset, backend: BackendName, metrics: &[Metric], outcome: Outcome) -> Dataset {
    for record in &mut dataset.cells {
        let is_one = record.cell.variant.backend == backend && record.cell.cluster.services == 20_000;
        if is_one && metrics.contains(&record.metric) {
            (record.outcome, record.reason, record.samples) = (outcome, "it took too long".to_owned(), Vec::new());
        }
    }
    dataset
}

#[test]
fn nothing_is_recommended_where_what_could_be_better_was_not_measured() {
    let steady = [Metric::SyncChange, Metric::Connect];
    let told = without(sample::dataset(), BackendName::Nftables, &steady, Outcome::OverBudget);
    assert_told(
        &told,
        "; nftables was not measured there: over budget; iptables-nft was not loaded there: over budget; nothing is recommended.",
    );
    assert_told(&told, "| no advice |");
    // What this machine does not have cannot be taken on it.
    let told = without(sample::dataset(), BackendName::Nftables, &steady, Outcome::Skipped);
    assert_told(&told, "; nftables was not measured there: skipped; iptables-nft was not loaded there: over budget.");
    // What costs more of one is not the best of both.
    let told = without(sample::dataset(), BackendName::IptablesNft, &[Metric::Connect], Outcome::OverBudget);
    assert_told(&told, "At 20,000 Services, take nftables rather than iptables-legacy or iptables-nft");
}

#[test]
fn what_could_not_be_loaded_is_not_recommended() {
    let told = without(sample::dataset(), BackendName::Nftables, &[Metric::SyncFull], Outcome::OverBudget);
    assert_told(&told, "nftables costs less than iptables-legacy and iptables-nft; nftables was not loaded there:");
    assert_told(&told, "| no advice |");
    // Of two that cost alike, the other is taken.
    assert_told(&sample::counted(), "ipvs and nftables cost alike; ipvs was not loaded there: over budget.");
    assert_told(&sample::counted(), "| 20,000 | nftables |");
}

#[test]
fn what_upstream_says_of_each_mode_that_was_measured_is_told_with_its_source() {
    assert_told(&sample::counted(), "ipvs mode is deprecated since 1.35, to be removed (KEP-5495);");
    assert!(!told(&sample::dataset()).contains("ipvs mode is"), "it was not measured");
}

#[test]
fn where_one_costs_least_of_this_and_another_of_that_it_depends() {
    let dataset = times(sample::dataset(), BackendName::Nftables, Metric::Connect, 1000, 5.0);
    assert_told(
        &dataset,
        "Services, it depends: a change costs least with nftables and a new connection costs least with",
    );
    assert_told(&dataset, "| it depends |");
}

/// A single round of changes and connections, with one sample of each of `metrics`.
fn single(metrics: &[Metric]) -> Dataset {
    let mut dataset = sample::dataset();
    dataset.header.plan.rounds = 1;
    dataset.header.plan.cells.retain(|cell| matches!(cell.probe, ProbeName::SyncChange | ProbeName::Connect));
    dataset.cells.retain(|cell| cell.round == 0);
    let cells = dataset.cells.iter_mut().filter(|cell| metrics.contains(&cell.metric));
    cells.for_each(|cell| cell.samples.truncate(1));
    dataset
}

#[test]
fn what_costs_least_by_one_sample_is_not_yet_to_be_taken() {
    let told = told(&single(&[Metric::SyncChange]));
    assert!(
        told.contains("nftables seems to cost least, but there are too few samples to say: take more rounds"),
        "{told}"
    );
}

#[test]
fn of_one_sample_each_no_difference_is_claimed() {
    let dataset = single(&[Metric::SyncChange, Metric::Connect]);
    assert_told(
        &dataset,
        "no difference is claimed between iptables-legacy, iptables-nft and nftables: there are too few",
    );
}

#[test]
fn too_few_samples_say_nothing_of_position() {
    let mut dataset = single(&[]);
    let mut far = 0;
    for cell in dataset.cells.iter_mut().filter(|cell| cell.metric == Metric::Connect) {
        let middle = if cell.cell.position == Some(Position::Last) { 1.59 } else { 1.0 };
        cell.samples = [0.3, 1.0, 1.7].map(|part| 20_000.0 * middle * part).to_vec();
        far += 1;
    }
    assert!(far > 4);
    let told = told(&dataset);
    let words = "There are too few samples to say whether position makes a difference to a new connection:";
    assert!(told.contains(words) && !told.contains("Position makes no difference to a new connection"), "{told}");
}

#[test]
fn a_budget_that_was_exceeded_is_a_finding_and_a_mark_in_the_chart() {
    let dataset = sample::dataset();
    assert_told(
        &dataset,
        "- **Over budget:** iptables-nft at 20,000 Services, sync_full: one sync had not ended after 60 s.",
    );
    assert_told(&dataset, "At 1,000 it was 166 ms; that is 20.0× the Services.");
    let html = Report::of(&dataset.into()).html();
    assert!(html.contains("<title>iptables-nft, 20,000 Services: over-budget</title>"));
    assert!(html.contains("Marked at the upper edge, over-budget: iptables-nft at 20,000 Services."));
}

#[test]
fn position_makes_a_difference_to_connections_and_none_to_bandwidth() {
    let dataset = sample::dataset();
    assert_told(
        &dataset,
        "- **Position makes a difference to a new connection with some:** at 20,000 Services, the last one",
    );
    assert_told(
        &dataset,
        "- **Position makes no difference to bandwidth that the intervals show:** at 20,000 Services, the last one reaches",
    );
    let mut slow = dataset;
    for cell in &mut slow.cells {
        if cell.metric == Metric::Bandwidth && cell.cell.position == Some(Position::Last) {
            cell.samples.iter_mut().for_each(|sample| *sample /= 2.0);
        }
    }
    assert_told(
        &slow,
        "- **Position makes a difference to bandwidth:** at 20,000 Services, the last one reaches 0.50×",
    );
}

#[test]
fn a_run_that_was_all_over_budget_has_findings_and_no_charts() {
    let mut dataset = sample::dataset();
    for cell in &mut dataset.cells {
        cell.outcome = Outcome::OverBudget;
        cell.reason = "60 s were used up".to_owned();
        cell.samples.clear();
    }
    assert_told(&dataset, "No answer: nothing was measured.");
    assert_told(&dataset, "nftables at 1 Service and beyond, sync_full and 7 more metrics: 60 s were used up.");
    assert!(!Report::of(&dataset.into()).html().contains("<svg"));
}

/// `dataset` with `memory` MiB for each of its cells.
fn limited(mut dataset: Dataset, memory: u32) -> Dataset {
    let activity = Activity { memory: Some(memory), ..Activity::default() };
    dataset.header.plan.cells.iter_mut().for_each(|cell| cell.activity = activity);
    dataset.cells.iter_mut().for_each(|record| record.cell.activity = activity);
    dataset
}

#[test]
fn what_is_beside_all_is_said_once_and_what_is_not_is_a_name() {
    let dataset = limited(sample::dataset(), 512);
    assert_told(&dataset, "All of it is with 512 MiB of memory.");
    assert!(!told(&dataset).contains("(512 MiB of memory"), "{}", told(&dataset));
    let mut both = dataset;
    let slow = times(limited(sample::dataset(), 384), BackendName::Nftables, Metric::SyncFull, 1, 3.0);
    both.header.plan.cells.extend(slow.header.plan.cells);
    both.cells.extend(slow.cells);
    assert!(!told(&both).contains("All of it is with"));
    assert_told(&both, "- **What a node has to do besides matters:** sync_full at 20,000 Services:");
    assert_told(&both, "with nftables (384 MiB of memory). They are given the same Services.");
}

#[test]
fn of_many_contenders_the_best_and_the_worst_are_told() {
    let mut dataset = sample::dataset();
    for (memory, factor) in [(256, 0.5), (384, 0.7), (512, 0.9)] {
        let other = times(limited(sample::dataset(), memory), BackendName::Nftables, Metric::Bandwidth, 1, factor);
        dataset.header.plan.cells.extend(other.header.plan.cells);
        dataset.cells.extend(other.cells);
    }
    dataset.header.plan.cells.retain(|cell| cell.probe == ProbeName::Bandwidth);
    dataset.cells.retain(|record| record.cell.probe == ProbeName::Bandwidth);
    assert_told(&dataset, "with nftables (256 MiB of memory) (0.48× direct); 10 are between them.");
}
