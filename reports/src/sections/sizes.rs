//! "At your size": a row a number of Services, and in it what costs least, and how much more the others cost.

use crate::prose::list;
use crate::report::{Column, Content, Table, TableCell};
use crate::results::Results;
use crate::results::clock;
use crate::results::cost::Cost;
use crate::results::standing::{Choice, Entry, Pick, Standing, choices};
use lab_core::units;

/// A table a run in which there is something to choose from.
pub(crate) fn tables(results: &Results) -> Vec<Table> {
    (0..results.runs.datasets().len()).filter_map(|run| table(results, run)).collect()
}

fn table(results: &Results, run: usize) -> Option<Table> {
    let choices = choices(results, run);
    choices.first()?;
    let sizes = results.sizes_of(run);
    let at = |services: u32| Cost::ALL.map(|cost| Standing::of(results, run, cost, services));
    let rows: Vec<(u32, [Option<Standing>; 4])> = sizes.into_iter().map(|services| (services, at(services))).collect();
    let asked: Vec<usize> =
        (0..Cost::ALL.len()).filter(|&index| rows.iter().any(|(_, all)| all[index].is_some())).collect();
    let mut columns = vec![Column::new("Services", Content::Key), Column::new("take", Content::Text)];
    columns.extend(asked.iter().map(|&index| {
        let cost = Cost::ALL[index];
        Column::new(format!("{}: {}", cost.noun(), cost.meaning()), Content::Text)
    }));
    let rows = rows.iter().filter(|(_, all)| asked.iter().any(|&index| all[index].is_some()));
    let row = |(services, all): &(u32, [Option<Standing>; 4])| {
        let choice = choices.iter().find(|choice| choice.services == *services);
        let keys = [TableCell::text(units::count((*services).into())), take(choice)];
        let costs = asked.iter().map(|&index| cell(results, Cost::ALL[index], all[index].as_ref()));
        keys.into_iter().chain(costs).collect()
    };
    let label = results.label(run);
    Some(Table {
        title: clock::label(results.clock(), &format!("At your size{label}")),
        about: "What costs least, and below it how many times as much the others cost. Backends stand together where \
                their intervals overlap or less than a tenth lies between them. What to take is what costs least of \
                both a change and a new connection: they are paid again and again."
            .to_owned(),
        columns,
        rows: rows.map(row).collect(),
        ..Table::default()
    })
}

fn take(choice: Option<&Choice>) -> TableCell {
    let Some(choice) = choice else { return TableCell::Absent("not compared") };
    let best: Vec<String> = choice.best.iter().map(Pick::to_string).collect();
    let measured = |(_, standing): &(Cost, Standing)| standing.measured().count();
    let all = choice.standings.iter().map(measured).max().unwrap_or(0);
    match best.as_slice() {
        _ if !choice.known => TableCell::Absent("not known"),
        [] => TableCell::text("it depends"),
        best if best.len() > 2 && best.len() == all && choice.advised().len() == all => TableCell::text("any"),
        _ => match choice.advised().iter().map(Pick::to_string).collect::<Vec<_>>()[..] {
            [] => TableCell::Absent("no advice"),
            ref advised => TableCell::number(list(advised)),
        },
    }
}

fn cell(results: &Results, cost: Cost, standing: Option<&Standing>) -> TableCell {
    let Some(standing) = standing else { return TableCell::Absent("not asked") };
    let human = |entry: &Entry| results.human(cost.metric(), entry.figures.p50);
    let name = |entry: &Entry| results.backend(entry.variant, cost.probe());
    let mut details: Vec<String> = standing
        .more
        .iter()
        .map(|entry| {
            let much = entry.ratio.map_or_else(|| human(entry), units::ratio);
            format!("{} {much}{}", name(entry), if entry.known { "" } else { " (too few samples)" })
        })
        .collect();
    let absent = standing.absent.iter();
    details
        .extend(absent.map(|(variant, _, outcome)| format!("{} {outcome}", results.backend(*variant, cost.probe()))));
    let (Some(low), Some(high)) = (standing.least.first(), standing.least.last()) else {
        return TableCell::detailed("nothing measured", details);
    };
    let names: Vec<String> = standing.least.iter().map(name).collect();
    let value = results.span(cost.metric(), low.figures.p50, high.figures.p50);
    if names.len() > 1 && standing.least.iter().any(|entry| !entry.known) {
        details.push("too few samples: no difference is claimed".to_owned());
    }
    let names = if names.len() > 2 && details.is_empty() { "all alike".to_owned() } else { list(&names) };
    TableCell::Value { number: names, ratio: value, flag: "", details }
}
