//! Every rendered text against its golden file. `BLESS=1` rewrites them; read the difference before you commit it.

mod sample;

use lab_core::dataset::{Dataset, Record};
use reports::Runs;
use reports::report::Report;
use std::path::Path;

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(golden, now)| golden != now);
    assert!(golden == text, "{name} differs from line {:?} on; BLESS=1 rewrites it", differs.map(|line| line + 1));
}

#[test]
fn the_dataset_is_written_as_before() {
    let Dataset { header, cells, end } = sample::dataset();
    let records = std::iter::once(Record::Run(Box::new(header)))
        .chain(cells.into_iter().map(Record::Cell))
        .chain(end.map(Record::End));
    let text: String = records.map(|record| record.line()).collect();
    check("run.jsonl", &text);
    assert_eq!(Dataset::read(&text).unwrap(), sample::dataset());
}

#[test]
fn the_terminal_shows_it_as_before() {
    check("report.txt", &Report::of(&sample::dataset().into()).terminal(100));
}

#[test]
fn markdown_is_as_before() {
    check("report.md", &Report::of(&sample::dataset().into()).markdown());
}

#[test]
fn html_is_as_before() {
    check("report.html", &Report::of(&sample::dataset().into()).html());
}

#[test]
fn the_summary_is_as_before() {
    check("summary.csv", &reports::csv(&[sample::dataset()]));
}

#[test]
fn counted_instructions_are_written_as_before() {
    let run = Runs::from(sample::counted());
    check("counted.txt", &Report::of(&run).terminal(100));
    check("counted.md", &Report::of(&run).markdown());
    check("counted.html", &Report::of(&run).html());
    check("counted.csv", &reports::csv(run.datasets()));
}

#[test]
fn an_emulated_clock_is_labelled_as_before() {
    check("emulated.md", &Report::of(&sample::emulated().into()).markdown());
}

#[test]
fn a_small_run_of_every_backend_is_shown_as_before() {
    check("smoke.txt", &Report::of(&sample::smoke(sample::counted()).into()).terminal(100));
}
