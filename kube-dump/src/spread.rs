//! How endpoints spread over ports.

/// How many endpoints ports have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Half of the ports have at most this number.
    pub median: usize,
    /// Nine of ten ports have at most this number.
    pub p90: usize,
    /// The most that a port has.
    pub max: usize,
    /// All endpoints of all ports.
    pub total: usize,
}

impl Spread {
    /// How ports with these `counts` of endpoints spread; `None` without ports.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut counts: Vec<usize> = counts.into_iter().collect();
        counts.sort_unstable();
        let last = counts.len().checked_sub(1)?;
        // The smallest count that at least this share of the ports does not exceed.
        let at = |tenths: usize| counts[(counts.len() * tenths).div_ceil(10).max(1) - 1];
        Some(Self { median: at(5), p90: at(9), max: counts[last], total: counts.iter().sum() })
    }
}
