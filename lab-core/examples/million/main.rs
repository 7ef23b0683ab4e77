//! Writes a dataset of a million samples to standard output, to see what reading and reporting it takes:
//!
//! ```sh
//! mkdir -p /tmp/million && cargo run --release -p lab-core --example million > /tmp/million/run.jsonl
//! ```
//!
//! An argument is the number of rounds that the samples are spread over: the more, the more records there are.

mod dataset;

use lab_core::dataset::{Dataset, Record};
use std::io::{BufWriter, Result, Write, stdout};

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).map_or(10, |rounds| rounds.parse().expect("a number of rounds"));
    let Dataset { header, cells, end } = dataset::of(1_000_000, rounds);
    let mut out = BufWriter::new(stdout().lock());
    let records = std::iter::once(Record::Run(Box::new(header))).chain(cells.into_iter().map(Record::Cell));
    for record in records.chain(end.map(Record::End)) {
        out.write_all(record.line().as_bytes())?;
    }
    out.flush()
}
