//! The way out of the guest: bytes written to an I/O port, which QEMU's debug console takes at once.
//!
//! A device that interrupts the guest when the host gets round to it would make the guest's instructions depend on the
//! host. A port write completes within the instruction.

use crate::vm::errand::News;
use crate::vm::profile::Wanted;

/// The port of QEMU's `isa-debugcon`. 0x402 is the firmware's own.
pub(crate) const NUMBER: u16 = 0xe9;

/// The port, opened.
pub(super) struct Port(());

impl Port {
    /// Lets this process write to it. Without that, the first write would end the process.
    pub(super) fn open() -> Self {
        // SAFETY: ioperm only changes which ports this thread may use.
        unsafe { libc::ioperm(NUMBER.into(), 1, 1) };
        Self(())
    }

    /// Which symbols the host wants. Only here does a guest learn that it is watched.
    pub(super) fn wanted(&mut self) -> Wanted {
        Wanted::of(read())
    }

    /// Sends one line to the host.
    pub(super) fn tell(&mut self, news: &News) {
        let mut line = serde_json::to_vec(news).expect("news have string keys and no failing parts");
        line.push(b'\n');
        for byte in line {
            write(byte);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn write(byte: u8) {
    // SAFETY: the port is QEMU's debug console, which has no effect on the guest.
    unsafe {
        std::arch::asm!("out dx, al", in("dx") NUMBER, in("al") byte, options(nomem, nostack, preserves_flags));
    }
}

#[cfg(target_arch = "x86_64")]
fn read() -> u8 {
    let byte: u8;
    // SAFETY: the port is QEMU's debug console, which answers with a constant.
    unsafe {
        std::arch::asm!("in al, dx", in("dx") NUMBER, out("al") byte, options(nomem, nostack, preserves_flags));
    }
    byte
}

#[cfg(not(target_arch = "x86_64"))]
fn read() -> u8 {
    unreachable!("guests are amd64, and so is what runs in them")
}

#[cfg(not(target_arch = "x86_64"))]
fn write(_: u8) {
    unreachable!("guests are amd64, and so is what runs in them")
}
