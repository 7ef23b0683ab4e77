//! How distributions compress the files of their modules.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Read;
use std::path::Path;

/// No module comes near this; a damaged file may claim to.
const LARGEST: u64 = 256 << 20;

/// How a module's file is compressed, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

impl Compression {
    /// Splits the name of a module's file into the module's name and its compression; `None` when it is no module.
    pub(super) fn split(file: &str) -> Option<(&str, Self)> {
        let ends =
            [(".ko", Self::None), (".ko.gz", Self::Gzip), (".ko.xz", Self::Xz), (".ko.zst", Self::Zstd)].into_iter();
        ends.filter_map(|(end, compression)| Some((file.strip_suffix(end)?, compression))).next()
    }

    /// Reads the file at `path` and decompresses it.
    pub(super) fn read(self, path: &Path) -> Result<Vec<u8>> {
        let packed = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        self.unpack(packed).with_context(|| format!("decompressing {}", path.display()))
    }

    pub(super) fn unpack(self, packed: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(packed),
            Self::Gzip => all(flate2::read::MultiGzDecoder::new(packed.as_slice())),
            Self::Xz => all(lzma_rust2::XzReader::new(packed.as_slice(), true)),
            Self::Zstd => {
                let stream = ruzstd::decoding::StreamingDecoder::new(packed.as_slice());
                all(stream.map_err(|error| anyhow::anyhow!("{error}"))?)
            }
        }
    }
}

fn all(stream: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(LARGEST + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= LARGEST, "it is larger than {} MiB", LARGEST >> 20);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    /// "module\n" by `gzip`, `xz --check=crc32 --lzma2=dict=1MiB` and `zstd`.
    const PACKED: &[(Compression, &str)] = &[
        (Compression::Gzip, "H4sIAAAAAAAAA8vNTynNSeUCAE+KbgcHAAAA"),
        (Compression::Xz, "/Td6WFoAAAFpIt42AgAhARAAAACocI6GAQAGbW9kdWxlCgAAT4puBwABGwcS69QXkEKZDQEAAAAAAVla"),
        (Compression::Zstd, "KLUv/QRYOQAAbW9kdWxlCibRUSU="),
    ];

    #[test]
    fn every_compression_is_undone_and_a_file_that_is_cut_off_is_an_error() {
        for (compression, packed) in PACKED {
            let packed = BASE64.decode(packed.as_bytes()).unwrap();
            assert_eq!(compression.unpack(packed.clone()).unwrap(), b"module\n", "{compression:?}");
            for length in [0, 4, packed.len() / 2, packed.len() - 5] {
                assert!(compression.unpack(packed[..length].to_vec()).is_err(), "{compression:?} cut off at {length}");
            }
        }
    }

    #[test]
    fn the_end_of_a_file_s_name_tells_its_compression() {
        assert_eq!(Compression::split("ip_vs.ko"), Some(("ip_vs", Compression::None)));
        assert_eq!(Compression::split("ip_vs.ko.xz"), Some(("ip_vs", Compression::Xz)));
        assert_eq!(Compression::split("ip_vs.ko.zst"), Some(("ip_vs", Compression::Zstd)));
        assert_eq!(Compression::split("modules.order"), None);
    }
}
