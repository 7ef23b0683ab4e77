//! Files of format 1, which are read for ever: a cell's coordinates stand side by side, without a cluster or a variant.
//!
//! Their plan says nothing of layouts; a record's line does. Each backend had one in those days. Their clusters were
//! all uniform.

use super::absurd::{Samples, read_samples};
use super::{CellRecord, Header, Splits};
use crate::cell::{Cell, ClusterSpec, DriverName, Settings, Variant};
use crate::metric::{Metric, Unit};
use crate::vocabulary::{
    BackendName, Forwarding, LayoutName, Outcome, Position, ProbeName, Scheduler, TargetName, Unknown, Way, Word,
};
use serde::Deserialize;
use serde::de::Error;
use serde_json::{Result, Value};

/// A cell with its coordinates side by side. Files of before there was more than one way leave the way out.
#[derive(Deserialize)]
struct FlatCell {
    services: u32,
    endpoints: u32,
    backend: BackendName,
    scheduler: Option<Scheduler>,
    forwarding: Option<Forwarding>,
    way: Option<Way>,
    probe: ProbeName,
    position: Option<Position>,
}

impl FlatCell {
    /// The cell, with the layout that a record's line names.
    fn cell(self, layout: &str) -> Result<Cell> {
        let Self { services, endpoints, backend, scheduler, forwarding, way, probe, position } = self;
        let variant = Variant {
            backend,
            layout: installed(backend, layout).map_err(Error::custom)?,
            way: way.unwrap_or(Way::of(backend)[0]),
            settings: Settings { scheduler, forwarding },
            driver: DriverName::Lab,
            kernel: None,
        };
        Ok(Cell::new(ClusterSpec::uniform(services, endpoints), variant, probe, position))
    }
}

/// What format 1 called `name` of `backend`; empty where it does not say.
fn installed(backend: BackendName, name: &str) -> std::result::Result<LayoutName, Unknown> {
    match name {
        "" | "none" | "kube-proxy-1.30" => Ok(match backend {
            BackendName::Direct => LayoutName::None,
            BackendName::IptablesLegacy | BackendName::IptablesNft | BackendName::Ipvs => LayoutName::KubeProxy130,
            // Only its name was wrong.
            BackendName::Nftables => LayoutName::KubeProxy130PartialSync,
        }),
        other => LayoutName::find(other),
    }
}

/// A record's line, in which what the header says may be left out.
#[derive(Deserialize)]
struct FlatRecord {
    scenario: Option<String>,
    target: Option<TargetName>,
    layout: String,
    #[serde(flatten)]
    cell: FlatCell,
    #[serde(default)]
    round: u32,
    #[serde(default)]
    replica: u32,
    outcome: Option<Outcome>,
    #[serde(default)]
    reason: String,
    metric: Metric,
    unit: Option<Unit>,
    #[serde(deserialize_with = "read_samples")]
    samples: Samples,
}

/// The record in `line` of a file that begins with `header`, and how many of its samples were too many.
pub(super) fn record(line: &[u8], header: &Header) -> Result<(CellRecord, usize)> {
    let FlatRecord { scenario, target, layout, cell, round, replica, outcome, reason, metric, unit, samples } =
        serde_json::from_slice(line)?;
    let record = CellRecord {
        scenario: scenario.unwrap_or_else(|| header.plan.scenario.clone()),
        target: target.unwrap_or(header.plan.target),
        cell: cell.cell(&layout)?,
        round,
        replica,
        outcome: outcome.unwrap_or(Outcome::Measured),
        reason,
        metric,
        unit: unit.unwrap_or(metric.unit()),
        samples: samples.kept,
        split: Splits::default(),
    };
    Ok((record, samples.more))
}

/// The header in the first `line`.
pub(super) fn header(line: &[u8]) -> Result<Header> {
    let mut header: Value = serde_json::from_slice(line)?;
    let list = |header: &Value, path| header.pointer(path).and_then(Value::as_array).map_or(0, Vec::len);
    let cells = (0..list(&header, "/plan/cells")).map(|at| format!("/plan/cells/{at}"));
    let slowdowns = (0..list(&header, "/plan/slowdowns")).map(|at| format!("/plan/slowdowns/{at}/cell"));
    for path in cells.chain(slowdowns).collect::<Vec<_>>() {
        if let Some(cell) = header.pointer_mut(&path) {
            *cell = serde_json::to_value(self::cell(cell.take())?)?;
        }
    }
    serde_json::from_value(header)
}

/// A cell of a plan, or of a profile.
pub(crate) fn cell(written: Value) -> Result<Cell> {
    FlatCell::deserialize(written)?.cell("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_before_there_were_ways_has_its_backends_first() {
        let text = r#"{"services":1,"endpoints":2,"backend":"nftables","probe":"connect","position":"first"}"#;
        let cell = cell(text.parse().unwrap()).unwrap();
        let variant = Variant { layout: LayoutName::KubeProxy130PartialSync, ..Variant::usual(BackendName::Nftables) };
        let cluster = ClusterSpec::uniform(1, 2);
        assert_eq!(cell, Cell::new(cluster, variant, ProbeName::Connect, Some(Position::First)));
    }
}
