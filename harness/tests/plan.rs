//! `svclab plan` on questions that were answered wrongly: the kernel, the target, what goes over its budget.

use std::path::Path;
use std::process::Command;

/// What `plan` prints on a question, with an empty cache.
fn plan(question: &str, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/questions").join(question);
    let mut svclab = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = svclab
        .arg("plan")
        .arg(file)
        .arg("--cells")
        .args(arguments)
        .env("XDG_CACHE_HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is fetched for a plan");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_plan_names_the_kernel_and_that_it_must_be_fetched() {
    let said = plan("two-kernels.yaml", &["--kernel", "debian-13"]);
    assert!(said.contains("\nkernel debian-13, which is not in the cache: a run fetches it first"), "{said}");
    let said = plan("two-kernels.yaml", &["--target", "host"]);
    assert!(!said.contains("\nkernel "), "{said}");
}

#[test]
fn kernels_are_compared_side_by_side_and_each_is_named() {
    let said = plan("two-kernels.yaml", &["--kernel", "debian-12", "--kernel", "debian-13"]);
    for kernel in ["debian-12", "debian-13"] {
        assert!(
            said.contains(&format!("\nkernel {kernel}, which is not in the cache: a run fetches it first")),
            "{said}"
        );
        let rows = said.lines().filter(|line| line.ends_with(&format!("  on {kernel}"))).count();
        assert_eq!(2 * rows, said.lines().filter(|line| line.contains("  on debian-1")).count(), "{said}");
    }
}

#[test]
fn what_is_no_kernel_and_no_tools_is_refused_by_plan_and_scenario_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pinned.yaml");
    let ended = |verb: &str, keys: &str, options: &[&str]| {
        std::fs::write(&file, format!("name: pinned\nquestion: Which?\nservices: [1]\n{keys}\n")).unwrap();
        let mut svclab = Command::new(env!("CARGO_BIN_EXE_svclab"));
        let output = svclab.current_dir(folder.path()).arg(verb).arg(&file).args(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!folder.path().join("runs").exists());
        said
    };
    for verb in ["plan", "scenario"] {
        let unknown = "svclab: unknown kernel \"debian-14\"; known: debian-12";
        assert!(ended(verb, "target: exact", &["--kernel", "debian-14"]).starts_with(unknown));
        assert!(ended(verb, "kernel: debian-14", &[]).starts_with(unknown));
        assert!(ended(verb, "kernels: [debian-12, debian-14]", &[]).starts_with(unknown));
        assert!(ended(verb, "tools: debian-14", &[]).starts_with("svclab: unknown tools \"debian-14\""));
        let host = ended(verb, "kernels: [debian-12, debian-13]", &["--target", "host"]);
        assert!(
            host.contains("runs on this machine's kernel, not on debian-12, debian-13; a kernel is chosen with "),
            "{host}"
        );
    }
}

/// A scenario takes the same target: one function chooses for both.
#[test]
fn a_plan_does_not_promise_a_vm_whose_kvm_was_never_tried() {
    let said = plan("kvm.yaml", &[]);
    assert!(said.contains("\ntarget exact,") || said.contains("\ntarget host,"), "{said}");
}

/// How many of the plan's lines say that `what` goes over its budget.
fn over_budget(plan: &str, what: &[&str]) -> usize {
    let is = |line: &&str| line.contains("over budget") && what.iter().all(|what| line.contains(what));
    plan.lines().filter(is).count()
}

#[test]
fn a_load_that_grows_with_the_square_of_its_rules_is_foretold_to_go_over_its_budget() {
    let said = plan("large-services.yaml", &[]);
    // 50 Services may, 100 will.
    assert_eq!(over_budget(&said, &["iptables-nft", "sync_full"]), 2, "{said}");
    assert!(
        said.contains("\n1 cell will go over the budget") && said.contains("\n1 cell may go over the budget"),
        "{said}"
    );
    assert_eq!(over_budget(&said, &["iptables-legacy"]), 0, "{said}");
}

#[test]
fn rows_of_a_plan_differ_by_what_runs_beside_and_have_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.yaml");
    let yaml = "name: rows\nquestion: Which row is which?\ntarget: host\nservices: [4]\nbackends: [nftables]\n\
                way: [pieces-1000]\nprobes: [sync_full]\nactivity: [none, {memory-limit: 64}]\n";
    std::fs::write(&file, yaml).unwrap();
    let said = plan(file.to_str().unwrap(), &[]);
    let rows: Vec<&str> = said.lines().filter(|line| line.contains("sync_full")).collect();
    assert_eq!(rows.len(), 2, "{said}");
    assert!(rows.iter().all(|row| row.contains("pieces-1000  sync_full")), "{said}");
    assert!(rows[1].contains("  beside ") && rows[1].starts_with(rows[0]), "{said}");
}

#[test]
fn what_is_no_kube_proxy_is_told_so_with_its_own_words() {
    let mut svclab = Command::new(env!("CARGO_BIN_EXE_svclab"));
    let output = svclab.args(["plan", "smoke", "--kube-proxy", "old=/bin/cat"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("it is no kube-proxy: asked for --version, it answered \"cat (GNU"), "{said}");
}
