//! Whatever a dataset lacks, its report says so, and never panics.

#[path = "honest/apart.rs"]
mod apart;
mod sample;

use lab_core::dataset::{CellRecord, Dataset, Record};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use proptest::prelude::*;
use reports::Runs;
use reports::report::Report;
use std::slice;

/// Every rendered form of `dataset`.
fn all(dataset: &Dataset) -> [String; 4] {
    let [terminal, markdown, html] = texts(&dataset.clone().into());
    [terminal, markdown, html, reports::csv(slice::from_ref(dataset))]
}

/// What is there to be read of `runs`.
fn texts(runs: &Runs) -> [String; 3] {
    [Report::of(runs).terminal(100), Report::of(runs).markdown(), Report::of(runs).html()]
}

fn html(dataset: &Dataset) -> String {
    Report::of(&dataset.clone().into()).html()
}

fn markdown(dataset: &Dataset) -> String {
    Report::of(&dataset.clone().into()).markdown()
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
    assert!(!html(&dataset).contains("<svg"));
    assert_eq!(reports::csv(slice::from_ref(&dataset)).lines().count(), 1);
}

#[test]
fn what_a_tool_said_is_no_reason_for_fewer_rounds() {
    let whole = sample::dataset();
    let mut told = whole.clone();
    let measured = told
        .cells
        .iter()
        .find(|record| record.metric == Metric::Connect && !record.samples.is_empty())
        .unwrap()
        .clone();
    let said = "Another app is currently holding the xtables lock";
    let (metric, unit) = (Metric::WriterRefused, Metric::WriterRefused.unit());
    told.cells.push(CellRecord { metric, unit, samples: vec![3.0], reason: said.to_owned(), ..measured });
    let short = |dataset: &Dataset| Report::of(&dataset.clone().into()).missing;
    assert_eq!(short(&told), short(&whole));
    assert!(reports::csv(slice::from_ref(&told)).contains(said));
}

#[test]
fn a_run_that_was_cut_off_at_once_lists_every_cell() {
    let dataset = Dataset { cells: Vec::new(), end: None, ..sample::dataset() };
    assert_says(&dataset, "No answer: nothing was measured.");
    assert_says(&dataset, "the run ended before it");
    assert_tabulates(&dataset, "direct: connect, connections_per_second and bandwidth at 1, 1,000 and 20,000 Services");
    assert_says(&dataset, "not known: the record has no end line; the run goes on, or broke off");
    assert!(!html(&dataset).contains("<svg"));
    assert_eq!(reports::csv(slice::from_ref(&dataset)).lines().count(), 1 + dataset.header.plan.cells.len());
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
    dataset.header.plan.cells.retain(|cell| keep(cell.variant.backend, cell.probe, cell.cluster.services));
    dataset.header.plan.rounds = 1;
    dataset.cells.retain(|cell| {
        keep(cell.cell.variant.backend, cell.cell.probe, cell.cell.cluster.services)
            && cell.round == 0
            && cell.metric == Metric::SyncFull
    });
    assert_says(&dataset, "at 1 Service, the median is 6.17 ms with nftables.");
    assert_says(&dataset, "Nothing: every cell of the plan was measured in every round.");
    assert_eq!(reports::csv(slice::from_ref(&dataset)).lines().count(), 2);
}

#[test]
fn single_samples_are_not_called_different() {
    let mut dataset = sample::dataset();
    dataset.header.plan.rounds = 1;
    dataset.header.plan.cells.retain(|cell| cell.probe == ProbeName::SyncFull);
    dataset.cells.retain(|record| record.round == 0 && record.cell.probe == ProbeName::SyncFull);
    assert_says(&dataset, "no difference is claimed");
    assert_says(&dataset, "iptables-nft was not measured there: over budget");
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
    let failed = html(&dataset).matches(">failed</td>").count();
    assert!(failed > 20, "{failed}");
}

/// The datasets, one on each clock.
fn on_each_clock() -> [Dataset; 3] {
    [sample::dataset(), sample::emulated(), sample::counted()]
}

#[test]
fn on_every_clock_an_empty_a_cut_off_and_a_failed_run_say_so() {
    for dataset in on_each_clock() {
        let mut empty = dataset.clone();
        empty.header.plan.cells.clear();
        empty.header.references.clear();
        empty.cells.clear();
        assert_says(&empty, "No answer: nothing was measured.");
        assert_says(&empty, "The plan has no cells: nothing was asked.");

        let cut = Dataset { cells: Vec::new(), end: None, ..dataset.clone() };
        assert_says(&cut, "No answer: nothing was measured.");
        assert_says(&cut, "the run ended before it");

        let mut failed = dataset;
        for cell in &mut failed.cells {
            cell.outcome = Outcome::Failed;
            cell.reason = "the node has no loopback".to_owned();
            cell.samples.clear();
        }
        assert_says(&failed, "the node has no loopback");
        let cells = failed.header.plan.cells.len();
        assert_says(&failed, &format!("{cells} failed of {cells}"));
    }
}

#[test]
fn a_single_count_of_instructions_stands_alone() {
    let mut dataset = sample::counted();
    dataset.header.plan.replicas = 1;
    dataset.header.references.clear();
    dataset.header.plan.cells.retain(|cell| cell.probe == ProbeName::SyncFull && cell.cluster.services == 1);
    let cells = dataset.header.plan.cells.clone();
    dataset.cells.retain(|record| record.replica == 0 && cells.contains(&record.cell));
    assert_says(&dataset, "at 1 Service, it takes");
    assert_says(&dataset, "All of it was counted in one replica");
    assert_says(
        &dataset,
        "Nothing: every cell of the plan was measured in every replica.".trim_start_matches("Nothing"),
    );
    let html = html(&dataset);
    assert!(html.contains("Exact: counted once in every cell.") && !html.contains("n = 1"));
}

#[test]
fn a_replica_that_is_missing_is_no_round() {
    let mut dataset = sample::counted();
    dataset.cells.retain(|cell| cell.replica == 0);
    dataset.end = None;
    assert_tabulates(&dataset, "measured in 1 of 2 replicas: the run ended before the others");
}

#[test]
fn counted_instructions_never_look_like_times() {
    let mut dataset = sample::counted();
    // What was published are times.
    dataset.header.references.clear();
    dataset.header.host.remove("cpu");
    for text in words(&dataset) {
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for time in [" ns", " µs", " ms", " in s,", " in s ", "bit/s", "0/s", "1/s", "cores", " s with"] {
            assert!(!text.contains(time), "{time:?}");
        }
        assert!(text.contains("Instructions are not time; cache and memory effects"));
    }
}

#[test]
fn an_emulated_clock_is_named_in_every_title() {
    let dataset = sample::emulated();
    assert_says(&dataset, "Emulated wall clock: ratios only.");
    let markdown = markdown(&dataset);
    let measured = markdown.split("## Findings").next().unwrap();
    let exact = ["(tool_peak_rss)", "(kernel_memory)"];
    let titles: Vec<&str> = measured.lines().filter_map(|line| line.strip_prefix("##")).collect();
    for title in &titles {
        assert!(title.contains("emulated") || exact.iter().any(|metric| title.contains(metric)), "{title}");
    }
    assert!(titles.len() > 5, "{titles:?}");
    let html = html(&dataset);
    assert_eq!(html.matches("(emulated) <small>").count(), html.matches("<figcaption>").count());
}

#[test]
fn a_time_is_never_divided_by_a_count_of_instructions() {
    let dataset = sample::counted();
    assert_tabulates(&dataset, "So only shapes are compared");
    assert_says(&dataset, "iptables, from 1 to 20,000 Services: published grows 360,000,000×; measured: sync_full of");
    assert_tabulates(&dataset, "published, wall: huawei-add-rule");
    let html = html(&dataset);
    assert!(html.contains(">measured, instructions</th>"));
    assert!(html.contains("Add one rule (append_rule), median in M instr"));
}

#[test]
fn a_published_end_that_was_not_met_stands_beside_what_was_measured() {
    let mut dataset = sample::counted();
    let grown = |services: &mut u32| *services = if *services == 20_000 { 50_000 } else { *services };
    dataset.header.plan.cells.iter_mut().for_each(|cell| grown(&mut cell.cluster.services));
    for cell in &mut dataset.cells {
        grown(&mut cell.cell.cluster.services);
        if cell.cell.probe == ProbeName::Bandwidth && cell.metric == Metric::Bandwidth {
            cell.outcome = Outcome::Measured;
            cell.reason.clear();
            cell.samples = vec![21e9];
        }
    }
    assert_says(
        &dataset,
        "iptables at 50,000 Services: published out of memory; measured: kernel_memory of iptables-legacy is",
    );
    assert_says(
        &dataset,
        "iptables last, from 1 to 50,000 Services: published falls to 0×; measured: bandwidth last of iptables-legacy shows \
         no difference (1.00×).",
    );
}

#[test]
fn a_published_size_that_is_not_in_the_plan_is_listed_with_the_reason() {
    let dataset = sample::counted();
    assert_tabulates(&dataset, "huawei-bandwidth at 5,000, 10,000, 25,000 and 50,000 Services");
    assert_tabulates(&dataset, "the plan has 1, 1,000 and 20,000 Services only");
    let mut other = sample::dataset();
    other.header.references = vec!["huawei-cpu".to_owned(), "lost".to_owned()];
    assert_tabulates(&other, "huawei-cpu: cpu_sync of iptables-legacy and cpu_sync of ipvs");
    assert_tabulates(&other, "published lost");
}

#[test]
fn no_cell_of_a_table_is_empty() {
    for dataset in on_each_clock() {
        let markdown = markdown(&dataset);
        for line in markdown.lines().filter(|line| line.starts_with('|')) {
            assert!(line.trim_matches('|').split(" | ").all(|cell| !cell.trim().is_empty()), "{line}");
        }
    }
}

#[test]
fn the_terminal_keeps_to_its_width_and_to_a_few_pages() {
    for dataset in on_each_clock() {
        for width in [0, 60, 80, 100, 200] {
            let text = Report::of(&dataset.clone().into()).terminal(width);
            let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(longest.chars().count() <= usize::from(width).max(60), "at {width}: {longest:?}");
        }
    }
    for dataset in on_each_clock() {
        let smoke = Report::of(&sample::smoke(dataset).into()).terminal(100);
        assert!(smoke.lines().count() < 145, "{smoke}");
        assert_eq!(smoke.matches("sync_full  ").count(), 2, "the table is in one part: {smoke}");
    }
}

#[test]
fn the_page_asks_nothing_of_the_network_and_runs_its_own_script_only() {
    let html = html(&sample::dataset());
    let policy = "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-";
    assert!(html.contains(policy) && html.matches("<script>").count() == 1);
    for forbidden in ["<link", "<img", "src=", "url(", "@import"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    // Where there is nothing to zoom into, there is no script at all.
    let mut few = sample::dataset();
    few.cells.retain(|record| record.cell.probe == ProbeName::SyncFull);
    let html_of_few = self::html(&few);
    assert!(html_of_few.contains("style-src 'unsafe-inline'\"") && !html_of_few.contains("<script"));
    assert!(html.contains("What does a Service cost, &#38; where &#60;is&#62; it | paid?"), "the question is escaped");
    assert!(html.matches("<svg").count() > 8 && html.len() < 3_000_000);
    let heads = html.matches("<th").count() - html.matches("<thead").count();
    assert_eq!(heads, html.matches("<th scope=").count());
}

#[test]
fn a_size_beyond_what_kubernetes_supports_is_called_so() {
    assert_says(&sample::dataset(), "20,000 Services is past that (20,000 is 2.00× the limit)");
    let mut small = sample::dataset();
    small.header.plan.cells.retain(|cell| cell.cluster.services < 20_000);
    small.cells.retain(|record| record.cell.cluster.services < 20_000);
    assert!(words(&small).iter().all(|text| !text.contains("is past that")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_subset_of_a_datasets_lines_makes_a_report_panic(
        keep in proptest::collection::vec(any::<bool>(), 3000),
        share in 0_usize..20,
        cut in 0_usize..200,
        clock in 0_usize..3,
    ) {
        let lines = lines(on_each_clock()[clock].clone());
        let kept = lines.iter().enumerate().filter(|(index, _)| *index == 0 || (keep[*index] && index % 20 < share));
        let text: String = kept.map(|(_, line)| line.as_str()).collect();
        let header = lines[0].len();
        let dataset = Dataset::read(&text[..text.len() - cut.min(text.len() - header)]).unwrap();
        let texts = all(&dataset);
        prop_assert!(texts.iter().all(|text| !text.is_empty()));
        prop_assert!(!texts[2].contains("<tbody>\n</tbody>"), "a table is empty");
        for drawing in texts[2].split("<svg role=\"img\"").skip(1) {
            let drawing = drawing.split("</svg>").next().unwrap();
            prop_assert!(drawing.contains("class=\"point\"") || drawing.contains("<path fill="), "a chart is empty");
        }
    }
}
