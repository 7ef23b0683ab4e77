//! How an ELF file is loaded, read from its segments: section headers may be missing, and ld.so ignores them.

use anyhow::{Context, Result, ensure};
use elf::ElfBytes;
use elf::abi::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRTAB, PT_DYNAMIC, PT_INTERP, PT_LOAD};
use elf::dynamic::DynamicTable;
use elf::endian::AnyEndian;
use elf::file::Class;
use elf::segment::ProgramHeader;

/// The processor and word size. Like ld.so, a search skips libraries of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    class: Class,
    machine: u16,
}

/// What one file needs from the loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(super) kind: Kind,
    /// The loader's path; `None` in libraries and static programs.
    pub(super) interpreter: Option<String>,
    pub(super) libraries: Vec<String>,
    /// Folders for this file's libraries and for theirs, separated by colons. `$ORIGIN` is not yet replaced.
    pub(super) rpath: Option<String>,
    /// Folders for this file's libraries only. If present, `rpath` is ignored.
    pub(super) runpath: Option<String>,
}

/// Reads the headers of an ELF file.
pub(crate) fn read(bytes: &[u8]) -> Result<Needs> {
    let file = parse(bytes)?;
    let kind = Kind { class: file.ehdr.class, machine: file.ehdr.e_machine };
    let mut needs = Needs { kind, interpreter: None, libraries: Vec::new(), rpath: None, runpath: None };
    let segments = segments(&file);
    let of_type = |wanted| segments.iter().find(|segment| segment.p_type == wanted);
    if let Some(segment) = of_type(PT_INTERP) {
        needs.interpreter = Some(string(bytes, segment.p_offset)?);
    }
    let Some(segment) = of_type(PT_DYNAMIC) else { return Ok(needs) };
    let table = DynamicTable::new(file.ehdr.endianness, file.ehdr.class, file.segment_data(segment)?);
    let Some(strings) = table.iter().find(|entry| entry.d_tag == DT_STRTAB) else { return Ok(needs) };
    let strings = offset(&segments, strings.d_ptr()).context("its string table is in no segment")?;
    for entry in table.iter() {
        let text = || string(bytes, strings.saturating_add(entry.d_val()));
        match entry.d_tag {
            DT_NEEDED => needs.libraries.push(text()?),
            DT_RPATH => needs.rpath = Some(text()?),
            DT_RUNPATH => needs.runpath = Some(text()?),
            _ => {}
        }
    }
    Ok(needs)
}

/// The bytes of the header of a 64-bit ELF file: `Elf64_Ehdr`.
const HEADER: u64 = 64;

/// Cuts off what neither the kernel nor ld.so reads: symbols, debug sections and section headers.
pub(crate) fn without_sections(mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let file = parse(&bytes)?;
    ensure!(file.ehdr.class == Class::ELF64, "it is no 64-bit ELF file");
    let table = u64::from(file.ehdr.e_phentsize) * u64::from(file.ehdr.e_phnum);
    let table = file.ehdr.e_phoff.saturating_add(table);
    let ends = segments(&file).into_iter().map(|segment| segment.p_offset.saturating_add(segment.p_filesz));
    // A file without segments keeps its header.
    let end = usize::try_from(ends.fold(table.max(HEADER), u64::max))?;
    ensure!(end <= bytes.len(), "it is cut off: a segment reaches beyond its end");
    bytes.truncate(end);
    // e_shoff; e_shentsize, e_shnum and e_shstrndx.
    bytes[0x28..0x30].fill(0);
    bytes[0x3a..0x40].fill(0);
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<ElfBytes<'_, AnyEndian>> {
    ensure!(bytes.starts_with(b"\x7fELF"), "it is no ELF file");
    ElfBytes::minimal_parse(bytes).context("it is a broken ELF file")
}

fn segments(file: &ElfBytes<'_, AnyEndian>) -> Vec<ProgramHeader> {
    file.segments().map(|table| table.iter().collect()).unwrap_or_default()
}

/// The file offset of the byte that is loaded at `address`.
fn offset(segments: &[ProgramHeader], address: u64) -> Option<u64> {
    let mut loaded = segments.iter().filter(|segment| segment.p_type == PT_LOAD);
    loaded.find_map(|segment| {
        let into = address.checked_sub(segment.p_vaddr)?;
        (into < segment.p_filesz).then(|| segment.p_offset.saturating_add(into))
    })
}

/// The string that begins at `offset` and ends before a zero byte.
fn string(bytes: &[u8], offset: u64) -> Result<String> {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
    let text = rest.and_then(|rest| rest.split(|&byte| byte == 0).next()).context("a name in it is cut off")?;
    Ok(std::str::from_utf8(text).context("a name in it is not UTF-8")?.to_owned())
}
