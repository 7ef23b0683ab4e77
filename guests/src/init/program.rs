//! Runs a program as the init's child: sends what it writes, line by line, and how it ends.

use crate::message::{Message, Program, Stream};
use crate::port::Port;
use crate::tool;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

impl Program {
    /// Runs it to its end, and sends what it writes and how it ended.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, port: &mut Port) -> Result<()> {
        let mut command = Command::new(&self.file);
        command.args(&self.arguments).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {}", self.file.display()))?;
        let (sender, lines) = channel();
        if let (Some(output), Some(error)) = (child.stdout.take(), child.stderr.take()) {
            let other = sender.clone();
            thread::spawn(move || pass_on(Stream::Output, output, &sender));
            thread::spawn(move || pass_on(Stream::Error, error, &other));
        }
        // Only this thread may write to the port.
        for message in lines {
            port.tell(&message);
        }
        let status = child.wait().context("waiting for the program")?;
        port.tell(&Message::<()>::Exited { code: tool::code(status), took: begun.elapsed() });
        Ok(())
    }
}

fn pass_on(stream: Stream, from: impl Read, to: &Sender<Message<()>>) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line).into_owned();
        if to.send(Message::Line { stream, text }).is_err() {
            return;
        }
    }
}
