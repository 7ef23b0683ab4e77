//! An explanation as sections: the steps, then where packets may end.

use super::Explained;
use super::words::{access, destination, share, written};
use crate::prose::capitalise;
use crate::report::{Column, Content, Point, Section, Table, TableCell};
use analysis::explain::{Outcome, Way};
use lab_core::foreign::shown;
use lab_core::path::{Ending, SourceAddress};
use lab_core::units;
use std::net::SocketAddr;

/// A table has no more rows than this; the rest is counted.
const MOST_ROWS: usize = 50;

/// All of it: a section for each entry.
pub(super) fn sections(explained: &Explained<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut elsewhere: Vec<Vec<TableCell>> = Vec::new();
    let ways = &explained.explanation.ways;
    for (place, way) in ways.iter().enumerate() {
        let is_first = place == 0 || ways[place - 1].entry != way.entry;
        if is_first {
            let name = if way.entry.name.is_empty() { String::new() } else { format!("{}: ", shown(&way.entry.name)) };
            let title = format!("{name}{}, {}", destination(way.dialled, way.entry.protocol), access(&way.entry));
            sections.push(Section { title, points: known(explained, way), ..Section::default() });
        }
        let Some(section) = sections.last_mut() else { continue };
        let first = ways.iter().find(|other| other.entry == way.entry).filter(|_| !is_first);
        match first.and_then(|first| only_source_differs(explained, first, way)) {
            Some(sentence) => {
                let from = explained.client(way.client, way.dialled.is_ipv4());
                elsewhere.push([from, sentence].map(TableCell::text).to_vec());
            }
            None => section.tables.extend(tables(explained, way)),
        }
        let is_last = ways.get(place + 1).is_none_or(|next| next.entry != way.entry);
        if is_last && !elsewhere.is_empty() {
            section.tables.push(Table {
                title: "From elsewhere".to_owned(),
                columns: Column::row(&["from"], &[], &["what differs"]),
                rows: std::mem::take(&mut elsewhere),
                ..Table::default()
            });
        }
    }
    sections
}

/// What was taken for granted about the node.
fn known(explained: &Explained<'_>, way: &Way) -> Vec<Point> {
    let is_v4 = way.dialled.is_ipv4();
    let surroundings = explained.walker.surroundings();
    let mut points = Vec::new();
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
                let end = format!("{:?}", outcome.ending.end);
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
        tables.push(steps(explained, way, &first.ending, &from));
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
    let rows = explained
        .lines(&way.walk, ending)
        .into_iter()
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
