//! A program as the agent's child: what it writes, line by line, and how it ends.

use super::port::Port;
use crate::vm::errand::{News, Program, Stream};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Runs it to its end.
pub(super) fn run(program: &Program, port: &mut Port) -> Result<()> {
    netns_topology::raise_loopback().context("bringing lo up")?;
    let mut command = Command::new(&program.file);
    command.args(&program.arguments).envs(program.environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {}", program.file.display()))?;
    let (sender, lines) = channel();
    if let (Some(output), Some(error)) = (child.stdout.take(), child.stderr.take()) {
        let other = sender.clone();
        thread::spawn(move || pass_on(Stream::Output, output, &sender));
        thread::spawn(move || pass_on(Stream::Error, error, &other));
    }
    // Only this thread may write to the port.
    for news in lines {
        port.tell(&news);
    }
    let status = child.wait().context("waiting for the program")?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    port.tell(&News::Exited { code: u8::try_from(code).unwrap_or(1) });
    Ok(())
}

fn pass_on(stream: Stream, from: impl Read, to: &Sender<News>) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if to.send(News::Said { stream, line }).is_err() {
            return;
        }
    }
}
