//! What svclab itself wrote: runs, baselines, profiles.

use super::{Target, text};
use crate::seeds::{Seeds, files, repository};
use analysis::gate::{Policy, compare, judge};
use analysis::summary::summarise;
use lab_core::dataset::{Dataset, Reading, Record};
use lab_core::profile::Profile;
use std::fs;

pub(super) const DATASET: Target = Target {
    name: "dataset",
    seeds: || Seeds::text(vec![short("reports/examples/host"), short("reports/examples/replicas")]),
    read: |bytes| drop(read(bytes).map(|dataset| summarise(&dataset))),
};

pub(super) const FORMAT_1: Target = Target {
    name: "dataset-format-1",
    seeds: || Seeds::text(files(&["analysis/tests/format-1"], &[".jsonl"], 10)),
    read: |bytes| drop(read(bytes).map(|dataset| summarise(&dataset))),
};

pub(super) const BASELINE: Target = Target {
    name: "baseline",
    seeds: || {
        let folder = files(&["ci/baselines"], &[".jsonl"], 10);
        Seeds::text(folder.iter().map(|file| shortened(&text(file), false)).collect())
    },
    read: |bytes| {
        if let Some(dataset) = read(bytes) {
            drop(compare(&dataset, &dataset));
            drop(judge(&dataset, &dataset, &[], &Policy::default()));
        }
    },
};

pub(super) const PROFILE: Target = Target {
    name: "profile",
    seeds: || {
        let header = Profile::header("run");
        let cells = files(&["ci/baselines"], &[".jsonl"], 1).concat();
        let cells = text(&cells);
        let lines = cells
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once("\"cell\":")?.1.split_once("},\"metric\"")?.0.to_owned()))
            .take(5)
            .map(|cell| {
                format!(
                    "{{\"kind\":\"functions\",\"cell\":{cell}}},\"replica\":0,\"metric\":\"sync_full\",\"instructions\":\
                     {{\"kernel\":{{\"clear_page_rep\":512,\"memcpy\":4096}}}}}}\n"
                )
            });
        Seeds::text(vec![(header + &lines.collect::<String>()).into_bytes()])
    },
    read: |bytes| match Profile::read(&text(bytes)) {
        Ok(profile) => drop(profile.without_small().text()),
        Err(problem) => drop(problem.to_string()),
    },
};

/// As the program reads a file.
fn read(bytes: &[u8]) -> Option<Dataset> {
    let mut reading = Reading::default();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        reading.line(line).map_err(|problem| problem.to_string()).ok()?;
    }
    let read = reading.end().ok()?;
    read.absurd.iter().for_each(|absurd| drop(absurd.to_string()));
    Some(read.dataset)
}

/// A recorded run with few of its cells.
fn short(folder: &str) -> Vec<u8> {
    let file = repository().join(folder).join("run.jsonl");
    shortened(&fs::read_to_string(&file).unwrap_or_else(|error| panic!("reading {}: {error}", file.display())), true)
}

fn shortened(text: &str, whole: bool) -> Vec<u8> {
    let mut dataset = Dataset::read(text).unwrap_or_else(|problem| panic!("a recorded run: {problem}"));
    let step = dataset.cells.len().div_ceil(20).max(1);
    dataset.cells = dataset.cells.into_iter().step_by(step).collect();
    dataset.cells.iter_mut().for_each(|record| record.samples.truncate(8));
    let asked: Vec<_> = dataset.cells.iter().map(|record| record.cell).collect();
    dataset.header.plan.cells.retain(|cell| asked.contains(cell));
    let mut lines = vec![Record::Run(Box::new(dataset.header.clone())).line()];
    lines.extend(dataset.cells.iter().cloned().map(|record| Record::Cell(record).line()));
    if whole {
        lines.extend(dataset.end.map(|end| Record::End(end).line()));
    }
    lines.concat().into_bytes()
}
