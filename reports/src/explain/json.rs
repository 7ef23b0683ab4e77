//! Explanations, summaries and differences as JSON.

use super::Explained;
use super::steps::path;
use crate::formats::json::pretty;
use analysis::explain::{Client, Differences, Differing, Entry, Met, Outcome, Reached, Summary, Way};
use lab_core::path::{Assumption, End, Event, Place, SourceAddress, Step};
use lab_core::vocabulary::{Access, Word};
use serde_json::{Value, json};

/// The version of the objects' shape: it changes when a key goes, or means something else.
const FORMAT: u32 = 1;

/// An explanation.
pub(super) fn explained(explained: &Explained<'_>) -> String {
    let ways = explained.explanation.ways.iter().map(|one| way(explained, one));
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "target": explained.title,
        "ways": ways.collect::<Vec<_>>(),
    }))
}

fn way(explained: &Explained<'_>, way: &Way) -> Value {
    let packet = &way.walk.packet;
    let outcomes = way.outcomes.iter().map(|one| outcome(explained, way, one));
    json!({
        "entry": entry(&way.entry),
        "from": client(way.client),
        "source": packet.source,
        "destination": way.dialled,
        "protocol": packet.protocol,
        "uneven": way.is_uneven(),
        "uncertain": way.is_uncertain(),
        "outcomes": outcomes.collect::<Vec<_>>(),
    })
}

fn client(client: Client) -> String {
    match client {
        Client::At(origin) => origin.name().to_owned(),
        Client::Address(address) => address.to_string(),
    }
}

fn entry(entry: &Entry) -> Value {
    let address = match entry.at {
        Reached::At(address) => Some(address),
        Reached::AtNode(_) => None,
    };
    json!({
        "name": entry.name,
        "access": entry.access.map(Access::name),
        "address": address,
        "port": entry.port,
        "protocol": entry.protocol,
    })
}

fn outcome(explained: &Explained<'_>, way: &Way, outcome: &Outcome) -> Value {
    let ending = &outcome.ending;
    let source = match ending.source {
        SourceAddress::Kept => json!({"is": "kept"}),
        SourceAddress::Node(address) => json!({"is": "node", "address": address}),
        SourceAddress::Written(span) => json!({"is": "written", "first": span.first, "last": span.last}),
    };
    let steps = path(&way.walk, ending).into_iter().filter_map(|place| step(explained, &way.walk.steps[place]));
    json!({
        "end": end(&ending.end),
        "by": ending.by.map(|by| place(explained, by)),
        "destination": ending.destination,
        "rewritten": ending.is_rewritten,
        "source": source,
        "source_by": ending.source_by.map(|by| place(explained, by)),
        "probability": ending.probability,
        "written": ending.picked.and_then(|(_, written)| written),
        "picked_by": ending.picked.map(|(by, _)| place(explained, by)),
        "assuming": ending.assuming.iter().map(|one| assumption(explained, one)).collect::<Vec<_>>(),
        "uncertain": ending.is_uncertain,
        "rules_tried": ending.tried,
        "rules_tried_before_endpoint": ending.tried_before,
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn end(end: &End) -> Value {
    match end {
        End::Sent => json!({"is": "sent"}),
        End::Delivered => json!({"is": "delivered"}),
        End::Dropped => json!({"is": "dropped"}),
        End::MarkedToDrop => json!({"is": "marked-to-drop"}),
        End::Rejected(with) => json!({"is": "rejected", "with": with}),
        End::Queued => json!({"is": "queued"}),
        End::Unlisted(chain) => json!({"is": "unlisted", "chain": chain}),
        End::Loop => json!({"is": "loop"}),
        End::GaveUp => json!({"is": "gave-up"}),
    }
}

fn place(explained: &Explained<'_>, place: Place) -> Value {
    let table = &explained.walker.state().tables[place.table];
    let chain = &table.chains()[place.chain];
    let rule = place.rule.and_then(|rule| chain.rules.get(rule));
    json!({
        "table": table.name,
        "chain": chain.name,
        "rule": place.rule.map(|rule| rule + 1),
        "listing": table.source,
        "line": rule.map(|rule| rule.line),
        "text": rule.map(|rule| &rule.text),
    })
}

fn assumption(explained: &Explained<'_>, assumption: &Assumption) -> Value {
    match assumption {
        Assumption::SeenBefore { list, seconds } => json!({"is": "seen-before", "list": list, "seconds": seconds}),
        Assumption::OverLimit(at) => json!({"is": "over-limit", "rule": place(explained, *at)}),
        Assumption::Unknown(at) => json!({"is": "unknown-test-holds", "rule": place(explained, *at)}),
    }
}

fn step(explained: &Explained<'_>, step: &Step) -> Option<Value> {
    let mut object = match &step.event {
        Event::Hook(hook) => json!({"is": "hook", "hook": hook.name()}),
        Event::Base => json!({"is": "base"}),
        Event::Enter { chain, is_goto } => {
            let table = &explained.walker.state().tables[step.place?.table];
            json!({"is": if *is_goto { "goto" } else { "jump" }, "chain": table.chains()[*chain].name})
        }
        Event::Missing(chain) => json!({"is": "missing", "chain": chain}),
        Event::Gap => json!({"is": "gap"}),
        Event::Mark { from, to } => json!({"is": "mark", "from": from, "to": to}),
        Event::Note(list) => json!({"is": "note", "list": list}),
        Event::Picked { probability } => json!({"is": "picked", "probability": probability}),
        Event::Passed { probability } => json!({"is": "passed", "probability": probability}),
        Event::Assume(one) => json!({"is": "assume", "what": assumption(explained, one)}),
        Event::OneOf(several) => json!({"is": "one-of", "several": several}),
        Event::Taken => json!({"is": "taken"}),
        Event::NoRules => json!({"is": "no-rules"}),
        Event::Dnat(to) => json!({"is": "dnat", "to": to}),
        Event::Masquerade => json!({"is": "masquerade"}),
        Event::Snat(span) => json!({"is": "snat", "first": span.first, "last": span.last}),
        Event::NoTrack => json!({"is": "notrack"}),
        Event::Accept => json!({"is": "accept"}),
        Event::Return => json!({"is": "return"}),
        Event::Routed(local) => json!({"is": "routed", "to_node": local}),
        Event::Ipvs { server, real } => {
            let server = &explained.walker.state().servers[*server];
            json!({"is": "ipvs", "server": server.address, "scheduler": server.scheduler, "real": real.map(|real| server.real[real].address)})
        }
        Event::Unknown => json!({"is": "unknown"}),
        Event::Missed => json!({"is": "missed"}),
        Event::End(_) => return None,
    };
    object["rules_tried"] = step.tried.into();
    if let Some(at) = step.place {
        object["at"] = place(explained, at);
    }
    Some(object)
}

/// A summary.
pub(super) fn summary(summary: &Summary) -> String {
    let tables =
        summary.tables.iter().map(|(name, chains, rules)| json!({"table": name, "chains": chains, "rules": rules}));
    let doubts = summary.doubts.iter().map(|doubt| json!({"what": doubt.head, "seen": doubt.text}));
    let longest = summary.longest.as_ref().map(|longest| {
        json!({"entry": entry(&longest.entry), "rules_tried": longest.tried, "rules_tried_in_the_middle": longest.middle})
    });
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "made_by": summary.made_by,
        "tables": tables.collect::<Vec<_>>(),
        "service_ports": summary.services,
        "entries": summary.entries,
        "endpoints": summary.endpoints,
        "virtual_servers": summary.virtual_servers,
        "sets": summary.sets.0,
        "set_elements": summary.sets.1,
        "longest": longest,
        "first_and_last": summary.ends,
        "doubts": doubts.collect::<Vec<_>>(),
    }))
}

/// What differs between two nodes.
pub(super) fn difference(names: [&str; 2], differences: &Differences) -> String {
    let met = |met: &[(Met, f64)]| -> Vec<Value> {
        met.iter()
            .map(|(met, probability)| {
                let mut object = match met {
                    Met::Endpoint(address, masqueraded) => {
                        json!({"is": "endpoint", "address": address, "source_rewritten": masqueraded})
                    }
                    Met::Undirected => json!({"is": "undirected"}),
                    Met::Dropped => json!({"is": "dropped"}),
                    Met::Rejected(with) => json!({"is": "rejected", "with": with}),
                    Met::Other(what) => json!({"is": "other", "what": what}),
                };
                object["probability"] = json!(probability);
                object
            })
            .collect()
    };
    let rows = differences.found.iter().map(|difference| match &difference.what {
        Differing::OnlyFirst => json!({"entry": entry(&difference.entry), "only": names[0]}),
        Differing::OnlySecond => json!({"entry": entry(&difference.entry), "only": names[1]}),
        Differing::Meets { client, first, second } => json!({
            "entry": entry(&difference.entry),
            "from": self::client(*client),
            "first": met(first),
            "second": met(second),
        }),
    });
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "nodes": names,
        "compared_from": differences.clients.iter().map(|&one| self::client(one)).collect::<Vec<_>>(),
        "uncertain": differences.uncertain,
        "differences": rows.collect::<Vec<_>>(),
    }))
}
