//! What ran, where and when, and how to run it again.

mod run;

use crate::report::{Column, Content, Section, Table, TableCell};
use crate::results::Results;
use lab_core::vocabulary::Clock;
use run::{Fact, Run};
use std::collections::BTreeMap;

/// What is known of a run in one respect.
type FactsOf = fn(&Run) -> Vec<Fact>;

/// The runs, the machines, and the commands.
pub(crate) fn section(results: &Results) -> Section {
    let runs = runs(results);
    let guests = runs.iter().any(|run| !run.dataset.header.guest.is_empty());
    let groups: [(&str, FactsOf); 4] = [
        (if runs.len() > 1 { "The runs" } else { "The run" }, |run| run.facts()),
        ("The guest", |run| named(&run.dataset.header.guest)),
        (if guests { "The host" } else { "The machine" }, |run| named(&run.dataset.header.host)),
        ("Tools", |run| named(&run.dataset.header.tools)),
    ];
    let (mut tables, mut differing) = (Vec::new(), Vec::new());
    for (title, facts) in groups {
        let (same, different) = compare(&runs.iter().map(facts).collect::<Vec<_>>());
        if !same.is_empty() {
            tables.push(table(title, same));
        }
        differing.extend(different.into_iter().map(|(name, values)| (title, name, values)));
    }
    if !differing.is_empty() {
        tables.insert(0, differences(results, differing));
    }
    let kernels: Vec<String> = runs.iter().filter_map(|run| Some(labelled(results, run, run.kernels()?))).collect();
    let commands = runs.iter().map(|run| (labelled(results, run, "To repeat the run".to_owned()), run.command()));
    Section {
        title: "Environment".to_owned(),
        about: kernels.iter().map(|kernels| format!("{kernels}.")).collect::<Vec<_>>().join(" "),
        tables,
        commands: commands.filter(|(_, command)| !command.is_empty()).collect(),
        ..Section::default()
    }
}

/// The same in a few sentences.
pub(crate) fn brief(results: &Results) -> Vec<String> {
    runs(results).iter().flat_map(|run| brief_of(results, run)).collect()
}

fn brief_of(results: &Results, run: &Run) -> Vec<String> {
    let header = &run.dataset.header;
    let facts: BTreeMap<String, String> = run.facts().into_iter().collect();
    let fact = |name: &str| facts.get(name).map_or("", String::as_str);
    let repeated = match header.clock {
        Clock::Instructions => format!("replicas {}", header.plan.replicas),
        Clock::Wall | Clock::WallEmulated => format!("rounds {}", header.plan.rounds),
    };
    let kernels = run.kernels().unwrap_or_else(|| "Measured on a kernel that is not known".to_owned());
    let mut lines = vec![format!(
        "{}; target {}, clock {}, seed {}, {repeated}.",
        labelled(results, run, kernels),
        header.plan.target,
        header.clock,
        header.plan.seed
    )];
    lines.extend(run.boots().map(|boots| format!("Guests started: {boots}.")));
    lines.push(format!("Began {}, took {}, ended {}.", fact("start"), fact("duration"), fact("end")));
    lines.push(format!("Cells: {}.", fact("cells by outcome")));
    lines
}

fn runs<'a>(results: &'a Results<'a>) -> Vec<Run<'a>> {
    let datasets = results.runs.datasets().iter().enumerate();
    datasets.map(|(number, dataset)| Run { results, number, dataset }).collect()
}

/// `text`, with the run it is of where there are several.
fn labelled(results: &Results, run: &Run, text: String) -> String {
    text + &results.label(run.number)
}

fn named(facts: &BTreeMap<String, String>) -> Vec<Fact> {
    facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What differs between runs: a fact's name, and for each run what is so.
type Different = Vec<(String, Vec<Option<String>>)>;

/// The facts that are the same in all `runs`, and those that differ.
fn compare(runs: &[Vec<Fact>]) -> (Vec<Fact>, Different) {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in runs.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for name in names {
        let of_run = |run: &Vec<Fact>| run.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let values: Vec<Option<String>> = runs.iter().map(of_run).collect();
        match &values[0] {
            Some(value) if values.iter().all(|other| *other == values[0]) => same.push((name.clone(), value.clone())),
            _ => different.push((name.clone(), values)),
        }
    }
    (same, different)
}

/// A column a run of what differs between them.
fn differences(results: &Results, differing: Vec<(&str, String, Vec<Option<String>>)>) -> Table {
    let mut columns = Column::row(&["of", "fact"], &[], &[]);
    columns.extend(results.runs.labels().iter().map(|label| Column::new(label, Content::Text)));
    let row = |(group, name, values): (&str, String, Vec<Option<String>>)| {
        let group = group.trim_start_matches("The ").to_lowercase();
        let values = values.into_iter().map(|value| value.map_or(TableCell::Absent("not known"), TableCell::Text));
        [TableCell::text(group), TableCell::text(name)].into_iter().chain(values).collect()
    };
    Table {
        title: "What differs between the runs".to_owned(),
        columns,
        rows: differing.into_iter().map(row).collect(),
        ..Table::default()
    }
}

fn table(title: &str, facts: Vec<Fact>) -> Table {
    Table {
        title: title.to_owned(),
        columns: Column::row(&["fact"], &[], &["value"]),
        rows: facts.into_iter().map(|(name, value)| vec![TableCell::text(name), TableCell::text(value)]).collect(),
        ..Table::default()
    }
}
