//! A million samples: all are reported, in every format, in less than a gibibyte. How long that takes is in
//! reports/README.md. A test on a shared machine would measure the machine.

#[path = "../../lab-core/examples/million/dataset.rs"]
mod dataset;

use lab_core::dataset::{Dataset, Record};
use nix::sys::resource::{UsageWho, getrusage};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

const SAMPLES: usize = 1_000_000;

/// Writes a run of a million samples into `folder`; how many records it has.
fn record(folder: &Path) -> usize {
    let Dataset { header, cells, end } = dataset::of(SAMPLES, 10);
    let count = cells.len();
    let mut file = BufWriter::new(File::create(folder.join("run.jsonl")).unwrap());
    let records = std::iter::once(Record::Run(Box::new(header))).chain(cells.into_iter().map(Record::Cell));
    for record in records.chain(end.map(Record::End)) {
        file.write_all(record.line().as_bytes()).unwrap();
    }
    file.flush().unwrap();
    count
}

/// What `svclab report` prints on the run in `folder`.
fn report(folder: &Path, arguments: &[&str]) -> String {
    let mut svclab = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = svclab.arg("report").arg(folder).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_million_samples_are_all_reported_within_a_gibibyte() {
    let folder = tempfile::tempdir().unwrap();
    let records = record(folder.path());

    // Every sample is in the summary once: none is left out, none counted twice.
    let csv = report(folder.path(), &["--format", "csv"]);
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let n = head.iter().position(|column| *column == "n").unwrap();
    let counted: usize = lines.map(|line| line[n].parse::<usize>().unwrap()).sum();
    assert_eq!(counted, SAMPLES);

    let out = folder.path().join("out");
    report(folder.path(), &["--format", "parquet", "--out", out.to_str().unwrap()]);
    let reader = SerializedFileReader::new(File::open(out.join("samples.parquet")).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1_000_000);

    assert!(report(folder.path(), &[]).starts_with("svclab: million\n"));
    assert!(report(folder.path(), &["--format", "html"]).contains("million"));
    let lines = report(folder.path(), &["--format", "benchstat"]);
    assert!(lines.lines().filter(|line| line.starts_with("Benchmark")).count() > records / 3);

    // In KiB, of the largest process, as the kernel counts it.
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!((1..1 << 20).contains(&most), "{most} KiB");
}
