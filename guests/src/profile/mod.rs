//! What a guest executes between marks: how many instructions in processes and in the kernel, and of which functions.
//!
//! ```text
//!                                      ┌──► totals       processes and kernel, by account: read while the guest runs
//!   guest ── marks ──► plugin (in QEMU) ──► counts       blocks of instructions, by account; only for a profile
//!     │                                        │
//!     ├── accounts of each sample ────────► executed ◄── symbols   the kernel's and its modules' (/proc/kallsyms)
//!     └── when it is done: symbols             ▲
//!   initramfs ── pages ──► binaries ── functions          programs and libraries
//! ```
//!
//! The guest executes the same with and without a profile until its work is done. Only then does it read from its port
//! whether to send symbols.

mod binaries;
mod counts;
mod functions;
mod names;
mod plugin;
mod symbols;
mod totals;
pub(crate) mod watch;

use crate::initramfs::Initramfs;
use crate::mark::Accounts;
use crate::missing::Missing;
use crate::port::Wanted;
use crate::tool::memory_file;
use anyhow::{Context, Result};
use binaries::Binaries;
use counts::{Block, Counts};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use symbols::Symbols;
pub(crate) use symbols::of_code;
pub use totals::{Total, Totals};
pub use watch::Watch;

/// A function of a program, a library, the kernel or a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// What it is in: `kernel`, `nf_tables.ko`, `libc.so.6`, or `user` for a page of no file.
    pub binary: String,
    /// Its name, or its place in the file where that has none (`+0x2f340`); `None` for code outside of any function.
    pub symbol: Option<String>,
}

impl Function {
    fn new(binary: impl Into<String>, symbol: Option<&str>) -> Self {
        Self { binary: binary.into(), symbol: symbol.map(str::to_owned) }
    }
}

/// QEMU's plugin, ready for the emulator that is installed.
#[derive(Debug, Clone)]
pub struct Plugin(Arc<File>);

impl Plugin {
    /// Checks that the installed emulator takes plugins.
    ///
    /// # Errors
    /// What is missing, and the remedy.
    pub fn find() -> Result<Self, Missing> {
        let file = memory_file("plugin", &plugin::for_this_emulator()?).map_err(|error| Missing {
            why: format!("there is no place for QEMU's plugin: {error:#}"),
            remedy: "close other programs, or run without --profile".to_owned(),
        });
        file.map(|file| Self(Arc::new(file)))
    }

    /// What a guest is started with of which only the totals are wanted.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn watch(&self) -> Result<Watch> {
        Watch::new(self.handed_on()?, Wanted::Nothing)
    }

    fn handed_on(&self) -> Result<File> {
        self.0.try_clone().context("handing on QEMU's plugin")
    }
}

/// What the profiles of an image's guests share.
pub struct Profiler {
    plugin: Plugin,
    binaries: Binaries,
    /// The kernel's symbols, once one guest has sent them.
    kernel: Mutex<Option<String>>,
}

impl Profiler {
    /// For guests with these `files`. The running program, which is their init, is called `own`.
    pub fn new(plugin: Plugin, files: &Initramfs, own: &str) -> Self {
        Self { plugin, binaries: Binaries::of(files, own), kernel: Mutex::new(None) }
    }

    /// What a guest is started with.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn watch(&self) -> Result<Watch> {
        let known = self.kernel.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let wanted = if known { Wanted::Modules } else { Wanted::All };
        Watch::new(self.plugin.handed_on()?, wanted)
    }

    /// What a guest has executed, by the symbols that it sent after its work.
    ///
    /// # Errors
    /// When the plugin's counts cannot be read.
    pub fn executed(&self, watch: &Watch, sent: &str) -> Result<Executed> {
        let (kernel, modules) = symbols::split(sent);
        let mut known = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.wanted == Wanted::All {
            *known = Some(kernel);
        }
        let symbols = Symbols::of(known.as_deref().unwrap_or_default(), &modules);
        drop(known);
        let blocks = watch.blocks().context("the guest was not profiled")?;
        let counts = Counts::read(blocks).context("reading what QEMU's plugin counted")?;
        let functions = counts.blocks.iter().map(|block| self.function(&symbols, block)).collect();
        Ok(Executed { counts, functions })
    }

    fn function(&self, symbols: &Symbols, block: &Block) -> Function {
        match block.page {
            None => symbols.function(block.address),
            Some(page) => self.binaries.function(page, block.address).unwrap_or_else(|| Function::new("user", None)),
        }
    }
}

/// What a guest executed in its windows.
pub struct Executed {
    counts: Counts,
    /// The blocks' functions, in the order of the blocks.
    functions: Vec<Function>,
}

impl Executed {
    /// Instructions on `accounts` by function, without those of functions that it calls.
    pub fn on(&self, accounts: Accounts) -> BTreeMap<&Function, u64> {
        let mut instructions = BTreeMap::new();
        for (block, count) in self.counts.on(accounts) {
            *instructions.entry(&self.functions[block]).or_default() += count;
        }
        instructions
    }
}
