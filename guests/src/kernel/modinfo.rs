//! Reads the `.modinfo` section of a module's file.

use anyhow::{Context, Result};
use elf::ElfBytes;
use elf::endian::AnyEndian;

/// The entries that decide what is loaded before the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Modinfo {
    /// Modules that it needs, by their plain names.
    pub(super) depends: Vec<String>,
    /// Modules or aliases that should be loaded before it, if they exist: `softdep=pre: …`.
    pub(super) before: Vec<String>,
    /// Its aliases, plain.
    pub(super) aliases: Vec<String>,
    pub(super) release: Option<String>,
}

/// The kernel's name for a module: `-` and `_` are the same.
pub(super) fn plain(name: &str) -> String {
    name.replace('-', "_")
}

impl Modinfo {
    /// Reads the section of the ELF file in `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).context("it is no ELF file")?;
        let header = file.section_header_by_name(".modinfo").context("its section headers are damaged")?;
        let header = header.context("it has no .modinfo section")?;
        let (section, _) = file.section_data(&header).context("its .modinfo section is cut off")?;
        Ok(Self::parse(section))
    }

    /// Reads `key=value` entries, each ended by a zero byte.
    fn parse(section: &[u8]) -> Self {
        let mut info = Self::default();
        for entry in section.split(|&byte| byte == 0) {
            let entry = String::from_utf8_lossy(entry);
            match entry.split_once('=') {
                Some(("depends", names)) => {
                    info.depends.extend(names.split(',').filter(|name| !name.is_empty()).map(plain));
                }
                Some(("softdep", words)) => info.before.extend(before(words)),
                Some(("alias", name)) => info.aliases.push(plain(name)),
                Some(("vermagic", words)) => info.release = words.split(' ').next().map(str::to_owned),
                _ => {}
            }
        }
        info
    }
}

/// The `pre:` part of `pre: a b post: c`.
fn before(words: &str) -> Vec<String> {
    let mut pre = false;
    let mut names = Vec::new();
    for word in words.split_whitespace() {
        match word {
            "pre:" => pre = true,
            "post:" => pre = false,
            name if pre => names.push(plain(name)),
            _ => {}
        }
    }
    names
}

/// A module's file with nothing in it but a `.modinfo` section of `entries`.
#[cfg(test)]
pub(super) fn fake(entries: &[&str]) -> Vec<u8> {
    let modinfo: Vec<u8> = entries.iter().flat_map(|entry| [entry.as_bytes(), b"\0"].concat()).collect();
    let names = b"\0.modinfo\0.shstrtab\0";
    let section = |name: u32, kind: u32, offset: usize, size: usize| {
        let mut header = [name.to_le_bytes(), kind.to_le_bytes()].concat();
        for number in [0, 0, offset as u64, size as u64, 0, 1, 0] {
            header.extend(number.to_le_bytes());
        }
        header
    };
    let (first, second) = (64, 64 + modinfo.len());
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0\x01\0\0\0".to_vec();
    file.extend([0_u64, 0, (second + names.len()) as u64].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 0, 0, 64, 3, 2].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(&modinfo);
    file.extend(names);
    file.extend(section(0, 0, 0, 0));
    file.extend(section(1, 1, first, modinfo.len()));
    file.extend(section(10, 3, second, names.len()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_aliases_and_the_release_are_read() {
        let info = Modinfo::read(&fake(&[
            "license=GPL",
            "softdep=pre: crc32c aes-x86 post: nothing",
            "alias=crypto-crc32c",
            "depends=nf-conntrack,x_tables",
            "vermagic=6.1.0-56-amd64 SMP preempt mod_unload modversions ",
        ]));
        let strings = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let expected = Modinfo {
            depends: strings(&["nf_conntrack", "x_tables"]),
            before: strings(&["crc32c", "aes_x86"]),
            aliases: strings(&["crypto_crc32c"]),
            release: Some("6.1.0-56-amd64".to_owned()),
        };
        assert_eq!(info.unwrap(), expected);
    }

    #[test]
    fn a_module_without_dependencies_has_an_empty_list() {
        assert!(Modinfo::read(&fake(&["depends="])).unwrap().depends.is_empty());
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut_off() {
        let whole = fake(&["depends=x_tables"]);
        for length in 0..whole.len() {
            assert!(Modinfo::read(&whole[..length]).is_err(), "cut off at {length}");
        }
    }
}
