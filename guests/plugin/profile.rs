//! A plugin for QEMU: counts the instructions that a guest executes, by translated block, in windows that the guest
//! opens and closes by marks (`src/mark.rs`).
//!
//! It only watches: the guest executes the same, at the same time, with and without it. It uses only functions of
//! QEMU's interface whose signatures never changed. So for another QEMU only the version number has to be set.
//!
//! It writes 64-bit words of this machine to `totals`, for each account that something was executed on:
//!
//! ```text
//!   ACCOUNT USER KERNEL ENTRIES           instructions in processes and in the kernel; how often the kernel was entered
//! ```
//!
//! And to `blocks`, if that is given:
//!
//! ```text
//!   1 ADDRESS PAGE                        a block: where it begins; in user space a hash of the page it lies in, else 0
//!   2 ACCOUNT N (BLOCK INSTRUCTIONS){N}   what was executed on an account, by the block's place in this list
//! ```

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::ptr::null_mut;

/// The version of QEMU's interface. It is replaced for a QEMU that knows only later versions.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

type Translated = extern "C" fn(u64, *mut c_void);
type Executed = extern "C" fn(c_uint, *mut c_void);

// qemu/qemu-plugin.h
unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, callback: Translated);
    fn qemu_plugin_register_vcpu_tb_exec_cb(block: *mut c_void, callback: Executed, flags: c_int, data: *mut c_void);
    fn qemu_plugin_register_vcpu_insn_exec_cb(insn: *mut c_void, callback: Executed, flags: c_int, data: *mut c_void);
    fn qemu_plugin_tb_n_insns(block: *const c_void) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const c_void, index: usize) -> *mut c_void;
    fn qemu_plugin_insn_vaddr(insn: *const c_void) -> u64;
    fn qemu_plugin_insn_haddr(insn: *const c_void) -> *const u8;
    fn qemu_plugin_insn_size(insn: *const c_void) -> usize;
}

/// QEMU_PLUGIN_CB_NO_REGS.
const NO_REGISTERS: c_int = 0;
const PAGE: usize = 4096;

/// The first bytes of a mark: a `nopl` with this displacement, but for its lowest byte.
const MARK: [u8; 8] = [0x0f, 0x1f, 0x84, 0x00, 0x00, 0xb0, 0x1a, 0x5c];
/// The offset of the byte that says which mark it is.
const WHICH: usize = 4;
const ACCOUNT: u8 = 1;
const BEGIN: u8 = 2;
const END: u8 = 3;

/// A translated block: instructions that run one after the other.
struct Block {
    place: u64,
    address: u64,
    end: u64,
    instructions: u64,
    /// How often it was entered on the account.
    times: u64,
    /// Instructions that were not executed then, because of a fault before them.
    undone: u64,
}

struct Profile {
    totals: File,
    /// Where blocks are written to, if they are wanted.
    out: Option<BufWriter<File>>,
    /// By their beginning, end, number of instructions and page.
    blocks: HashMap<(u64, u64, usize, u64), *mut Block>,
    /// Blocks that were executed on the account.
    touched: Vec<*mut Block>,
    account: u64,
    /// Instructions in processes on the account.
    user: u64,
    /// Instructions in the kernel.
    kernel: u64,
    /// How often the kernel was entered.
    entries: u64,
    /// How many windows are open.
    open: u64,
    /// The process's block before the kernel was entered.
    left: *mut Block,
    in_kernel: bool,
}

/// The only instance. Where instructions are counted, QEMU has one thread that translates and executes, and calls from
/// it.
static mut PROFILE: *mut Profile = null_mut();

/// Called once by QEMU.
///
/// # Safety
/// The arguments are as QEMU promises: `argc` strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let words = (0..usize::try_from(argc).unwrap_or(0)).map(|place| {
        // SAFETY: there are `argc` strings at `argv`.
        unsafe { CStr::from_ptr(*argv.add(place)) }.to_string_lossy()
    });
    let (mut totals, mut blocks) = (None, None);
    for word in words {
        let Some((name, path)) = word.split_once('=') else { return 1 };
        let Ok(file) = OpenOptions::new().append(true).open(path) else { return 1 };
        match name {
            "totals" => totals = Some(file),
            "blocks" => blocks = Some(file),
            _ => return 1,
        }
    }
    let Some(totals) = totals else { return 1 };
    let profile = Profile {
        totals,
        out: blocks.map(BufWriter::new),
        blocks: HashMap::new(),
        touched: Vec::new(),
        account: 0,
        user: 0,
        kernel: 0,
        entries: 0,
        open: 0,
        left: null_mut(),
        in_kernel: false,
    };
    // SAFETY: no callback is registered yet, so that nobody else looks at it.
    unsafe {
        PROFILE = Box::into_raw(Box::new(profile));
        qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    }
    0
}

extern "C" fn translated(_id: u64, block: *mut c_void) {
    // SAFETY: QEMU hands out a block that lives as long as this call, and makes one call at a time.
    unsafe {
        let profile = &mut *PROFILE;
        let count = qemu_plugin_tb_n_insns(block);
        let first = qemu_plugin_tb_get_insn(block, 0);
        let address = qemu_plugin_insn_vaddr(first);
        let is_user = !is_kernel(address);
        let named = is_user && profile.out.is_some();
        let page = if named { hash_of_page(qemu_plugin_insn_haddr(first)) } else { 0 };
        let last = qemu_plugin_tb_get_insn(block, count - 1);
        let end = qemu_plugin_insn_vaddr(last).wrapping_add(qemu_plugin_insn_size(last) as u64);
        let known = profile.known(address, end, count, page);
        qemu_plugin_register_vcpu_tb_exec_cb(block, executed, NO_REGISTERS, known.cast());
        if is_user {
            for index in 0..count {
                let insn = qemu_plugin_tb_get_insn(block, index);
                if let Some(which) = mark(insn) {
                    qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, NO_REGISTERS, which as usize as *mut c_void);
                }
            }
        }
    }
}

impl Profile {
    /// The block of `instructions` at `address`. A new one is written to `out`.
    fn known(&mut self, address: u64, end: u64, instructions: usize, page: u64) -> *mut Block {
        let place = self.blocks.len() as u64;
        let out = &mut self.out;
        *self.blocks.entry((address, end, instructions, page)).or_insert_with(|| {
            if let Some(out) = out {
                write(out, &[1, address, page]);
            }
            let instructions = instructions as u64;
            Box::into_raw(Box::new(Block { place, address, end, instructions, times: 0, undone: 0 }))
        })
    }

    /// Writes what was executed on the account, and begins the next account.
    fn close(&mut self) {
        if !self.touched.is_empty() {
            write(&mut self.totals, &[self.account, self.user, self.kernel, self.entries]);
            (self.user, self.kernel, self.entries) = (0, 0, 0);
            if let Some(out) = &mut self.out {
                write(out, &[2, self.account, self.touched.len() as u64]);
            }
            for block in self.touched.drain(..) {
                // SAFETY: blocks are never freed, and nobody else looks at them now.
                let block = unsafe { &mut *block };
                let executed = (block.instructions * block.times).saturating_sub(block.undone);
                if let Some(out) = &mut self.out {
                    write(out, &[block.place, executed]);
                }
                (block.times, block.undone) = (0, 0);
            }
            // QEMU may be killed at any time.
            if let Some(out) = &mut self.out {
                let _ = out.flush();
            }
        }
        self.account += 1;
    }

    /// Notes that `block` is executed next.
    ///
    /// A whole block is counted when it is entered. If the kernel returns into it, after a page fault, the rest of it
    /// had not been executed.
    ///
    /// # Safety
    /// `block` came from `known`.
    unsafe fn follow(&mut self, block: *mut Block) {
        // SAFETY: blocks are never freed, and nobody else looks at them now. `left` may be `block` itself.
        unsafe {
            if is_kernel((*block).address) {
                self.kernel += (*block).instructions;
                self.entries += u64::from(!std::mem::replace(&mut self.in_kernel, true));
                return;
            }
            self.user += (*block).instructions;
            let left = self.left;
            if std::mem::take(&mut self.in_kernel)
                && !left.is_null()
                && (*left).times > 0
                && (*left).end == (*block).end
                && (*left).address <= (*block).address
            {
                (*left).undone += (*block).instructions;
                self.user = self.user.saturating_sub((*block).instructions);
            }
            self.left = block;
        }
    }
}

fn is_kernel(address: u64) -> bool {
    address >> 63 == 1
}

extern "C" fn executed(_processor: c_uint, block: *mut c_void) {
    // SAFETY: `block` is what `known` gave, and QEMU makes one call at a time.
    unsafe {
        if (*PROFILE).open == 0 {
            return;
        }
        let block: *mut Block = block.cast();
        (*PROFILE).follow(block);
        if (*block).times == 0 {
            (*PROFILE).touched.push(block);
        }
        (*block).times += 1;
    }
}

extern "C" fn marked(_processor: c_uint, which: *mut c_void) {
    // SAFETY: QEMU makes one call at a time.
    let profile = unsafe { &mut *PROFILE };
    match which as usize as u8 {
        ACCOUNT => profile.close(),
        BEGIN => {
            // A mark is in a process.
            profile.in_kernel &= profile.open > 0;
            profile.open += 1;
        }
        END => profile.open = profile.open.saturating_sub(1),
        _ => {}
    }
}

/// Which mark `insn` is, if it is one. Marks are aligned, so that they lie in one page.
unsafe fn mark(insn: *const c_void) -> Option<u8> {
    // SAFETY: `insn` is an instruction that QEMU gave, and its bytes are in one page of the guest's memory.
    unsafe {
        let bytes = qemu_plugin_insn_haddr(insn);
        if qemu_plugin_insn_size(insn) != MARK.len() || bytes.is_null() || !(bytes as usize).is_multiple_of(MARK.len())
        {
            return None;
        }
        let bytes = std::slice::from_raw_parts(bytes, MARK.len());
        let is_mark = (0..MARK.len()).all(|place| place == WHICH || bytes[place] == MARK[place]);
        is_mark.then_some(bytes[WHICH])
    }
}

/// FNV-1a over the words of the page that `byte` lies in; 0 for no page.
unsafe fn hash_of_page(byte: *const u8) -> u64 {
    if byte.is_null() {
        return 0;
    }
    // SAFETY: pages of the guest's memory are whole pages of QEMU's.
    let words = unsafe { std::slice::from_raw_parts((byte as usize & !(PAGE - 1)) as *const u64, PAGE / 8) };
    words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

/// Writes `words` at once.
fn write(out: &mut impl Write, words: &[u64]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    // A file in memory. If memory runs out, the reader sees that it is cut off.
    let _ = out.write_all(&bytes);
}
