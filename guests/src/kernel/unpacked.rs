//! Unpacks a kernel on the host.
//!
//! An emulated guest would spend half of its boot on that. A kernel with CONFIG_PVH, which every distribution sets,
//! boots from the unpacked image as well. The code is the same.

use super::Kernel;
use super::compression::Compression;
use elf::ElfBytes;
use elf::endian::LittleEndian;
use std::fs;

/// The fields of a bzImage that say how many sectors its setup code has, and where the packed kernel lies after it
/// (Documentation/arch/x86/boot.rst in the kernel's source).
const SETUP_SECTORS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;
/// The unpacked size stands at the payload's end.
const SIZE: usize = 4;

/// The note that says where to enter (`XEN_ELFNOTE_PHYS32_ENTRY` in xen/interface/elfnote.h).
const PVH_ENTRY: u64 = 18;

impl Kernel {
    /// The unpacked image; `None` when it cannot be unpacked or entered here. Then it has to unpack itself.
    pub(crate) fn unpacked(&self) -> Option<Vec<u8>> {
        let image = fs::read(&self.vmlinuz).ok()?;
        let unpacked = unpack(&image)?;
        enterable(&unpacked).then_some(unpacked)
    }
}

fn unpack(image: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_le_bytes(*image.get(at..)?.first_chunk()?) as usize);
    let sectors = match *image.get(SETUP_SECTORS)? {
        // Kernels older than the field have 4.
        0 => 4,
        sectors => usize::from(sectors),
    };
    let begin = (sectors + 1) * 512 + number(PAYLOAD_OFFSET)?;
    let payload = image.get(begin..(begin + number(PAYLOAD_LENGTH)?).checked_sub(SIZE)?)?;
    let compression = match payload {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => return None,
    };
    compression.unpack(payload.to_vec()).ok()
}

fn enterable(kernel: &[u8]) -> bool {
    let notes = || -> Result<bool, elf::ParseError> {
        let file = ElfBytes::<LittleEndian>::minimal_parse(kernel)?;
        for header in file.segments().into_iter().flatten().filter(|header| header.p_type == elf::abi::PT_NOTE) {
            for note in file.segment_data_as_notes(&header)? {
                if let elf::note::Note::Unknown(note) = note
                    && note.n_type == PVH_ENTRY
                    && note.name_str().is_ok_and(|name| name.trim_end_matches('\0') == "Xen")
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    };
    notes().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_not_unpacked() {
        assert_eq!(unpack(b""), None);
        assert_eq!(unpack(&[0; 0x400]), None);
        let mut cut_off = vec![0xff; 0x250];
        assert_eq!(unpack(&cut_off), None);
        cut_off.truncate(0x24a);
        assert_eq!(unpack(&cut_off), None);
    }

    #[test]
    fn a_program_of_this_machine_is_no_kernel_to_enter() {
        let program = fs::read("/proc/self/exe").unwrap();
        assert!(!enterable(&program));
        assert!(!enterable(b"\x7fELF"));
    }
}
