//! Finds the Debian mirror that this machine uses.

use crate::tool::Tools;
use std::time::Duration;

/// The archives that goods come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    pub(super) main: String,
    pub(super) security: String,
}

impl Default for Mirror {
    fn default() -> Self {
        let at = |archive: &str| format!("http://deb.debian.org/{archive}");
        Self { main: at("debian"), security: at("debian-security") }
    }
}

impl Mirror {
    /// The mirror that this machine's apt uses, or Debian's own if it uses no Debian mirror.
    pub(super) fn of_this_machine(tools: &dyn Tools) -> Self {
        let args =
            ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"];
        let run = tools.run("apt-get", &args.map(str::to_owned), Duration::from_secs(60));
        match run {
            Ok(run) if run.ending.is_success() => Self::among(&run.stdout),
            _ => Self::default(),
        }
    }

    /// The first of each kind in `lines` of address, suite, component and origin.
    fn among(lines: &str) -> Self {
        let first = |archive: &str| lines.lines().find_map(|line| address(line, archive));
        let default = Self::default();
        Self {
            main: first("debian").unwrap_or(default.main),
            security: first("debian-security").unwrap_or(default.security),
        }
    }
}

/// The address in `line` if it is Debian's `archive`, not a vendor's packages for Debian.
fn address(line: &str, archive: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (address, suite, component, origin) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let address = address.trim_end_matches('/');
    let (_, folder) = address.rsplit_once('/')?;
    let codename = suite.split_once('-').map_or(suite, |(codename, _)| codename);
    let debian = ["bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable"];
    let here = folder == archive && component == "main" && debian.contains(&codename);
    // Before the first `apt-get update` apt knows no origin and prints the word unchanged.
    let ours = matches!(origin, "Debian" | "$(ORIGIN)");
    let web = address.starts_with("http://") || address.starts_with("https://");
    (here && ours && web).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_own_mirror_is_taken_and_other_makers_packages_are_not() {
        let lines = "https://dl.winehq.org/wine-builds/debian/ bookworm main dl.winehq.org\n\
                     https://apt.example.com/ bookworm main Example\n\
                     http://ftp.example.edu/pub/debian/ bookworm-updates main Debian\n\
                     http://ftp.example.edu/pub/debian-security/ bookworm-security main $(ORIGIN)\n";
        let expected = Mirror {
            main: "http://ftp.example.edu/pub/debian".to_owned(),
            security: "http://ftp.example.edu/pub/debian-security".to_owned(),
        };
        assert_eq!(Mirror::among(lines), expected);
    }

    #[test]
    fn a_machine_of_another_distribution_uses_debian_s_own() {
        assert_eq!(Mirror::among("http://archive.ubuntu.com/ubuntu/ noble main Ubuntu\n"), Mirror::default());
        assert_eq!(Mirror::among("file:/srv/debian/ bookworm main Debian\n"), Mirror::default());
    }
}
