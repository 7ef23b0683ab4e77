//! Profiles: the instructions of a sample, by function. Only runs on the clock `instructions` have one.
//!
//! A profile is a file beside the run's `run.jsonl`; `file.rs` shows its lines.

mod comparison;
mod file;

pub use comparison::{Comparison, FunctionChange, compare};
pub use file::{FORMAT, ReadError};

use crate::cell::Cell;
use crate::metric::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name for instructions outside every known function of a binary.
pub const ELSEWHERE: &str = "(elsewhere)";

/// The name for the instructions of small functions together.
pub const SMALL: &str = "(small ones)";

/// A function with less than this share of an entry's instructions is small.
const SMALL_SHARE: f64 = 0.0002;

/// The name for time in which nothing was executed; the virtual clock jumps over it.
pub const IDLE: &str = "idle";

/// A function of a program, a library, the kernel or a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    /// The binary: `kernel`, `nf_tables.ko`, `xtables-nft-multi`, `libc.so.6`.
    pub binary: String,
    /// Its name, or its offset in the file if it has none: `+0x2f340`.
    pub symbol: String,
}

/// The instructions of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was measured.
    pub cell: Cell,
    /// The replica, from 0.
    pub replica: u32,
    /// What the sample is of.
    pub metric: Metric,
    /// Each function's own instructions, without those of functions that it calls. The rest of the sample's time is
    /// [waiting](Function::waiting).
    pub instructions: BTreeMap<Function, u64>,
}

/// The instructions of a run's samples.
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

    /// Stands for time in which everything waits, such as for a timer or a grace period of the kernel.
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

    /// With small functions put together for each binary. That is about a third of the size.
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
    /// With small functions put together, for a file that is kept.
    #[must_use]
    pub fn without_small(&self) -> Self {
        Self { run: self.run.clone(), entries: self.entries.iter().map(Entry::without_small).collect() }
    }

    /// The instructions for `metric` in `cell`; of several replicas, the median one.
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

/// Functions as written in a file, by binary.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Written(BTreeMap<String, BTreeMap<String, u64>>);

/// The most instructions of an entry: what a sample may be, so that sums of entries are numbers, too.
const MOST: u64 = 1_000_000_000_000_000;

impl Written {
    /// Whether a machine makes so many instructions.
    fn can_be(&self) -> bool {
        let mut counts = self.0.values().flat_map(BTreeMap::values);
        counts.try_fold(0_u64, |sum, count| sum.checked_add(*count)).is_some_and(|sum| sum <= MOST)
    }
}

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
