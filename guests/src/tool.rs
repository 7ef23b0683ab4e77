//! Finds programs of this machine, and runs one with a time limit. Tests of what calls apt and dpkg replace `Tools`.

use crate::stop::Stop;
use anyhow::{Context, Result};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Folders with tools that are not in an ordinary user's PATH.
const ALSO: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The place of the tool `name`; `None` when it is not installed.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(ALSO.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|place| place.is_file())
}

/// The most bytes that a tool may print, or write into a file, before it is ended. What it prints is kept in memory.
pub const MOST_PRINTED: u64 = 1 << 30;
/// The same for a tool that is only asked something.
const MOST_ANSWERED: u64 = 1 << 20;

/// Has the kernel end this process, and each that it starts, by SIGXFSZ when it prints more than `most` bytes.
///
/// # Errors
/// When the kernel refuses.
pub fn limit_output(most: u64) -> std::io::Result<()> {
    // An ordinary user cannot go beyond the limit that this process was started with.
    let most = most.min(getrlimit(Resource::RLIMIT_FSIZE)?.1);
    Ok(setrlimit(Resource::RLIMIT_FSIZE, most, most)?)
}

/// Time for a tool to say its version.
pub const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// What `program --version` told, or why it did not.
type Told = Result<Option<String>, String>;

/// The first line of what `program --version` prints, if it is installed and prints one. It is asked once.
///
/// # Errors
/// Why it did not end by itself: a sentence that begins with its name.
pub fn asked_version(program: &str) -> Result<Option<String>, String> {
    static TOLD: Mutex<BTreeMap<String, Told>> = Mutex::new(BTreeMap::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.entry(program.to_owned()).or_insert_with(|| ask_version(program)).clone()
}

fn ask_version(program: &str) -> Told {
    if find(program).is_none() {
        return Ok(None);
    }
    let args = ["--version".to_owned()];
    let asked = Asked { stop: &|| false, most: MOST_ANSWERED }.run(program, &args, VERSION_LIMIT);
    let output = asked.map_err(|error| format!("{error:#}"))?;
    match output.ending {
        Ending::TimedOut => Err(format!("{program} --version did not end within {} s", VERSION_LIMIT.as_secs())),
        Ending::Exited(status) if status.code().is_none() => Err(format!("{program} --version ended by {status}")),
        _ => Ok(output.stdout.lines().next().map(|line| line.trim().to_owned())),
    }
}

/// As [`asked_version`]: `unknown` with the reason where it could not be told.
pub fn version(program: &str) -> Option<String> {
    asked_version(program).unwrap_or_else(|why| Some(format!("unknown: {why}")))
}

/// A file in memory that holds `bytes`, to be read from its beginning.
///
/// # Errors
/// When there is no memory for it.
pub fn memory_file(name: &str, bytes: &[u8]) -> Result<File> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC).context("making a memory file")?);
    file.write_all(bytes).context("filling a memory file")?;
    file.rewind()?;
    Ok(file)
}

/// How a tool's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, or by a signal from elsewhere.
    Exited(ExitStatus),
    /// At its time limit.
    TimedOut,
    /// On request.
    Stopped,
}

/// What a tool printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) ending: Ending,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs tools. Tests put a fake in its place.
pub(crate) trait Tools: Sync {
    /// Runs `program` without input, for at most `limit`.
    fn run(&self, program: &str, args: &[String], limit: Duration) -> Result<Output>;
}

/// Runs the real tools, until asked to stop.
pub(crate) struct Real<'a> {
    pub(crate) stop: Stop<'a>,
}

impl Tools for Real<'_> {
    fn run(&self, program: &str, args: &[String], limit: Duration) -> Result<Output> {
        Asked { stop: self.stop, most: MOST_PRINTED }.run(program, args, limit)
    }
}

/// Runs the real tools, until asked to stop; each may print so many bytes.
struct Asked<'a> {
    stop: Stop<'a>,
    most: u64,
}

impl Tools for Asked<'_> {
    fn run(&self, program: &str, args: &[String], limit: Duration) -> Result<Output> {
        const LOOK: Duration = Duration::from_millis(5);
        let place = find(program).with_context(|| format!("{program} is not installed; run ci/setup"))?;
        let (mut stdout, mut stderr) = (memory_file("stdout", b"")?, memory_file("stderr", b"")?);
        let mut command = Command::new(place);
        command.args(args).stdin(Stdio::null());
        command.stdout(Stdio::from(stdout.try_clone()?)).stderr(Stdio::from(stderr.try_clone()?));
        let most = self.most;
        // SAFETY: prctl, getrlimit and setrlimit are safe to call between fork and exec.
        unsafe {
            command.pre_exec(move || {
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                limit_output(most)
            })
        };
        let mut process = command.spawn().with_context(|| format!("starting {program}"))?;
        let begun = Instant::now();
        let ending = loop {
            if let Some(status) = process.try_wait()? {
                break Ending::Exited(status);
            }
            let ending = if (self.stop)() { Some(Ending::Stopped) } else { None };
            if let Some(ending) = ending.or_else(|| (begun.elapsed() > limit).then_some(Ending::TimedOut)) {
                process.kill()?;
                process.wait()?;
                break ending;
            }
            std::thread::sleep(LOOK);
        };
        Ok(Output { ending, stdout: text(&mut stdout)?, stderr: text(&mut stderr)? })
    }
}

impl Ending {
    /// Whether it exited with 0.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }

    #[cfg(test)]
    pub(crate) fn exited(code: i32) -> Self {
        Self::Exited(ExitStatus::from_raw(code << 8))
    }
}

/// The exit code that a shell would show for `status`: 128+n after signal n.
pub(crate) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).context("reading a tool's output")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration, stop: Stop<'_>) -> Output {
        Real { stop }.run("sh", &["-c".to_owned(), script.to_owned()], limit).unwrap()
    }

    #[test]
    fn a_tool_s_output_and_exit_code_are_kept() {
        let output = sh("echo out; echo err >&2; exit 3", Duration::from_secs(600), &|| false);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(output.ending, Ending::exited(3));
    }

    #[test]
    fn a_version_that_is_not_told_is_unknown_with_the_reason() {
        assert_eq!(asked_version("no-such-tool"), Ok(None));
        // It ends itself when it is asked anything.
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken");
        std::fs::write(&broken, "#!/bin/sh\nkill -9 $$\n").unwrap();
        std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let broken = broken.to_str().unwrap();
        assert_eq!(asked_version(broken), Err(format!("{broken} --version ended by signal: 9 (SIGKILL)")));
        assert_eq!(version(broken), Some(format!("unknown: {broken} --version ended by signal: 9 (SIGKILL)")));
    }

    #[test]
    fn a_tool_that_prints_without_an_end_is_ended() {
        let endless = Asked { stop: &|| false, most: 1 << 20 };
        let output = endless.run("sh", &["-c".to_owned(), "yes".to_owned()], Duration::from_secs(600)).unwrap();
        assert!(!output.ending.is_success() && output.stdout.len() <= 1 << 20, "{:?}", output.ending);
    }

    #[test]
    fn a_tool_that_takes_too_long_or_is_not_wanted_any_more_is_ended() {
        assert_eq!(sh("sleep 600", Duration::ZERO, &|| false).ending, Ending::TimedOut);
        assert_eq!(sh("sleep 600", Duration::from_secs(600), &|| true).ending, Ending::Stopped);
    }
}
