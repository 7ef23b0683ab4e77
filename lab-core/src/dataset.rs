//! A run's record: a JSONL file with a header, a line a cell, metric and round, and an end line.
//!
//! A file without its end line is a valid, shorter dataset. The format is versioned: see [`FORMAT`].

use crate::metric::{Metric, Unit};
use crate::plan::Plan;
use crate::vocabulary::{BackendName, Clock, Forwarding, Outcome, Position, ProbeName, Scheduler, TargetName, Way};
use jiff::Timestamp;
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format that this program writes.
pub const FORMAT: u32 = 1;

/// One line of `run.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Run(Box<Header>),
    /// What one cell gave in one round, for one metric.
    Cell(CellRecord),
    /// The last line.
    End(End),
}

/// What ran, where, with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format: [`FORMAT`] when written.
    pub format: u32,
    /// The run's name, unique on a machine.
    pub id: String,
    /// svclab's version.
    pub version: String,
    /// The revision svclab was built from; empty when it is not known.
    pub revision: String,
    /// The command line, as it was typed.
    pub command: Vec<String>,
    /// The scenario's YAML text.
    pub scenario: String,
    /// The question the scenario asks.
    pub question: String,
    /// Every cell that was to run.
    pub plan: Plan,
    /// The clock of every duration.
    pub clock: Clock,
    /// The machine: kernel, processor, memory and the like, by name.
    pub host: BTreeMap<String, String>,
    /// The guests, in the `vm` and `exact` targets: kernel, its package and checksum, memory, QEMU, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guest: BTreeMap<String, String>,
    /// The versions of the tools that were called, by name.
    pub tools: BTreeMap<String, String>,
    /// The ids of the published figures that stand beside the measured ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// When the run began.
    pub start: Timestamp,
}

/// What one cell gave in one round, for one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub target: TargetName,
    /// The backend.
    pub backend: BackendName,
    /// Whose rules: `kube-proxy-1.30`; `none` for `direct`.
    pub layout: String,
    /// How IPVS picked real servers; left out for any other backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// How IPVS handed packets on; left out for any other backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// How changes were applied.
    pub way: Way,
    /// The number of Services.
    pub services: u32,
    /// Endpoints a Service.
    pub endpoints: u32,
    /// Which Service was asked.
    pub position: Option<Position>,
    /// The probe.
    pub probe: ProbeName,
    /// The round, from 0.
    pub round: u32,
    /// The replica, from 0; on wall clocks there is only one.
    pub replica: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it is not `measured`, or why it was measured less often than planned; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the samples are of.
    pub metric: Metric,
    /// The samples' unit.
    pub unit: Unit,
    /// The raw samples, in the order in which they were taken.
    ///
    /// Written as integers where they are whole; what is not a number cannot be written and is left out.
    #[serde(serialize_with = "write_samples")]
    pub samples: Vec<f64>,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub end: Timestamp,
    /// svclab's own largest resident memory, in bytes.
    pub peak_rss: u64,
    /// Whether it was interrupted before the plan was through.
    pub interrupted: bool,
    /// How many cells ended how: `failed` if any round failed, else `measured` if any was.
    pub cells: BTreeMap<Outcome, u32>,
    /// How long each guest took from its start to its first cell, in nanoseconds of real time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boots: Vec<u64>,
}

/// A run as it was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What ran.
    pub header: Header,
    /// Every line in between, in order.
    pub cells: Vec<CellRecord>,
    /// How it ended; `None` when the file was cut off.
    pub end: Option<End>,
}

/// Why a text is not a dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no first line that could be a header.
    #[error("line 1: the header is missing ({0}): this is not a run.jsonl, or the run was cut off before it began")]
    NoHeader(String),
    /// Another version of the format.
    #[error("line 1: the dataset's format is {0}, this svclab reads {FORMAT}; read it with the svclab that wrote it")]
    Format(String),
    /// A line in the middle that is no record, or not one that can stand there.
    #[error("line {line}: {problem}; the file was damaged or edited: delete the line to read the rest")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Record {
    /// The record as a line of the file, its newline included.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("a record has string keys and no failing parts");
        line.push('\n');
        line
    }
}

impl Dataset {
    /// Reads the text of a `run.jsonl`.
    ///
    /// A last line without its newline that cannot be read was cut off while it was written, and is left out. A file may
    /// be cut within a character, so that its bytes are best made text with [`String::from_utf8_lossy`].
    ///
    /// # Errors
    /// When the header is missing or of another format, and when any other line is not a record that can stand there.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.split_inclusive('\n').enumerate().filter(|(_, line)| !line.trim().is_empty());
        let header = read_header(lines.next().map_or("", |(_, line)| line))?;
        let mut dataset = Self { header, cells: Vec::new(), end: None };
        for (index, line) in lines {
            let bad = |problem: &str| ReadError::Line { line: index + 1, problem: problem.to_owned() };
            match serde_json::from_str(line) {
                _ if dataset.end.is_some() => return Err(bad("it stands after the end line")),
                Ok(Record::Cell(cell)) if cell.unit != cell.metric.unit() => {
                    return Err(bad(&format!("{} is in {}, not in {}", cell.metric, cell.metric.unit(), cell.unit)));
                }
                Ok(Record::Cell(cell)) => dataset.cells.push(cell),
                Ok(Record::End(end)) => dataset.end = Some(end),
                Ok(Record::Run(_)) => return Err(bad("it is a second header")),
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => return Err(bad(&format!("it is not a record ({error})"))),
            }
        }
        Ok(dataset)
    }
}

/// The header in the first line, its format checked before anything else in it is looked at.
fn read_header(line: &str) -> Result<Header, ReadError> {
    if line.is_empty() {
        return Err(ReadError::NoHeader("the file is empty".to_owned()));
    }
    let value: Value = serde_json::from_str(line).map_err(|error| ReadError::NoHeader(error.to_string()))?;
    if value["kind"] != "run" {
        return Err(ReadError::NoHeader("the first line is not of kind \"run\"".to_owned()));
    }
    if value["format"] != FORMAT {
        return Err(ReadError::Format(value["format"].to_string()));
    }
    serde_json::from_value(value).map_err(|error| ReadError::NoHeader(error.to_string()))
}

/// Writes whole numbers without a fraction, as long as they are exact, and leaves out what JSON has no spelling for.
fn write_samples<S: Serializer>(samples: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let mut sequence = serializer.serialize_seq(None)?;
    for &sample in samples.iter().filter(|sample| sample.is_finite()) {
        if sample.fract() == 0.0 && sample.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
            sequence.serialize_element(&(sample as i64))?;
        } else {
            sequence.serialize_element(&sample)?;
        }
    }
    sequence.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Axes;
    use std::time::Duration;

    fn header() -> Header {
        Header {
            format: FORMAT,
            id: "2026-01-01-test".to_owned(),
            version: "0.1.0".to_owned(),
            revision: "abc".to_owned(),
            command: vec!["svclab".to_owned(), "scenario".to_owned(), "first packet".to_owned()],
            scenario: "question: \"what?\"\n".to_owned(),
            question: "what?".to_owned(),
            plan: Plan {
                seed: u64::MAX,
                rounds: 3,
                budget: Duration::from_millis(1500),
                cells: Axes { services: vec![1, 100], ..Axes::default() }.expand(),
                ..Plan::example(TargetName::Exact)
            },
            clock: Clock::Wall,
            host: BTreeMap::from([("kernel".to_owned(), "6.1".to_owned())]),
            guest: BTreeMap::from([("kernel".to_owned(), "6.1".to_owned())]),
            references: vec!["huawei-cpu".to_owned()],
            tools: BTreeMap::from([("nft".to_owned(), "1.0.6".to_owned())]),
            start: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn cell(samples: &[f64]) -> CellRecord {
        CellRecord {
            scenario: "test".to_owned(),
            target: TargetName::Host,
            backend: BackendName::Nftables,
            layout: "kube-proxy-1.30".to_owned(),
            scheduler: None,
            forwarding: None,
            way: Way::Partial,
            services: 100,
            endpoints: 2,
            position: Some(Position::Last),
            probe: ProbeName::Connect,
            round: 1,
            replica: 0,
            outcome: Outcome::Measured,
            reason: String::new(),
            metric: Metric::Connect,
            unit: Unit::Ns,
            samples: samples.to_vec(),
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
    fn another_format_is_refused_by_its_number() {
        let newer = text().replacen("\"format\":1", "\"format\":2,\"unknown\":[]", 1);
        let error = Dataset::read(&newer).unwrap_err();
        assert_eq!(error, ReadError::Format("2".to_owned()));
        assert!(error.to_string().contains("read it with the svclab that wrote it"));
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
}
