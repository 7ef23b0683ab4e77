//! The tables of an answer.

use super::words;
use crate::report::{Column, Content, Table, TableCell};
use analysis::capacity::{
    Answer, Capacity, Estimate, Ground, Objective, ObjectiveAnswer, Rates, VariantAnswer, Verdict,
};
use lab_core::units;

/// Up to how many Services each variant holds all objectives.
pub(super) fn capacities(answer: &Answer) -> Table {
    let row = |variant: &VariantAnswer| {
        vec![
            TableCell::text(&variant.name),
            TableCell::number(words::number(&variant.capacity)),
            TableCell::number(words::interval(&variant.capacity)),
            TableCell::text(words::why(answer, variant)),
        ]
    };
    Table {
        title: "Services".to_owned(),
        about: "the most with which every objective is held".to_owned(),
        columns: Column::row(&["backend"], &["Services", "95 % interval"], &["why not more"]),
        rows: answer.variants.iter().map(row).collect(),
        ..Table::default()
    }
}

/// Whether the objectives are held at the sizes that were asked for.
pub(super) fn sizes(answer: &Answer) -> Vec<Table> {
    let question = &answer.question;
    let table = |(place, &services): (usize, &u32)| {
        let mut columns = Column::row(&["backend"], &[], &["all objectives"]);
        columns.extend(question.objectives.iter().map(|objective| Column::new(objective.name(), Content::Number)));
        let row = |variant: &VariantAnswer| {
            let mut row =
                vec![TableCell::text(&variant.name), TableCell::text(words::verdict(variant.verdicts[place]))];
            row.extend(question.objectives.iter().zip(&variant.parts).map(|(objective, part)| {
                let (verdict, estimate) = part.verdicts[place];
                expected(answer, objective, verdict, estimate)
            }));
            row
        };
        Table {
            title: format!("At {}", crate::prose::services_of(&[services])),
            about: "whether the objectives are held, and what is to be expected".to_owned(),
            columns,
            rows: answer.variants.iter().map(row).collect(),
            ..Table::default()
        }
    };
    question.sizes.iter().enumerate().map(table).collect()
}

/// What is to be expected of an objective somewhere, and whether it is held.
fn expected(answer: &Answer, objective: &Objective, verdict: Verdict, estimate: Option<Estimate>) -> TableCell {
    let Some(estimate) = estimate else { return TableCell::text(short(verdict)) };
    let (number, interval) = words::estimate(estimate, objective.metric.unit(), answer.clock);
    let details = [interval, short(verdict).to_owned()];
    TableCell::detailed(number, details.into_iter().filter(|detail| !detail.is_empty()).collect())
}

/// Whether the cluster in `file` holds the objectives.
pub(super) fn cluster(answer: &Answer, file: &str) -> Table {
    let question = &answer.question;
    let mut columns = Column::row(&["backend"], &["by entries", "by objects"], &["all objectives"]);
    columns.extend(question.objectives.iter().map(|objective| Column::new(objective.name(), Content::Number)));
    let row = |variant: &VariantAnswer| {
        let [entries, installed] = [Ground::Entries, Ground::Installed].map(|ground| {
            let at = question.objectives.iter().zip(&variant.parts);
            let at = at.filter(|(objective, _)| Ground::of(objective.metric) == ground);
            let services = at.filter_map(|(_, part)| part.at_cluster?.services).max();
            services.map_or(TableCell::Absent("–"), |services| TableCell::number(words::services(services)))
        });
        let verdict = variant.at_cluster.unwrap_or(Verdict::NoData);
        let mut row =
            vec![TableCell::text(&variant.name), entries, installed, TableCell::text(words::verdict(verdict))];
        row.extend(question.objectives.iter().zip(&variant.parts).map(|(objective, part)| match part.at_cluster {
            Some(at) => expected(answer, objective, at.verdict, at.value),
            None => TableCell::text(short(Verdict::NoData)),
        }));
        row
    };
    Table {
        title: format!("For {file}"),
        about: "as how many of the run's Services it counts (by entries, where packets are dispatched, for what a connection \
                costs; by objects, all that the layout installs, for what programming costs), and whether the objectives \
                are held there"
            .to_owned(),
        columns,
        rows: answer.variants.iter().map(row).collect(),
        ..Table::default()
    }
}

fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Breaks => "breaks",
        Verdict::Unsure => "may break",
        Verdict::Beyond(_) | Verdict::NoData => "not known",
    }
}

/// One objective by itself: up to where it is held, what was measured last, and the law.
pub(super) fn objective(answer: &Answer, place: usize) -> Table {
    let objective = &answer.question.objectives[place];
    let part = |variant: &VariantAnswer| variant.parts[place].clone();
    let parts: Vec<ObjectiveAnswer> = answer.variants.iter().map(part).collect();
    let row = |(variant, part): (&VariantAnswer, &ObjectiveAnswer)| {
        let interval = words::interval(&part.capacity);
        let details = if interval.is_empty() { Vec::new() } else { vec![interval] };
        let largest = match part.largest {
            Some((services, estimate)) => {
                let (number, interval) = words::estimate(estimate, objective.metric.unit(), answer.clock);
                let mut details = if interval.is_empty() { Vec::new() } else { vec![interval] };
                if Some(&services) != answer.sizes.last() {
                    details.push(format!("at {}", words::services(services)));
                }
                TableCell::detailed(number, details)
            }
            None => TableCell::Absent("none"),
        };
        let law = match (&part.fitted, &part.capacity) {
            (Some(fitted), _) => words::law(fitted) + &elsewhere(part, &parts),
            (None, Capacity::Unknown { why }) => why.clone(),
            (None, _) => String::new(),
        };
        vec![
            TableCell::text(&variant.name),
            TableCell::detailed(words::number(&part.capacity), details),
            largest,
            TableCell::text(law),
        ]
    };
    let at =
        answer.sizes.last().map_or("measured".to_owned(), |largest| format!("at {}", units::count((*largest).into())));
    let mut notes = Vec::new();
    if let Some(part) = parts.iter().find(|part| part.among > 1)
        && let Some((probe, position)) = part.place()
    {
        let place = words::position(position);
        let probes = if objective.probe.is_none() && place.is_empty() { format!(", by {probe}") } else { place };
        notes.push(format!(
            "It was measured in {} places; the worst of them counts, which is what the slowest Service gets{}.",
            part.among,
            if parts.iter().filter_map(ObjectiveAnswer::place).all(|one| one == (probe, position)) {
                format!(": here that is{}", probes.trim_start_matches(','))
            } else {
                String::new()
            }
        ));
    }
    for baseline in answer.baselines.iter().filter(|baseline| baseline.objective == place) {
        let (number, interval) = words::estimate(baseline.value, objective.metric.unit(), answer.clock);
        let interval = if interval.is_empty() { interval } else { format!(" ({interval})") };
        let on = baseline.kernel.map_or(String::new(), |kernel| format!(" on {}", kernel.as_str()));
        notes.push(match baseline.verdict {
            Verdict::Breaks => format!(
                "Without any Service it is {number}{interval}{on}: the limit is broken by what has nothing to do with \
                 Services, so that no backend can hold it here."
            ),
            _ => format!("Without any Service it is {number}{interval}{on}."),
        });
    }
    Table {
        title: objective.words(answer.clock, answer.question.headroom),
        about: format!("{}{}", objective.metric.meaning(), words::quantile(objective.quantile)),
        columns: Column::row(&["backend"], &["Services", &at], &["law"]),
        rows: answer.variants.iter().zip(&parts).map(row).collect(),
        notes,
        ..Table::default()
    }
}

/// Where the figures of `part` are of, when those of another variant are of another place.
fn elsewhere(part: &ObjectiveAnswer, parts: &[ObjectiveAnswer]) -> String {
    match part.place() {
        Some((_, position)) if parts.iter().filter_map(ObjectiveAnswer::place).any(|(_, other)| other != position) => {
            words::position(position)
        }
        _ => String::new(),
    }
}

/// `0.25 and 0.81` for two rates.
fn rates(rates: Rates) -> String {
    match rates {
        Rates::One(rate) => format!("{rate:.3}"),
        Rates::Two { user, kernel } => format!("{user:.3} and {kernel:.3}"),
    }
}

/// What made times of instructions, and how far off it would be for a backend that was never timed.
pub(super) fn calibration(answer: &Answer) -> Option<Table> {
    let calibration = answer.calibration.as_ref()?;
    let mut rows = Vec::new();
    for factor in &calibration.factors {
        for left in &factor.left_out {
            rows.push(vec![
                TableCell::text(factor.quantile.of(factor.metric)),
                TableCell::text(left.backend.to_string()),
                TableCell::number(rates(factor.rates)),
                TableCell::number(rates(left.rates)),
                TableCell::number(units::ratio(left.off)),
                TableCell::number(units::ratio(left.worst)),
            ]);
        }
    }
    Some(Table {
        title: "Calibration".to_owned(),
        about: "what a figure of the exact run is multiplied by: for durations, nanoseconds an instruction; with two, \
                those of an instruction in processes and in the kernel, and waiting is no time. For each backend, what \
                it really took against what the rates of the others make of it, on the average of its cells and in the \
                worst of them"
            .to_owned(),
        columns: Column::row(&["metric", "backend"], &["rates", "without it", "left out: off by", "at worst"], &[]),
        rows,
        ..Table::default()
    })
}
