//! Parts of a plan for several machines: which cells each has.

use crate::stats::size;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most shards of a plan.
pub const MOST: u32 = 10_000;

/// One of the equal parts of a plan: `3/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// Why something is not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    /// It has another form.
    #[error("found {0:?}; a shard is written 3/16: its number, from 1, and how many there are, up to {MOST}")]
    Form(String),
    /// It is none of them.
    #[error("there is no shard {number} of {of}: they are numbered from 1 to {of}")]
    Beyond {
        /// The number.
        number: u32,
        /// How many there are.
        of: u32,
    },
}

impl Shard {
    /// The shard `number` of `of`.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn new(number: u32, of: u32) -> Result<Self, NoShard> {
        match (1..=of).contains(&number) {
            true if of <= MOST => Ok(Self { number, of }),
            true => Err(NoShard::Form(format!("{number}/{of}"))),
            false => Err(NoShard::Beyond { number, of }),
        }
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let (number, of) = numbers.ok_or_else(|| NoShard::Form(text.to_owned()))?;
        Self::new(number, of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.number, self.of)
    }
}

/// Which of a plan's cells a run makes, where that is not all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which shard.
    pub shard: Shard,
    /// Its cells, by their places in the plan, ascending.
    pub cells: Vec<usize>,
}

/// Deals what costs so much to `shards` shards, so that each has about as much: of each shard, the places in `costs`.
///
/// The dearest comes first, and goes to the shard that has the least so far. Of equals, the first. So it is a function of
/// the costs alone.
#[must_use]
pub fn deal(costs: &[f64], shards: u32) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..costs.len()).collect();
    places.sort_by(|&one, &other| costs[other].total_cmp(&costs[one]));
    let mut dealt = vec![(0.0_f64, Vec::new()); shards as usize];
    for place in places {
        let least = dealt.iter_mut().min_by(|(one, _), (other, _)| one.total_cmp(other));
        let Some((cost, own)) = least else { break };
        *cost += costs[place];
        own.push(place);
    }
    dealt
        .into_iter()
        .map(|(_, mut own)| {
            own.sort_unstable();
            own
        })
        .collect()
}

/// By how much the dearest of `costs` is above their mean.
#[must_use]
pub fn imbalance(costs: &[f64]) -> f64 {
    let mean = costs.iter().sum::<f64>() / size(costs.len());
    costs.iter().copied().fold(0.0, f64::max) / mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_them() {
        assert_eq!("3/16".parse(), Ok(Shard { number: 3, of: 16 }));
        assert_eq!(Shard { number: 3, of: 16 }.to_string(), "3/16");
        for text in ["", "3", "3/", "/3", "a/3", "-1/3", "1/2/3", "1/10001", "1 / 3"] {
            assert!(matches!(text.parse::<Shard>(), Err(NoShard::Form(_))), "{text}");
        }
        for text in ["0/3", "4/3", "1/0"] {
            assert!(matches!(text.parse::<Shard>(), Err(NoShard::Beyond { .. })), "{text}");
        }
    }

    #[test]
    fn everything_is_dealt_once_and_evenly() {
        let costs: Vec<f64> = (0..100).map(|place| f64::from(place * 37 % 101)).collect();
        for shards in 1..=12 {
            let dealt = deal(&costs, shards);
            let mut all: Vec<usize> = dealt.concat();
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
            let sums: Vec<f64> = dealt.iter().map(|own| own.iter().map(|&place| costs[place]).sum()).collect();
            assert!(imbalance(&sums) < 1.05, "{shards}: {sums:?}");
            assert_eq!(dealt, deal(&costs, shards));
        }
        assert_eq!(deal(&[1.0], 3), [vec![0], vec![], vec![]]);
    }
}
