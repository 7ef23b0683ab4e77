//! kube-proxy's log: what it says when something is wrong.

use std::fs;
use std::path::Path;

/// How many lines of a log are shown.
const LINES: usize = 12;
/// How much of a line is shown, in characters.
const WIDTH: usize = 400;

/// How long the log is, in bytes.
pub(super) fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |facts| facts.len())
}

/// The errors that were logged after the first `from` bytes: the last lines of them. Without any, the last lines.
pub(super) fn last_words(file: &Path, from: u64) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default());
    let errors = errors(&text);
    let shown = if errors.is_empty() { text.lines().collect() } else { errors };
    if shown.is_empty() {
        return "its log is empty".to_owned();
    }
    let lines = shown[shown.len().saturating_sub(LINES)..].iter();
    let lines = lines.map(|line| line.trim().chars().take(WIDTH).filter(|one| !one.is_control()).collect::<String>());
    format!("its log ends: {}", lines.collect::<Vec<_>>().join(" | "))
}

/// The lines of errors, each with those that go on with it. A line of the log begins with its severity and the date
/// (klog); the lines of one message that follow do not.
fn errors(text: &str) -> Vec<&str> {
    let mut in_error = false;
    let keep = |line: &&str| {
        let mut letters = line.chars();
        if let (Some(severity @ ('I' | 'W' | 'E' | 'F')), Some('0'..='9')) = (letters.next(), letters.next()) {
            in_error = matches!(severity, 'E' | 'F') && !line.contains("configuration may be incomplete");
        }
        in_error
    };
    text.lines().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shown_with_all_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let first = "I1129 16:23:48 flags\nE1129 16:23:49 old\n";
        let text =
            format!("{first}E1129 16:23:50 \"Failed\" err=<\n\tline 3: no such chain\n >\nI1129 16:23:51 next\n");
        fs::write(&file, &text).unwrap();
        let said = last_words(&file, first.len() as u64);
        assert_eq!(said, "its log ends: E1129 16:23:50 \"Failed\" err=< | line 3: no such chain | >");
        assert_eq!(length(&file), text.len() as u64);
        fs::write(&file, "panic: what\nmore").unwrap();
        assert_eq!(last_words(&file, 0), "its log ends: panic: what | more");
        assert_eq!(last_words(&file, 99), "its log is empty");
    }
}
