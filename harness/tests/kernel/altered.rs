//! Real tools behind wrappers that alter what they are given, or what they do: each fails its cells, with the reason.
//!
//! A wrapper leaves a node with a single Service alone: that is the trial of a backend.

use super::{SVCLAB, dataset, expect, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::vocabulary::Outcome;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Five Services: of the fourth no probe asks anything.
const FIVE: &str = "\
name: altered
question: Is it seen?
target: host
services: [5]
rounds: 1
";

/// The functions of every wrapper. `$in` is what the tool is given, `$here` a folder of the wrapper's own.
const COMMON: &str = r#"
whole() { grep -q svc-00005 "$in" && ! grep -q svc-00006 "$in"; }
added() { grep -q svc-00006 "$in"; }
alter() { awk "$1" "$in" > "$in.new" && mv "$in.new" "$in"; }
order() { awk "$dispatch $1" "$in" "$in" > "$in.new" && mv "$in.new" "$in"; }
dispatch='NR == FNR {if (/^-A KUBE-SERVICES.*svc-/) rule[n++] = $0; next} '
case "$*" in *--version*|*list*|*" -S "*) exec "$real" "$@";; esac
in="$here/input.$$"
cat > "$in"
"#;

/// Puts a wrapper around `program` of this machine into a folder, for a PATH that begins with it.
fn wrap(folder: &Path, program: &str, body: &str) -> Result<()> {
    let real = find(program)?;
    let here = folder.display();
    let script = format!(
        "#!/bin/sh\nreal={}\nlegacy={}\nnft={}\nhere={here}\n{COMMON}{body}\n\"$real\" \"$@\" < \"$in\"\ncode=$?\nrm -f \"$in\"\nexit $code\n",
        real.display(),
        find("iptables-legacy-restore")?.display(),
        find("nft")?.display()
    );
    put(folder, program, &script)
}

/// Puts `text` into a folder as an executable.
fn put(folder: &Path, program: &str, text: &str) -> Result<()> {
    let file = folder.join(program);
    fs::write(&file, text)?;
    Ok(fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?)
}

fn path() -> String {
    std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin"
}

fn find(program: &str) -> Result<PathBuf> {
    let place = path().split(':').map(|folder| Path::new(folder).join(program)).find(|place| place.is_file());
    place.with_context(|| format!("{program} is not installed"))
}

/// A run of `probes` with a wrapper around `program`. Expects that it fails with `reason`, in a cell and not in the trial.
fn fails(backend: &str, program: &str, probes: &str, body: &str, reason: &str) -> Result<()> {
    let what = || format!("{program}: {body}");
    let folder = workplace(&format!("{FIVE}backends: [{backend}]\nprobes: [{probes}]\n"))?;
    let bin = folder.path().join("bin");
    fs::create_dir(&bin)?;
    wrap(&bin, program, body)?;
    let path = format!("{}:{}", bin.display(), path());
    expect(scenario(folder.path()).env("PATH", path), 4).with_context(what)?;
    let dataset = dataset(folder.path())?;
    let failed: Vec<_> = dataset.cells.iter().filter(|record| record.outcome == Outcome::Failed).collect();
    ensure!(!failed.is_empty(), "{}: {:?}", what(), dataset.end);
    for record in failed {
        let right = record.reason.contains(reason) && !record.reason.contains("trial");
        ensure!(right, "{}: {}", what(), record.reason);
    }
    Ok(())
}

/// What a wrapper does, and what is said of it.
type Altered = (&'static str, &'static str);

const LAYOUT: &str = "where the layout says";
const ELSE: &str = "the node holds something else than the layout says: ";

/// Of either variant of iptables-restore.
const RESTORED: &[Altered] = &[
    // A rule less, one more, and one in the place of another.
    (r#"whole && alter '/^-A KUBE-SEP.*svc-00004/ && !n++ {next} {print}'"#, LAYOUT),
    (r#"whole && alter '{print} /^-A KUBE-SEP.*svc-00004/ && !n++ {print}'"#, LAYOUT),
    (r#"whole && alter '/^-A KUBE-SEP.*svc-00004/ {n++; if (n == 1) next; if (n == 2) print} {print}'"#, ELSE),
    // Another address, in a load and in a change.
    (
        r#"whole && alter '/svc-00004/ {sub(/destination 10.240.0.1:/, "destination 10.240.0.9:")} {print}'"#,
        "10.240.0.9:8080",
    ),
    (
        r#"added && alter '/svc-00006/ {sub(/destination [0-9.]*:/, "destination 10.240.0.9:")} {print}'"#,
        "10.240.0.9:8080",
    ),
    // Another share, and another target.
    (r#"whole && alter '/svc-00004/ {sub(/0.5000000000/, "0.9000000000")} {print}'"#, ELSE),
    (r#"whole && alter '{sub(/-j MASQUERADE.*/, "-j RETURN")} {print}'"#, "-j RETURN"),
    // Another order.
    (r#"whole && order '/^-A KUBE-SERVICES.*svc-/ {$0 = rule[(n - 1 + place++) % n]} {print}'"#, "rule 1 is"),
    (r#"whole && order '/^-A KUBE-SERVICES.*svc-/ {$0 = rule[n - 1 - place++]} {print}'"#, "rule 1 is"),
    // Nothing: from the second load on, and at all.
    (r#"[ -e "$here/loaded" ] && exit 0; whole && touch "$here/loaded""#, ELSE),
    (r#"whole && exit 0"#, LAYOUT),
];

/// Of nft, in the same order; the order of its elements means nothing.
const PIPED: &[Altered] = &[
    (r#"whole && alter '/^add rule .*svc-00004/ && !n++ {next} {print}'"#, LAYOUT),
    (r#"whole && alter '{print} /^add rule .*svc-00004/ && !n++ {print}'"#, LAYOUT),
    (r#"whole && alter '/^add rule ip .*svc-00002/ {next} {print} /^add rule ip .*svc-00004/ {print}'"#, ELSE),
    (r#"whole && alter '/svc-00004/ {sub(/0 : 10.240.0.1 /, "0 : 10.240.0.9 ")} {print}'"#, "10.240.0.9"),
    (r#"added && alter '/svc-00006/ {sub(/0 : [0-9.]* /, "0 : 10.240.0.9 ")} {print}'"#, "10.240.0.9"),
    (r#"whole && alter '/svc-00004/ {sub(/mod 2/, "mod 10")} {print}'"#, ELSE),
    (r#"whole && alter '{sub(/masquerade fully-random/, "return")} {print}'"#, ELSE),
    (r#"whole && alter '/service-ips .*svc-00004/ {sub(/10.96.0.14/, "10.96.0.99")} {print}'"#, ELSE),
    (r#"added && exit 0"#, ELSE),
    (r#"whole && exit 0"#, LAYOUT),
];

/// Tables of others, which count nowhere else.
const OTHERS: &[Altered] = &[
    (
        r#"whole && awk 'BEGIN {print "*raw"; for (i = 0; i < 2000; i++) print "-A PREROUTING -s 192.0.2.1 -j ACCEPT"; \
            print "COMMIT"}' | "$legacy" --noflush"#,
        "the node has tables that nobody asked for: table raw of iptables-legacy with 2,000 rules",
    ),
    (
        r#"whole && awk 'BEGIN {print "table inet other { chain ahead { type filter hook prerouting priority -300;"; \
            for (i = 0; i < 500; i++) print "ip saddr 192.0.2.1 accept"; print "}\n}"}' | "$nft" -f -"#,
        "the node has tables that nobody asked for: table inet other of nf_tables with 1 object",
    ),
];

/// Every one of `altered` and [`OTHERS`] fails its cells. All that do not are told.
fn all_fail(backend: &str, program: &str, altered: &[Altered]) -> Result<()> {
    let each = altered.iter().chain(OTHERS);
    let unseen = each.filter_map(|(body, why)| fails(backend, program, "sync_full, sync_change", body, why).err());
    let unseen: Vec<String> = unseen.map(|error| format!("{error:#}")).collect();
    ensure!(unseen.is_empty(), "{}", unseen.join("\n"));
    Ok(())
}

pub(super) fn an_altered_iptables_legacy_fails_its_cells() -> Result<()> {
    all_fail("iptables-legacy", "iptables-legacy-restore", RESTORED)?;
    let nothing = r#"case "$*" in *appended*) exit 0;; esac"#;
    fails("iptables-legacy", "iptables-legacy", "append_rule", nothing, ELSE)
}

pub(super) fn an_altered_iptables_nft_fails_its_cells() -> Result<()> {
    all_fail("iptables-nft", "iptables-nft-restore", RESTORED)?;
    let nothing = r#"case "$*" in *appended*) exit 0;; esac"#;
    fails("iptables-nft", "iptables-nft", "append_rule", nothing, ELSE)
}

pub(super) fn an_altered_nft_fails_its_cells() -> Result<()> {
    all_fail("nftables", "nft", PIPED)?;
    fails("nftables", "nft", "append_rule", r#"case "$1" in add) exit 0;; esac"#, ELSE)
}

/// Tools that do not work at all: what they are, and what is said of them.
const BROKEN: &[Altered] = &[
    ("#!/bin/sh\nexit 0\n", "installed 0 rules"),
    ("#!/bin/sh\nkill -9 $$\n", "nft --version ended by signal: 9"),
    ("#!/bin/sh\necho rubbish >&2; exit 7\n", "rubbish"),
    ("#!/bin/sh\nsleep 1000\n", "nft --version did not end within 5 s"),
    ("", "installed 0 rules"),
    ("#!/no/such/interpreter\n", "No such file or directory"),
];

pub(super) fn a_broken_tool_fails_its_cells_and_is_not_called_missing() -> Result<()> {
    for (text, reason) in BROKEN {
        let folder = workplace(&FIVE.replace("target: host\n", "backends: [nftables]\nprobes: [sync_full]\n"))?;
        put(folder.path(), "nft", text)?;
        let path = format!("{}:{}", folder.path().display(), path());
        // Without a target: host is not passed over for it.
        let said = expect(scenario(folder.path()).env("PATH", &path), 4).with_context(|| text.to_string())?;
        ensure!(said.contains("on host: ") && said.contains(reason) && !said.contains("not on host"), "{said}");
        for record in dataset(folder.path())?.cells {
            let right = record.outcome == Outcome::Failed && record.reason.contains(reason);
            ensure!(right && !record.reason.contains("modprobe"), "{text}: {record:?}");
        }
    }
    let folder = workplace("")?;
    put(folder.path(), "nft", "#!/bin/sh\nsleep 1000\n")?;
    let path = format!("{}:{}", folder.path().display(), path());
    let output = Command::new(SVCLAB).arg("doctor").env("PATH", path).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let broken = said.lines().find(|line| line.trim_start().starts_with("broken")).context("nothing is broken")?;
    ensure!(broken.contains("nftables") && broken.contains("nft --version did not end within 5 s"), "{said}");
    ensure!(
        !said.contains("needs no tool\n  ok       ipvs") && !said.contains("nftables          needs no tool"),
        "{said}"
    );
    Ok(())
}

/// Without a module or a program a backend is skipped, which is no error; unless it is required.
pub(super) fn a_required_backend_that_is_skipped_is_an_error() -> Result<()> {
    let run = |options: &[&str]| -> Result<(Option<i32>, String, bool)> {
        let folder = workplace(&format!("{FIVE}backends: [direct, ipvs]\nprobes: [connect]\n"))?;
        let output = scenario(folder.path()).args(options).output()?;
        let skipped = dataset(folder.path())?.cells.iter().any(|record| record.outcome == Outcome::Skipped);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(folder.path().join("out/report.html").is_file(), "{said}");
        Ok((output.status.code(), said, skipped))
    };
    let (code, said, skipped) = run(&[])?;
    ensure!(code == Some(0) && !said.contains("is required"), "{code:?} {said}");
    let (code, said, _) = run(&["--require", "direct", "--require", "ipvs"])?;
    // On a kernel with IPVS nothing is wanting.
    let right = match skipped {
        true => code == Some(4) && said.contains("svclab: ipvs is required; skipped were ") && said.contains("ip_vs"),
        false => code == Some(0) && !said.contains("is required"),
    };
    ensure!(right, "{code:?} {said}");
    Ok(())
}
