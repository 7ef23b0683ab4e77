//! Packets that conntrack dropped, of the calling thread's network namespace (`/proc/net/stat/nf_conntrack`).

use crate::cell_error::CellError;
use std::fs;

/// Since the namespace was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drops {
    /// Packets of new connections that had no place in the table.
    pub(crate) dropped: u64,
    /// Entries that made room for a new one.
    pub(crate) evicted: u64,
}

const FILE: &str = "/proc/thread-self/net/stat/nf_conntrack";

impl Drops {
    /// Reads them.
    ///
    /// # Errors
    /// `Skipped` where the kernel has no such file.
    pub(crate) fn read() -> Result<Self, CellError> {
        let text = fs::read_to_string(FILE).map_err(|error| {
            CellError::Skipped(format!("what conntrack drops is not counted here: {FILE}: {error}"))
        })?;
        Self::of(&text).ok_or_else(|| CellError::Failed(format!("{FILE} has no columns drop and early_drop")))
    }

    /// Parses the file: a line of names, and a line of hexadecimal numbers for each CPU. Older kernels name more columns.
    fn of(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next()?.split_whitespace().collect();
        let place = |name| names.iter().position(|one| *one == name);
        let (dropped, evicted) = (place("drop")?, place("early_drop")?);
        let mut sum = Self { dropped: 0, evicted: 0 };
        for line in lines {
            let numbers: Vec<&str> = line.split_whitespace().collect();
            let number = |place: usize| u64::from_str_radix(numbers.get(place)?, 16).ok();
            sum.dropped += number(dropped)?;
            sum.evicted += number(evicted)?;
        }
        Some(sum)
    }

    /// Those since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            dropped: self.dropped.saturating_sub(earlier.dropped),
            evicted: self.evicted.saturating_sub(earlier.evicted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_found_by_their_names_and_all_cpus_count() {
        let text = "entries  clashres found insert_failed drop early_drop icmp_error\n\
                    00004e20  00000000 00000000 00000001 0000000a 00000002  00000000\n\
                    00004e20  00000000 00000000 00000001 00000010 00000000  00000000\n";
        assert_eq!(Drops::of(text), Some(Drops { dropped: 26, evicted: 2 }));
        assert_eq!(Drops::of("entries found\n1 2\n"), None);
    }
}
