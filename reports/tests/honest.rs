//! Whatever a dataset lacks, its report says so, and never panics.

mod sample;

use lab_core::dataset::{Dataset, Record};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use proptest::prelude::*;

/// Every rendered form of `dataset`.
fn all(dataset: &Dataset) -> [String; 4] {
    [reports::terminal(dataset, 100), reports::markdown(dataset), reports::html(dataset), reports::csv(dataset)]
}

/// The text forms of `dataset`, without line breaks.
fn words(dataset: &Dataset) -> [String; 3] {
    let [terminal, markdown, html, _] = all(dataset);
    [terminal, markdown, html].map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn assert_says(dataset: &Dataset, sentence: &str) {
    for (form, text) in ["the terminal", "Markdown", "HTML"].iter().zip(words(dataset)) {
        assert!(text.contains(sentence), "{form} does not say {sentence:?}");
    }
}

/// The same of a sentence in a table, which a terminal breaks into lines beside each other.
fn assert_tabulates(dataset: &Dataset, sentence: &str) {
    for text in &words(dataset)[1..] {
        assert!(text.contains(sentence), "{sentence:?} is missing");
    }
}

fn lines(dataset: Dataset) -> Vec<String> {
    let Dataset { header, cells, end } = dataset;
    let records = cells.into_iter().map(Record::Cell).chain(end.map(Record::End));
    std::iter::once(Record::Run(Box::new(header))).chain(records).map(|record| record.line()).collect()
}

#[test]
fn an_empty_plan_was_asked_nothing() {
    let mut dataset = sample::dataset();
    dataset.header.plan.cells.clear();
    dataset.cells.clear();
    assert_says(&dataset, "No answer: nothing was measured.");
    assert_says(&dataset, "The plan has no cells: nothing was asked.");
    assert!(!reports::html(&dataset).contains("<svg"));
    assert_eq!(reports::csv(&dataset).lines().count(), 1);
}

#[test]
fn a_run_that_was_cut_off_at_once_lists_every_cell() {
    let dataset = Dataset { cells: Vec::new(), end: None, ..sample::dataset() };
    assert_says(&dataset, "No answer: nothing was measured.");
    assert_says(&dataset, "the run ended before it");
    assert_tabulates(&dataset, "direct: connect, connections_per_second and bandwidth at 1, 1,000 and 20,000 Services");
    assert_says(&dataset, "not known: the dataset was cut off before its end line");
    assert!(!reports::html(&dataset).contains("<svg"));
    assert_eq!(reports::csv(&dataset).lines().count(), 1 + dataset.header.plan.cells.len());
}

#[test]
fn a_run_cut_off_in_its_second_round_says_which_cells_lack_rounds() {
    let mut dataset = sample::dataset();
    dataset.cells.retain(|cell| cell.round == 0);
    dataset.end = None;
    assert_says(&dataset, "measured less often");
    assert_says(&dataset, "All of it was measured in one round: too few");
    assert_tabulates(&dataset, "measured in 1 of 3 rounds: the run ended before the others");
}

#[test]
fn one_cell_with_one_sample_makes_no_comparison() {
    let mut dataset = sample::dataset();
    let keep =
        |backend, probe, services| backend == BackendName::Nftables && probe == ProbeName::SyncFull && services == 1;
    dataset.header.plan.cells.retain(|cell| keep(cell.backend, cell.probe, cell.services));
    dataset.header.plan.rounds = 1;
    dataset.cells.retain(|cell| {
        keep(cell.backend, cell.probe, cell.services) && cell.round == 0 && cell.metric == Metric::SyncFull
    });
    assert_says(&dataset, "at 1 Service, the median is 6.13 ms with nftables.");
    assert_says(&dataset, "Nothing: every cell of the plan was measured in every round.");
    assert_eq!(reports::csv(&dataset).lines().count(), 2);
}

#[test]
fn single_samples_are_not_called_different() {
    let mut dataset = sample::dataset();
    dataset.header.plan.rounds = 1;
    dataset.header.plan.cells.retain(|cell| cell.probe == ProbeName::SyncFull);
    dataset.cells.retain(|cell| cell.round == 0 && cell.probe == ProbeName::SyncFull);
    assert_says(&dataset, "no difference is claimed");
    assert_says(&dataset, "iptables-nft is over-budget there");
}

#[test]
fn a_run_in_which_all_failed_shows_failed_everywhere() {
    let mut dataset = sample::dataset();
    for cell in &mut dataset.cells {
        cell.outcome = Outcome::Failed;
        cell.reason = "the node has no loopback".to_owned();
        cell.samples.clear();
    }
    assert_says(&dataset, "No answer: nothing was measured.");
    assert_says(&dataset, "the node has no loopback");
    assert_says(&dataset, "113 failed of 113");
    let failed = reports::markdown(&dataset).lines().filter(|line| line.contains("| failed |")).count();
    assert!(failed > 20, "{failed}");
}

#[test]
fn no_cell_of_a_table_is_empty() {
    let markdown = reports::markdown(&sample::dataset());
    for line in markdown.lines().filter(|line| line.starts_with('|')) {
        assert!(line.trim_matches('|').split(" | ").all(|cell| !cell.trim().is_empty()), "{line}");
    }
}

#[test]
fn the_terminal_keeps_to_its_width() {
    for width in [0, 60, 80, 100, 200] {
        let text = reports::terminal(&sample::dataset(), width);
        let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(longest.chars().count() <= usize::from(width).max(60), "at {width}: {longest:?}");
    }
}

#[test]
fn the_page_asks_nothing_of_the_network_and_runs_no_script() {
    let html = reports::html(&sample::dataset());
    assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for forbidden in ["<script", "<link", "<img", "src=", "url(", "@import"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("What does a Service cost, &#38; where &#60;is&#62; it | paid?"), "the question is escaped");
    assert!(html.matches("<svg").count() == 3 && html.len() < 3_000_000);
    let heads = html.matches("<th").count() - html.matches("<thead").count();
    assert_eq!(heads, html.matches("<th scope=").count());
}

#[test]
fn a_size_beyond_what_kubernetes_supports_is_called_so() {
    assert_says(&sample::dataset(), "20,000 Services is past that (20,000 is 2.00× the limit)");
    let mut small = sample::dataset();
    small.header.plan.cells.retain(|cell| cell.services < 20_000);
    small.cells.retain(|cell| cell.services < 20_000);
    assert!(words(&small).iter().all(|text| !text.contains("is past that")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_subset_of_a_datasets_lines_makes_a_report_panic(
        keep in proptest::collection::vec(any::<bool>(), 2000),
        share in 0_usize..20,
        cut in 0_usize..200,
    ) {
        let lines = lines(sample::dataset());
        let kept = lines.iter().enumerate().filter(|(index, _)| *index == 0 || (keep[*index] && index % 20 < share));
        let text: String = kept.map(|(_, line)| line.as_str()).collect();
        let header = lines[0].len();
        let dataset = Dataset::read(&text[..text.len() - cut.min(text.len() - header)]).unwrap();
        prop_assert!(all(&dataset).iter().all(|text| !text.is_empty()));
    }
}
