//! Writes the runs of shards, made up, to see what merging them takes. For 100 shards of 10,000 records:
//!
//! ```sh
//! cargo run --release -p lab-core --example shards -- /tmp/shards 100 10000
//! ```

use lab_core::axes::Axes;
use lab_core::dataset::{CellRecord, End, Header, Record, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::shard::{Part, Shard, deal};
use lab_core::vocabulary::{Outcome, TargetName, Word};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Replicas of each cell.
const REPLICAS: u32 = 10;
/// How many metrics a cell has.
const METRICS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mut next = |what: &str| words.next().ok_or_else(|| format!("say a {what}: FOLDER SHARDS RECORDS"));
    let folder = PathBuf::from(next("folder")?);
    let (shards, records): (u32, usize) = (next("number of shards")?.parse()?, next("number of records")?.parse()?);
    let wanted = shards as usize * records / (REPLICAS as usize * METRICS);
    let sizes = |count: usize| Axes { services: (1..=count as u32).collect(), ..Axes::default() }.expand();
    let mut cells = sizes(wanted / sizes(2).len().max(1) * 2 + 2);
    cells.truncate(wanted);
    let plan = Plan { scenario: "made".to_owned(), replicas: REPLICAS, cells, ..Plan::example(TargetName::Exact) };
    let pieces = plan.pieces();
    let costs: Vec<f64> = pieces.iter().map(|piece| piece.len() as f64).collect();
    for (number, own) in (1..).zip(deal(&costs, shards)) {
        let mut cells: Vec<usize> = own.iter().flat_map(|&piece| pieces[piece].clone()).collect();
        cells.sort_unstable();
        let run = folder.join(number.to_string());
        fs::create_dir_all(&run)?;
        let mut file = BufWriter::new(File::create(run.join("run.jsonl"))?);
        let part = Some(Part { shard: Shard { number, of: shards }, cells: cells.clone() });
        let header = Header { part, ..Header::example(plan.clone()) };
        file.write_all(Record::Run(Box::new(header)).line().as_bytes())?;
        for replica in 0..REPLICAS {
            for record in cells.iter().flat_map(|&place| of_cell(&plan, place, replica)) {
                file.write_all(Record::Cell(record).line().as_bytes())?;
            }
        }
        file.write_all(Record::End(End::example()).line().as_bytes())?;
        file.flush()?;
    }
    Ok(())
}

/// What a visit to the cell at `place` gave.
fn of_cell(plan: &Plan, place: usize, replica: u32) -> Vec<CellRecord> {
    let cell = plan.cells[place];
    let own = Metric::of(cell.probe);
    let others = Metric::ALL.iter().copied().filter(|&metric| metric != own);
    let record = |metric: Metric| CellRecord {
        scenario: plan.scenario.clone(),
        target: plan.target,
        cell,
        round: 0,
        replica,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: vec![(1000 * place) as f64 + f64::from(replica)],
        split: Splits::default(),
    };
    [own].into_iter().chain(others).take(METRICS).map(record).collect()
}
