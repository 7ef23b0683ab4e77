//! Makes the entries of a profile from what a guest has executed.

use crate::probe::reading::middle;
use guests::mark::Accounts;
use guests::profile::Executed;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::Visit;
use lab_core::profile::{ELSEWHERE, Entry, Function};
use std::collections::BTreeMap;

/// Of the metrics of `records`, the accounts of the middle sample.
pub(super) fn of_samples(records: &[CellRecord], accounts: &[Vec<Accounts>]) -> Vec<(Metric, Accounts)> {
    let of = |(record, accounts): (&CellRecord, &Vec<Accounts>)| {
        Some((record.metric, *accounts.get(middle(&record.samples)?)?))
    };
    records.iter().zip(accounts).filter_map(of).collect()
}

pub(super) fn entries(executed: &Executed, visits: &[(Visit, Vec<(Metric, Accounts)>)]) -> Vec<Entry> {
    let entry = |visit: &Visit, metric, accounts: Accounts| {
        let function = |function: &guests::profile::Function| {
            Function::new(&function.binary, function.symbol.as_deref().unwrap_or(ELSEWHERE))
        };
        let instructions = executed.on(accounts).into_iter().map(|(named, count)| (function(named), count));
        let mut instructions: BTreeMap<Function, u64> = instructions.collect();
        // The clock jumps over time in which nothing is executed.
        let executed: u64 = instructions.values().sum();
        if let waited @ 1.. = accounts.time.saturating_sub(executed) {
            instructions.insert(Function::waiting(), waited);
        }
        Entry { cell: visit.cell, replica: visit.replica, metric, instructions }
    };
    let entries = visits
        .iter()
        .flat_map(|(visit, accounted)| accounted.iter().map(move |&(metric, accounts)| entry(visit, metric, accounts)));
    entries.filter(|entry| !entry.instructions.is_empty()).collect()
}
