//! A private apt: its sources, lists and cache are in one folder. It does not touch the machine's.
//!
//! It shares with the machine only the configuration of proxies (`/etc/apt/apt.conf.d`) and Debian's keys.

use super::answer::{OTHERWISE, said};
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
/// The package that depends on the newest kernel of its suite.
const NEWEST: &str = "linux-image-amd64";
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
pub(super) struct Apt<'a> {
    folder: PathBuf,
    tools: &'a dyn Tools,
}

/// A package, as the suite's lists describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Bytes of the .deb.
    pub(super) size: u64,
    /// Bytes when it is unpacked.
    pub(super) unpacked: u64,
    /// Of the .deb, in hex.
    pub(super) sha256: String,
    /// Packages that it needs in exactly this version: those of the same source.
    needs: Vec<String>,
}

impl<'a> Apt<'a> {
    /// Sets up an apt for `suite` in the empty `folder`.
    pub(super) fn open(folder: &Path, suite: Suite, mirror: &Mirror, tools: &'a dyn Tools) -> Result<Self, Missing> {
        let keys = KEYS.iter().find(|path| Path::new(path).is_file()).ok_or_else(|| Missing {
            why: format!("Debian's keys are not here ({}), so a download could not be checked", KEYS[0]),
            remedy: format!("apt-get install debian-archive-keyring, {OTHERWISE}"),
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
        Ok(Self { folder: folder.to_owned(), tools })
    }

    /// Downloads the suite's lists of packages and checks their signatures.
    pub(super) fn update(&self) -> Result<(), Missing> {
        self.call("apt-get", &["update"], UPDATE_LIMIT).map(drop)
    }

    /// The packages that make up the newest kernel. The one with the release in its name comes first.
    ///
    /// Up to Debian 13 it is one package, later one for the image, one for modules and one for what both share.
    pub(super) fn kernel(&self) -> Result<Vec<Package>, Missing> {
        let newest = self.describe(NEWEST)?;
        let (mut packages, mut waiting) = (Vec::<Package>::new(), newest.needs);
        while let Some(name) = waiting.pop() {
            if packages.iter().all(|package| package.name != name) {
                let package = self.describe(&format!("{name}={}", newest.version))?;
                waiting.extend(package.needs.clone());
                packages.push(package);
            }
        }
        packages.sort_by_key(|package| (package.release().is_none(), package.name.clone()));
        if packages.first().and_then(Package::release).is_none() {
            let why = format!("{NEWEST} {} depends on no kernel", newest.version);
            return Err(Missing { why, remedy: format!("name another suite, {OTHERWISE}") });
        }
        Ok(packages)
    }

    fn describe(&self, name: &str) -> Result<Package, Missing> {
        let text = self.call("apt-cache", &["show", "--no-all-versions", name], ASK_LIMIT)?;
        Package::parse(&text).ok_or_else(|| Missing {
            why: format!("apt-cache describes {name} in a form that svclab does not know: {text:?}"),
            remedy: OTHERWISE.to_owned(),
        })
    }

    /// Downloads `packages` into the folder.
    pub(super) fn download(&self, packages: &[Package]) -> Result<(), Missing> {
        let names = packages.iter().map(|package| format!("{}={}", package.name, package.version));
        let args: Vec<_> = ["download".to_owned()].into_iter().chain(names).collect();
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
        said(program, args[ahead.len()].as_str(), limit, self.tools.run("env", &args, limit))
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

impl Package {
    /// The kernel release, if it is a kernel's image.
    pub(super) fn release(&self) -> Option<&str> {
        self.name.strip_prefix("linux-image-")
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

/// The package of an image of `release`, which needs no other.
#[cfg(test)]
pub(super) fn fake(release: &str) -> Package {
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
        assert_eq!(package.release(), Some("7.2.13+deb14-amd64"));
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

    /// Answers `apt-cache show` as for a kernel that is split into packages.
    struct Lists;

    impl Tools for Lists {
        fn run(&self, _: &str, args: &[String], _: Duration) -> anyhow::Result<Output> {
            let asked = args.last().unwrap();
            let needs: &[&str] = match asked.as_str() {
                "linux-image-amd64" => &["linux-base-amd64", "linux-image-7.2-amd64"],
                "linux-base-amd64=7.2-1" => &["linux-base-7.2-amd64"],
                "linux-image-7.2-amd64=7.2-1" => &["linux-base-7.2-amd64", "linux-modules-7.2-amd64"],
                "linux-modules-7.2-amd64=7.2-1" | "linux-base-7.2-amd64=7.2-1" => &[],
                _ => panic!("{asked} was asked for"),
            };
            let needs: Vec<_> = needs.iter().map(|name| format!("{name} (= 7.2-1)")).collect();
            let name = asked.trim_end_matches("=7.2-1");
            let stdout = format!(
                "Package: {name}\nVersion: 7.2-1\nInstalled-Size: 1\nSize: 1\nSHA256: 00\nDepends: kmod, {}\n",
                needs.join(", ")
            );
            Ok(Output { ending: Ending::exited(0), stdout, stderr: String::new() })
        }
    }

    #[test]
    fn a_kernel_in_several_packages_is_had_whole_and_each_package_once() {
        let packages = Apt { folder: PathBuf::from("/nowhere"), tools: &Lists }.kernel().unwrap();
        let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
        let expected = ["linux-image-7.2-amd64", "linux-base-7.2-amd64", "linux-base-amd64", "linux-modules-7.2-amd64"];
        assert_eq!(names, expected);
    }
}
