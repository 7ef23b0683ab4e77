//! An index of a long chain's rules by the destination that they name, so that a walk need not try each.

use crate::node::{Chain, Side, Statement, Test};
use std::collections::HashMap;
use std::net::IpAddr;

/// A chain with fewer rules is walked rule by rule.
const LONG: usize = 64;

/// Which rules of a chain may apply to a destination.
#[derive(Debug)]
pub(super) struct Index {
    by_address: HashMap<IpAddr, Vec<u32>>,
    /// Rules that name no single destination.
    others: Vec<u32>,
}

impl Index {
    /// Of a long chain; `None` for a short one.
    pub(super) fn of(chain: &Chain) -> Option<Self> {
        if chain.rules.len() < LONG {
            return None;
        }
        let mut index = Self { by_address: HashMap::new(), others: Vec::new() };
        for (place, rule) in chain.rules.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            // A test that comes after another statement is of no use: what is before it happens first.
            let tests = rule.statements.iter().take_while(|statement| decided(statement));
            let only = tests.filter_map(|statement| match statement {
                Statement::If(true, Test::Address(Side::Destination, span)) if span.is_one() => Some(span.first),
                _ => None,
            });
            match only.last() {
                Some(address) => index.by_address.entry(address).or_default().push(place),
                None => index.others.push(place),
            }
        }
        Some(index)
    }

    /// The first rule from `place` on that may apply to `destination`.
    pub(super) fn next(&self, place: usize, destination: IpAddr) -> Option<usize> {
        let from = |places: &[u32]| {
            let start = places.partition_point(|&other| (other as usize) < place);
            places.get(start).map(|&found| found as usize)
        };
        let named = self.by_address.get(&destination).and_then(|places| from(places));
        [named, from(&self.others)].into_iter().flatten().min()
    }
}

/// Whether the packet alone decides a statement, so that nothing of it is to be told if a later test fails.
fn decided(statement: &Statement) -> bool {
    match statement {
        Statement::If(_, test) => {
            !matches!(test, Test::Pick(_) | Test::Seen(..) | Test::Limited(_) | Test::Unknown(_) | Test::Member(..))
        }
        _ => false,
    }
}
