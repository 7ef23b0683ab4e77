//! A node's summary, and what differs between two nodes, as sections.

use super::words::{access, destination, origin_words, share};
use crate::report::{Column, Content, Point, Section, Table, TableCell};
use analysis::explain::{Client, Differences, Differing, Entry, Longest, Met, Reached, Summary};
use lab_core::foreign::shown;
use lab_core::units;
use std::net::SocketAddr;

/// A table has no more rows than this; the rest is counted.
const MOST_ROWS: usize = 50;

/// A node's summary.
pub(super) fn sections(title: &str, summary: &Summary) -> Vec<Section> {
    let mut points: Vec<Point> = summary.made_by.iter().map(|by| Point::new("Made by", by.clone())).collect();
    points.push(Point::new("Holds", held(summary)));
    points.extend(summary.longest.as_ref().map(longest));
    points.extend(summary.ends.as_ref().filter(|(first, last)| first != last).map(|(first, last)| {
        let text =
            format!("{} is tried first, {} last; kube-proxy leaves the order to chance", shown(first), shown(last));
        Point::new("KUBE-SERVICES", text)
    }));
    let rows = summary.tables.iter().map(|(name, chains, rules)| {
        let number = |number: usize| TableCell::number(units::count(number as u64));
        vec![TableCell::text(shown(name)), number(*chains), number(*rules)]
    });
    let tables = Table {
        title: "Tables".to_owned(),
        columns: Column::row(&["table"], &["chains", "rules"], &[]),
        rows: rows.collect(),
        ..Table::default()
    };
    let doubts = summary.doubts.iter().map(|doubt| Point::new(shown(&doubt.head), shown(&doubt.text)));
    let mut sections = vec![Section {
        title: shown(title),
        points,
        tables: if summary.tables.is_empty() { Vec::new() } else { vec![tables] },
        ..Section::default()
    }];
    let about = if summary.doubts.is_empty() { "Nothing odd was seen." } else { "" };
    sections.push(Section {
        title: "What is odd".to_owned(),
        about: about.to_owned(),
        points: doubts.collect(),
        ..Section::default()
    });
    sections
}

fn held(summary: &Summary) -> String {
    let mut parts = vec![units::counted(summary.services as u64, "Service port")];
    let entries: Vec<String> =
        summary.entries.iter().map(|(what, count)| units::counted(*count as u64, what)).collect();
    if !entries.is_empty() {
        parts.push(format!("({})", entries.join(", ")));
    }
    parts.push(format!("and {}", units::counted(summary.endpoints as u64, "endpoint")));
    let mut text = parts.join(" ");
    if summary.virtual_servers > 0 {
        text += &format!("; {}", units::counted(summary.virtual_servers as u64, "virtual server"));
    }
    if summary.sets.0 > 0 {
        text += &format!(
            "; {} with {}",
            units::counted(summary.sets.0 as u64, "set"),
            units::counted(summary.sets.1 as u64, "element")
        );
    }
    text
}

fn longest(longest: &Longest) -> Point {
    let text = format!(
        "a new connection to {} is tried against {} before its endpoint is chosen; one in the middle against {}",
        called(&longest.entry),
        units::counted(longest.tried, "rule"),
        units::count(longest.middle),
    );
    Point::new("Longest way", text)
}

fn called(entry: &Entry) -> String {
    match &*entry.name {
        "" => place(entry),
        name => shown(name),
    }
}

fn place(entry: &Entry) -> String {
    match entry.at {
        Reached::At(address) => destination(SocketAddr::new(address, entry.port), entry.protocol),
        Reached::AtNode(_) => format!("port {} of the node", entry.port),
    }
}

/// What differs from one node to another.
pub(super) fn difference(names: [&str; 2], differences: &Differences) -> Section {
    let [first, second] = names.map(shown);
    let clients: Vec<String> = differences.clients.iter().map(|&client| from(client)).collect();
    let (uncertain, differences) = (differences.uncertain, &differences.found);
    let rows = differences.iter().take(MOST_ROWS).map(|difference| {
        let entry = &difference.entry;
        let (from, one, other) = match &difference.what {
            Differing::OnlyFirst => (String::new(), "is there".to_owned(), "is not there".to_owned()),
            Differing::OnlySecond => (String::new(), "is not there".to_owned(), "is there".to_owned()),
            Differing::Meets { client, first, second } => (from(*client), list(first), list(second)),
        };
        vec![called(entry), format!("{}, {}", place(entry), access(entry)), from, one, other]
            .into_iter()
            .map(TableCell::text)
            .collect()
    });
    let notes = (differences.len() > MOST_ROWS)
        .then(|| format!("And {} more; --format json lists all.", differences.len() - MOST_ROWS));
    let column = |title: &str, content| Column::new(title, content);
    let table = Table {
        title: "Packets that meet something else".to_owned(),
        columns: vec![
            column("Service", Content::Key),
            column("at", Content::Text),
            column("from", Content::Text),
            column(&first, Content::Text),
            column(&second, Content::Text),
        ],
        rows: rows.collect(),
        notes: notes.into_iter().collect(),
        ..Table::default()
    };
    let about = match differences.len() {
        0 => "These packets meet the same on both.".to_owned(),
        count => format!("{}.", units::counted(count as u64, "difference")),
    };
    let about = format!(
        "{about} Compared to each Service's addresses: packets from {}, and from an endpoint itself. Order in KUBE-SERVICES, \
         counters and comments are no difference.",
        clients.join(", ")
    );
    let unknown = (uncertain > 0).then(|| {
        let what = units::counted(uncertain as u64, "packet");
        Point::new("Not certain", format!("{what} met something that is not known on either node"))
    });
    let tables = if differences.is_empty() { Vec::new() } else { vec![table] };
    Section {
        title: format!("{first} and {second}"),
        about,
        points: unknown.into_iter().collect(),
        tables,
        ..Section::default()
    }
}

/// Where packets come from.
fn from(client: Client) -> String {
    match client {
        Client::At(origin) => origin_words(origin).to_owned(),
        Client::Address(address) => address.to_string(),
    }
}

fn list(met: &[(Met, f64)]) -> String {
    if met.is_empty() {
        return "nothing besides".to_owned();
    }
    let word = |(met, probability): &(Met, f64)| {
        let what = match met {
            Met::Endpoint(address, false) => address.to_string(),
            Met::Endpoint(address, true) => format!("{address} from the node's address"),
            Met::Undirected => "no rule: on as it is".to_owned(),
            Met::Dropped => "dropped".to_owned(),
            Met::Rejected(with) => format!("rejected ({})", shown(with)),
            Met::Other(what) => shown(what),
        };
        format!("{what} ({})", share(*probability))
    };
    let shown: Vec<String> = met.iter().take(5).map(word).collect();
    let more = if met.len() > 5 { format!(" and {} more", met.len() - 5) } else { String::new() };
    shown.join(", ") + &more
}
