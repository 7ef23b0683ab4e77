//! Files of format 1 that svclab wrote on real machines are read as they were, for ever.
//!
//! The figures were worked out from the files by another program. Do not change them: change the reader.

use analysis::gate::compare;
use analysis::summary::{Row, summarise};
use lab_core::dataset::{Dataset, FORMAT, Read, ReadError, Reading, Record};
use lab_core::vocabulary::{Clock, Outcome, TargetName, Word};
use std::collections::BTreeMap;

const HOST: &str = include_str!("format-1/host.jsonl");
const EXACT: &str = include_str!("format-1/exact.jsonl");
const FAILED: &str = include_str!("format-1/failed.jsonl");

/// Where a row is: backend, way, services, position, metric.
type Place = (&'static str, &'static str, u32, &'static str, &'static str);

fn row(rows: &[Row], place: Place) -> &Row {
    let of = |row: &&Row| {
        let position = row.cell.position.map_or("", Word::name);
        (
            row.cell.variant.backend.name(),
            row.cell.variant.way.name(),
            row.cell.cluster.services,
            position,
            row.metric.name(),
        ) == place
    };
    rows.iter().find(of).unwrap_or_else(|| panic!("no row {place:?}"))
}

fn assert_figures(rows: &[Row], place: Place, expected: (usize, f64, f64, f64)) {
    let row = row(rows, place);
    let figures = row.figures.unwrap();
    assert_eq!(row.outcome, Outcome::Measured, "{place:?}");
    assert_eq!((figures.n, figures.min, figures.p50, figures.max), expected, "{place:?}");
}

fn assert_ended(rows: &[Row], place: Place, outcome: Outcome, reason: &str) {
    let row = row(rows, place);
    assert_eq!((row.outcome, row.figures), (outcome, None), "{place:?}");
    assert!(row.reason.starts_with(reason), "{place:?}: {}", row.reason);
}

/// Records, samples, and how many cells ended how, as the file's end says.
fn assert_size(dataset: &Dataset, records: usize, samples: usize, ended: &[(Outcome, u32)]) {
    assert_eq!(dataset.cells.len(), records);
    assert_eq!(dataset.cells.iter().map(|record| record.samples.len()).sum::<usize>(), samples);
    assert_eq!(dataset.end.as_ref().unwrap().cells, BTreeMap::from_iter(ended.iter().copied()));
}

#[test]
fn a_run_on_the_host_is_read_as_it_was() {
    let dataset = Dataset::read(HOST).unwrap();
    let header = &dataset.header;
    assert_eq!(header.id, "format-20261121T172903767Z");
    assert_eq!(
        (header.clock, header.plan.target, header.kernel()),
        (Clock::Wall, TargetName::Host, Some("6.18.44-fc-v595"))
    );
    assert_eq!((header.plan.rounds, header.plan.dials, header.plan.cells.len()), (2, 5, 24));
    assert_eq!(header.start.to_string(), "2026-11-21T17:29:03.767974045Z");
    let ended = [(Outcome::Measured, 8), (Outcome::Skipped, 8), (Outcome::OverBudget, 8)];
    assert_size(&dataset, 80, 160, &ended);

    let rows = summarise(&dataset);
    assert_eq!(rows.len(), 48);
    assert_figures(&rows, ("direct", "none", 1, "first", "connect"), (10, 24_216.0, 24_997.5, 32_348.0));
    assert_figures(&rows, ("iptables-legacy", "partial", 1, "first", "first_byte"), (10, 68_352.0, 70_535.0, 75_202.0));
    assert_figures(&rows, ("nftables", "partial", 1, "", "sync_full"), (2, 18_212_538.0, 20_540_002.0, 22_867_466.0));
    let ip_vs = "ipvs needs the ip_vs module, which kernel 6.18.44-fc-v595 lacks";
    assert_ended(&rows, ("ipvs", "kube-proxy", 1, "", "sync_full"), Outcome::Skipped, ip_vs);
    let late = "nft was ended after 1.04 s; it had read all of its input";
    assert_ended(&rows, ("nftables", "partial", 20_000, "last", "connect"), Outcome::OverBudget, late);
}

#[test]
fn a_run_of_counted_instructions_is_read_as_it_was() {
    let dataset = Dataset::read(EXACT).unwrap();
    let header = &dataset.header;
    assert_eq!((header.clock, header.kernel()), (Clock::Instructions, Some("6.1.0-56-amd64")));
    assert_eq!(header.guest["kernel_package"], "linux-image-6.1.0-56-amd64 6.1.192-2");
    assert_size(&dataset, 55, 55, &[(Outcome::Measured, 20)]);
    assert_eq!(dataset.end.as_ref().unwrap().boots.len(), 6);

    let rows = summarise(&dataset);
    let once = |value| (1, value, value, value);
    assert_figures(&rows, ("ipvs", "kube-proxy", 4, "", "sync_change"), once(136_827_701.0));
    assert_figures(&rows, ("ipvs", "batched", 4, "", "sync_change"), once(2_357_634.0));
    assert_figures(&rows, ("nftables", "partial", 4, "last", "connect"), once(68_964.0));
    let ratio = row(&rows, ("nftables", "partial", 4, "last", "connect")).figures.unwrap().ratio_to_direct;
    assert_eq!(ratio, Some(68_964.0 / 53_145.0));
}

#[test]
fn a_run_that_was_interrupted_and_failed_is_read_as_it_was() {
    let dataset = Dataset::read(FAILED).unwrap();
    assert!(dataset.end.as_ref().unwrap().interrupted);
    assert_size(&dataset, 28, 27, &[(Outcome::Measured, 2), (Outcome::Failed, 1)]);
    let rows = summarise(&dataset);
    let once = |value| (1, value, value, value);
    assert_figures(&rows, ("iptables-legacy", "partial", 20_000, "", "sync_full"), once(7_289_751_517.0));
    assert_figures(&rows, ("ipvs", "batched", 20_000, "", "set_elements"), once(40_000.0));
    assert_ended(&rows, ("ipvs", "kube-proxy", 20_000, "", "sync_full"), Outcome::Failed, "the guest ended; ");
}

/// What is read of `text`, a line at a time.
fn read(text: &str) -> Result<Read, ReadError> {
    let mut reading = Reading::default();
    text.split_inclusive('\n').try_for_each(|line| reading.line(line.as_bytes()))?;
    reading.end()
}

/// `text` as a newer svclab might have written it.
fn newer(text: &str) -> String {
    text.replacen("\"version\":\"0.1.0\"", "\"version\":\"9.9.9\"", 1)
}

#[test]
fn a_field_that_is_not_known_is_passed_over_wherever_it_stands() {
    let told = ["\"plan\":{", "\"cells\":[{", "\"kind\":\"cell\",", "\"kind\":\"end\","];
    let mut text = newer(EXACT);
    for place in told {
        text = text.replace(place, &format!("{place}\"colour\":[1,{{\"shade\":null}}],"));
    }
    let mut expected = Dataset::read(EXACT).unwrap();
    expected.header.version = "9.9.9".to_owned();
    assert_eq!(
        read(&text),
        Ok(Read { dataset: expected, passed_over: BTreeMap::new(), absurd: Vec::new(), more_absurd: 0 })
    );
}

#[test]
fn records_of_a_metric_or_a_kind_that_is_not_known_are_passed_over_and_counted() {
    let text =
        newer(EXACT).replace("\"metric\":\"tool_exec\",\"unit\":\"ns\"", "\"metric\":\"rtt\",\"unit\":\"ticks\"");
    let text = text.replace("{\"kind\":\"end\"", "{\"kind\":\"note\",\"text\":\"…\"}\n{\"kind\":\"end\"");
    let read = read(&text).unwrap();
    let passed_over = [("kind \"note\"".to_owned(), 1), ("metric \"rtt\"".to_owned(), 5)];
    assert_eq!(read.passed_over, BTreeMap::from(passed_over));
    assert_eq!(read.dataset.cells.len(), 50);
    assert!(read.dataset.end.is_some());
}

#[test]
fn any_other_word_that_is_not_known_names_the_svclab_that_would_know_it() {
    let backend = newer(EXACT).replacen(
        "\"target\":\"exact\",\"backend\":\"ipvs\"",
        "\"target\":\"exact\",\"backend\":\"ebpf\"",
        1,
    );
    let error = read(&backend).unwrap_err().to_string();
    assert!(error.contains("it is not a record (unknown backend \"ebpf\"; known: direct, "), "{error}");
    assert!(error.ends_with("this is svclab 0.1.0: read it with svclab 9.9.9, which wrote it"), "{error}");

    let clock = newer(EXACT).replacen("\"clock\":\"instructions\"", "\"clock\":\"cycles\"", 1);
    let error = read(&clock).unwrap_err().to_string();
    assert!(
        error.starts_with("line 1: the header says what svclab 0.1.0 cannot read (unknown clock \"cycles\""),
        "{error}"
    );
    assert!(error.ends_with("read it with svclab 9.9.9, which wrote it"), "{error}");
}

#[test]
fn a_file_of_format_1_and_its_copy_of_todays_format_are_compared_cell_by_cell() {
    for text in [HOST, EXACT, FAILED, include_str!("format-1/smoke-exact.jsonl")] {
        let old = Dataset::read(text).unwrap();
        let records = old.cells.iter().cloned().map(Record::Cell).chain(old.end.clone().map(Record::End));
        let copy = [Record::Run(Box::new(old.header.clone()))].into_iter().chain(records);
        let copies = [copy.map(|record| record.line()).collect::<String>(), old.short()];
        for new in copies.map(|copy| Dataset::read(&copy).unwrap()) {
            assert_eq!((old.header.format, new.header.format), (1, FORMAT));
            assert_eq!((&old.header.plan, &old.cells, &old.end), (&new.header.plan, &new.cells, &new.end));
            let comparison = compare(&old, &new);
            assert_eq!(comparison.differences, []);
            assert!(comparison.rows.iter().all(|row| row.before == row.after && row.before.is_some()));
        }
    }
}

#[test]
fn a_layout_that_format_1_does_not_name_is_assumed_and_said_to_be() {
    let mut dataset = Dataset::read(EXACT).unwrap();
    assert_eq!(dataset.assumed(), None);
    dataset.cells.retain(|record| record.cell.variant.backend.name() != "nftables");
    let said = "format 1 does not say the layout of cells without a record; that of nftables is assumed";
    assert_eq!(dataset.assumed().as_deref(), Some(said));
    dataset.header.format = FORMAT;
    assert_eq!(dataset.assumed(), None);
}
