//! What guests execute for their samples, by function.
//!
//! ```text
//!   guest ── marks ──► plugin (in QEMU) ──► counts       blocks of instructions, by account
//!     │                                        │
//!     ├── accounts of each sample ─────────► entries ◄── symbols   the kernel's own and its modules' (/proc/kallsyms)
//!     └── once it is through: symbols          ▲
//!   initramfs ── pages ──► binaries ── functions          programs and libraries
//! ```
//!
//! The guest does the same with and without all this, until every sample is taken: then it reads from its port whether
//! somebody wants symbols.

mod binaries;
mod counts;
mod functions;
mod names;
mod plugin;
mod symbols;

use crate::cell_error::Missing;
use crate::meter::mark::Accounts;
use crate::tool::memory_file;
use anyhow::{Context, Result};
pub(crate) use binaries::Binaries;
use counts::{Block, Counts};
use lab_core::metric::Metric;
use lab_core::plan::Visit;
use lab_core::profile::{ELSEWHERE, Entry, Function};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use symbols::Symbols;
pub(crate) use symbols::of_code;

/// What is read from a guest's port when everything has been measured: which symbols it is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// None.
    Nothing,
    /// Those of the modules.
    Modules,
    /// Those of the kernel and of the modules.
    All,
}

impl Wanted {
    const KNOWN: [(u8, Self); 3] = [(0xe9, Self::Nothing), (b'm', Self::Modules), (b'a', Self::All)];

    /// The byte that says so. Where nobody says anything it is the port's usual one.
    pub(crate) fn byte(self) -> u8 {
        Self::KNOWN.iter().find(|(_, known)| *known == self).map_or(0, |(byte, _)| *byte)
    }

    pub(crate) fn of(byte: u8) -> Self {
        Self::KNOWN.iter().find(|(known, _)| *known == byte).map_or(Self::Nothing, |(_, known)| *known)
    }
}

/// What profiles of all guests of a run need.
pub(super) struct Profiler {
    plugin: File,
    binaries: Binaries,
    /// The kernel's, as soon as one guest has told them.
    kernel: Mutex<Option<String>>,
}

/// Looks whether the emulator can be watched, and by what.
///
/// # Errors
/// What is missing, and the remedy.
pub(super) fn plugin() -> Result<File, Missing> {
    memory_file("plugin", &plugin::for_this_emulator()?).map_err(|error| Missing {
        why: format!("there is no place for QEMU's plugin: {error:#}"),
        remedy: "close other programs, or run without --profile".to_owned(),
    })
}

/// What is watched of one guest.
pub(super) struct Watch {
    pub(super) plugin: File,
    pub(super) counts: File,
    pub(super) wanted: Wanted,
}

impl Profiler {
    /// For guests with these `binaries`, watched by `plugin`.
    pub(super) fn new(plugin: File, binaries: Binaries) -> Self {
        Self { plugin, binaries, kernel: Mutex::new(None) }
    }

    /// What a guest is started with.
    pub(super) fn watch(&self) -> Result<Watch> {
        let known = self.kernel.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let wanted = if known { Wanted::Modules } else { Wanted::All };
        let plugin = self.plugin.try_clone().context("handing on QEMU's plugin")?;
        Ok(Watch { plugin, counts: memory_file("counts", b"")?, wanted })
    }

    /// What was executed in a guest for the samples of `visits`, given the symbols that it sent.
    pub(super) fn entries(
        &self,
        watch: &Watch,
        visits: &[(Visit, Vec<(Metric, Accounts)>)],
        sent: &str,
    ) -> Result<Vec<Entry>> {
        let (kernel, modules) = symbols::split(sent);
        let mut known = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.wanted == Wanted::All {
            *known = Some(kernel);
        }
        let symbols = Symbols::of(known.as_deref().unwrap_or_default(), &modules);
        drop(known);
        let counts = Counts::read(&watch.counts).context("reading what QEMU's plugin counted")?;
        let functions: Vec<Function> = counts.blocks.iter().map(|block| self.function(&symbols, block)).collect();
        let entry = |visit: &Visit, metric, accounts: Accounts| {
            let mut instructions: BTreeMap<Function, u64> = BTreeMap::new();
            for (block, count) in counts.on(accounts) {
                *instructions.entry(functions[block].clone()).or_default() += count;
            }
            // The clock jumps over time that nothing is executed in.
            let executed: u64 = instructions.values().sum();
            if let waited @ 1.. = accounts.time.saturating_sub(executed) {
                instructions.insert(Function::waiting(), waited);
            }
            Entry { cell: visit.cell, replica: visit.replica, metric, instructions }
        };
        let entries = visits.iter().flat_map(|(visit, accounted)| {
            accounted.iter().map(move |&(metric, accounts)| entry(visit, metric, accounts))
        });
        Ok(entries.filter(|entry| !entry.instructions.is_empty()).collect())
    }

    fn function(&self, symbols: &Symbols, block: &Block) -> Function {
        match block.page {
            None => symbols.function(block.address),
            Some(page) => {
                self.binaries.function(page, block.address).unwrap_or_else(|| Function::new("user", ELSEWHERE))
            }
        }
    }
}
