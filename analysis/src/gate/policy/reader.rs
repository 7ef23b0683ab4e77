//! Turns a YAML document into a policy, and finds every problem on the way.

use super::{Consequence, Gating, Numbers, Policy, Rule};
use crate::gate::difference::Aspect;
use lab_core::document::{Entry, Node, Problems, Reader, Value};
use lab_core::vocabulary::Word;
use std::collections::BTreeSet;

const KEYS: &[&str] =
    &["tolerance", "minimum_effect", "noise", "reruns", "inconclusive", "missing", "require", "allow", "rules"];

const RULE_KEYS: &[&str] =
    &["metric", "probe", "backend", "numbers", "gating", "tolerance", "minimum_effect", "noise", "why"];

/// The most rounds that a suspicious cell may be run again.
const RERUNS: u32 = 1000;

impl Policy {
    /// Reads the YAML `text` of `file`, a name for messages. What it does not say is as in the default policy; its rules stand
    /// before the default's.
    ///
    /// # Errors
    /// Every problem found, each with its line.
    pub fn read(file: &str, text: &str) -> Result<Self, Problems> {
        Reader::read(file, text, policy)
    }
}

fn policy(reader: &mut Reader<'_>, node: &Node) -> Option<Policy> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        // Nothing but comments.
        Value::Null => &[],
        _ => {
            let found = reader.found(node);
            reader.problem(node.line.max(1), format!("found {found}; a policy is a mapping of: {}", KEYS.join(", ")));
            return None;
        }
    };
    reader.known(entries, KEYS);
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let mut policy = Policy::default();
    if let Some(share) = find("tolerance").and_then(|entry| share(reader, entry)) {
        policy.tolerance = share;
    }
    if let Some(share) = find("minimum_effect").and_then(|entry| share(reader, entry)) {
        policy.minimum_effect = share;
    }
    if let Some(share) = find("noise").and_then(|entry| share(reader, entry)) {
        policy.noise = share;
    }
    if let Some(reruns) = find("reruns").and_then(|entry| reader.count(entry, &(0..=RERUNS))) {
        policy.reruns = reruns;
    }
    if let Some(consequence) = find("inconclusive").and_then(|entry| word::<Consequence>(reader, entry)) {
        policy.inconclusive = consequence;
    }
    if let Some(consequence) = find("missing").and_then(|entry| word::<Consequence>(reader, entry)) {
        policy.missing = consequence;
    }
    if let Some(entry) = find("require") {
        policy.require = words(reader, entry);
    }
    if let Some(entry) = find("allow") {
        policy.allow = allow(reader, entry);
    }
    if let Some(entry) = find("rules") {
        let mut own: Vec<Rule> = Vec::new();
        for item in reader.list(entry, "rules").unwrap_or_default() {
            own.extend(rule(reader, item));
        }
        policy.rules.retain(|usual| !own.contains(usual));
        policy.rules.splice(0..0, own);
    }
    Some(policy)
}

fn rule(reader: &mut Reader<'_>, node: &Node) -> Option<Rule> {
    let Value::Map(entries) = &node.value else {
        reader.wrong_value("rules", node, &format!("mappings of: {}", RULE_KEYS.join(", ")));
        return None;
    };
    reader.known(entries, RULE_KEYS);
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let decides = ["gating", "tolerance", "minimum_effect", "noise"];
    if !decides.iter().any(|key| find(key).is_some()) {
        reader.problem(node.line, format!("rules: this one decides nothing; it needs one of: {}", decides.join(", ")));
    }
    Some(Rule {
        metrics: some(reader, find("metric")),
        probes: some(reader, find("probe")),
        backends: some(reader, find("backend")),
        numbers: find("numbers").and_then(|entry| word::<Numbers>(reader, entry)),
        gating: find("gating").and_then(|entry| word::<Gating>(reader, entry)),
        tolerance: find("tolerance").and_then(|entry| share(reader, entry)),
        minimum_effect: find("minimum_effect").and_then(|entry| share(reader, entry)),
        noise: find("noise").and_then(|entry| share(reader, entry)),
        why: find("why").and_then(|entry| reader.text(entry)).unwrap_or_default(),
    })
}

/// The words of a list, or a single one; none where nothing is said.
fn some<W: Word + Ord>(reader: &mut Reader<'_>, entry: Option<&Entry>) -> BTreeSet<W> {
    entry.and_then(|entry| reader.words(entry)).unwrap_or_default().into_iter().collect()
}

/// The words of a list, which may be empty, or a single one.
fn words<W: Word + Ord>(reader: &mut Reader<'_>, entry: &Entry) -> BTreeSet<W> {
    if matches!(&entry.node.value, Value::List(items) if items.is_empty()) {
        return BTreeSet::new();
    }
    some(reader, Some(entry))
}

fn allow(reader: &mut Reader<'_>, entry: &Entry) -> BTreeSet<Aspect> {
    let allowed: BTreeSet<Aspect> = words(reader, entry);
    if allowed.contains(&Aspect::Clock) {
        let line = entry.node.line;
        reader.problem(line, "allow: clock: times and instructions cannot be compared, whatever is allowed".to_owned());
    }
    allowed
}

fn word<W: Word>(reader: &mut Reader<'_>, entry: &Entry) -> Option<W> {
    if let Value::Text(name) = &entry.node.value {
        return W::find(name)
            .map_err(|unknown| reader.problem(entry.node.line, format!("{}: {unknown}", entry.key)))
            .ok();
    }
    let names: Vec<_> = W::ALL.iter().map(|word| word.name()).collect();
    reader.wrong(entry, &format!("one of: {}", names.join(", ")));
    None
}

/// A share of at most 1000 %, written with its sign.
fn share(reader: &mut Reader<'_>, entry: &Entry) -> Option<f64> {
    let found = match &entry.node.value {
        Value::Text(text) => text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()),
        _ => None,
    };
    let found = found.filter(|percent| (0.0..=1000.0).contains(percent));
    if found.is_none() {
        reader.wrong(entry, "a share with its sign, such as 0.5% or 10%, from 0% to 1000%");
    }
    found.map(|percent| percent / 100.0)
}
