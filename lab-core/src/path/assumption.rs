//! What a packet alone does not decide, and what the walk takes it for.

use super::Place;

/// What was taken to hold on a side way of the walk. The main way takes none of these: a client that is new, within every
/// limit, and for which no unknown test holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Assumption {
    /// The client was sent this way before, in the last so many seconds.
    SeenBefore {
        /// The list or the set that notes it.
        list: Box<str>,
        /// How long it is remembered, where the rule tells.
        seconds: Option<u64>,
    },
    /// The rule's limit is reached.
    OverLimit(Place),
    /// The rule's test, which is not known here, holds.
    Unknown(Place),
}
