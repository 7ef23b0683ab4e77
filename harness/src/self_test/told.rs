//! The report of a self-test, as text.

use super::Asked;
use super::trials::{Trial, Trials};
use analysis::gate::Verdict;
use analysis::rate::Rate;
use lab_core::slowdown::Means;
use lab_core::stats;
use lab_core::units;
use lab_core::vocabulary::{ProbeName, Word};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many names of a list are worth showing.
const SHOWN: usize = 12;

/// Verdicts on cells with faults. The one that the gate should give is first.
const VERDICTS: &[Verdict] =
    &[Verdict::Regressed, Verdict::Inconclusive, Verdict::Unchanged, Verdict::Improved, Verdict::Missing];

pub(super) fn tell(asked: &Asked, trials: &Trials) -> String {
    let mut text = String::new();
    let plan = &asked.plan;
    let of = if plan.target.is_exact() {
        "a sample a cell".to_owned()
    } else {
        let rounds = units::counted(plan.rounds.into(), "round");
        format!("{rounds}, suspicious cells again in {}", asked.policy.reruns)
    };
    let _ = writeln!(
        text,
        "The gate by its policy: {} on {}, {of}; runs in {}\n",
        plan.scenario,
        plan.target,
        asked.folder.display()
    );
    alarms(&mut text, trials);
    found(&mut text, trials, asked.share);
    let _ = writeln!(
        text,
        "In brackets: the 95 % interval of the rate (Clopper and Pearson), as if trials were independent."
    );
    text
}

/// False alarms.
fn alarms(text: &mut String, trials: &Trials) {
    let of = match trials.baselines.as_slice() {
        [] => format!("every two of {} plain runs", trials.plain),
        baselines => format!("each of {} plain runs beside each of {}", trials.plain, in_rounds(baselines)),
    };
    let _ = writeln!(text, "false alarms  {}: {of}; comparisons share runs", trials.alarms);
    let verdicts = trials.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}"));
    let _ = writeln!(text, "              their verdicts: {}", verdicts.collect::<Vec<_>>().join(", "));
    names(text, &trials.named);
    text.push('\n');
}

/// Faults, found or not.
fn found(text: &mut String, trials: &Trials, share: f64) {
    if trials.faults.is_empty() {
        text.push_str("no fault was injected\n\n");
        return;
    }
    let _ = writeln!(
        text,
        "faults of +{} %  found and named as that cell and metric: {}",
        percent(share),
        trials.came_to(Verdict::Regressed)
    );
    let mut rows: Vec<(String, Vec<&Trial>)> = Vec::new();
    for &probe in ProbeName::ALL {
        let of: Vec<&Trial> = trials.gating().filter(|trial| trial.slowdown.cell.probe == probe).collect();
        if !of.is_empty() {
            rows.push((probe.name().to_owned(), of));
        }
    }
    let _ = writeln!(
        text,
        "\n  {:<24}{:>7}{}{:>10}  by",
        "",
        "faults",
        VERDICTS.iter().map(|verdict| format!("{:>14}", verdict.name())).collect::<String>(),
        "slower"
    );
    for (name, of) in &rows {
        row(text, name, of);
    }
    row(text, "all", &trials.gating().collect::<Vec<_>>());
    let silent: Vec<&Trial> =
        trials.faults.iter().filter(|trial| trials.gating().all(|gating| gating != *trial)).collect();
    if !silent.is_empty() {
        let mut rate = Rate::default();
        silent.iter().for_each(|trial| rate.add(trial.verdict == Verdict::Regressed));
        let _ = writeln!(text, "  in cells that do not gate by this policy: {}; seen as worse: {rate}", silent.len());
    }
    let _ = writeln!(text, "\nruns with faults in which another cell was named: {}", trials.besides);
    names(text, &trials.named_besides);
    text.push('\n');
}

/// How many cells have each verdict, and the median of how much slower they were.
fn row(text: &mut String, name: &str, of: &[&Trial]) {
    let counts =
        VERDICTS.iter().map(|verdict| format!("{:>14}", of.iter().filter(|trial| trial.verdict == *verdict).count()));
    let slower: Vec<f64> = of.iter().filter_map(|trial| trial.slower).collect();
    let slower = stats::median(&slower).map_or(String::new(), |slower| format!("{:+.1} %", slower * 100.0));
    let delays = of.iter().any(|trial| matches!(trial.slowdown.means, Means::Delay(_)));
    let rules = of.iter().any(|trial| matches!(trial.slowdown.means, Means::Rules(_)));
    let by = match (delays, rules) {
        (true, true) => "",
        (true, false) => "a delay in the tool",
        _ => "rules ahead of the dispatch",
    };
    let line = format!("  {name:<24}{:>7}{}{slower:>10}  {by}", of.len(), counts.collect::<String>());
    let _ = writeln!(text, "{}", line.trim_end());
}

/// Names, the most frequent first.
fn names(text: &mut String, names: &BTreeMap<String, usize>) {
    let mut names: Vec<(&String, &usize)> = names.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    for (name, count) in names.iter().take(SHOWN) {
        let _ = writeln!(text, "  {count} × {name}");
    }
    if names.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", names.len() - SHOWN);
    }
}

/// The number of baselines, and of their rounds.
fn in_rounds(baselines: &[u32]) -> String {
    let (least, most) = (baselines.iter().min().unwrap_or(&0), baselines.iter().max().unwrap_or(&0));
    let rounds = if least == most { format!("{least}") } else { format!("{least} to {most}") };
    format!("{} baselines of {rounds} rounds", baselines.len())
}

fn percent(share: f64) -> String {
    format!("{}", (share * 1e4).round() / 100.0)
}
