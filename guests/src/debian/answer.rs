//! What apt and dpkg print: the only place that interprets their errors.

use crate::missing::Missing;
use crate::tool::{Ending, Output};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// What `program verb` printed, or why it failed. Remedies end with `otherwise`.
pub(super) fn said(
    program: &str,
    verb: &str,
    limit: Duration,
    run: anyhow::Result<Output>,
    otherwise: &str,
) -> Result<String, Missing> {
    let missing = |why: String, remedy: &str| Missing { why, remedy: format!("{remedy}, {otherwise}") };
    let run = run.map_err(|error| missing(format!("{error:#}"), "install apt and dpkg"))?;
    let how = match run.ending {
        Ending::Exited(status) if status.success() => return Ok(run.stdout),
        Ending::Stopped => return Err(missing("interrupted".to_owned(), "run it again")),
        Ending::TimedOut => format!("was ended after {limit:?}"),
        Ending::Exited(status) => {
            status.signal().map_or("failed".to_owned(), |signal| format!("was ended by signal {signal}"))
        }
    };
    let why = format!("{program} {verb} {how}: {}", complaint(&run.stderr));
    let late = run.ending == Ending::TimedOut;
    Err(missing(why, if late { "try again when network and machine are less busy" } else { remedy(&run.stderr) }))
}

/// The errors in `stderr`, in one line: the first two of different kinds.
fn complaint(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    // apt explains a bad signature only in a warning.
    let signature = |line: &&str| line.starts_with("GPG error");
    let warned = || lines().filter_map(|line| line.strip_prefix("W: ")).filter(signature);
    let mut told: Vec<_> = warned().chain(lines().filter_map(|line| line.strip_prefix("E: "))).collect();
    if told.is_empty() {
        told.extend(lines());
    }
    told.retain(|line| !line.starts_with("Some index files failed"));
    // apt reports an unreachable mirror once for every file.
    let mut kinds = BTreeSet::new();
    told.retain(|line| kinds.insert(line.split(' ').take(2).collect::<Vec<_>>()));
    told.truncate(2);
    if told.is_empty() { "it said nothing".to_owned() } else { told.join("; ").trim_end_matches('.').to_owned() }
}

/// What helps against the error in `stderr`.
fn remedy(stderr: &str) -> &'static str {
    const REMEDIES: &[(&[&str], &str)] = &[
        (&["No space left"], "make room there, or set XDG_CACHE_HOME to another folder"),
        (
            &["resolv", "onnect to", "Cannot initiate", "timed out", "require authentication"],
            "check the network and apt's proxy (/etc/apt/apt.conf.d)",
        ),
        (
            &["GPG error", "not signed"],
            "upgrade debian-archive-keyring, or have apt use a mirror that leaves Debian's files as they are",
        ),
        (
            &["Hash Sum mismatch", "unexpected size"],
            "try again later: the mirror is being updated, or something on the way to it changes files",
        ),
    ];
    let told = |(signs, _): &&(&[&str], &str)| signs.iter().any(|sign| stderr.contains(sign));
    REMEDIES
        .iter()
        .find(told)
        .map_or("check apt's sources (/etc/apt/sources.list.d): their mirror is used", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(120);

    fn run(ending: Ending, stderr: &str) -> anyhow::Result<Output> {
        Ok(Output { ending, stdout: "out".to_owned(), stderr: stderr.to_owned() })
    }

    #[test]
    fn without_a_network_apt_s_own_words_come_with_the_remedy() {
        let stderr = "W: something\nE: Failed to fetch http://x/InRelease  Temporary failure resolving 'x'\n\
                      E: Failed to fetch http://y/InRelease  Temporary failure resolving 'y'\n\
                      E: Some index files failed to download.\nE: a third\n";
        let missing = said("apt-get", "update", LIMIT, run(Ending::exited(100), stderr), "or not").unwrap_err();
        assert_eq!(
            missing.why,
            "apt-get update failed: Failed to fetch http://x/InRelease  Temporary failure resolving 'x'; a third"
        );
        assert!(missing.remedy.starts_with("check the network and apt's proxy"), "{}", missing.remedy);
    }

    #[test]
    fn a_bad_signature_and_its_like_have_remedies_of_their_own() {
        let failed = |stderr| said("apt-get", "update", LIMIT, run(Ending::exited(100), stderr), "or not").unwrap_err();
        let signature = failed(
            "E: The repository 'http://x sid InRelease' is not signed.\nW: GPG error: http://x: BADSIG 0E98\nW: x\n",
        );
        let words = "GPG error: http://x: BADSIG 0E98; The repository 'http://x sid InRelease' is not signed";
        assert_eq!(signature.why, format!("apt-get update failed: {words}"));
        assert!(signature.remedy.starts_with("upgrade debian-archive-keyring"), "{signature}");
        for (stderr, expected) in [
            ("E: Write error - write (28: No space left on device)", "make room there"),
            ("E: Failed to fetch http://x/y.deb  Hash Sum mismatch", "try again later"),
            ("E: Clearsigned file isn't valid (does the network require authentication?)", "check the network"),
            ("E: The repository 'http://x noble Release' does not have a Release file.", "check apt's sources"),
        ] {
            assert!(failed(stderr).remedy.starts_with(expected), "{stderr}");
        }
    }

    #[test]
    fn a_tool_out_of_time_is_said_so_and_one_that_succeeds_is_heard() {
        let late = said("apt-get", "download", LIMIT, run(Ending::TimedOut, ""), "or not").unwrap_err();
        assert_eq!(late.why, "apt-get download was ended after 120s: it said nothing");
        assert_eq!(said("apt-get", "download", LIMIT, run(Ending::exited(0), ""), "or not").unwrap(), "out");
    }
}
