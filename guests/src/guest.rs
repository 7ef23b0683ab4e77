//! A running guest: its messages, how long it may be silent, and what is known when it is lost.

use crate::message::Message;
use crate::qemu::Qemu;
use crate::stop::Stop;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often a silent guest is checked.
const LOOK: Duration = Duration::from_millis(500);
/// A guest that uses no processor for this long hangs.
const DEAD: Duration = Duration::from_secs(60);
/// How many of the console's last lines are reported.
const LAST_LINES: usize = 8;

/// A guest that is running.
pub struct Guest<M> {
    qemu: Qemu,
    messages: Receiver<Message<M>>,
    started: Instant,
}

/// Why there are no more messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The guest was lost: what happened, and the last lines of its console.
    Lost(String),
    /// The caller asked to stop.
    Stopped,
}

impl<M: DeserializeOwned + Send + 'static> Guest<M> {
    /// The guest that `qemu` runs. Its messages come from `output`.
    pub(crate) fn listen(qemu: Qemu, output: ChildStdout) -> Self {
        Self { qemu, messages: receive(output), started: Instant::now() }
    }

    /// How long it has been running.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for the next message, for up to `patience` of real time, or until `stop` says so.
    ///
    /// # Errors
    /// When there will be no more messages.
    pub fn next(&self, patience: Duration, stop: Stop<'_>) -> Result<Message<M>, Silence> {
        let begun = Instant::now();
        let mut busy = (processor_time(self.qemu.pid()), Instant::now());
        loop {
            match self.messages.recv_timeout(LOOK) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Disconnected) => return Err(self.lost("ended", stop)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if stop() {
                return Err(Silence::Stopped);
            }
            let now = processor_time(self.qemu.pid());
            if now != busy.0 {
                busy = (now, Instant::now());
            }
            if busy.1.elapsed() > DEAD {
                return Err(self.lost(&format!("did nothing for {} s", DEAD.as_secs()), stop));
            }
            if begun.elapsed() > patience {
                return Err(self.lost(&format!("sent no message for {} s", patience.as_secs()), stop));
            }
        }
    }

    fn lost(&self, how: &str, stop: Stop<'_>) -> Silence {
        if stop() {
            return Silence::Stopped;
        }
        // Its last output may still be on the way.
        std::thread::sleep(Duration::from_millis(50));
        Silence::Lost(format!("the guest {how}; the last lines of its console: {}", last_lines(&self.qemu.console())))
    }
}

/// Reads messages as they come, in a thread that ends with the guest. Other lines (one that the guest's end cut off)
/// are dropped.
fn receive<M: DeserializeOwned + Send + 'static>(output: ChildStdout) -> Receiver<Message<M>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if let Ok(message) = serde_json::from_slice(&line)
                && sender.send(message).is_err()
            {
                break;
            }
        }
    });
    receiver
}

/// Clock ticks of processor time that process `pid` has used (`proc_pid_stat(5)`).
fn processor_time(pid: u32) -> u64 {
    ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())
}

fn ticks(stat: &str) -> u64 {
    // The name in parentheses may contain anything. utime and stime are the 12th and 13th word after it.
    let words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    words.filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// Why the guest ended: the last lines up to a kernel panic, or the last lines of all.
fn last_lines(console: &str) -> String {
    // The firmware's own output says nothing.
    let console = console.split_once("Booting from ROM..").map_or(console, |(_, kernel)| kernel);
    let printable = |c: &char| !c.is_control();
    let lines: Vec<String> = console.lines().map(|line| line.chars().filter(printable).collect()).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    // After the panic comes the processor's state.
    let end = lines.iter().position(|line| line.contains("Kernel panic")).map_or(lines.len(), |panic| panic + 1);
    if end == 0 {
        return "nothing".to_owned();
    }
    lines[end.saturating_sub(LAST_LINES)..end].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_consoles_last_lines_are_repeated() {
        let console = (0..20).map(|number| format!("line {number}\r\n\x1b\n")).collect::<String>();
        assert!(last_lines(&console).starts_with("line 12 | "), "{}", last_lines(&console));
        assert_eq!(last_lines("\r\n"), "nothing");
        assert_eq!(last_lines("\x1b[2JSeaBIOS\r\nBooting from ROM..\x1bc[    1.2] oops"), "c[    1.2] oops");
        let panic = format!("{console}Kernel panic - not syncing: Out of memory\nCPU: 0\nCall Trace:\n");
        assert!(last_lines(&panic).ends_with("line 19 | Kernel panic - not syncing: Out of memory"));
    }

    #[test]
    fn the_time_of_a_process_is_read_whatever_it_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 500 0 0 0 120 30 0 0 20 0 1 0 100 9000000 800";
        assert_eq!(ticks(stat), 150);
        assert_eq!(ticks("7 (cut off"), 0);
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        let name = own.rsplit_once(')').unwrap().0.len();
        assert_eq!(ticks(&own[..name]), 0, "{own}");
        assert_eq!(own[name..].split_whitespace().count(), 51, "{own}");
    }
}
