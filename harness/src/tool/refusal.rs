//! Reading what tools write to standard error.

/// What a tool refused: the line of its input, if it names one, and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) line: Option<u64>,
    pub(crate) message: String,
}

/// Reads `stderr` of iptables, iptables-restore or nft.
pub(crate) fn read(stderr: &str) -> Refusal {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find_map(|text| {
        // nft: "/dev/stdin:5002:1-20: Error: …"
        nft_line(text)
            // iptables-restore: "iptables-restore: line 12 failed" and "…: Error occurred at line: 12"
            .or_else(|| number_after(text, "line "))
            .or_else(|| number_after(text, "line: "))
    });
    let speaks = |text: &&str| !text.contains("for more information") && !text.ends_with("failed");
    let message = lines().find(speaks).or_else(|| lines().next()).unwrap_or("it said nothing");
    let message = message.split_once(" Error: ").map_or(message, |(_, what)| what);
    Refusal { line, message: message.to_owned() }
}

fn nft_line(text: &str) -> Option<u64> {
    let (place, _) = text.split_once(": Error: ")?;
    place.split(':').nth(1)?.parse().ok()
}

fn number_after(text: &str, word: &str) -> Option<u64> {
    let rest = &text[text.find(word)? + word.len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nft_names_the_line_ahead_of_its_message() {
        let refusal =
            read("/dev/stdin:5002:1-20: Error: transport protocol mapping is only valid after …\nadd rule\n^^^\n");
        assert_eq!(refusal.line, Some(5002));
        assert_eq!(refusal.message, "transport protocol mapping is only valid after …");
    }

    #[test]
    fn iptables_restore_names_the_line_after_its_message() {
        let stderr = "iptables-restore v1.8.9 (legacy): Couldn't load target `NOPE':No such file or directory\n\n\
                      Error occurred at line: 12\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n";
        let refusal = read(stderr);
        assert_eq!(refusal.line, Some(12));
        assert!(refusal.message.contains("Couldn't load target `NOPE'"));
    }

    #[test]
    fn a_commit_that_fails_is_a_message_of_its_own() {
        assert_eq!(
            read("iptables-restore: line 7 failed\n"),
            Refusal { line: Some(7), message: "iptables-restore: line 7 failed".to_owned() }
        );
        assert_eq!(read("").message, "it said nothing");
    }
}
