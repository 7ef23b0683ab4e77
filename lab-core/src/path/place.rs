//! Where in a node's tables something is.

/// A rule's place, or a chain's where there is no rule. All are places in the node's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The table.
    pub table: usize,
    /// The chain in it.
    pub chain: usize,
    /// The rule in it, from 0.
    pub rule: Option<usize>,
}
