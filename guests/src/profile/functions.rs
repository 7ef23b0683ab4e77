//! Where the functions of an ELF file begin, and what they are called.
//!
//! Distributions strip the names of functions that are not exported. But every function is in the table for unwinding
//! (`.eh_frame_hdr`), sorted by address. One without a name is called by its offset, unless the file's debug symbols
//! are installed (from libc6-dbg, for example).

use super::names;
use data_encoding::HEXLOWER;
use elf::ElfBytes;
use elf::abi::{PF_X, PT_GNU_EH_FRAME, PT_LOAD, PT_NOTE, STT_FUNC, STT_GNU_IFUNC};
use elf::endian::AnyEndian;
use elf::note::Note;
use elf::segment::ProgramHeader;
use std::collections::BTreeMap;

/// Functions by their addresses in the file.
pub(super) struct Functions {
    code: Vec<ProgramHeader>,
    names: BTreeMap<u64, String>,
}

impl Functions {
    /// The file's functions; `None` if it is no ELF file.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).ok()?;
        let segments: Vec<ProgramHeader> = file.segments()?.iter().collect();
        let starts = segments.iter().find(|segment| segment.p_type == PT_GNU_EH_FRAME);
        let starts = starts.map(|segment| unwound(bytes, segment)).unwrap_or_default();
        let mut names: BTreeMap<u64, String> =
            starts.into_iter().map(|start| (start, format!("+{start:#x}"))).collect();
        let mut take = |file: &ElfBytes<'_, AnyEndian>| {
            names.extend(symbols(file).into_iter().map(|(start, symbol)| (start, names::plain(symbol))));
        };
        let apart = build_id(&file, &segments).and_then(|id| std::fs::read(debug_file(&id)).ok()).unwrap_or_default();
        if let Ok(debug) = ElfBytes::minimal_parse(&apart) {
            take(&debug);
        }
        take(&file);
        let code = segments.into_iter().filter(|segment| segment.p_type == PT_LOAD && segment.p_flags & PF_X != 0);
        Some(Self { code: code.collect(), names })
    }

    /// The parts of the file that are code: where each begins and ends.
    pub(super) fn code(&self) -> impl Iterator<Item = (u64, u64)> {
        self.code.iter().map(|segment| (segment.p_offset, segment.p_offset.saturating_add(segment.p_filesz)))
    }

    pub(super) fn at(&self, offset: u64) -> Option<&str> {
        let segment = self
            .code
            .iter()
            .find(|segment| offset.checked_sub(segment.p_offset).is_some_and(|into| into < segment.p_filesz))?;
        let address = offset - segment.p_offset + segment.p_vaddr;
        let (start, name) = self.names.range(..=address).next_back()?;
        (*start >= segment.p_vaddr).then_some(name.as_str())
    }
}

/// The file's build ID, set by the linker.
fn build_id(file: &ElfBytes<'_, AnyEndian>, segments: &[ProgramHeader]) -> Option<String> {
    let notes = segments.iter().filter(|segment| segment.p_type == PT_NOTE);
    let mut notes = notes.filter_map(|segment| file.segment_data_as_notes(segment).ok()).flatten();
    notes.find_map(|note| match note {
        Note::GnuBuildId(id) => Some(HEXLOWER.encode(id.0)),
        _ => None,
    })
}

/// Where distributions install the debug symbols of the file with this build ID.
fn debug_file(id: &str) -> String {
    let (folder, name) = id.split_at(id.len().min(2));
    format!("/usr/lib/debug/.build-id/{folder}/{name}.debug")
}

/// The symbols of functions, one for each address.
fn symbols<'a>(file: &ElfBytes<'a, AnyEndian>) -> BTreeMap<u64, &'a str> {
    let mut symbols: BTreeMap<u64, &str> = BTreeMap::new();
    for table in [file.dynamic_symbol_table(), file.symbol_table()] {
        let Ok(Some((table, strings))) = table else { continue };
        for symbol in table.iter().filter(|symbol| !symbol.is_undefined()) {
            let is_function = matches!(symbol.st_symtype(), STT_FUNC | STT_GNU_IFUNC);
            let Some(name) = strings.get(symbol.st_name as usize).ok().filter(|name| is_function && !name.is_empty())
            else {
                continue;
            };
            let known = symbols.entry(symbol.st_value).or_insert(name);
            if names::rank(name) < names::rank(known) {
                *known = name;
            }
        }
    }
    symbols
}

/// Where functions begin, by the table in `segment` (Linux Standard Base, "Exception Frames"). Empty if the table is
/// not in the one form that linkers write.
fn unwound(bytes: &[u8], segment: &ProgramHeader) -> Vec<u64> {
    // Version 1, a pointer in 4 bytes, the count in 4 bytes, entries of 4 bytes relative to the table.
    const FORM: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
    const HEAD: usize = 12;
    const ROW: usize = 8;
    let table = usize::try_from(segment.p_offset).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
    if !table.starts_with(&FORM) || table.len() < HEAD {
        return Vec::new();
    }
    let word = |bytes: &[u8]| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let count = usize::try_from(word(&table[8..])).unwrap_or(0);
    let rows = table[HEAD..].chunks_exact(ROW).take(count);
    rows.map(|row| segment.p_vaddr.wrapping_add_signed(word(row).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    /// A function that surely exists.
    #[inline(never)]
    fn landmark(number: u64) -> u64 {
        std::hint::black_box(number) + std::hint::black_box(number)
    }

    /// Where the file of this very process has its code.
    fn landmark_in(functions: &Functions) -> u64 {
        assert_eq!(landmark(1), 2);
        let is_it = |(_, name): &(&u64, &String)| name.ends_with("functions::tests::landmark");
        let (address, _) = functions.names.iter().find(is_it).expect("it has that function");
        let segment = functions.code.iter().find(|segment| (segment.p_vaddr..).contains(address)).unwrap();
        address - segment.p_vaddr + segment.p_offset
    }

    #[test]
    fn a_function_has_its_name_from_its_first_byte_to_its_last() {
        let functions = Functions::of(&own()).unwrap();
        let start = landmark_in(&functions);
        for offset in [start, start + 1, start + 4] {
            assert!(functions.at(offset).unwrap().ends_with("tests::landmark"));
        }
        assert!(functions.code().any(|(from, to)| (from..to).contains(&start)));
    }

    #[test]
    fn without_symbols_functions_begin_where_they_are_unwound_from() {
        let bytes = own();
        let with = Functions::of(&bytes).unwrap();
        let mut stripped = bytes;
        // Where the table of sections is, and its form.
        stripped[0x28..0x30].fill(0);
        stripped[0x3a..0x40].fill(0);
        let without = Functions::of(&stripped).unwrap();
        assert!(without.names.len() > 1000, "{}", without.names.len());
        let start = landmark_in(&with);
        assert!(without.at(start).unwrap().starts_with("+0x"));
        assert_eq!(without.at(start), without.at(start + 4));
        assert_ne!(without.at(start), without.at(start - 1));
    }

    #[test]
    fn what_is_no_elf_file_has_no_functions() {
        assert!(Functions::of(b"#!/bin/sh\n").is_none());
        assert!(Functions::of(b"").is_none());
    }
}
