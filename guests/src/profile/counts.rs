//! Reads what the plugin writes. `plugin/profile.rs` describes the format.

use crate::mark::Accounts;
use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsRawFd;

/// A block of instructions that run one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) address: u64,
    /// A hash of the page it lies in; `None` in the kernel.
    pub(super) page: Option<u64>,
}

/// Instructions by account and block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) blocks: Vec<Block>,
    /// Blocks, by their places, and the instructions executed of them.
    accounts: BTreeMap<u64, Vec<(usize, u64)>>,
}

impl Counts {
    /// Everything that is in `file`, from its beginning.
    pub(super) fn read(file: &File) -> Result<Self> {
        // Opened again, the file has an offset of its own.
        let bytes = std::fs::read(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        Self::of(bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("of eight bytes"))))
    }

    /// The last record may be cut off: QEMU was ended while it was written.
    fn of(mut words: impl Iterator<Item = u64>) -> Result<Self> {
        let mut counts = Self::default();
        while let Some(kind) = words.next() {
            match kind {
                1 => {
                    let (Some(address), Some(page)) = (words.next(), words.next()) else { break };
                    counts.blocks.push(Block { address, page: (address >> 63 == 0).then_some(page) });
                }
                2 => {
                    let (Some(account), Some(size)) = (words.next(), words.next()) else { break };
                    let pair = || Some((words.next()?, words.next()?));
                    let pairs: Vec<_> = std::iter::from_fn(pair).take(usize::try_from(size)?).collect();
                    if pairs.len() as u64 != size {
                        break;
                    }
                    let executed = counts.accounts.entry(account).or_default();
                    for (block, count) in pairs {
                        let block = usize::try_from(block)?;
                        ensure!(block < counts.blocks.len(), "instructions of a block that is not there");
                        executed.push((block, count));
                    }
                }
                kind => bail!("an unknown word {kind:#x}"),
            }
        }
        Ok(counts)
    }

    /// Blocks, by their places, and the instructions executed of them on `accounts`.
    pub(super) fn on(&self, accounts: Accounts) -> impl Iterator<Item = (usize, u64)> {
        let range = u64::from(accounts.first)..=u64::from(accounts.last);
        self.accounts.range(range).flat_map(|(_, executed)| executed.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: u64 = 0xffff_ffff_8100_0000;

    #[test]
    fn instructions_are_found_by_their_accounts() {
        let words = [1, KERNEL, 0, 2, 1, 1, 0, 10, 1, 0x1000, 77, 2, 2, 2, 0, 5, 1, 6, 2, 3, 1, 1, 9];
        let counts = Counts::of(words.into_iter()).unwrap();
        assert_eq!(counts.blocks[0], Block { address: KERNEL, page: None });
        assert_eq!(counts.blocks[1], Block { address: 0x1000, page: Some(77) });
        let on = |first, last| counts.on(Accounts { first, last, time: 0 }).collect::<Vec<_>>();
        assert_eq!(on(1, 1), [(0, 10)]);
        assert_eq!(on(2, 3), [(0, 5), (1, 6), (1, 9)]);
        assert_eq!(on(4, 9), []);
    }

    #[test]
    fn what_is_of_another_form_is_refused() {
        for words in [&[2, 1, 1, 0, 10][..], &[9]] {
            assert!(Counts::of(words.iter().copied()).is_err(), "{words:?}");
        }
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        let words = [1, KERNEL, 0, 2, 1, 1, 0, 10, 2, 2, 1, 0, 9];
        for end in 8..words.len() {
            let counts = Counts::of(words[..end].iter().copied()).unwrap();
            assert_eq!(counts.on(Accounts { first: 1, last: 2, time: 0 }).collect::<Vec<_>>(), [(0, 10)], "{end}");
        }
    }
}
