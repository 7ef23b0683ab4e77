//! The units of metrics.

use crate::vocabulary::words;

/// The base unit of a metric's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Bits a second.
    BitsPerSecond,
    /// Events a second.
    PerSecond,
    /// A plain number of things.
    Count,
    /// A share of one core: 1 is one core busy all the time.
    Share,
}

words!("unit", Unit {
    Ns = "ns",
    Bytes = "bytes",
    BitsPerSecond = "bit/s",
    PerSecond = "1/s",
    Count = "count",
    Share = "share",
});

impl Unit {
    /// Whether a number of it depends on the clock.
    #[must_use]
    pub fn is_clocked(self) -> bool {
        match self {
            Self::Ns | Self::BitsPerSecond | Self::PerSecond | Self::Share => true,
            Self::Bytes | Self::Count => false,
        }
    }
}
