//! What the user hands over: files, standard input, folders and archives.

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use guests::named;
use kube_dump::{Input, Origin};
use lab_core::{encoding, units};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The most bytes that are read, unpacked.
const MOST_BYTES: u64 = 1 << 30;
/// The most files of folders and archives that are looked at.
const MOST_FILES: usize = 200_000;
/// How deep folders may stand in folders.
const DEEPEST: usize = 32;
/// The place of an archive's mark, and the mark.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Which files of folders and archives are read.
pub(super) struct Wanted {
    /// Whether one is, by its path without `.gz`.
    pub(super) is_read: fn(&Path) -> bool,
    /// What the names of those that are read have in common: `ends in .json`.
    pub(super) names: &'static str,
    /// What to hand over where there is too much.
    pub(super) advice: &'static str,
}

/// What is in `paths`, unpacked: files, `-` for standard input, folders and tar archives, each compressed by gzip or not. Of
/// folders and archives the files that are `wanted`. Says on standard error how many files are passed over because of their
/// names.
///
/// # Errors
/// If one cannot be read, has no file that is wanted, or is too much.
pub(super) fn unpack(paths: &[PathBuf], wanted: &'static Wanted) -> Result<Vec<Input>> {
    let standard = paths.iter().filter(|path| is_standard(path)).count();
    ensure!(standard <= 1, "standard input (-) can be read only once");
    let mut unpacked = Unpacked { wanted, inputs: Vec::new(), others: 0, bytes: MOST_BYTES, files: MOST_FILES };
    for path in paths {
        let shown = path.display().to_string();
        let before = unpacked.inputs.len();
        let added = match path {
            path if is_standard(path) => {
                standard_input().and_then(|input| unpacked.stream("standard input", input, Origin::Named))
            }
            path if path.is_dir() => unpacked.folder(path, DEEPEST),
            path => named::open(path).and_then(|file| unpacked.stream(&shown, file, Origin::Named)),
        };
        added.with_context(|| format!("{shown} cannot be read"))?;
        ensure!(unpacked.inputs.len() > before, "{shown}: no file in it {} (or one of these and .gz)", wanted.names);
    }
    if unpacked.others > 0 {
        let files = units::agreeing(unpacked.others, "file is", "files are");
        tell!("svclab: {files} passed over: what is read {}", wanted.names);
    }
    Ok(unpacked.inputs)
}

/// All of standard input. The process that starts inside the sandbox reads it again, from its beginning.
fn standard_input() -> Result<Cursor<Vec<u8>>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let mut kept = tempfile::tempfile().context("making a temporary file")?;
    kept.write_all(&bytes)?;
    kept.rewind()?;
    nix::unistd::dup2_stdin(&kept)?;
    Ok(Cursor::new(bytes))
}

/// The text of the file at `path`, which people write.
///
/// # Errors
/// If it cannot be read, or is no text in UTF-8: the message names the line.
pub(super) fn text(path: &Path) -> Result<String> {
    Ok(encoding::text(&named::bytes(path, named::WRITTEN)?)?.to_owned())
}

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether a file of a folder or an archive is `wanted`, by its name.
fn is_read(path: &Path, wanted: &Wanted) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let plain = if path.extension() == Some(OsStr::new("gz")) { path.with_extension("") } else { path.to_owned() };
    !is_hidden && (wanted.is_read)(&plain)
}

/// What was unpacked so far, and how much more may be.
struct Unpacked {
    wanted: &'static Wanted,
    inputs: Vec<Input>,
    /// Files whose names say that they are something else.
    others: u64,
    bytes: u64,
    files: usize,
}

impl Unpacked {
    /// Reads `stream`, whatever it is packed in.
    fn stream<'a>(&mut self, name: &str, stream: impl Read + 'a, origin: Origin) -> Result<()> {
        let (start, stream) = peek(stream)?;
        let is_packed = start.starts_with(&[0x1f, 0x8b]);
        let (start, mut stream) = if is_packed { peek(MultiGzDecoder::new(stream))? } else { (start, stream) };
        let (place, mark) = TAR;
        if origin == Origin::Named && start.get(place..).is_some_and(|rest| rest.starts_with(mark)) {
            return self.archive(name, &mut stream);
        }
        self.add(name, &mut stream, origin)
    }

    fn archive(&mut self, name: &str, stream: &mut dyn Read) -> Result<()> {
        let mut archive = tar::Archive::new(stream);
        for entry in archive.entries()? {
            let entry = entry?;
            self.count()?;
            let path = entry.path()?.into_owned();
            if !entry.header().entry_type().is_file() {
                continue;
            }
            if is_read(&path, self.wanted) {
                self.stream(&format!("{name}/{}", path.display()), entry, Origin::Found)?;
            } else {
                self.others += 1;
            }
        }
        // A compressed stream that is cut off or damaged says so at its end.
        io::copy(&mut archive.into_inner().take(self.bytes), &mut io::sink())?;
        Ok(())
    }

    /// Reads the files of a folder, by name. Links to folders are not followed: they may lead back.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<()> {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
        entries.sort_unstable();
        for path in entries {
            self.count()?;
            let shown = path.display().to_string();
            if path.is_dir() {
                if depth > 0 && !path.is_symlink() {
                    self.folder(&path, depth - 1).with_context(|| shown)?;
                }
            } else if path.is_file() && is_read(&path, self.wanted) {
                let file = named::open(&path).with_context(|| shown.clone())?;
                self.stream(&shown, file, Origin::Found).with_context(|| shown)?;
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.files = self.files.checked_sub(1).with_context(|| format!("it has more than {MOST_FILES} files"))?;
        Ok(())
    }

    fn add(&mut self, name: &str, stream: &mut dyn Read, origin: Origin) -> Result<()> {
        let mut bytes = Vec::new();
        let read = stream.take(self.bytes + 1).read_to_end(&mut bytes)? as u64;
        self.bytes = self.bytes.checked_sub(read).with_context(|| {
            format!("there is more than {} MiB of it, unpacked; hand over {}", MOST_BYTES >> 20, self.wanted.advice)
        })?;
        self.inputs.push(Input { name: name.to_owned(), bytes, origin });
        Ok(())
    }
}

/// The first bytes of `stream`, and all of it.
fn peek<'a>(mut stream: impl Read + 'a) -> io::Result<(Vec<u8>, Box<dyn Read + 'a>)> {
    let mut start = Vec::new();
    stream.by_ref().take(512).read_to_end(&mut start)?;
    Ok((start.clone(), Box::new(Cursor::new(start).chain(stream))))
}
