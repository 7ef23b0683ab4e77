//! The kernel's log, from a moment on (`syslog(2)`). A guest has no device for it.

use std::ffi::c_int;

/// What the kernel has logged since this was made.
pub(crate) struct KernelLog {
    /// The last line before.
    last: Option<String>,
}

/// Reads all that is still there (`SYSLOG_ACTION_READ_ALL`).
const READ_ALL: c_int = 3;
/// Says how large the log is (`SYSLOG_ACTION_SIZE_BUFFER`).
const SIZE: c_int = 10;

impl KernelLog {
    /// Follows it from now on; `None` where it cannot be read.
    pub(crate) fn follow() -> Option<Self> {
        Some(Self { last: read()?.lines().last().map(str::to_owned) })
    }

    /// The messages with `words` in them that were logged since; `None` where it cannot be read any more.
    pub(crate) fn lines_with(self, words: &str) -> Option<Vec<String>> {
        Some(since(&read()?, self.last.as_deref(), words))
    }
}

fn read() -> Option<String> {
    // SAFETY: this action takes no buffer.
    let size = unsafe { libc::klogctl(SIZE, std::ptr::null_mut(), 0) };
    let mut text = vec![0_u8; usize::try_from(size).ok()?];
    // SAFETY: the buffer has as many bytes as the kernel is told.
    let length = unsafe { libc::klogctl(READ_ALL, text.as_mut_ptr().cast(), size) };
    text.truncate(usize::try_from(length).ok()?);
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The messages in `log` behind its line `last`, with `words` in them. If that line is there no more, all are behind it.
fn since(log: &str, last: Option<&str>, words: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let first = last.and_then(|last| lines.iter().rposition(|line| *line == last)).map_or(0, |place| place + 1);
    lines[first..].iter().map(|line| message(line)).filter(|line| line.contains(words)).map(str::to_owned).collect()
}

/// A line without its priority and its time: `<4>[    1.234567] nf_conntrack: table full`.
fn message(line: &str) -> &str {
    line.split_once("] ").filter(|(front, _)| front.starts_with('<')).map_or(line, |(_, message)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str =
        "<6>[    0.1] one: full\n<4>[    1.2] two: full\n<4>[    1.3] three: empty\n<4>[    1.4] four: full\n";

    #[test]
    fn only_what_was_logged_since_counts_and_has_neither_priority_nor_time() {
        assert_eq!(since(LOG, Some("<4>[    1.2] two: full"), "full"), ["four: full"]);
        assert_eq!(since(LOG, Some("a line that is no more there"), "full"), ["one: full", "two: full", "four: full"]);
        assert_eq!(since(LOG, None, "empty"), ["three: empty"]);
        assert_eq!(message("without any front"), "without any front");
    }
}
