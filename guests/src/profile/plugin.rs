//! The plugin, which is part of this program, and the emulators that take it.

use crate::missing::Missing;
use crate::qemu;
use crate::tool::{self, Real, Tools};
use elf::ElfBytes;
use elf::endian::AnyEndian;
use std::time::Duration;

/// `plugin/profile.rs`, as `build.rs` compiles it.
const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profile.so"));

/// The symbol for the version of QEMU's interface that the plugin uses.
const VERSION: &str = "qemu_plugin_version";

/// The plugin for the installed QEMU.
///
/// # Errors
/// When it takes none: why, and the remedy.
pub(super) fn for_this_emulator() -> Result<Vec<u8>, Missing> {
    const LIMIT: Duration = Duration::from_secs(10);
    qemu::find()?;
    let told = tool::version(qemu::PROGRAM).unwrap_or_default();
    let help = Real { stop: &|| false }
        .run(qemu::PROGRAM, &["-help".to_owned()], LIMIT)
        .map(|run| run.stdout)
        .unwrap_or_default();
    let missing = |why: String| Missing {
        why,
        remedy:
            "--profile needs QEMU 6.0 or later with plugins, such as Debian's qemu-system-x86; run without --profile"
                .to_owned(),
    };
    if !help.contains("-plugin") {
        return Err(missing(format!("\"{told}\" was built without plugins")));
    }
    let speaks =
        interface(&told).ok_or_else(|| missing(format!("\"{told}\" is too old, or its version is not known")))?;
    speaking(speaks).ok_or_else(|| missing("the plugin in this svclab is damaged".to_owned()))
}

/// The interface version for a QEMU that prints `told` as its version. The functions that the plugin uses are the same
/// in both, but QEMU 9.0 and later refuse version 1, and earlier ones refuse version 2.
fn interface(told: &str) -> Option<i32> {
    let number = told.split_whitespace().skip_while(|word| *word != "version").nth(1)?;
    match number.split('.').next()?.parse().ok()? {
        0..=5 => None,
        6..=8 => Some(1),
        _ => Some(2),
    }
}

/// The plugin, with this interface version set.
fn speaking(version: i32) -> Option<Vec<u8>> {
    let mut bytes = BYTES.to_vec();
    let file = ElfBytes::<AnyEndian>::minimal_parse(BYTES).ok()?;
    let (symbols, names) = file.dynamic_symbol_table().ok()??;
    let symbol = symbols.iter().find(|symbol| names.get(symbol.st_name as usize).is_ok_and(|name| name == VERSION))?;
    let segment = file
        .segments()?
        .iter()
        .find(|segment| symbol.st_value.checked_sub(segment.p_vaddr).is_some_and(|into| into < segment.p_filesz))?;
    let place = usize::try_from(symbol.st_value - segment.p_vaddr + segment.p_offset).ok()?;
    bytes.get_mut(place..place + 4)?.copy_from_slice(&version.to_ne_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qemu_is_told_the_version_that_it_takes() {
        let of = |version: &str| interface(&format!("QEMU emulator version {version}"));
        assert_eq!(of("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), Some(1));
        assert_eq!(of("10.0.2"), Some(2));
        assert_eq!(of("5.2.0"), None);
        assert_eq!(interface("nonsense"), None);
    }

    #[test]
    fn the_version_is_the_only_word_that_differs() {
        let (one, other) = (speaking(1).unwrap(), speaking(2).unwrap());
        assert_eq!(one.len(), other.len());
        assert_eq!(one.iter().zip(&other).filter(|(one, other)| one != other).count(), 1);
    }
}
