//! What was executed for a sample, by function: the profile of a run whose clock counts instructions.
//!
//! A profile stands in a file beside the run's record; see [`Profile::read`] for its lines.

mod comparison;
mod file;

pub use comparison::{Change, Comparison, compare};
pub use file::{FORMAT, ReadError};

use crate::cell::Cell;
use crate::metric::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the instructions are called that are in no known function of a binary.
pub const ELSEWHERE: &str = "(elsewhere)";

/// What the instructions are called that are in functions too small to be named.
pub const SMALL: &str = "(small ones)";

/// Up to which part of an entry's instructions a function is a small one.
const SMALL_SHARE: f64 = 0.0002;

/// What the time is in that no processor executed anything in; the clock that counts instructions jumps over it.
pub const IDLE: &str = "idle";

/// A function of a program, a library, the kernel or a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    /// What it is in: `kernel`, `nf_tables.ko`, `xtables-nft-multi`, `libc.so.6`.
    pub binary: String,
    /// Its name, or its place in the file where that has none: `+0x2f340`.
    pub symbol: String,
}

/// What was executed for one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was measured.
    pub cell: Cell,
    /// The replica, from 0.
    pub replica: u32,
    /// What the sample is of.
    pub metric: Metric,
    /// Instructions, by function: the function's own, without those that it calls. What they lack to the sample's time is
    /// [waiting](Function::waiting).
    pub instructions: BTreeMap<Function, u64>,
}

/// What was executed for the samples of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The run's id.
    pub run: String,
    /// In the order in which they were measured.
    pub entries: Vec<Entry>,
}

impl Function {
    /// `symbol` in `binary`.
    pub fn new(binary: impl Into<String>, symbol: impl Into<String>) -> Self {
        Self { binary: binary.into(), symbol: symbol.into() }
    }

    /// What there is in place of a function where everything waits: for a timer, for a grace period of the kernel's.
    #[must_use]
    pub fn waiting() -> Self {
        Self::new(IDLE, "(waiting)")
    }
}

impl Entry {
    /// All instructions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.instructions.values().sum()
    }

    /// The functions, those with the most instructions first.
    #[must_use]
    pub fn hottest(&self) -> Vec<(&Function, u64)> {
        let mut functions: Vec<_> = self.instructions.iter().map(|(function, &count)| (function, count)).collect();
        functions.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        functions
    }

    /// With the functions that have less than a part in 5,000 of all instructions taken together, by binary: about a third
    /// in size.
    #[must_use]
    pub fn without_small(&self) -> Self {
        let least = SMALL_SHARE * self.total() as f64;
        let mut instructions: BTreeMap<Function, u64> = BTreeMap::new();
        for (function, &count) in &self.instructions {
            let symbol = if (count as f64) < least { SMALL } else { &function.symbol };
            *instructions.entry(Function::new(&function.binary, symbol)).or_default() += count;
        }
        Self { instructions, ..self.clone() }
    }

    fn is_without_small(&self) -> bool {
        self.instructions.keys().any(|function| function.symbol == SMALL)
    }

    /// The binaries, those with the most instructions first.
    #[must_use]
    pub fn binaries(&self) -> Vec<(&str, u64)> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (function, count) in &self.instructions {
            *sums.entry(&function.binary).or_default() += count;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        sums
    }
}

impl Profile {
    /// With only the functions in it that matter: for a file that is kept long.
    #[must_use]
    pub fn without_small(&self) -> Self {
        Self { run: self.run.clone(), entries: self.entries.iter().map(Entry::without_small).collect() }
    }

    /// What was executed for `metric` in `cell`. Where there are several replicas, in the one in the middle.
    #[must_use]
    pub fn entry(&self, cell: &Cell, metric: Metric) -> Option<&Entry> {
        let mut entries: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.cell == *cell && entry.metric == metric).collect();
        entries.sort_by_key(|entry| entry.total());
        entries.get(entries.len().checked_sub(1)? / 2).copied()
    }

    /// Every cell and metric once, in their order.
    #[must_use]
    pub fn keys(&self) -> Vec<(Cell, Metric)> {
        let mut keys = Vec::new();
        for entry in &self.entries {
            let key = (entry.cell, entry.metric);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

/// Functions as they stand in a file, by binary.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Written(BTreeMap<String, BTreeMap<String, u64>>);

impl From<&BTreeMap<Function, u64>> for Written {
    fn from(functions: &BTreeMap<Function, u64>) -> Self {
        let mut written: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (Function { binary, symbol }, &count) in functions {
            written.entry(binary.clone()).or_default().insert(symbol.clone(), count);
        }
        Self(written)
    }
}

impl From<Written> for BTreeMap<Function, u64> {
    fn from(Written(written): Written) -> Self {
        let of = |(binary, symbols): (String, BTreeMap<String, u64>)| {
            symbols.into_iter().map(move |(symbol, count)| (Function::new(&binary, symbol), count))
        };
        written.into_iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests;
