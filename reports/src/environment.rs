//! What ran, where and when, and how to run it again.

use crate::report::{Cell, Column, Content, Section, Table};
use crate::results::Results;
use jiff::SignedDuration;
use lab_core::metric::{Metric, Unit};
use lab_core::vocabulary::{Clock, Outcome, TargetName, Word};
use lab_core::{stats, units};
use std::collections::BTreeMap;

/// The run, the machine, and the command.
pub(crate) fn section(results: &Results) -> Section {
    let header = &results.dataset.header;
    let mut tables = vec![table("The run", run(results))];
    let machine = if header.guest.is_empty() { "The machine" } else { "The host" };
    for (title, facts) in [("The guest", &header.guest), (machine, &header.host), ("Tools", &header.tools)] {
        if !facts.is_empty() {
            let facts = facts.iter().map(|(name, value)| (name.clone(), value.clone()));
            tables.push(table(title, facts.collect()));
        }
    }
    let command = command(results);
    Section {
        title: "Environment".to_owned(),
        about: kernels(results).map(|kernels| format!("{kernels}.")).unwrap_or_default(),
        tables,
        command: (!command.is_empty()).then(|| ("To repeat the run".to_owned(), command)),
        ..Section::default()
    }
}

/// The same in a few sentences.
pub(crate) fn brief(results: &Results) -> Vec<String> {
    let header = &results.dataset.header;
    let facts: BTreeMap<String, String> = run(results).into_iter().collect();
    let fact = |name: &str| facts.get(name).map_or("", String::as_str);
    let repeated = match header.clock {
        Clock::Instructions => format!("replicas {}", header.plan.replicas),
        Clock::Wall | Clock::WallEmulated => format!("rounds {}", header.plan.rounds),
    };
    let mut lines = vec![format!(
        "{}; target {}, clock {}, seed {}, {repeated}.",
        kernels(results).unwrap_or_else(|| "Measured on a kernel that is not known".to_owned()),
        header.plan.target,
        header.clock,
        header.plan.seed
    )];
    lines.extend(boots(results).map(|boots| format!("Guests started: {boots}.")));
    lines.push(format!("Began {}, took {}, ended {}.", fact("start"), fact("duration"), fact("end")));
    lines.push(format!("Cells: {}.", fact("cells by outcome")));
    lines
}

/// Which kernel the numbers are of, and which one only ran the guest.
fn kernels(results: &Results) -> Option<String> {
    let header = &results.dataset.header;
    let host = header.host.get("kernel").map(String::as_str);
    match (header.guest.get("kernel"), host) {
        (Some(guest), host) => {
            Some(format!("Measured on guest kernel {guest}; the host's kernel is {}", host.unwrap_or("not known")))
        }
        (None, Some(_)) if header.plan.target != TargetName::Host => None,
        (None, host) => host.map(|host| format!("Measured on the host's kernel {host}")),
    }
}

/// How many guests were started, and how long that took: `12, each in 2.10 s (median), the slowest in 3.00 s of real time`.
fn boots(results: &Results) -> Option<String> {
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let boots: Vec<f64> = results.dataset.end.as_ref()?.boots.iter().map(|&boot| boot as f64).collect();
    let slowest =
        boots.iter().copied().fold(None, |most: Option<f64>, boot| Some(most.map_or(boot, |most| most.max(boot))))?;
    let real = |time| units::human(Unit::Ns, Clock::Wall, time);
    let median = stats::median(&boots)?;
    let count = units::count(boots.len() as u64);
    Some(format!("{count}, median {} of real time to the first cell, slowest {}", real(median), real(slowest)))
}

/// What to type to run it again; empty when that is not known.
pub(crate) fn command(results: &Results) -> String {
    results.dataset.header.command.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn table(title: &str, facts: Vec<(String, String)>) -> Table {
    Table {
        title: title.to_owned(),
        about: String::new(),
        columns: vec![Column::new("fact", Content::Key), Column::new("value", Content::Text)],
        rows: facts.into_iter().map(|(name, value)| vec![Cell::text(name), Cell::text(value)]).collect(),
        notes: Vec::new(),
    }
}

fn run(results: &Results) -> Vec<(String, String)> {
    let header = &results.dataset.header;
    let plan = &header.plan;
    let version = match header.revision.as_str() {
        "" => header.version.clone(),
        revision => format!("{} ({revision})", header.version),
    };
    let (end, duration, memory) = match &results.dataset.end {
        Some(end) => {
            let interrupted = if end.interrupted { ", interrupted before the plan was through" } else { "" };
            let took = end.end.duration_since(header.start);
            #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
            let memory = units::human(Unit::Bytes, Clock::Wall, end.peak_rss as f64);
            (format!("{:.0}{interrupted}", end.end), written(took), memory)
        }
        None => {
            let unknown = || "not known".to_owned();
            ("not known: the dataset was cut off before its end line".to_owned(), unknown(), unknown())
        }
    };
    let facts = [
        ("id", header.id.clone()),
        ("svclab", version),
        ("target", plan.target.to_string()),
        ("clock", header.clock.to_string()),
        ("seed", plan.seed.to_string()),
        ("rounds", plan.rounds.to_string()),
        ("replicas", plan.replicas.to_string()),
        ("guests started", boots(results).unwrap_or_else(|| "none".to_owned())),
        ("budget of a cell", budget(results)),
        ("start", format!("{:.0}", header.start)),
        ("end", end),
        ("duration", duration),
        ("svclab's peak memory", memory),
        ("cells by outcome", outcomes(results)),
    ];
    // A run without guests has no use for what is said of them.
    let told = |name: &str| plan.target != TargetName::Host || !matches!(name, "replicas" | "guests started");
    facts.into_iter().filter(|(name, _)| told(name)).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a cell may take, on the run's clock.
fn budget(results: &Results) -> String {
    let budget = results.dataset.header.plan.budget;
    match results.clock() {
        #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
        Clock::Instructions => units::human(Unit::Ns, Clock::Instructions, budget.as_nanos() as f64),
        Clock::Wall | Clock::WallEmulated => format!("{budget:?}"),
    }
}

/// How long a run took: `1 h 4 min 20 s`.
fn written(took: SignedDuration) -> String {
    let seconds = took.as_secs().max(0);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown = parts.iter().skip_while(|(value, unit)| *value == 0 && *unit != "s");
    shown.map(|(value, unit)| format!("{value} {unit}")).collect::<Vec<_>>().join(" ")
}

/// How many cells ended how, each by its probe's own metric.
fn outcomes(results: &Results) -> String {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    let own: Vec<_> = results.rows.iter().filter(|row| row.metric == Metric::of(row.probe)).collect();
    for row in &own {
        *counts.entry(row.outcome).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.iter().map(|(outcome, count)| format!("{} {}", units::count(*count), outcome.name())).collect();
    match parts.as_slice() {
        [] => "none".to_owned(),
        parts => format!("{} of {}", parts.join(", "), units::count(own.len() as u64)),
    }
}

/// `word` as a POSIX shell reads it back.
fn quote(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
