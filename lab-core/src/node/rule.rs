//! A rule as it stands, and what it does.

use super::Statement;

/// One rule of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// As the listing has it, without the chain's name and the counters.
    pub text: Box<str>,
    /// The line of the listing, from 1; 0 where it has none.
    pub line: u32,
    /// Its comment, without quotes.
    pub comment: Option<Box<str>>,
    /// Packets and bytes that it counted, where the listing tells.
    pub counters: Option<(u64, u64)>,
    /// What it tests and does, in order. A test that fails ends the rule.
    pub statements: Box<[Statement]>,
}
