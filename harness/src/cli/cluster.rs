//! Clusters that the user hands over: files, standard input, folders and archives of what kubectl printed.

use anyhow::{Context, Result, anyhow, ensure};
use flate2::read::MultiGzDecoder;
use kube_dump::{Dump, Input, Origin};
use lab_core::axes::Axes;
use lab_core::cluster::{AddressPlan, Cluster, Repeated, Supply};
use lab_core::scenario::choose_mix;
use netns_topology::sandbox;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most bytes that are read, unpacked.
const MOST_BYTES: u64 = 1 << 30;
/// The most files of folders and archives that are looked at.
const MOST_FILES: usize = 200_000;
/// How deep folders may stand in folders.
const DEEPEST: usize = 32;
/// The endings of files in folders and archives that are read.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];
/// How many notes are printed.
const NOTES: usize = 12;
/// The place of an archive's mark, and the mark.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// The cluster in `paths` together: files of JSON or YAML, `-` for standard input, folders and tar archives of such, each
/// compressed by gzip or not.
///
/// # Errors
/// If one cannot be read, or there is no Service in all of them. The message names the input.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Dump> {
    Ok(Dump::read(&inputs(paths)?)?)
}

/// The cluster in `paths` as its node `node` sees it: the Node of that name gives its addresses and zone. `addresses` are
/// the node's own, if there are any. Says what of the cluster was left out.
///
/// # Errors
/// As [`read`].
pub(crate) fn on_node(paths: &[PathBuf], node: Option<&str>, addresses: &[IpAddr]) -> Result<Arc<Cluster>> {
    let dump = read(paths)?;
    say(&dump);
    let mut cluster = dump.cluster;
    if let Some(name) = node {
        match dump.nodes.into_iter().find(|node| node.name == name) {
            Some(node) => cluster.node = node,
            None => name.clone_into(&mut cluster.node.name),
        }
    }
    if !addresses.is_empty() {
        cluster.node.addresses = addresses.to_vec();
    }
    Ok(Arc::new(cluster))
}

/// So many Services of the mix called `mix`, with `endpoints` each where it does not say how many.
///
/// # Errors
/// If there is no such mix, or there are not addresses for so many.
pub(crate) fn generated(mix: &str, endpoints: u32, services: u32) -> Result<Cluster> {
    let mut axes = Axes { endpoints, ..Axes::default() };
    choose_mix(mix, &mut axes).context("--mix")?;
    let supply: Box<dyn Supply> = match axes.base {
        Some(base) => Box::new(Repeated::of(base)),
        None => Box::new(AddressPlan::new(axes.endpoints).of(axes.mix)),
    };
    supply.check(services).map_err(|full| anyhow!("--services: {full}"))?;
    Ok(Cluster::generate(services, &*supply))
}

/// What is to be read as the cluster in `paths`, unpacked. Says on standard error how many files are passed over because
/// of their names.
///
/// # Errors
/// If one cannot be read, has no file that may be of a cluster, or is too much.
pub(crate) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>> {
    let standard = paths.iter().filter(|path| is_standard(path)).count();
    ensure!(standard <= 1, "standard input (-) can be read only once");
    let mut unpacked = Unpacked { inputs: Vec::new(), others: 0, bytes: MOST_BYTES, files: MOST_FILES };
    for path in paths {
        let shown = path.display().to_string();
        let before = unpacked.inputs.len();
        let added = match path {
            path if is_standard(path) => {
                standard_input().and_then(|input| unpacked.stream("standard input", input, Origin::Named))
            }
            path if path.is_dir() => unpacked.folder(path, DEEPEST),
            path => File::open(path).map_err(Into::into).and_then(|file| unpacked.stream(&shown, file, Origin::Named)),
        };
        added.with_context(|| format!("{shown} cannot be read"))?;
        let endings = ENDINGS.map(|ending| format!(".{ending}")).join(", ");
        ensure!(unpacked.inputs.len() > before, "{shown}: no file in it ends in {endings} (or one of these and .gz)");
    }
    if unpacked.others > 0 {
        eprintln!("svclab: {} files do not end in .json or .yaml; they are passed over", unpacked.others);
    }
    Ok(unpacked.inputs)
}

/// Says what was left out of `dump` or does not add up in it, on standard error. The process that starts inside a sandbox
/// reads it, too, and says nothing again.
pub(crate) fn say(dump: &Dump) {
    if sandbox::awaits() {
        return;
    }
    if dump.unread > 0 {
        eprintln!("svclab: {} files are no documents of Kubernetes; they are passed over", dump.unread);
    }
    for note in dump.notes.iter().take(NOTES) {
        eprintln!("svclab: {note}");
    }
    if let Some(more) = dump.notes.len().checked_sub(NOTES).filter(|&more| more > 0) {
        eprintln!("svclab: {more} more like these; see all with: svclab check --cluster FILE");
    }
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

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether a file of a folder or an archive may be of a cluster, by its name.
fn is_read(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let plain = if path.extension() == Some(OsStr::new("gz")) { path.with_extension("") } else { path.to_owned() };
    !is_hidden && plain.extension().is_some_and(|ending| ENDINGS.iter().any(|&known| ending == known))
}

/// What was unpacked so far, and how much more may be.
struct Unpacked {
    inputs: Vec<Input>,
    /// Files whose names say that they are something else.
    others: usize,
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
            if is_read(&path) {
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
            } else if path.is_file() && is_read(&path) {
                let file = File::open(&path).with_context(|| shown.clone())?;
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
            format!(
                "there is more than {} MiB of it, unpacked; hand over Services and EndpointSlices only",
                MOST_BYTES >> 20
            )
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
