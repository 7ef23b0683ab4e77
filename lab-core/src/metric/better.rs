//! Which way metrics get better.

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// A property of the installed state: neither more nor less is better.
    Neither,
}
