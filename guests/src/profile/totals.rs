//! Reads the plugin's totals: what was executed on each account, in processes and in the kernel.

use crate::mark::Accounts;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

/// The bytes of one account's record.
const RECORD: usize = 4 * 8;

/// Where a guest's time went on some accounts. The clock counts instructions, so that all but `entries` add up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Instructions executed in processes.
    pub user: u64,
    /// Instructions executed in the kernel, interrupts included.
    pub kernel: u64,
    /// How often the kernel was entered from a process: by system calls, page faults and interrupts.
    pub entries: u64,
    /// Nanoseconds of the guest's clock in which nothing was there to run.
    pub waited: u64,
}

/// The totals of a guest's accounts, read while the guest runs.
pub struct Totals {
    file: File,
    /// The part of a record that was not yet whole.
    rest: Vec<u8>,
    accounts: BTreeMap<u64, Total>,
}

impl Totals {
    /// Reads `file`, which the plugin writes, from its beginning.
    pub(super) fn of(file: &File) -> Result<Self> {
        // Opened again, the file has an offset of its own.
        let file = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).context("opening QEMU's totals")?;
        Ok(Self { file, rest: Vec::new(), accounts: BTreeMap::new() })
    }

    /// What was executed on `accounts`, which the guest has closed; `None` if the plugin saw nothing of them.
    ///
    /// # Errors
    /// When the plugin's file cannot be read.
    pub fn on(&mut self, accounts: Accounts) -> Result<Option<Total>> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.file.read_to_end(&mut bytes).context("reading QEMU's totals")?;
        self.take(bytes);
        let range = u64::from(accounts.first)..=u64::from(accounts.last);
        let mut seen = self.accounts.range(range).map(|(_, total)| *total).peekable();
        if seen.peek().is_none() {
            return Ok(None);
        }
        let sum = seen.fold(Total::default(), |sum, one| Total {
            user: sum.user + one.user,
            kernel: sum.kernel + one.kernel,
            entries: sum.entries + one.entries,
            waited: 0,
        });
        // The clock jumps over time in which nothing is executed.
        Ok(Some(Total { waited: accounts.time.saturating_sub(sum.user + sum.kernel), ..sum }))
    }

    fn take(&mut self, mut bytes: Vec<u8>) {
        let whole = bytes.len() / RECORD * RECORD;
        self.rest = bytes.split_off(whole);
        for record in bytes.chunks_exact(RECORD) {
            let word = |place: usize| {
                u64::from_ne_bytes(record[8 * place..8 * (place + 1)].try_into().expect("of eight bytes"))
            };
            self.accounts.insert(word(0), Total { user: word(1), kernel: word(2), entries: word(3), waited: 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::memory_file;
    use std::fs::OpenOptions;
    use std::io::Write;

    #[test]
    fn accounts_add_up_as_they_come_and_the_rest_of_their_time_was_waited() {
        let file = memory_file("totals", b"").unwrap();
        let mut out = OpenOptions::new().append(true).open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        let mut write = |words: &[u64], bytes: usize| {
            let words: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            out.write_all(&words[words.len() - bytes..]).unwrap();
        };
        let mut totals = Totals::of(&file).unwrap();
        let accounts = Accounts { first: 2, last: 3, time: 100 };
        assert_eq!(totals.on(accounts).unwrap(), None);
        write(&[1, 9, 9, 9, 2, 10, 20, 1], 64);
        assert_eq!(totals.on(accounts).unwrap(), Some(Total { user: 10, kernel: 20, entries: 1, waited: 70 }));
        // A record that is not whole yet is read when it is.
        let last = [3, 5, 7, 2];
        let bytes: Vec<u8> = last.iter().flat_map(|word: &u64| word.to_ne_bytes()).collect();
        totals.take(bytes[..12].to_vec());
        write(&last, 20);
        let after = Total { user: 15, kernel: 27, entries: 3, waited: 58 };
        assert_eq!(totals.on(accounts).unwrap(), Some(after));
        // More was executed than the clock shows between two of its readings: nothing was waited.
        assert_eq!(totals.on(Accounts { time: 40, ..accounts }).unwrap(), Some(Total { waited: 0, ..after }));
    }
}
