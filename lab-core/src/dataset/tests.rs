use super::*;
use crate::axes::Axes;
use crate::cell::{ClusterSpec, Variant};
use crate::metric::{Metric, Unit};
use crate::vocabulary::{BackendName, Position, ProbeName};
use std::time::Duration;

fn header() -> Header {
    Header {
        id: "2026-01-01-test".to_owned(),
        revision: "abc".to_owned(),
        command: vec!["svclab".to_owned(), "scenario".to_owned(), "first packet".to_owned()],
        scenario: "question: \"what?\"\n".to_owned(),
        question: "what?".to_owned(),
        clock: Clock::Wall,
        host: BTreeMap::from([("kernel".to_owned(), "6.1".to_owned())]),
        guest: BTreeMap::from([("kernel".to_owned(), "6.1".to_owned())]),
        references: vec!["huawei-cpu".to_owned()],
        tools: BTreeMap::from([("nft".to_owned(), "1.0.6".to_owned())]),
        start: "2026-01-01T00:00:00Z".parse().unwrap(),
        ..Header::example(Plan {
            seed: u64::MAX,
            rounds: 3,
            budget: Duration::from_millis(1500),
            cells: Axes { services: vec![1, 100], ..Axes::default() }.expand(),
            ..Plan::example(TargetName::Exact)
        })
    }
}

fn cell(samples: &[f64]) -> CellRecord {
    CellRecord {
        scenario: "test".to_owned(),
        target: TargetName::Host,
        cell: Cell::new(
            ClusterSpec::uniform(100, 2),
            Variant::usual(BackendName::Nftables),
            ProbeName::Connect,
            Some(Position::Last),
        ),
        round: 1,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric: Metric::Connect,
        unit: Unit::Ns,
        samples: samples.to_vec(),
        split: Splits::default(),
    }
}

fn end() -> End {
    End {
        end: "2026-01-01T00:01:00Z".parse().unwrap(),
        peak_rss: 1 << 24,
        interrupted: false,
        cells: BTreeMap::from([(Outcome::Measured, 3), (Outcome::OverBudget, 1)]),
        boots: vec![2_500_000_000],
    }
}

fn text() -> String {
    let records = [Record::Run(Box::new(header())), Record::Cell(cell(&[1.0, 2.5])), Record::End(end())];
    records.iter().map(Record::line).collect()
}

#[test]
fn what_was_written_is_read_back() {
    let dataset = Dataset::read(&text()).unwrap();
    assert_eq!(dataset, Dataset { header: header(), cells: vec![cell(&[1.0, 2.5])], end: Some(end()) });
}

#[test]
fn a_line_has_its_kind_first_and_whole_samples_as_integers() {
    let line = Record::Cell(cell(&[12.0, 1.5, -0.0, 1e300, f64::NAN, f64::INFINITY])).line();
    assert!(line.starts_with("{\"kind\":\"cell\",\"scenario\":"), "{line}");
    assert!(line.ends_with("\"samples\":[12,1.5,0,1e+300]}\n"), "{line}");
    assert_eq!(line.matches('\n').count(), 1);
}

#[test]
fn a_file_cut_off_anywhere_after_its_header_is_a_shorter_dataset() {
    let text = text();
    let header = text.find('\n').unwrap();
    for cut in header..text.len() {
        let dataset = Dataset::read(&text[..cut]).unwrap();
        assert!(dataset.cells.len() <= 1);
    }
}

#[test]
fn a_file_cut_off_within_its_header_says_so() {
    let text = text();
    for cut in 0..text.find('\n').unwrap() {
        let error = Dataset::read(&text[..cut]).unwrap_err();
        assert!(matches!(error, ReadError::NoHeader(_)), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_with_both_versions_and_what_to_do() {
    let newer = text().replacen("\"format\":2", "\"format\":3,\"unknown\":[]", 1);
    let newer = newer.replacen("\"version\":\"0.1.0\"", "\"version\":\"9.9.9\"", 1);
    let error = Dataset::read(&newer).unwrap_err();
    assert_eq!(error, ReadError::Format { format: "3".to_owned(), version: "9.9.9".to_owned() });
    assert_eq!(
        error.to_string(),
        "line 1: the dataset is of format 3, written by svclab 9.9.9; this is svclab 0.1.0, which reads the formats 1 to \
         2: read it with svclab 9.9.9, or a newer one"
    );
}

#[test]
fn garbage_in_the_middle_names_its_line() {
    let text = text();
    let lines: Vec<&str> = text.lines().collect();
    let with = |extra: &str| format!("{}\n{}\n{extra}\n{}\n", lines[0], lines[1], lines[2]);
    for extra in ["garbage", "{}", "{\"kind\":\"cell\"}", lines[0], lines[2]] {
        let error = Dataset::read(&with(extra)).unwrap_err().to_string();
        let line = if extra == lines[2] { "line 4: " } else { "line 3: " };
        assert!(error.starts_with(line), "{error}");
        assert!(error.contains("delete the line"), "{error}");
    }
}

#[test]
fn a_sample_in_the_wrong_unit_is_refused() {
    let wrong = text().replace("\"unit\":\"ns\"", "\"unit\":\"bytes\"");
    let error = Dataset::read(&wrong).unwrap_err().to_string();
    assert!(error.starts_with("line 2: connect is in ns, not in bytes"), "{error}");
}

/// The text with another cell's line before its end.
fn with(metric: &str, samples: &str) -> String {
    let text = text();
    let line = text.lines().nth(1).unwrap();
    let line = line.replace("\"metric\":\"connect\"", &format!("\"metric\":\"{metric}\""));
    let line = line.replace("[1,2.5]", samples);
    let (head, tail) = text.split_at(text.find("{\"kind\":\"end\"").unwrap());
    format!("{head}{line}\n{tail}")
}

fn read(text: &str) -> Read {
    let mut reading = Reading::default();
    text.split_inclusive('\n').for_each(|line| reading.line(line.as_bytes()).unwrap());
    reading.end().unwrap()
}

#[test]
fn samples_that_no_machine_gives_are_named_with_their_line_and_left_out() {
    let Read { dataset, absurd, .. } = read(&with("connect", "[1e300,5,-1e308,0,7]"));
    assert_eq!(dataset.cells[1].samples, [5.0, 7.0]);
    assert_eq!((dataset.cells[1].outcome, dataset.cells[1].reason.as_str()), (Outcome::Measured, LEFT_OUT));
    assert_eq!(absurd.len(), 1);
    assert_eq!(absurd[0].to_string(), "line 3: connect 1e300 ns and 2 more of the line");
    assert_eq!(dataset.cells[0].reason, "");
}

#[test]
fn a_record_of_which_nothing_is_left_is_skipped() {
    let Read { dataset, absurd, .. } = read(&with("first_byte", "[-3]"));
    assert_eq!((dataset.cells[1].outcome, dataset.cells[1].samples.len()), (Outcome::Skipped, 0));
    assert_eq!(absurd[0].to_string(), "line 3: first_byte -3e0 ns");
}

#[test]
fn no_more_samples_are_kept_than_a_round_can_have() {
    let many = format!("[{}1]", "2,".repeat(absurd::MOST_SAMPLES + 1));
    let Read { dataset, absurd, .. } = read(&with("connect", &many));
    assert_eq!(dataset.cells[1].samples.len(), absurd::MOST_SAMPLES);
    assert_eq!(absurd[0].to_string(), "line 3: connect: 2 samples more than a round has");
}

#[test]
fn of_many_absurd_lines_some_are_named_and_the_others_counted() {
    let text = text();
    let (head, tail) = text.split_at(text.find("{\"kind\":\"end\"").unwrap());
    let line = text.lines().nth(1).unwrap().replace("[1,2.5]", "[1e300]");
    let Read { absurd, more_absurd, .. } = read(&format!("{head}{}{tail}", format!("{line}\n").repeat(NAMED + 5)));
    assert_eq!((absurd.len(), more_absurd), (NAMED, 5));
}
