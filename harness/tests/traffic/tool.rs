//! Tools that list what a node holds, none of which may take long.

use anyhow::{Context, Result, bail, ensure};
use netns_topology::Namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a tool may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Where programs are, the administrator's included.
fn path() -> String {
    env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin"
}

/// Whether `program` is installed.
pub(crate) fn is_there(program: &str) -> bool {
    path().split(':').any(|folder| Path::new(folder).join(program).is_file())
}

/// A command that finds the administrator's tools.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", path()).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What `program` prints in `place`.
pub(crate) fn output(place: &Namespace, program: &str, args: &[&str]) -> Result<String> {
    let called = || format!("{program} {}", args.join(" "));
    let child = place.visit(|| command(program, args).spawn()).with_context(|| format!("start {}", called()))?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (tell, ended) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(LIMIT) else {
        kill(pid, Signal::SIGKILL)?;
        bail!("{} took more than {LIMIT:?}", called());
    };
    let output = output?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}: {}: {}", called(), output.status, said.trim());
    Ok(String::from_utf8(output.stdout)?)
}
