//! What runs beside a probe.

use super::Interned;
use crate::vocabulary::{BackendName, ProbeName, words};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What runs beside a probe, from before its first sample to after its last one. Several things can run at a time; usually
/// nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Activity {
    /// Endpoints change, and the node is synced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// Somebody else uses the backend's tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Writer>,
    /// So many new connections a second to the first Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<u32>,
    /// The node's conntrack table is filled, or limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<Conntrack>,
    /// So many MiB of memory, from before the node is loaded: on `host` those of the tools and what they install, in a guest
    /// all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

/// A conntrack table that others' connections fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conntrack {
    /// Entries of established connections that are put into it, which the kernel does not drop for new ones.
    pub entries: u32,
    /// How many it may hold (`nf_conntrack_max`); `None` for what the kernel has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// Endpoints that change at a rate, and a node that is synced as kube-proxy does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Churn {
    /// Endpoint changes a second; 0 for none, so that only full syncs are made.
    pub rate: u32,
    /// The least time between the starts of two syncs, in milliseconds (`minSyncPeriod`).
    pub min_sync_period: u32,
    /// How often everything is written again, in milliseconds; `None` for never. kube-proxy's own is an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_sync_period: Option<u32>,
}

/// Somebody else who uses the node's iptables or nft, again and again, the next call right after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// Appends a rule to a chain of its own and removes it.
    Append,
    /// Lists everything (`iptables-save`), as a CNI plugin's check does.
    Save,
    /// Writes a chain of its own (`iptables-restore --noflush`).
    Restore,
}

words!("writer", Writer { Append = "append", Save = "save", Restore = "restore" });

impl Writer {
    /// Whether its calls take the xtables lock on a node of `backend`: neither `iptables-nft` nor `nft` does, nor what lists rules.
    #[must_use]
    pub fn takes_xtables_lock(self, backend: BackendName) -> bool {
        self != Self::Save && !matches!(backend, BackendName::IptablesNft | BackendName::Nftables)
    }
}

impl Churn {
    /// That of the probe `churn` where a scenario says nothing else: ten changes a second, a sync a second.
    pub const USUAL: Self = Self { rate: 10, min_sync_period: 1000, full_sync_period: None };

    /// The least time between the starts of two syncs.
    #[must_use]
    pub fn min_sync_period(self) -> Duration {
        Duration::from_millis(self.min_sync_period.into())
    }

    /// How often everything is written again.
    #[must_use]
    pub fn full_sync_period(self) -> Option<Duration> {
        self.full_sync_period.map(|period| Duration::from_millis(period.into()))
    }

    /// The time between the starts of two syncs that changes cause; `None` without changes. A sync that has no time to wait
    /// for is made for each change.
    #[must_use]
    pub fn sync_period(self) -> Option<Duration> {
        let between = Duration::from_secs(1).checked_div(self.rate)?;
        Some(between.max(self.min_sync_period()))
    }
}

impl Activity {
    /// Whether nothing runs.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// What of it runs beside `probe` of `backend`; `None` where it cannot.
    ///
    /// Nothing else may program a node that a probe programs: what is read back afterwards would not be the probe's. The
    /// probe `churn` is the one that makes changes itself, at this activity's rate. There is nothing to sync with `direct`.
    #[must_use]
    pub fn beside(self, backend: BackendName, probe: ProbeName) -> Option<Self> {
        let programs = self.churn.is_some() || self.writer.is_some();
        match backend {
            BackendName::Direct => Some(self.of_direct()),
            _ if programs && probe.programs() && probe != ProbeName::Churn => None,
            _ => Some(self),
        }
    }

    /// What of it there is where no Service is: nothing to sync, no tools, and no rules that would have connections tracked.
    #[must_use]
    pub fn of_direct(self) -> Self {
        Self { traffic: self.traffic, ..Self::default() }
    }

    /// What it is called: `churn 10/s synced every 1s, traffic 100/s`; `None` where nothing runs.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        (!self.is_none()).then(|| Interned::from(self.to_string()).as_str())
    }

    /// What it is to what is measured with it, `beside churn 10/s synced every 1s`, `with 512 MiB of memory`; `None` for
    /// nothing.
    #[must_use]
    pub fn phrase(self) -> Option<String> {
        let memory = Self { memory: self.memory, ..Self::default() };
        let beside = Self { memory: None, ..self }.name().map(|beside| format!("beside {beside}"));
        let phrases: Vec<String> =
            beside.into_iter().chain(memory.name().map(|memory| format!("with {memory}"))).collect();
        (!phrases.is_empty()).then(|| phrases.join(" and "))
    }
}

impl fmt::Display for Churn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, min_sync_period, full_sync_period } = *self;
        write!(out, "churn {rate}/s")?;
        match min_sync_period {
            _ if rate == 0 => {}
            0 => out.write_str(" synced at once")?,
            period => write!(out, " synced every {}", spelled(period))?,
        }
        full_sync_period.map_or(Ok(()), |period| write!(out, " all every {}", spelled(period)))
    }
}

impl Conntrack {
    /// Whether nothing more goes into it.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.max == Some(self.entries)
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, max } = *self;
        match max {
            Some(max) if self.is_full() => write!(out, "a full conntrack table of {max}"),
            Some(max) => write!(out, "a conntrack table of {max} with {entries} entries"),
            None => write!(out, "{entries} conntrack entries"),
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.churn.map(|churn| churn.to_string()),
            self.writer.map(|writer| format!("a writer's {writer}")),
            self.traffic.map(|rate| format!("traffic {rate}/s")),
            self.conntrack.map(|conntrack| conntrack.to_string()),
            self.memory.map(|mebibytes| format!("{mebibytes} MiB of memory")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        out.write_str(if parts.is_empty() { "none" } else { "" })?;
        out.write_str(&parts.join(", "))
    }
}

/// Milliseconds as people write them.
fn spelled(milliseconds: u32) -> String {
    if milliseconds.is_multiple_of(1000) { format!("{}s", milliseconds / 1000) } else { format!("{milliseconds}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_is_named_by_what_runs() {
        assert_eq!(Activity::default().name(), None);
        let churn = Some(Churn { full_sync_period: Some(30_000), ..Churn::USUAL });
        let activity = Activity { churn, traffic: Some(100), ..Activity::default() };
        assert_eq!(activity.name(), Some("churn 10/s synced every 1s all every 30s, traffic 100/s"));
        let full = Churn { rate: 0, min_sync_period: 0, full_sync_period: Some(1500) };
        assert_eq!(full.to_string(), "churn 0/s all every 1500ms");
        let at_once = Activity { churn: Some(Churn { min_sync_period: 0, ..Churn::USUAL }), ..Activity::default() };
        assert_eq!(at_once.to_string(), "churn 10/s synced at once");
    }

    #[test]
    fn a_conntrack_table_is_named_by_how_full_it_is_and_memory_by_its_size() {
        let conntrack = |entries, max| Activity { conntrack: Some(Conntrack { entries, max }), ..Activity::default() };
        assert_eq!(conntrack(1000, Some(1000)).to_string(), "a full conntrack table of 1000");
        assert_eq!(conntrack(900, Some(1000)).to_string(), "a conntrack table of 1000 with 900 entries");
        assert_eq!(conntrack(900, None).to_string(), "900 conntrack entries");
        let memory = Activity { memory: Some(512), ..Activity::default() };
        assert_eq!(memory.to_string(), "512 MiB of memory");
        assert_eq!(memory.phrase().as_deref(), Some("with 512 MiB of memory"));
        let both = Activity { traffic: Some(50), ..memory };
        assert_eq!(both.phrase().as_deref(), Some("beside traffic 50/s and with 512 MiB of memory"));
        assert_eq!(Activity::default().phrase(), None);
        assert!(memory.of_direct().is_none() && conntrack(900, None).of_direct().is_none());
    }

    #[test]
    fn a_sync_is_made_no_more_often_than_there_are_changes() {
        let period = |rate, min_sync_period| Churn { rate, min_sync_period, full_sync_period: None }.sync_period();
        assert_eq!(period(10, 1000), Some(Duration::from_secs(1)));
        assert_eq!(period(10, 0), Some(Duration::from_millis(100)));
        assert_eq!(period(1, 0), Some(Duration::from_secs(1)));
        assert_eq!(period(0, 0), None);
    }
}
