//! Whether two headers are of the same run: the same plan, made by the same build with the same tools. What may differ is
//! when, where and under which name.

use lab_core::dataset::Header;
use lab_core::foreign::{QUOTED, quoted, short};
use lab_core::plan::Plan;
use lab_core::vocabulary::Clock;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What two runs have to have in common before one goes on with, or is merged with, the other.
#[derive(PartialEq, Serialize)]
struct Identity<'a> {
    svclab: Build<'a>,
    scenario: &'a str,
    plan: &'a Plan,
    clock: Clock,
    guest: BTreeMap<&'a str, &'a str>,
    tools: &'a BTreeMap<String, String>,
}

#[derive(PartialEq, Serialize)]
struct Build<'a> {
    version: &'a str,
    revision: &'a str,
}

impl<'a> Identity<'a> {
    fn of(header: &'a Header) -> Self {
        let guest = header.guest.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            svclab: Build { version: &header.version, revision: &header.revision },
            scenario: &header.scenario,
            plan: &header.plan,
            clock: header.clock,
            // How many guests run side by side changes no count.
            guest: guest.filter(|(name, _)| *name != "jobs").collect(),
            tools: &header.tools,
        }
    }
}

/// The first thing in which two runs differ that must not: `plan.seed is 1 in the one and 2 in the other`; `None` if they
/// are of the same.
pub(crate) fn first_difference(one: &Header, other: &Header) -> Option<String> {
    let (one, other) = (Identity::of(one), Identity::of(other));
    if one == other {
        return None;
    }
    let (path, one, other) = differing(&json!(one), &json!(other))?;
    let shown = |value: Option<Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => quoted(&text),
        Some(value) => short(&value.to_string(), QUOTED),
    };
    Some(format!("{path} is {} in the one and {} in the other", shown(one), shown(other)))
}

/// The path to the first value that differs, and what it is on each side.
fn differing(one: &Value, other: &Value) -> Option<(String, Option<Value>, Option<Value>)> {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
            names.filter_map(|name| below(name, left.get(name), right.get(name))).next()
        }
        (Value::Array(left), Value::Array(right)) => {
            let places = 0..left.len().max(right.len());
            places.filter_map(|place| below(&(place + 1).to_string(), left.get(place), right.get(place))).next()
        }
        _ => (one != other).then(|| (String::new(), Some(one.clone()), Some(other.clone()))),
    }
}

fn below(name: &str, one: Option<&Value>, other: Option<&Value>) -> Option<(String, Option<Value>, Option<Value>)> {
    let (path, one, other) = match (one, other) {
        (Some(one), Some(other)) => differing(one, other)?,
        (one, other) => (String::new(), one.cloned(), other.cloned()),
    };
    let path = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
    Some((path, one, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::vocabulary::TargetName;

    #[test]
    fn what_differs_first_is_named_and_time_and_place_may() {
        let cells = Axes { services: vec![1], ..Axes::default() }.expand();
        let header = Header::example(Plan { cells, ..Plan::example(TargetName::Exact) });
        let mut other = header.clone();
        other.id = "another".to_owned();
        other.host.insert("cpu".to_owned(), "another".to_owned());
        other.guest.insert("jobs".to_owned(), "7".to_owned());
        assert_eq!(first_difference(&header, &other), None);
        other.plan.seed = 2;
        assert_eq!(first_difference(&header, &other).unwrap(), "plan.seed is 1 in the one and 2 in the other");
        let mut other = header.clone();
        other.guest.insert("kernel".to_owned(), "6.1".to_owned());
        let said = first_difference(&header, &other).unwrap();
        assert_eq!(said, "guest.kernel is nothing in the one and \"6.1\" in the other");
        let mut other = header.clone();
        other.plan.cells.pop();
        let said = first_difference(&header, &other).unwrap();
        assert!(said.starts_with(&format!("plan.cells.{} is ", header.plan.cells.len())) && said.len() < 250, "{said}");
    }
}
