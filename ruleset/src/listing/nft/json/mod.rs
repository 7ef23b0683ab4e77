//! What `nft -j list` prints.
//!
//! It is written as nft's text, and read as that: so that both give the same rules, and a rule of JSON has a text to show.

mod expression;
mod statement;

use super::cursor::Cursor;
use super::remark::Remarks;
use super::set::Draft;
use super::text::families;
use super::token::{Lexer, Token};
use super::{priority, rule, settle};
use expression::Writer;
use lab_core::node::{Hook, HookPoint, Maker, NatKind, Rule, Table};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The tables of a JSON document whose first line has this number. What comes after a place where it is cut off or
/// broken is lost, with a remark.
pub(super) fn read(first_line: usize, text: &str, remarks: &mut Remarks<'_>) -> Vec<(usize, Table)> {
    let mut reader =
        Reader { remarks, line: first_line, tables: Vec::new(), places: HashMap::new(), dormant: HashSet::new() };
    reader.read(text);
    let Reader { dormant, tables, .. } = reader;
    let mut tables = tables;
    tables.iter_mut().filter(|table| dormant.contains(&settle::title(table))).for_each(settle::unhook);
    tables.into_iter().map(|table| (first_line, table)).collect()
}

struct Reader<'r, 'n> {
    remarks: &'r mut Remarks<'n>,
    line: usize,
    tables: Vec<Table>,
    /// The titles of those that the kernel does not call.
    dormant: HashSet<String>,
    /// Where the table of a family and a name is.
    places: HashMap<(Box<str>, Box<str>), usize>,
}

impl Reader<'_, '_> {
    /// Reads object by object, so that what comes before a break is kept.
    fn read(&mut self, text: &str) {
        let list = text.find("\"nftables\"").and_then(|place| Some(place + text[place..].find('[')? + 1));
        let Some(start) = list else {
            self.remarks.say(self.line, "this JSON has no list named \"nftables\", and is passed over");
            return;
        };
        let mut place = start;
        loop {
            let rest = text[place..].trim_start_matches([' ', '\t', '\r', '\n', ',']);
            place = text.len() - rest.len();
            if let Some(rest) = rest.strip_prefix(']') {
                return self.after(rest);
            }
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            match values.next() {
                Some(Ok(value)) => {
                    place += values.byte_offset();
                    self.object(&value);
                }
                Some(Err(error)) if !error.is_eof() => {
                    let line = self.line + text[..place].matches('\n').count();
                    self.remarks.say(line, "this JSON is broken here: what follows is left out");
                    return self.cut();
                }
                _ => {
                    let line = self.line + text[..place].matches('\n').count();
                    self.remarks.say(line, "this JSON is cut off here");
                    return self.cut();
                }
            }
        }
    }

    /// What comes after the list.
    fn after(&mut self, rest: &str) {
        if rest.contains("\"nftables\"") {
            self.remarks.say(0, "a second list of JSON follows the first in one listing, and is left out");
        }
    }

    /// What the last chain lacks is not known.
    fn cut(&mut self) {
        let last = self.tables.last_mut().and_then(|table| {
            let name = table.chains().iter().rfind(|chain| !chain.rules.is_empty())?.name.clone();
            Some(table.chain_mut(&name))
        });
        if let Some(chain) = last {
            chain.gaps.push(chain.rules.len());
        }
    }

    fn object(&mut self, object: &Value) {
        let Some((kind, value)) = object.as_object().and_then(|object| object.iter().next()) else { return };
        // `nft -j monitor` and scripts have commands around the objects.
        let (kind, value) = match (kind.as_str(), value.as_object().and_then(|inner| inner.iter().next())) {
            ("add" | "create", Some((kind, value))) => (kind.as_str(), value),
            (kind, _) => (kind, value),
        };
        match kind {
            "table" => {
                let table = self.table(value, "name").map(|table| settle::title(table));
                if let (Some(title), true) = (table, is_flagged(value, "dormant")) {
                    self.remarks
                        .say(self.line, format!("table {title} is dormant: the kernel calls none of its chains"));
                    self.dormant.insert(title);
                }
            }
            "chain" => self.chain(value),
            "rule" => self.rule(value),
            "set" | "map" => self.set(value),
            // Their elements are in the set.
            "metainfo" | "element" | "counter" | "quota" | "limit" | "flowtable" | "synproxy" | "secmark" => {}
            "ct helper" | "ct timeout" | "ct expectation" | "tunnel" => {}
            other => self.remarks.pass_over(0, other),
        }
    }

    /// The table of an object, whose name stands under `key`.
    fn table(&mut self, value: &Value, key: &str) -> Option<&mut Table> {
        let (family, name) = (value["family"].as_str()?, value[key].as_str()?);
        let place = match self.places.get(&(family.into(), name.into())) {
            Some(&place) => place,
            None => {
                let table = Table::new(Maker::Nft, families(family)?, name, self.remarks.listing());
                self.tables.push(table);
                self.places.insert((family.into(), name.into()), self.tables.len() - 1);
                self.tables.len() - 1
            }
        };
        self.tables.get_mut(place)
    }

    fn chain(&mut self, value: &Value) {
        let Some(name) = value["name"].as_str() else { return };
        let hook = hook(value);
        let Some(table) = self.table(value, "table") else { return };
        let chain = table.chain_mut(name);
        chain.hook = hook;
        chain.drops = value["policy"] == "drop";
    }

    fn rule(&mut self, value: &Value) {
        let Some(name) = value["chain"].as_str() else { return };
        let Some(table) = self.table(value, "table") else { return };
        let text = statement::rule(value);
        let tokens: Vec<Token<'_>> = Lexer::new(&text, 0).collect();
        let rule::Body { statements, comment, counters } = rule::read(&tokens, table.families);
        let rule = Rule { text: rule::text(&tokens).into(), line: 0, comment, counters, statements: statements.into() };
        table.chain_mut(name).rules.push(rule);
    }

    fn set(&mut self, value: &Value) {
        let Some(name) = value["name"].as_str() else { return };
        let mut draft = Draft::default();
        let mut take = |line: &str| draft.take(&Lexer::new(line, 0).collect::<Vec<_>>());
        take(&kind(value));
        if let Some(size) = value["size"].as_u64() {
            take(&format!("size {size}"));
        }
        if is_flagged(value, "dynamic") {
            take("flags dynamic");
        }
        if let Some(elements) = value["elem"].as_array() {
            let mut writer = Writer::new();
            writer.word("elements =");
            writer.set(elements);
            take(&writer.out);
        }
        draft.remark(name, 0, self.remarks);
        if let Some(table) = self.table(value, "table") {
            table.sets.insert(name.into(), draft.into_set());
        }
    }
}

/// The type of a set or a map: `type ipv4_addr . inet_proto . inet_service : verdict`.
fn kind(value: &Value) -> String {
    let parts = |value: &Value, writer: &mut Writer| match value {
        Value::Array(parts) => {
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    writer.word(".");
                }
                writer.expression(part);
            }
        }
        value => writer.expression(value.get("typeof").unwrap_or(value)),
    };
    let mut writer = Writer::new();
    writer.word(if value["type"].get("typeof").is_some() { "typeof" } else { "type" });
    parts(&value["type"], &mut writer);
    if value.get("map").is_some() {
        writer.word(":");
        // In old versions a concatenation is one text.
        match &value["map"] {
            Value::String(text) => writer.word(text),
            map => parts(map, &mut writer),
        }
    }
    writer.out
}

fn is_flagged(value: &Value, flag: &str) -> bool {
    match &value["flags"] {
        Value::Array(flags) => flags.iter().any(|held| held == flag),
        held => held == flag,
    }
}

fn hook(value: &Value) -> Option<Hook> {
    let point = HookPoint::named(value["hook"].as_str()?)?;
    let kind = match value["type"].as_str() {
        Some("nat") => NatKind::Nat,
        Some("route") => NatKind::Route,
        _ => NatKind::Filter,
    };
    let priority = match &value["prio"] {
        Value::String(name) => {
            let line = format!("type filter hook input priority {name}");
            match priority::read(&mut Cursor::new(&Lexer::new(&line, 0).collect::<Vec<_>>()))? {
                priority::Called::By(hook) => hook.priority,
                priority::Called::Elsewhere => return None,
            }
        }
        number => number.as_i64().and_then(|number| number.try_into().ok()).unwrap_or(0),
    };
    Some(Hook { point, priority, kind })
}
