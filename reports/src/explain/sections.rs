//! An explanation as sections: the steps, then where packets may end.

use super::Explained;
use super::words::{access, destination, share, written};
use crate::prose::capitalise;
use crate::report::{Column, Content, Point, Section, Table, TableCell};
use analysis::explain::{Outcome, Way};
use lab_core::foreign::shown;
use lab_core::node::States;
use lab_core::path::{Ending, SourceAddress};
use lab_core::units;
use std::net::SocketAddr;

/// A table has no more rows than this; the rest is counted.
const MOST_ROWS: usize = 50;
/// A way has no more steps shown than this; the rest is counted.
const MOST_STEPS: usize = 300;

/// All of it: a section for each entry.
pub(super) fn sections(explained: &Explained<'_>) -> Vec<Section> {
    let same_entry = |one: &Way, other: &Way| one.entry == other.entry;
    explained.explanation.ways.chunk_by(same_entry).filter_map(|ways| section(explained, ways)).collect()
}

/// The ways to one entry. Clients that meet the same ends as the first are only named.
fn section(explained: &Explained<'_>, ways: &[Way]) -> Option<Section> {
    let (first, rest) = ways.split_first()?;
    let name = if first.entry.name.is_empty() { String::new() } else { format!("{}: ", shown(&first.entry.name)) };
    let title = format!("{name}{}, {}", destination(first.dialled, first.entry.protocol), access(&first.entry));
    let (mut alike, mut others) = (Vec::new(), Vec::new());
    for way in rest {
        match only_source_differs(explained, first, way) {
            Some(sentence) => {
                let from = explained.client(way.client, way.dialled.is_ipv4());
                alike.push([from, sentence].map(TableCell::text).to_vec());
            }
            None => others.extend(tables(explained, way)),
        }
    }
    let mut tables = tables(explained, first);
    if !alike.is_empty() {
        tables.push(Table {
            title: format!("As from {}", explained.client(first.client, first.dialled.is_ipv4())),
            columns: Column::row(&["from"], &[], &["what differs"]),
            rows: alike,
            ..Table::default()
        });
    }
    tables.extend(others);
    Some(Section { title, points: known(explained, first), tables, ..Section::default() })
}

/// What was taken for granted about the node.
fn known(explained: &Explained<'_>, way: &Way) -> Vec<Point> {
    let is_v4 = way.dialled.is_ipv4();
    let surroundings = explained.walker.surroundings();
    let mut points = Vec::new();
    if !way.walk.packet.state.meets(States::NEW.or(States::RELATED)) {
        let text = "the kernel asks no chain of nat: addresses stay as the first packet's were rewritten";
        points.push(Point::new("Not the connection's first packet", text));
    }
    if surroundings.is_stand_in(is_v4) {
        let text = format!(
            "no listing tells them; {} stands for one. Hand over the output of `ip -o addr`, too",
            surroundings.address(is_v4)
        );
        points.push(Point::new("The node's addresses", text));
    }
    let text = match explained.clients.pods(is_v4) {
        Some(span) => format!("{span}, read off the rules"),
        None => "the rules do not tell their range; where the source decides, name it with --from ADDRESS".to_owned(),
    };
    points.push(Point::new("Pods", text));
    points
}

/// What differs from `first` to `way`, if it is the source alone.
fn only_source_differs(explained: &Explained<'_>, first: &Way, way: &Way) -> Option<String> {
    let ends = |way: &Way| -> Vec<(SocketAddr, String, String)> {
        let mut ends: Vec<_> = way
            .usual()
            .map(|outcome| {
                // Which rule refuses it is a part of the answer.
                let by = outcome.ending.by.filter(|_| !outcome.is_endpoint());
                let end = format!("{:?} {by:?}", outcome.ending.end);
                (outcome.ending.destination, end, share(outcome.ending.probability))
            })
            .collect();
        ends.sort_unstable();
        ends
    };
    if ends(first) != ends(way) || first.usual().count() == 0 {
        return None;
    }
    let mut sources: Vec<String> = way.usual().map(|outcome| explained.source(&outcome.ending)).collect();
    sources.dedup();
    let [source] = &sources[..] else { return None };
    Some(format!("the same ends; the source address is {source}"))
}

/// A way's steps and ends.
fn tables(explained: &Explained<'_>, way: &Way) -> Vec<Table> {
    let from = capitalise(&format!("from {}", explained.client(way.client, way.dialled.is_ipv4())));
    let mut tables = Vec::new();
    let main: Vec<&Outcome> = way.usual().collect();
    if let Some(first) = main.iter().find(|outcome| outcome.is_endpoint()).or(main.first()) {
        tables.extend(Some(steps(explained, way, &first.ending, &from)).filter(|table| !table.rows.is_empty()));
    }
    tables.push(ends(explained, way, &main));
    let aside: Vec<&Outcome> = way.otherwise().collect();
    if !aside.is_empty() {
        tables.push(otherwise(explained, &aside));
    }
    tables
}

fn steps(explained: &Explained<'_>, way: &Way, ending: &Ending, from: &str) -> Table {
    let endings: Vec<&Ending> = way.usual().map(|outcome| &outcome.ending).collect();
    let least = endings.iter().map(|ending| ending.tried_before).min().unwrap_or(0);
    let most = endings.iter().map(|ending| ending.tried_before).max().unwrap_or(0);
    let tried = if least == most { units::counted(most, "rule") } else { format!("{least} to {most} rules") };
    let many = if endings.len() > 1 { "; the steps are those to the first of the ends below" } else { "" };
    let lines = explained.lines(&way.walk, ending);
    let more = lines.len().saturating_sub(MOST_STEPS);
    let notes =
        (more > 0).then(|| format!("And {}; --format json lists all.", units::counted(more as u64, "more step")));
    let rows = lines
        .into_iter()
        .take(MOST_STEPS)
        .map(|line| [line.hook, line.chain, line.rule, line.says, line.happens].map(TableCell::text).to_vec());
    Table {
        title: format!("{from}: tried against {tried}{many}"),
        columns: [
            ("hook", Content::Key),
            ("chain", Content::Key),
            ("rule", Content::Number),
            ("what it says", Content::Text),
            ("what happens", Content::Text),
        ]
        .map(|(title, content)| Column::new(title, content))
        .to_vec(),
        rows: rows.collect(),
        notes: notes.into_iter().collect(),
        ..Table::default()
    }
}

fn ends(explained: &Explained<'_>, way: &Way, outcomes: &[&Outcome]) -> Table {
    let total: f64 = outcomes.iter().map(|outcome| outcome.ending.probability).sum();
    let rows = outcomes.iter().take(MOST_ROWS).map(|outcome| {
        let ending = &outcome.ending;
        let written = ending.picked.and_then(|(_, stated)| stated).map_or_else(|| "-".to_owned(), written);
        vec![
            TableCell::text(explained.leads_to(ending)),
            TableCell::number(share(ending.probability)),
            TableCell::number(written),
            TableCell::text(why(explained, outcome)),
            TableCell::text(explained.source(ending)),
            TableCell::text(explained.end(ending)),
        ]
    });
    let mut notes = Vec::new();
    if outcomes.len() > MOST_ROWS {
        notes.push(format!("And {} more; --format json lists all.", outcomes.len() - MOST_ROWS));
    }
    if way.is_uneven() {
        notes.push("The endpoints do not have equal shares.".to_owned());
    }
    if way.is_uncertain() {
        notes.push("Something on the way is not known (see the steps): it may be otherwise.".to_owned());
    }
    if (total - 1.0).abs() > 1e-6 {
        notes.push(format!("These shares make {}.", share(total)));
    }
    Table {
        title: "Where it may end".to_owned(),
        columns: vec![
            Column::new("to", Content::Key),
            Column::new("probability", Content::Number),
            Column::new("written", Content::Number),
            Column::new("why", Content::Text),
            Column::new("source address", Content::Text),
            Column::new("end", Content::Text),
        ],
        rows: rows.collect(),
        notes,
        ..Table::default()
    }
}

/// Why an ending has its probability: what is written, and what comes before it.
fn why(explained: &Explained<'_>, outcome: &Outcome) -> String {
    let ending = &outcome.ending;
    let Some((place, stated)) = ending.picked else { return String::new() };
    let Some(rule) = place.rule else { return String::new() };
    let left = ending.probability;
    match stated {
        Some(stated) if (stated - left).abs() > 1e-4 => {
            format!("rule {}: {} of the {} that come there", rule + 1, share(stated), share(left / stated))
        }
        Some(_) => format!("rule {} of {}", rule + 1, explained.chain_name(place)),
        None => format!("what rules up to {} left over", rule + 1),
    }
}

fn otherwise(explained: &Explained<'_>, outcomes: &[&Outcome]) -> Table {
    let rows = outcomes.iter().take(MOST_ROWS).map(|outcome| {
        let ending = &outcome.ending;
        let assumed: Vec<String> = ending.assuming.iter().map(|one| explained.assumed(one)).collect();
        let source = if ending.source == SourceAddress::Kept {
            String::new()
        } else {
            format!(", source {}", explained.source(ending))
        };
        vec![
            TableCell::text(assumed.join("; and ")),
            TableCell::text(explained.leads_to(ending)),
            TableCell::number(share(ending.probability)),
            TableCell::text(format!("{}{source}", explained.end(ending))),
        ]
    });
    let notes = (outcomes.len() > MOST_ROWS)
        .then(|| format!("And {} more; --format json lists all.", outcomes.len() - MOST_ROWS));
    Table {
        title: "Otherwise".to_owned(),
        columns: vec![
            Column::new("if", Content::Key),
            Column::new("to", Content::Key),
            Column::new("probability", Content::Number),
            Column::new("end", Content::Text),
        ],
        rows: rows.collect(),
        notes: notes.into_iter().collect(),
        ..Table::default()
    }
}
