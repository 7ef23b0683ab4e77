//! The key `activity`: what runs beside every probe.

use super::RATE;
use crate::cell::{Activity, Churn, Conntrack, Writer};
use crate::document::{Entry, Node, Reader, Value};
use crate::vocabulary::Word;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What one activity consists of.
const KEYS: &[&str] =
    &["churn", "min-sync-period", "sync-period", "writer", "traffic", "conntrack", "conntrack-max", "memory-limit"];

/// Sensible numbers of endpoint changes a second.
const CHANGES: RangeInclusive<u32> = 0..=10_000;
/// Sensible numbers of entries in a conntrack table.
const ENTRIES: RangeInclusive<u32> = 0..=4_194_304;
/// Sensible limits of memory, in MiB.
const LIMIT: RangeInclusive<u32> = 4..=1_048_576;
/// Sensible times between two syncs.
const PERIOD: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

impl Reader<'_> {
    /// The activities, each once: `none`, or a mapping.
    pub(super) fn activities(&mut self, entry: &Entry) -> Option<Vec<Activity>> {
        let mut activities = Vec::new();
        for item in self.list(entry, "activities: none, or mappings")? {
            match self.activity(&entry.key, item) {
                Some(activity) if activities.contains(&activity) => {
                    self.problem(item.line, format!("{}: \"{activity}\" stands in it twice", entry.key));
                }
                activity => activities.extend(activity),
            }
        }
        Some(activities)
    }

    fn activity(&mut self, key: &str, node: &Node) -> Option<Activity> {
        let entries = match &node.value {
            Value::Text(text) if text == "none" => return Some(Activity::default()),
            Value::Map(entries) => entries,
            _ => {
                self.wrong_value(key, node, &format!("none, or a mapping of: {}", KEYS.join(", ")));
                return None;
            }
        };
        self.known(entries, KEYS);
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let traffic = find("traffic").map_or(Some(None), |entry| self.rate(entry, &RATE).map(Some));
        let writer = find("writer").map_or(Some(None), |entry| self.writer(entry).map(Some));
        let churn = self.churn(&find);
        let conntrack = self.conntrack(&find);
        let memory = find("memory-limit").map_or(Some(None), |entry| self.count(entry, &LIMIT).map(Some));
        let activity =
            Activity { churn: churn?, writer: writer?, traffic: traffic?, conntrack: conntrack?, memory: memory? };
        if activity.is_none() {
            self.problem(node.line, format!("{key}: this runs nothing; write none, or one of: {}", KEYS.join(", ")));
            return None;
        }
        Some(activity)
    }

    /// Changes and syncs: if one of their keys is there.
    fn churn<'a>(&mut self, find: &dyn Fn(&str) -> Option<&'a Entry>) -> Option<Option<Churn>> {
        let [rate, least, full] = ["churn", "min-sync-period", "sync-period"].map(find);
        if let (None, None, Some(least)) = (rate, full, least) {
            self.problem(least.line, "min-sync-period: it goes with churn, which is missing".to_owned());
            return None;
        }
        if rate.is_none() && full.is_none() {
            return Some(None);
        }
        let rate = rate.map_or(Some(0), |entry| self.rate(entry, &CHANGES));
        let least = least.map_or(Some(Churn::USUAL.min_sync_period), |entry| self.period(entry));
        let full = full.map_or(Some(None), |entry| self.period(entry).map(Some));
        Some(Some(Churn { rate: rate?, min_sync_period: least?, full_sync_period: full? }))
    }

    /// What fills the conntrack table, and what it may hold: if one of their keys is there.
    fn conntrack<'a>(&mut self, find: &dyn Fn(&str) -> Option<&'a Entry>) -> Option<Option<Conntrack>> {
        let [entries, max] = ["conntrack", "conntrack-max"].map(find);
        if entries.is_none() && max.is_none() {
            return Some(None);
        }
        let filled = entries.map_or(Some(0), |entry| self.count(entry, &ENTRIES))?;
        let limit = max.map_or(Some(None), |entry| self.count(entry, &ENTRIES).map(Some))?;
        if let (Some(entry), Some(limit)) = (max, limit)
            && filled > limit
        {
            let line = entry.node.line;
            self.problem(line, format!("conntrack-max: {limit} is less than the {filled} entries of conntrack"));
            return None;
        }
        Some(Some(Conntrack { entries: filled, max: limit }))
    }

    /// A number a second within `range`: `10/s`.
    pub(super) fn rate(&mut self, entry: &Entry, range: &RangeInclusive<u32>) -> Option<u32> {
        if let Value::Text(text) = &entry.node.value
            && let Some(rate) = text.strip_suffix("/s").and_then(|number| number.trim().parse().ok())
            && range.contains(&rate)
        {
            return Some(rate);
        }
        self.wrong(entry, &format!("a number a second, such as 10/s, from {}/s to {}/s", range.start(), range.end()));
        None
    }

    /// A time in whole milliseconds.
    fn period(&mut self, entry: &Entry) -> Option<u32> {
        let period = self.duration(entry, &PERIOD)?;
        u32::try_from(period.as_millis()).ok()
    }

    fn writer(&mut self, entry: &Entry) -> Option<Writer> {
        let names: Vec<&str> = Writer::ALL.iter().map(|writer| writer.name()).collect();
        match &entry.node.value {
            Value::Text(name) => Writer::find(name)
                .map_err(|unknown| self.problem(entry.node.line, format!("{}: {unknown}", entry.key)))
                .ok(),
            _ => {
                self.wrong(entry, &format!("one of: {}", names.join(", ")));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn read(activity: &str) -> Result<Vec<Activity>, String> {
        let text = format!("name: x\nquestion: What?\nservices: [1]\nactivity: {activity}\n");
        let scenario = Scenario::read("x.yaml", &text);
        scenario.map(|scenario| scenario.axes.activities).map_err(|problems| problems.to_string())
    }

    #[test]
    fn activities_are_a_list_or_one_alone() {
        let churn = Activity { churn: Some(Churn::USUAL), ..Activity::default() };
        assert_eq!(read("none"), Ok(vec![Activity::default()]));
        assert_eq!(read("{churn: 10/s}"), Ok(vec![churn]));
        let found = read("[none, {churn: 10/s}, {sync-period: 5s, min-sync-period: 0s, traffic: 200/s, writer: save}]");
        let full = Churn { rate: 0, min_sync_period: 0, full_sync_period: Some(5000) };
        let last =
            Activity { churn: Some(full), writer: Some(Writer::Save), traffic: Some(200), ..Activity::default() };
        assert_eq!(found, Ok(vec![Activity::default(), churn, last]));
        let conntrack = |entries, max| Activity { conntrack: Some(Conntrack { entries, max }), ..Activity::default() };
        let memory = Activity { memory: Some(64), ..conntrack(0, Some(9)) };
        assert_eq!(
            read("[{conntrack: 5}, {conntrack: 9, conntrack-max: 9}, {memory-limit: 64, conntrack-max: 9}]"),
            Ok(vec![conntrack(5, None), conntrack(9, Some(9)), memory])
        );
    }

    #[test]
    fn a_wrong_activity_is_named_with_what_it_takes() {
        for (activity, said) in [
            ("some", "activity: found \"some\"; it takes none, or a mapping of: churn"),
            ("{}", "activity: this runs nothing"),
            ("{churn: 10}", "churn: found 10; it takes a number a second, such as 10/s"),
            ("{min-sync-period: 1s}", "min-sync-period: it goes with churn, which is missing"),
            ("{writer: append-all}", "unknown writer \"append-all\""),
            ("{conntrack: 10, conntrack-max: 9}", "conntrack-max: 9 is less than the 10 entries of conntrack"),
            ("{memory-limit: 1}", "memory-limit: found 1"),
            ("{chrun: 10/s}", "unknown key \"chrun\""),
            ("[none, none]", "activity: \"none\" stands in it twice"),
        ] {
            let found = read(activity).unwrap_err();
            assert!(found.contains(said), "{activity}: {found}");
        }
    }
}
