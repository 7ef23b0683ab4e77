//! How often the default policy errs on runs of the same thing: of a folder of runs, some are made a baseline, each that
//! follows is judged against it, and those behind it are what it is run again in. Then the same with every cell slower.
//!
//! `cargo run --release -p lab-core --example rates -- FOLDER [ROUNDS OF THE BASELINE] [SLOWER BY, as a share]`

use lab_core::dataset::Dataset;
use lab_core::gate::{Basis, Gating, Policy, Verdict, judge};
use lab_core::metric::{Better, Metric};
use lab_core::plan::Cell;
use lab_core::vocabulary::BackendName;
use std::collections::BTreeMap;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder of runs");
    let baseline: u32 = arguments.next().map_or(20, |rounds| rounds.parse().expect("a number of rounds"));
    let slower: f64 = arguments.next().map_or(0.25, |share| share.parse().expect("a share, such as 0.25"));

    let runs = runs(&folder);
    let policy = Policy::default();
    let (mut comparisons, mut false_alarms) = (0, Vec::new());
    let (mut alike, mut found) = (Tallies::new(), Tallies::new());
    for first in 0..runs.len() {
        let mut ring = runs[first..].iter().chain(&runs[..first]);
        let before = joined(&mut ring, baseline);
        let Some(after) = ring.next() else { break };
        let later = joined(&mut ring, policy.reruns);
        if later.header.plan.rounds < policy.reruns {
            break;
        }
        comparisons += 1;
        eprint!("\r{comparisons}");
        for (planted, tallies) in [(0.0, &mut alike), (slower, &mut found)] {
            let (after, mut again) = (slowed(after, planted), slowed(&later, planted));
            let suspicious = judge(&before, &after, &[], &policy).suspicious();
            again.cells.retain(|record| suspicious.contains(&record.cell()));
            let judgement = judge(&before, &after, &[again], &policy);
            for judged in judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates) {
                let row = &judged.compared;
                if row.basis == Basis::Exact || row.before.is_none() || row.change.is_none() {
                    continue;
                }
                *tallies.entry(row.metric).or_default().entry(judged.verdict).or_default() += 1;
                if planted == 0.0 && judged.verdict == Verdict::Regressed {
                    let change = row.change.unwrap();
                    false_alarms.push((
                        first,
                        format!(
                            "{}: {:.2} ({:.2} to {:.2}) {:?}, {}",
                            row.name, change.ratio, change.low, change.high, row.basis, judged.why
                        ),
                    ));
                }
            }
        }
    }
    let mut wrong: Vec<usize> = false_alarms.iter().map(|(first, _)| *first).collect();
    wrong.dedup();
    println!("{} runs, baselines of {baseline} rounds", runs.len());
    println!("{comparisons} comparisons of the same: {} with a false alarm", wrong.len());
    false_alarms.iter().for_each(|(_, alarm)| println!("  {alarm}"));
    print("alike", &alike);
    print(&format!("slower by {slower}"), &found);
}

type Tallies = BTreeMap<Metric, BTreeMap<Verdict, usize>>;

fn print(title: &str, tallies: &Tallies) {
    println!("\n{title:<24}{:>12}{:>14}{:>11}{:>10}", "regressed", "inconclusive", "unchanged", "improved");
    for (metric, tally) in tallies {
        let of = |verdict| tally.get(&verdict).copied().unwrap_or(0);
        let [regressed, inconclusive] = [Verdict::Regressed, Verdict::Inconclusive].map(of);
        let [unchanged, improved] = [Verdict::Unchanged, Verdict::Improved].map(of);
        println!("{metric:<24}{regressed:>12}{inconclusive:>14}{unchanged:>11}{improved:>10}");
    }
}

/// Every run in the folders of `folder`, in the order of their start.
fn runs(folder: &str) -> Vec<Dataset> {
    let entries = std::fs::read_dir(folder).expect("a folder that can be read");
    let files = entries.map(|entry| entry.expect("an entry that can be read").path().join("run.jsonl"));
    let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
    let mut runs: Vec<Dataset> =
        texts.filter_map(|text| Dataset::read(&text).ok()).filter(|run| run.end.is_some()).collect();
    runs.sort_by_key(|run| run.header.start);
    runs
}

/// As many of the next runs as give `rounds`, as one.
fn joined<'a>(ring: &mut impl Iterator<Item = &'a Dataset>, rounds: u32) -> Dataset {
    let mut joined: Option<Dataset> = None;
    while joined.as_ref().is_none_or(|joined| joined.header.plan.rounds < rounds) {
        let Some(next) = ring.next() else { break };
        let Some(joined) = &mut joined else {
            joined = Some(next.clone());
            continue;
        };
        let behind = joined.header.plan.rounds;
        let records = next.cells.iter().cloned().map(|mut record| {
            record.round += behind;
            record
        });
        joined.cells.extend(records);
        joined.header.plan.rounds += next.header.plan.rounds;
    }
    joined.expect("enough runs")
}

/// As if every cell but `direct`'s were slower by a share of what it took: a sync by processor time of its tools.
fn slowed(run: &Dataset, share: f64) -> Dataset {
    let own = |cell: &Cell| Metric::of(cell.probe);
    let mut medians: BTreeMap<Cell, Vec<f64>> = BTreeMap::new();
    for record in run.cells.iter().filter(|record| record.metric == own(&record.cell())) {
        medians.entry(record.cell()).or_default().extend(&record.samples);
    }
    let medians: BTreeMap<Cell, f64> = medians
        .into_iter()
        .filter_map(|(cell, samples)| Some((cell, lab_core::stats::quantile(&samples, 0.25)?)))
        .collect();
    let mut slowed = run.clone();
    for record in slowed.cells.iter_mut().filter(|record| record.backend != BackendName::Direct) {
        let cell = record.cell();
        let Some(extra) = medians.get(&cell).map(|median| share * median) else { continue };
        let syncs = cell.probe.programs() && (record.metric == own(&cell) || record.metric == Metric::ToolUser);
        for sample in &mut record.samples {
            match (syncs, record.metric.better()) {
                (true, _) => *sample += extra,
                (false, Better::Higher) if !cell.probe.programs() => *sample /= 1.0 + share,
                (false, Better::Lower) if !cell.probe.programs() => *sample *= 1.0 + share,
                _ => {}
            }
        }
    }
    slowed
}
