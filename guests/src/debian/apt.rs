//! A private apt: its sources, lists and cache are in one folder. It does not touch the machine's.
//!
//! It shares with the machine only the configuration of proxies (`/etc/apt/apt.conf.d`) and Debian's keys.

use super::answer::said;
use super::mirror::Mirror;
use super::suite::Suite;
use crate::missing::Missing;
use crate::tool::Tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Debian's keys: the first name up to Debian 13, the second from then on.
const KEYS: &[&str] =
    &["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];
const UPDATE_LIMIT: Duration = Duration::from_secs(300);
const ASK_LIMIT: Duration = Duration::from_secs(120);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(3600);

/// None of the machine's hooks, only the guests' architecture, and no sandbox user, who could not write to the caller's
/// folder. `{}` is the private folder.
const CONFIGURATION: &str = r#"#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Retries "2";
Dir::State "{}";
Dir::State::lists "{}/lists";
Dir::State::status "{}/status";
Dir::Cache "{}";
Dir::Cache::archives "{}/archives";
Dir::Etc::sourcelist "{}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"#;

/// A private apt in its folder.
pub(crate) struct Apt<'a> {
    folder: PathBuf,
    tools: &'a dyn Tools,
    /// The end of remedies.
    otherwise: &'a str,
}

/// A package, as the suite's lists describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Bytes of the .deb.
    pub(crate) size: u64,
    /// Bytes when it is unpacked.
    pub(crate) unpacked: u64,
    /// Of the .deb, in hex.
    pub(crate) sha256: String,
    /// Packages that it needs in exactly this version: those of the same source.
    pub(crate) needs: Vec<String>,
}

impl<'a> Apt<'a> {
    /// Sets up an apt for `suite` in the empty `folder`.
    ///
    /// Its remedies end with `otherwise`.
    pub(super) fn open(
        folder: &Path,
        suite: Suite,
        mirror: &Mirror,
        tools: &'a dyn Tools,
        otherwise: &'a str,
    ) -> Result<Self, Missing> {
        let keys = KEYS.iter().find(|path| Path::new(path).is_file()).ok_or_else(|| Missing {
            why: format!("Debian's keys are not here ({}), so a download could not be checked", KEYS[0]),
            remedy: format!("apt-get install debian-archive-keyring, {otherwise}"),
        })?;
        let shown = folder.display().to_string();
        let files = [
            ("apt.conf", CONFIGURATION.replace("{}", &shown)),
            ("debian.sources", sources(suite, mirror, keys)),
            ("status", String::new()),
        ];
        let folders = ["lists/partial", "archives/partial"];
        let made = folders
            .iter()
            .try_for_each(|name| fs::create_dir_all(folder.join(name)))
            .and_then(|()| files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text)));
        made.map_err(|error| Missing {
            why: format!("setting up apt in {shown}: {error}"),
            remedy: "make room there, or set XDG_CACHE_HOME to another folder".to_owned(),
        })?;
        Ok(Self { folder: folder.to_owned(), tools, otherwise })
    }

    /// Downloads the suite's lists of packages and checks their signatures.
    pub(super) fn update(&self) -> Result<(), Missing> {
        self.call("apt-get", &["update"], UPDATE_LIMIT).map(drop)
    }

    /// The package `name`, which may be followed by `=` and a version.
    pub(crate) fn describe(&self, name: &str) -> Result<Package, Missing> {
        let text = self.call("apt-cache", &["show", "--no-all-versions", name], ASK_LIMIT)?;
        Package::parse(&text).ok_or_else(|| self.strange("apt-cache", name, &text))
    }

    /// The packages `names` and all that they depend on, as apt resolves it on an empty machine. The named ones come
    /// first.
    pub(crate) fn closure(&self, names: &[&str]) -> Result<Vec<Package>, Missing> {
        let ask = ["--simulate", "--assume-yes", "--no-install-recommends", "install"];
        let text = self.call("apt-get", &[&ask[..], names].concat(), ASK_LIMIT)?;
        let chosen: Vec<String> = text.lines().filter_map(to_install).collect();
        let ask: Vec<&str> = ["show"].into_iter().chain(chosen.iter().map(String::as_str)).collect();
        let text = self.call("apt-cache", &ask, ASK_LIMIT)?;
        let mut packages: Vec<Package> = text.split("\n\n").filter_map(Package::parse).collect();
        let place = |package: &Package| names.iter().position(|name| *name == package.name).unwrap_or(names.len());
        packages.sort_by_key(|package| (place(package), package.name.clone()));
        let complete = chosen.iter().all(|chosen| packages.iter().any(|package| package.exact() == *chosen));
        if packages.is_empty() || !complete || packages.len() != chosen.len() {
            return Err(self.strange("apt-get and apt-cache", &names.join(", "), &text));
        }
        Ok(packages)
    }

    fn strange(&self, program: &str, name: &str, text: &str) -> Missing {
        let begin: String = text.chars().take(200).collect();
        let why = format!("what {program} says of {name} has a form that svclab does not know: {begin:?}");
        Missing { why, remedy: self.otherwise.to_owned() }
    }

    /// Downloads `packages` into the folder.
    pub(super) fn download(&self, packages: &[Package]) -> Result<(), Missing> {
        let args: Vec<_> = ["download".to_owned()].into_iter().chain(packages.iter().map(Package::exact)).collect();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        self.call("apt-get", &args, DOWNLOAD_LIMIT).map(drop)
    }

    /// The .deb of `package`, complete or still being downloaded.
    pub(super) fn downloaded(&self, package: &Package) -> Option<PathBuf> {
        let start = format!("{}_", package.name);
        let mut entries = fs::read_dir(&self.folder).ok()?.filter_map(Result::ok);
        entries.find(|entry| entry.file_name().to_string_lossy().starts_with(&start)).map(|entry| entry.path())
    }

    fn call(&self, program: &str, args: &[&str], limit: Duration) -> Result<String, Missing> {
        let folder = self.folder.display().to_string();
        let configuration = format!("{folder}/apt.conf");
        // `apt-get download` writes to the current folder.
        let ahead = ["-C", &folder, "LC_ALL=C", program, "-q", "-c", &configuration];
        let args: Vec<_> = ahead.iter().chain(args).map(|&arg| arg.to_owned()).collect();
        said(program, args[ahead.len()].as_str(), limit, self.tools.run("env", &args, limit), self.otherwise)
    }
}

/// The sources of `suite`: only lists of packages, whatever else the machine's apt downloads.
fn sources(suite: Suite, mirror: &Mirror, keys: &str) -> String {
    let source = |address: &str, suites: &str| {
        format!(
            "Types: deb\nURIs: {address}\nSuites: {suites}\nComponents: main\nArchitectures: amd64\n\
             Targets: Packages\nLanguages: none\nPDiffs: no\nSigned-By: {keys}\n\n"
        )
    };
    let security = suite.on_security().map(|suites| source(&mirror.security, suites));
    source(&mirror.main, suite.on_main()) + &security.unwrap_or_default()
}

/// The package and version in a line of apt's simulation: `Inst libmnl0 (1.0.5-3 Debian:13.8/stable [amd64])`.
fn to_install(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("Inst ")?.split_whitespace();
    let name = words.next()?;
    // The version that is installed would come between them: nothing is.
    let version = words.next()?.strip_prefix('(')?;
    Some(format!("{name}={version}"))
}

impl Package {
    /// Its name and version, as apt is asked for it.
    fn exact(&self) -> String {
        format!("{}={}", self.name, self.version)
    }

    /// Reads the first package that `apt-cache show` prints.
    fn parse(text: &str) -> Option<Self> {
        let stanza = text.split("\n\n").next()?;
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|value| value.trim())
        };
        let version = field("Version")?;
        let exact = format!("(= {version})");
        let needs = field("Depends").unwrap_or_default().split(',').filter_map(|need| need.trim().strip_suffix(&exact));
        Some(Self {
            name: field("Package")?.to_owned(),
            version: version.to_owned(),
            size: field("Size")?.parse().ok()?,
            // In KiB (Debian Policy 5.6.20).
            unpacked: field("Installed-Size")?.parse::<u64>().ok()? * 1024,
            sha256: field("SHA256")?.to_owned(),
            needs: needs.map(|name| name.trim().to_owned()).collect(),
        })
    }
}

/// An apt whose answers are those of `tools`.
#[cfg(test)]
pub(crate) fn answering(tools: &dyn Tools) -> Apt<'_> {
    Apt { folder: PathBuf::from("/nowhere"), tools, otherwise: "or not" }
}

/// The package of an image of `release`, which needs no other.
#[cfg(test)]
pub(crate) fn fake(release: &str) -> Package {
    let (name, version, sha256) = (format!("linux-image-{release}"), "1".to_owned(), String::new());
    Package { name, version, size: 1, unpacked: 1, sha256, needs: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{Ending, Output};

    const SPLIT: &str = "Package: linux-image-7.2.13+deb14-amd64\nVersion: 7.2.13-1\nInstalled-Size: 15\n\
        Depends: dracut | linux-initramfs-tool, linux-base-7.2.13+deb14-amd64 (= 7.2.13-1), kmod (>= 27), \
        linux-modules-7.2.13+deb14-amd64 (= 7.2.13-1)\nSize: 1892\nSHA256: 00ff\n\nPackage: another\n";

    #[test]
    fn a_package_s_parts_are_what_it_needs_in_its_own_version() {
        let package = Package::parse(SPLIT).unwrap();
        assert_eq!(package.needs, ["linux-base-7.2.13+deb14-amd64", "linux-modules-7.2.13+deb14-amd64"]);
        assert_eq!((package.size, package.unpacked), (1892, 15 << 10));
        assert_eq!(Package::parse("Package: linux-image-amd64\n"), None);
    }

    #[test]
    fn sources_are_signed_and_have_security_updates_where_the_suite_has_them() {
        let text = sources(Suite::Debian13, &Mirror::default(), KEYS[0]);
        assert!(text.contains("URIs: http://deb.debian.org/debian\nSuites: trixie trixie-updates\n"), "{text}");
        assert!(text.contains("URIs: http://deb.debian.org/debian-security\nSuites: trixie-security\n"), "{text}");
        assert_eq!(text.matches(KEYS[0]).count(), 2);
        assert!(!sources(Suite::DebianSid, &Mirror::default(), KEYS[0]).contains("security"));
    }

    /// A suite in which nft needs libmnl0.
    struct Suites;

    impl Tools for Suites {
        fn run(&self, _: &str, args: &[String], _: Duration) -> anyhow::Result<Output> {
            let shown = |name: &str, version: &str| {
                format!("Package: {name}\nVersion: {version}\nInstalled-Size: 1\nSize: 1\nSHA256: 00\n\n")
            };
            let words = args.join(" ");
            let stdout = if words.ends_with("--simulate --assume-yes --no-install-recommends install nftables ipset") {
                "Reading package lists...\nInst libmnl0 (1.0.5-3 Debian:13.8/stable [amd64])\n\
                 Inst nftables (1.1.3-1 Debian:13.8/stable [amd64]) []\nInst ipset (7.22-1+b1 Debian:13.8 [amd64])\n\
                 Conf libmnl0 (1.0.5-3 Debian:13.8/stable [amd64])\n"
                    .to_owned()
            } else {
                assert!(words.ends_with("apt.conf show libmnl0=1.0.5-3 nftables=1.1.3-1 ipset=7.22-1+b1"), "{words}");
                shown("libmnl0", "1.0.5-3") + &shown("nftables", "1.1.3-1") + &shown("ipset", "7.22-1+b1")
            };
            Ok(Output { ending: Ending::exited(0), stdout, stderr: String::new() })
        }
    }

    #[test]
    fn apt_says_what_packages_depend_on_and_the_named_ones_come_first() {
        let apt = answering(&Suites);
        let packages = apt.closure(&["nftables", "ipset"]).unwrap();
        let names: Vec<_> = packages.iter().map(Package::exact).collect();
        assert_eq!(names, ["nftables=1.1.3-1", "ipset=7.22-1+b1", "libmnl0=1.0.5-3"]);
    }

    /// Answers nothing, with success.
    struct Silent;

    impl Tools for Silent {
        fn run(&self, _: &str, _: &[String], _: Duration) -> anyhow::Result<Output> {
            Ok(Output { ending: Ending::exited(0), stdout: String::new(), stderr: String::new() })
        }
    }

    #[test]
    fn an_apt_that_says_nothing_of_a_package_is_told() {
        let apt = answering(&Silent);
        let missing = apt.closure(&["nftables"]).unwrap_err();
        assert!(missing.why.contains("says of nftables has a form that svclab does not know"), "{missing}");
    }

    #[test]
    fn a_line_of_a_simulation_names_what_is_installed() {
        assert_eq!(to_install("Inst a (1:2-3 Debian:13/stable [amd64]) []").as_deref(), Some("a=1:2-3"));
        assert_eq!(to_install("Inst a [1.0] (2.0 Debian [amd64])"), None);
        assert_eq!(to_install("Conf a (1 Debian [amd64])"), None);
    }
}
