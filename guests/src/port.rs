//! How messages leave the guest: bytes written to an I/O port, QEMU's debug console.
//!
//! A device that sends interrupts when the host has time would make the guest's instructions depend on the host. A
//! write to this port completes within the instruction.

use crate::message::Message;
use serde::Serialize;

/// The port of QEMU's `isa-debugcon`. The firmware uses 0x402.
pub(crate) const NUMBER: u16 = 0xe9;

/// Which symbols a guest should send. It reads this from the port when its work is done.
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

    /// The byte for it. By default the device answers with its port number.
    pub(crate) fn byte(self) -> u8 {
        Self::KNOWN.iter().find(|(_, known)| *known == self).map_or(0, |(byte, _)| *byte)
    }

    fn of(byte: u8) -> Self {
        Self::KNOWN.iter().find(|(known, _)| *known == byte).map_or(Self::Nothing, |(_, known)| *known)
    }
}

/// The port, opened.
pub struct Port(());

impl Port {
    /// Allows this process to use the port. Otherwise the first write would kill it.
    pub(crate) fn open() -> Self {
        // SAFETY: ioperm only changes which ports this thread may use.
        unsafe { libc::ioperm(NUMBER.into(), 1, 1) };
        Self(())
    }

    /// Which symbols the host wants. Only here does a guest learn that it is profiled.
    pub(crate) fn wanted(&mut self) -> Wanted {
        Wanted::of(read())
    }

    /// Sends one message to the host.
    ///
    /// # Panics
    /// When a part of it cannot be written as JSON.
    pub fn tell<W: Serialize>(&mut self, message: &Message<W>) {
        let mut line = serde_json::to_vec(message).expect("messages have string keys and no failing parts");
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
    unreachable!("guests are amd64, and so is every program in them")
}

#[cfg(not(target_arch = "x86_64"))]
fn write(_: u8) {
    unreachable!("guests are amd64, and so is every program in them")
}
