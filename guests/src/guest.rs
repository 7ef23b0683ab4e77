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
/// Real time for a boot. It takes 3 s when it is emulated on a machine that does nothing else.
const BOOT: Duration = Duration::from_secs(180);
/// How long QEMU may take to end after its output has.
const ENDING: Duration = Duration::from_secs(5);
/// Before the console's last lines, where it is told how a guest was lost: what stands behind it is the guest's own words.
pub const CONSOLE: &str = "the last lines of its console: ";
/// How many of the console's last lines are reported.
const LAST_LINES: usize = 8;

/// A guest that is running.
pub struct Guest<M> {
    qemu: Qemu,
    messages: Receiver<Message<M>>,
    started: Instant,
    /// Time for the boot.
    boot: Duration,
    /// Whether it has sent anything.
    up: bool,
}

/// Why there are no more messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The guest was lost: what happened, and the last lines of its console.
    Lost(String),
    /// The guest did not boot in time: the same. Another one of this kernel would not either.
    NotUp(String),
    /// The caller asked to stop.
    Stopped,
}

impl<M: DeserializeOwned + Send + 'static> Guest<M> {
    /// The guest that `qemu` runs. Its messages come from `output`.
    pub(crate) fn listen(qemu: Qemu, output: ChildStdout) -> Self {
        Self { qemu, messages: receive(output), started: Instant::now(), boot: BOOT, up: false }
    }

    /// How long it has been running.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for the next message, for up to `patience` of real time, or until `stop` says so.
    ///
    /// # Errors
    /// When there will be no more messages.
    pub fn next(&mut self, patience: Duration, stop: Stop<'_>) -> Result<Message<M>, Silence> {
        let mut begun = Instant::now();
        let mut busy = (processor_time(self.qemu.pid()), Instant::now());
        loop {
            match self.messages.recv_timeout(LOOK) {
                Ok(Message::Up) => {
                    self.up = true;
                    begun = Instant::now();
                }
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
            if !self.up && self.started.elapsed() > self.boot {
                return Err(self.lost(&format!("did not boot within {} s", self.boot.as_secs()), stop));
            }
            if self.up && begun.elapsed() > patience {
                return Err(self.lost(&format!("sent no message for {} s", patience.as_secs()), stop));
            }
        }
    }

    fn lost(&mut self, how: &str, stop: Stop<'_>) -> Silence {
        if stop() {
            return Silence::Stopped;
        }
        // Its last output may still be on the way.
        std::thread::sleep(Duration::from_millis(50));
        let ending = match self.qemu.ended(if how == "ended" { ENDING } else { Duration::ZERO }) {
            // What a guest does that switches itself off.
            Some(status) if status.success() => ", QEMU with exit status 0".to_owned(),
            Some(status) => format!(", QEMU with {status}"),
            None => String::new(),
        };
        let said = self.qemu.complaints();
        let said = match said.trim() {
            "" => String::new(),
            said => format!("; QEMU said: {}", said.lines().map(str::trim).collect::<Vec<_>>().join(" | ")),
        };
        let console = last_lines(&self.qemu.console());
        let how_it_was = format!("the guest {how}{ending}{said}; {CONSOLE}{console}");
        if self.up || how == "ended" { Silence::Lost(how_it_was) } else { Silence::NotUp(how_it_was) }
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
    let console = without_escapes(console);
    let lines: Vec<String> = console.lines().map(|line| line.chars().filter(printable).collect()).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    // After the panic comes the processor's state.
    let end = lines.iter().position(|line| line.contains("Kernel panic")).map_or(lines.len(), |panic| panic + 1);
    if end == 0 {
        return "nothing".to_owned();
    }
    lines[end.saturating_sub(LAST_LINES)..end].join(" | ")
}

/// Without what tells a terminal where and how to write: ESC and a letter, or ESC, a bracket, numbers and a letter.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept += match part.strip_prefix('[') {
            Some(sequence) => sequence.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &sequence[end + 1..]),
            None => part.get(1..).unwrap_or_default(),
        };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A guest whose emulator is a shell with this `script`, and that may take so long to boot.
    fn guest(script: &str, boot: Duration) -> Guest<()> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let (qemu, output) = Qemu::of(command).unwrap();
        Guest { boot, ..Guest::listen(qemu, output) }
    }

    fn lost(script: &str) -> String {
        match guest(script, BOOT).next(BOOT, &|| false) {
            Err(Silence::Lost(how)) => how,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_emulator_that_fails_is_told_with_its_status_and_its_words() {
        let nothing = "the last lines of its console: nothing";
        assert_eq!(lost("exit 0"), format!("the guest ended, QEMU with exit status 0; {nothing}"));
        let words = "the guest ended, QEMU with exit status: 1; QEMU said: cannot set up guest memory | Sorry;";
        assert_eq!(lost("echo cannot set up guest memory >&2; echo Sorry >&2; exit 1"), format!("{words} {nothing}"));
        assert_eq!(lost("kill -9 $$"), format!("the guest ended, QEMU with signal: 9 (SIGKILL); {nothing}"));
        let long = lost("yes complaint | head -c 1000000 >&2; exit 1");
        assert!(long.len() < 5_000, "{}", long.len());
    }

    #[test]
    fn a_guest_that_does_not_boot_is_given_up_before_one_that_works() {
        let silent = guest("sleep 600", Duration::ZERO).next(BOOT, &|| false);
        let Err(Silence::NotUp(how)) = silent else { panic!("{silent:?}") };
        assert_eq!(how, "the guest did not boot within 0 s; the last lines of its console: nothing");
        let up = "echo '\"up\"'; echo '\"ready\"'; sleep 600";
        let mut working = guest(up, BOOT);
        assert_eq!(working.next(BOOT, &|| false), Ok(Message::Ready));
        assert!(working.up);
        let silent = working.next(Duration::ZERO, &|| false);
        let Err(Silence::Lost(how)) = silent else { panic!("{silent:?}") };
        assert!(how.starts_with("the guest sent no message for 0 s; "), "{how}");
    }

    #[test]
    fn only_the_consoles_last_lines_are_repeated() {
        let console = (0..20).map(|number| format!("line {number}\r\n\x1b\n")).collect::<String>();
        assert!(last_lines(&console).starts_with("line 12 | "), "{}", last_lines(&console));
        assert_eq!(last_lines("\r\n"), "nothing");
        assert_eq!(last_lines("\x1b[2JSeaBIOS\r\nBooting from ROM..\x1bc[    1.2] oops"), "[    1.2] oops");
        assert_eq!(last_lines("Booting from ROM..\x1bc\x1b[?7l\x1b[2J"), "nothing");
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
