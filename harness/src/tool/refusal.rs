//! Reading what tools write to standard error.

use lab_core::foreign::short;

/// The most of a tool's words that are repeated, in characters.
pub(super) const LONGEST: usize = 400;

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
    Refusal { line, message: short(message, LONGEST) }
}

/// What tools write where the kernel has no such table, match, target, expression or type of set, and where it has none of
/// what they speak to at all. Where they only write that there is no such file, it may be a chain, too.
const LACKING: &[&str] = &[
    "missing kernel module",
    "do you need to insmod",
    "unable to initialize table",
    "CHAIN_ADD failed (No such file or directory)",
    "Protocol not supported",
    "Operation not supported",
    "Address family not supported",
    "set type not supported",
    "Cannot open session to kernel",
];

/// The line of `stderr` that says that the kernel lacks something.
pub(crate) fn lacking(stderr: &str) -> Option<&str> {
    let says = |text: &&str| LACKING.iter().any(|words| text.contains(words));
    stderr.lines().map(str::trim).find(says)
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
    fn only_a_tool_s_own_words_say_that_the_kernel_lacks_something() {
        let extension = "Warning: Extension ipvs revision 0 not supported, missing kernel module?\n\
                         iptables: No chain/target/match by that name.\n";
        assert_eq!(lacking(extension), extension.lines().next());
        for words in [
            "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)",
            "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'",
            "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Protocol not supported",
            "ipset v7.17: Kernel error received: set type not supported",
            "ipset v7.17: Cannot open session to kernel.",
        ] {
            assert_eq!(lacking(words), Some(words));
        }
        for words in
            ["", "Error: Could not process rule: No such file or directory", "Segmentation fault", "\u{fffd}\0"]
        {
            assert_eq!(lacking(words), None);
        }
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
