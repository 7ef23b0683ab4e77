//! What is known of one run: when and how it went, and what it is called.

use crate::prose::list;
use crate::results::{Results, Row};
use jiff::SignedDuration;
use lab_core::dataset::{Dataset, Merged};
use lab_core::metric::{Metric, Unit};
use lab_core::shard::Shard;
use lab_core::vocabulary::{Clock, Outcome, TargetName, Word};
use lab_core::{shell, stats, units};
use std::collections::BTreeMap;

/// A fact's name, and what is so.
pub(super) type Fact = (String, String);

pub(super) struct Run<'a> {
    pub(super) results: &'a Results<'a>,
    /// Its number among the runs.
    pub(super) number: usize,
    pub(super) dataset: &'a Dataset,
}

impl Run<'_> {
    /// Which kernel the numbers are of, and which one only ran the guest.
    pub(super) fn kernels(&self) -> Option<String> {
        let header = &self.dataset.header;
        let host = header.host.get("kernel").map(String::as_str);
        match (header.guest.get("kernel"), host) {
            (Some(guest), host) => {
                let several = header.plan.cells.iter().any(|cell| cell.variant.kernel.is_some());
                let kernels = if several { "the guest kernels" } else { "guest kernel" };
                let host = host.unwrap_or("not known");
                Some(format!("Measured on {kernels} {guest}; the host's kernel is {host}"))
            }
            (None, Some(_)) if header.plan.target != TargetName::Host => None,
            (None, host) => host.map(|host| format!("Measured on the host's kernel {host}")),
        }
    }

    /// How many guests were started, and how long that took: `12, each in 2.10 s (median), the slowest in 3.00 s of real time`.
    pub(super) fn boots(&self) -> Option<String> {
        #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
        let boots: Vec<f64> = self.dataset.end.as_ref()?.boots.iter().map(|&boot| boot as f64).collect();
        let slowest = boots.iter().copied().reduce(f64::max)?;
        let real = |time| units::human(Unit::Ns, Clock::Wall, time);
        let median = stats::median(&boots)?;
        let count = units::count(boots.len() as u64);
        Some(format!("{count}, median {} of real time to the first cell, slowest {}", real(median), real(slowest)))
    }

    /// What to type to run it again; empty when that is not known.
    pub(super) fn command(&self) -> String {
        shell::line(&self.dataset.header.command)
    }

    /// What ran, when, and how it went.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let header = &self.dataset.header;
        let plan = &header.plan;
        let version = match header.revision.as_str() {
            "" => header.version.clone(),
            revision => format!("{} ({revision})", header.version),
        };
        let (end, duration, memory) = match &self.dataset.end {
            Some(end) => {
                let interrupted = if end.interrupted { ", interrupted before the plan was through" } else { "" };
                let took = end.end.duration_since(header.start);
                #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
                let memory = units::human(Unit::Bytes, Clock::Wall, end.peak_rss as f64);
                (format!("{:.0}{interrupted}", end.end), written(took), memory)
            }
            None => {
                let unknown = || "not known".to_owned();
                (
                    "not known: the record has no end line; the run goes on, or broke off".to_owned(),
                    unknown(),
                    unknown(),
                )
            }
        };
        let facts = [
            ("id", header.id.clone()),
            ("svclab", version),
            ("target", plan.target.to_string()),
            ("clock", header.clock.to_string()),
            ("seed", plan.seed.to_string()),
            ("rounds", plan.rounds.to_string()),
            ("replicas", plan.replicas.to_string()),
            ("guests started", self.boots().unwrap_or_else(|| "none".to_owned())),
            ("budget of a cell", self.budget()),
            ("start", format!("{:.0}", header.start)),
            ("end", end),
            ("duration", duration),
            ("svclab's peak memory", memory),
            ("part of the plan", self.part()),
            ("merged from", self.merged()),
            ("cells by outcome", self.outcomes()),
        ];
        // A run without guests has no use for what is said of them.
        let told = |name: &str| plan.target != TargetName::Host || !matches!(name, "replicas" | "guests started");
        let facts = facts.into_iter().filter(|(name, value)| told(name) && !value.is_empty());
        facts.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Which shard it is; empty for the whole plan.
    fn part(&self) -> String {
        let header = &self.dataset.header;
        let part = header.part.as_ref().map(|part| {
            let (own, all) = (part.cells.len() as u64, header.plan.cells.len() as u64);
            format!("shard {}: {} of {}", part.shard, units::count(own), units::counted(all, "cell"))
        });
        part.unwrap_or_default()
    }

    /// The machines that it was measured on, if these are several runs.
    fn merged(&self) -> String {
        let machine = |merged: &Merged| {
            let shard = merged.shard.map(|shard| format!("shard {shard} ")).unwrap_or_default();
            let fact = |name: &str| merged.host.get(name).map_or("not known", String::as_str);
            format!("{shard}on {}, kernel {}", fact("cpu"), fact("kernel"))
        };
        let header = &self.dataset.header;
        let missing = header.missing_shards();
        let missing = (!missing.is_empty()).then(|| {
            let shards = list(&missing.iter().map(Shard::to_string).collect::<Vec<_>>());
            format!("without {} {shards}: not merged", units::agreeing(missing.len() as u64, "shard", "shards"))
        });
        header.merged.iter().map(machine).chain(missing).collect::<Vec<_>>().join("; ")
    }

    /// What a cell may take, on the run's clock.
    fn budget(&self) -> String {
        let budget = self.dataset.header.plan.budget;
        match self.results.clock() {
            #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
            Clock::Instructions => units::human(Unit::Ns, Clock::Instructions, budget.as_nanos() as f64),
            Clock::Wall | Clock::WallEmulated => format!("{budget:?}"),
        }
    }

    /// How many cells ended how, each by its probe's own metric.
    fn outcomes(&self) -> String {
        let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
        let own = |row: &&Row| row.run == self.number && row.metric == Metric::of(row.cell.probe);
        let own: Vec<_> = self.results.rows.iter().filter(own).collect();
        for row in &own {
            *counts.entry(row.outcome).or_default() += 1;
        }
        let parts: Vec<String> =
            counts.iter().map(|(outcome, count)| format!("{} {}", units::count(*count), outcome.name())).collect();
        match parts.as_slice() {
            [] => "none".to_owned(),
            parts => format!("{} of {}", parts.join(", "), units::count(own.len() as u64)),
        }
    }
}

/// How long a run took: `1 h 4 min 20 s`.
fn written(took: SignedDuration) -> String {
    let seconds = took.as_secs().max(0);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown = parts.iter().skip_while(|(value, unit)| *value == 0 && *unit != "s");
    shown.map(|(value, unit)| format!("{value} {unit}")).collect::<Vec<_>>().join(" ")
}
