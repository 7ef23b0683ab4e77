//! The command line as a user types it: messages for bad input, and verbs that need no privileges.

#[path = "cli/capacity.rs"]
mod capacity;
#[path = "cli/fetch.rs"]
mod fetch;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn svclab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svclab")).args(args).output().expect("svclab should start")
}

/// What svclab said on standard error, ending with exit code 2.
fn refused(args: &[&str]) -> String {
    let output = svclab(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?} printed something");
    said
}

fn in_file(folder: &Path, yaml: &str) -> String {
    let file = folder.join("mine.yaml");
    fs::write(&file, yaml).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn an_unknown_scenario_is_answered_with_the_known_ones() {
    let said = refused(&["scenario", "smok"]);
    assert!(said.starts_with("svclab: unknown scenario \"smok\"; known: smoke, scale-5k, scale-20k, "), "{said}");
    assert!(said.trim_end().ends_with(" (did you mean \"smoke\"?); or name a YAML file"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = refused(&["scenario", "nowhere/mine.yaml"]);
    assert!(said.starts_with("svclab: reading the scenario nowhere/mine.yaml: No such file"), "{said}");
}

#[test]
fn what_may_never_end_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    for place in [pipe, "/dev/zero"] {
        let cases: [&[&str]; 8] = [
            &["plan", place],
            &["scenario", place],
            &["report", place],
            &["capacity", place, "--slo", "connect_p99=1ms"],
            &["compare", place, place],
            &["check", "--cluster", place],
            &["explain", place, "10.96.0.1:80"],
            &["splice", place],
        ];
        for args in cases {
            let said = refused(args);
            assert!(said.contains("it is no regular file"), "{args:?}: {said}");
        }
    }
}

#[test]
fn standard_output_and_error_may_be_full_or_closed() {
    let shell = |line: &str| {
        let line = line.replace("svclab", env!("CARGO_BIN_EXE_svclab"));
        let output = Command::new("bash").args(["-c", &line]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for verb in ["scenarios", "plan smoke", "render --backend nftables --services 1"] {
        let (code, said) = shell(&format!("svclab {verb} > /dev/full"));
        assert!(code == Some(4) && said.contains("No space left"), "{verb}: {code:?}: {said}");
        let (code, said) = shell(&format!("svclab {verb} 2> /dev/full > /dev/null"));
        assert_eq!(code, Some(0), "{verb}: {said}");
        let (_, said) = shell(&format!("set -o pipefail; svclab {verb} 2>&1 | head -c 1 > /dev/null"));
        assert!(!said.contains("panicked"), "{verb}: {said}");
    }
    let (code, said) = shell("svclab scenario no-such-scenario 2> /dev/full");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn paths_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(std::ffi::OsStr::from_bytes(b"w\xff.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_svclab"))
        .args(["api", "--port", "1", "--cluster"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("cannot be read"), "{said}");
    let args = ["scenario", "smoke", "--backend", "direct", "--target", "vm", "--kernel", "/nowhere", "--out"];
    let output = Command::new(env!("CARGO_BIN_EXE_svclab")).args(args).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn bad_yaml_names_file_line_key_and_what_is_allowed_and_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = in_file(folder.path(), "name: mine\nquestion: What?\nservices: [1]\nbackends: [nftable]\n");
    let out = folder.path().join("out");
    let said = refused(&["scenario", &file, "--out", out.to_str().unwrap()]);
    let problem = "unknown backend \"nftable\"; known: direct, iptables-legacy, iptables-nft, ipvs, nftables";
    assert_eq!(said.trim_end(), format!("svclab: {file}:4: backends: {problem} (did you mean \"nftables\"?)"));
    assert!(!out.exists());
}

#[test]
fn more_services_than_addresses_are_refused_with_the_limit() {
    for verb in ["scenario", "plan"] {
        let said = refused(&[verb, "smoke", "--services", "1,2000000"]);
        assert!(said.contains("--services: 2000000 services asked for, but there are addresses for "), "{said}");
    }
    let said = refused(&["render", "--backend", "nftables", "--services", "300000", "--endpoints", "1000"]);
    assert!(said.contains("the endpoint range 10.192.0.0/10 runs out"), "{said}");
}

#[test]
fn options_out_of_range_are_refused() {
    for (args, allowed) in [
        (["--services", "0"], "a number of Services is 1 or more"),
        (["--services", "-5"], "unexpected argument '-5'"),
        (["--services", "1-10"], "several have a comma between them"),
        (["--rounds", "0"], "not in 1..=1000"),
        (["--budget", "60"], "a time has a unit"),
        (["--budget", "1ms"], "a cell may take from 1s"),
        (["--backend", "nftable"], "did you mean \"nftables\"?"),
        (["--backend", "iptables"], "did you mean \"iptables-legacy\" or \"iptables-nft\"?"),
        (["--target", "moon"], "possible values: auto, host"),
    ] {
        let said = refused(&["plan", "smoke", args[0], args[1]]);
        assert!(said.contains(allowed), "{args:?}: {said}");
    }
}

#[test]
fn direct_alone_cannot_answer_what_only_programming_answers() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "name: mine\nquestion: What?\nservices: [1]\nbackends: [direct]\nprobes: [sync_full]\n";
    let said = refused(&["plan", &in_file(folder.path(), yaml)]);
    assert!(said.contains("mine: no cells"), "{said}");
    assert!(refused(&["render", "--backend", "direct", "--services", "1"]).contains("it installs nothing"));
}

#[test]
fn help_documents_the_exit_codes() {
    let help = String::from_utf8(svclab(&["--help"]).stdout).unwrap();
    let codes = ["0    done", "1    the gate fails", "2    the command line", "3    nothing", "4    some cells"];
    for code in codes.into_iter().chain(["5    the runs cannot", "130  interrupted"]) {
        assert!(help.contains(code), "{help}");
    }
}

#[test]
fn scenarios_are_listed_with_their_questions() {
    let list = String::from_utf8(svclab(&["scenarios"]).stdout).unwrap();
    assert!(list.lines().any(|line| line.starts_with("scale-20k ") && line.ends_with('?')), "{list}");
}

#[test]
fn a_plan_lists_every_cell() {
    let asked = ["plan", "smoke", "--services", "1", "--backend", "nftables"];
    let told = |more: &[&str]| String::from_utf8(svclab(&[&asked, more].concat()).stdout).unwrap();
    let plan = told(&["--cells"]);
    let cells = plan.lines().filter(|line| line.contains("nftables ")).count();
    assert_eq!(cells, 8, "{plan}");
    assert!(plan.contains("\n8 cells, about 1 min"), "{plan}");
    // In short, a row a backend, under the estimate.
    let plan = told(&[]);
    assert_eq!(plan.lines().filter(|line| line.contains("nftables ")).count(), 1, "{plan}");
    assert!(plan.lines().nth(1).is_some_and(|line| line.starts_with("8 cells, about ")), "{plan}");
    let json: serde_json::Value = serde_json::from_str(&told(&["--format", "json", "--shards", "1"])).unwrap();
    assert_eq!(json["cells"].as_array().unwrap().len(), 8, "{json}");
    assert_eq!(json["shards"][0]["cells"].as_array().unwrap().len(), 8, "{json}");
}

#[test]
fn render_prints_what_the_tool_would_get_whole_or_as_far_as_it_is_read() {
    let output = svclab(&["render", "--backend", "iptables-legacy", "--services", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("*filter\n") && text.ends_with("COMMIT\n"));
    assert_eq!(text.lines().filter(|line| line.starts_with("-A KUBE-SERVICES ")).count(), 4);
    let calls = svclab(&["render", "--backend", "iptables-nft", "--services", "3", "--calls"]).stdout;
    let calls = String::from_utf8(calls).unwrap();
    let commands: Vec<&str> = calls.lines().filter(|line| line.starts_with("$ ")).collect();
    let place = |command: &str| commands.iter().position(|line| line.starts_with(command)).unwrap();
    assert!(place("$ iptables-nft -w 5 -N KUBE-SERVICES -t nat") < place("$ iptables-nft-save -t nat"));
    assert!(place("$ iptables-nft-save -t nat") < place("$ iptables-nft-restore -w 5 --noflush --counters"));
    assert!(place("$ ip6tables-nft-save -t nat") < place("$ ip6tables-nft-restore -w 5 --noflush --counters"));

    for verb in ["render --backend nftables --services 20000", "plan scale-20k", "scenarios"] {
        let shell = format!("{} {verb} | head -n 1", env!("CARGO_BIN_EXE_svclab"));
        let output = Command::new("bash").args(["-o", "pipefail", "-c", &shell]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_run_s_folder_is_looked_at_before_any_target_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let file = in_file(folder.path(), "name: mine\nquestion: What?\nservices: [1]\n");
    let out = folder.path().to_str().unwrap();
    let said = refused(&["scenario", &file, "--out", out]);
    assert_eq!(said, format!("svclab: --out {out} is not empty; name a new folder, or empty this one\n"));
    let below = format!("{file}/out");
    let said = refused(&["scenario", "smoke", "--out", &below]);
    assert!(said.starts_with(&format!("svclab: --out {below} cannot be made: {file} is no folder")), "{said}");
    let link = folder.path().join("link").to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let said = refused(&["scenario", "smoke", "--out", &link]);
    assert!(said.starts_with(&format!("svclab: --out {link}: {link} is a link to nothing")), "{said}");
}

#[test]
fn a_plan_is_made_without_a_word_on_the_targets_and_without_qemu() {
    let home = tempfile::tempdir().unwrap();
    let mut plan = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = plan.args(["plan", "smoke"]).env("XDG_CACHE_HOME", home.path()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\ntarget "), "{output:?}");
    // No trial left a file in the cache.
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn doctor_says_once_of_every_target_and_backend_whether_it_runs_and_what_would_help() {
    let doctor = String::from_utf8(svclab(&["doctor"]).stdout).unwrap();
    let lines: Vec<&str> = doctor.lines().collect();
    assert!(lines[0].starts_with("kernel "), "{doctor}");
    let place = |heading: &str| {
        let places: Vec<_> = (0..lines.len()).filter(|&place| lines[place] == heading).collect();
        assert_eq!(places.len(), 1, "{heading}: {doctor}");
        places[0]
    };
    let (host, guests) = (place("target host"), place("targets vm and exact"));
    for (target, part) in [("host", &lines[host..guests]), ("vm and exact", &lines[guests..])] {
        let states = ["ok", "limited", "missing"];
        let about = |what: &str| {
            let mut words = part.iter().map(|line| line.split_whitespace());
            words.any(|mut words| states.contains(&words.next().unwrap_or("")) && words.next() == Some(what))
        };
        // Where there are no namespaces, nothing can be tried on the host.
        let known = if part.iter().any(|line| line.starts_with("  missing  host ")) {
            vec!["host"]
        } else {
            vec!["direct", "iptables-legacy", "iptables-nft", "ipvs", "nftables"]
        };
        for what in known {
            assert!(about(what), "{target}: {what}: {doctor}");
        }
    }
    assert!(["qemu", "kernel", "kvm"].iter().all(|what| lines[guests..].iter().any(|line| line.contains(what))));
    for (place, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("  missing ")) {
        assert!(lines[place + 1].trim_start().starts_with("remedy: "), "{doctor}");
    }
}

#[test]
fn a_self_test_without_runs_says_that_there_are_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let said = refused(&["gate", "--self-test", "--target", "exact", "--runs", "0", "--out", out]);
    assert!(
        said.contains("compares plain runs with each other, or with baselines, and there are 0 and 0; make more"),
        "{said}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let said = refused(&["gate", "--self-test", "smok", "--runs", "0"]);
    assert!(said.contains("unknown scenario \"smok\""), "{said}");
    let said = refused(&["gate", "--self-test", "smoke", "--plant", "25", "--runs", "0"]);
    assert!(said.contains("found 25; a share such as 1% or 25%, from 0.01% to 1000%"), "{said}");
}

#[test]
fn rounds_are_for_a_wall_clock() {
    let baseline = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/baselines/smoke-exact.jsonl");
    let said = refused(&["gate", "--baseline", baseline, "--rounds", "2"]);
    assert!(said.contains("--rounds is for a wall clock") && said.contains("smoke-exact.jsonl"), "{said}");
}

/// The verbs that `--help` shows.
fn verbs() -> Vec<String> {
    let help = String::from_utf8(svclab(&["--help"]).stdout).unwrap();
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (list, _) = rest.split_once("\n\n").unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").map(str::to_owned).collect()
}

/// Verbs that only svclab itself and tests call.
const HIDDEN: [&str; 2] = ["examine", "guest"];

#[test]
fn every_shell_completes_every_verb_and_no_hidden_one() {
    let verbs = verbs();
    assert!(verbs.len() > 15, "{verbs:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = svclab(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        let named = |verb: &str| script.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == verb);
        assert!(verbs.iter().all(|verb| named(verb)), "{shell}: {script}");
        assert!(!named(HIDDEN[0]), "{shell}");
    }
    assert!(refused(&["completions", "tcsh"]).contains("possible values: bash, elvish, fish, powershell, zsh"));
}

#[test]
fn every_verb_has_a_man_page_and_no_hidden_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("man1");
    assert!(svclab(&["man", place.to_str().unwrap()]).status.success());
    let page = |verb: &str| fs::read_to_string(place.join(format!("svclab-{verb}.1")));
    for verb in verbs() {
        assert!(page(&verb).unwrap().contains(".SH SYNOPSIS"), "{verb}");
    }
    assert!(page("baseline-update").unwrap().contains("\\-\\-reason"));
    assert!(HIDDEN.iter().all(|verb| page(verb).is_err()));
    let main = fs::read_to_string(place.join("svclab.1")).unwrap();
    assert!(main.contains("Exit codes") && !main.contains("examine"), "{main}");
    assert!(refused(&["man", &in_file(folder.path(), "")]).contains("writing man pages to "));
}

#[test]
fn the_version_says_from_which_revision_it_was_built() {
    let version = String::from_utf8(svclab(&["--version"]).stdout).unwrap();
    let (number, revision) = version.trim_end().split_once(" (").unwrap_or((version.trim_end(), ""));
    assert_eq!(number, concat!("svclab ", env!("CARGO_PKG_VERSION")));
    // Without git there is none.
    assert!(revision.is_empty() || revision.ends_with(')') && revision.len() > 7, "{version}");
}
