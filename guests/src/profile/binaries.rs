//! Finds programs and libraries of the initramfs by their pages. A process executes pages of the page cache, which are
//! the file's, wherever they are mapped.

use super::Function;
use super::functions::Functions;
use crate::initramfs::Initramfs;
use std::collections::HashMap;
use std::path::Path;

const PAGE: usize = 4096;

/// Every page of code.
pub(super) struct Binaries {
    files: Vec<(String, Functions)>,
    /// The file and offset of the page with this hash.
    pages: HashMap<u64, (usize, u64)>,
}

impl Binaries {
    /// The files of `initramfs`. The running program, its `/init`, is called `own`.
    pub(super) fn of(initramfs: &Initramfs, own: &str) -> Self {
        let mut binaries = Self { files: Vec::new(), pages: HashMap::new() };
        // The copy in the guest has no symbols.
        if let Ok(bytes) = std::env::current_exe().and_then(std::fs::read) {
            binaries.add(own, &bytes);
        }
        for (path, bytes) in initramfs.files() {
            binaries.add(&file_name(path), bytes);
        }
        binaries
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let Some(functions) = Functions::of(bytes) else { return };
        for (from, to) in functions.code() {
            let (from, to) = (from as usize & !(PAGE - 1), (to as usize).min(bytes.len()));
            for offset in (from..to).step_by(PAGE) {
                let page = hash(&bytes[offset..bytes.len().min(offset + PAGE)]);
                self.pages.entry(page).or_insert((self.files.len(), offset as u64));
            }
        }
        self.files.push((name.to_owned(), functions));
    }

    /// The function at `address` of a process whose page there has this hash; `None` for a page of no file.
    pub(super) fn function(&self, page: u64, address: u64) -> Option<Function> {
        let &(file, offset) = self.pages.get(&page)?;
        let (binary, functions) = &self.files[file];
        let offset = offset + address % PAGE as u64;
        // Code outside of functions is the linker's: a table of jumps.
        Some(Function::new(binary, functions.at(offset)))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The plugin's hash of a page: FNV-1a over its words. A file's last page is filled with zeroes.
fn hash(bytes: &[u8]) -> u64 {
    let mut page = [0; PAGE];
    page[..bytes.len()].copy_from_slice(bytes);
    let words = page.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("of eight bytes")));
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_library_is_found_wherever_it_is_mapped() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.contains(" r-xp ") && line.contains("/libc")).expect("libc is mapped");
        let path = line.split_whitespace().last().unwrap();
        let address = line.split('-').next().map(|hex| u64::from_str_radix(hex, 16).unwrap()).unwrap();
        // SAFETY: the page is mapped, readable, and changed by nobody.
        let page = unsafe { std::slice::from_raw_parts(address as *const u8, PAGE) };
        let mut initramfs = Initramfs::default();
        initramfs.file(path, 0o755, std::fs::read(path).unwrap());
        let binaries = Binaries::of(&initramfs, "tests");
        let function = binaries.function(hash(page), address + PAGE as u64 / 2).unwrap();
        assert!(function.binary.starts_with("libc"), "{function:?}");
        assert_eq!(binaries.function(1, address), None);
    }
}
