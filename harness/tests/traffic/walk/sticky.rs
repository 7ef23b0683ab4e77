//! A client that comes back to a Service with affinity.

use super::case::{Case, Client};
use super::judge;
use crate::cases;
use crate::lab::Lab;
use crate::services::{AFFINITY, STICKY};
use anyhow::{Context, Result, bail, ensure};
use lab_core::cluster::Protocol;
use lab_core::path::{Assumption, Ending, Event, Walk, Walker};
use lab_core::vocabulary::{Access, BackendName, Origin};
use std::time::Instant;

/// The second connection must be made within [`AFFINITY`], which a busy machine may not manage each time.
const ATTEMPTS: usize = 5;

/// Connects twice: the second connection ends as the walk says of a client that was seen where the first one ended.
pub(super) fn check(lab: &Lab, walker: &Walker<'_>) -> Result<()> {
    if lab.backend == BackendName::Ipvs {
        // Its affinity is in no rule.
        return Ok(());
    }
    for &family in cases::families(lab) {
        let to = lab.address(STICKY, Access::ClusterIp, family)?;
        let client = Client::Of(Origin::Pod);
        let case = Case { target: "a Service with affinity".to_owned(), client, protocol: Protocol::Tcp, to };
        let walk = case.walk(lab, walker)?;
        twice(lab, &case, &walk, walker)?;
    }
    Ok(())
}

fn twice(lab: &Lab, case: &Case, walk: &Walk, walker: &Walker<'_>) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let begun = Instant::now();
        let first = judge::judge(lab, case, walk, walker)?;
        let second = judge::judge(lab, case, walk, walker)?;
        if begun.elapsed() * 2 > AFFINITY {
            continue;
        }
        let list = noted(walk, first).with_context(|| format!("{case}: no list notes the client"))?;
        let is_seen = |ending: &&Ending| match &ending.assuming[..] {
            [Assumption::SeenBefore { list: other, .. }] => **other == *list,
            _ => false,
        };
        let then: Vec<_> = walk.endings.iter().filter(is_seen).map(|ending| ending.destination).collect();
        let (first, second) = (first.destination, second.destination);
        ensure!(then == [second], "{case}: first {first}, which {list} notes, then {second}; the walk: then {then:?}");
        return Ok(());
    }
    bail!("{case}: no two connections within {AFFINITY:?}")
}

/// The list that notes the client on the way to `ending`.
fn noted(walk: &Walk, ending: &Ending) -> Option<String> {
    let mut at = Some(ending.step);
    while let Some(step) = at.map(|at| &walk.steps[at]) {
        if let Event::Note(list) = &step.event {
            return Some(list.to_string());
        }
        at = step.before;
    }
    None
}
