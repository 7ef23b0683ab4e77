//! `svclab explain` on the command line: listings in every form, targets, and what is wrong with them.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A capture of a real kube-proxy's node.
fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/fidelity/reference").join(name)
}

/// The listing of a production node.
fn seed() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ruleset/tests/listing/node/testsvc-v1.12-nL.txt");
    path.to_str().unwrap().to_owned()
}

/// What it printed, and what it said, ending with `code`.
fn said(args: &[&str], stdin: &[u8], code: i32) -> (String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svclab"))
        .arg("explain")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("svclab should start");
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {out}{err}");
    (out, err)
}

fn json(args: &[&str], stdin: &[u8]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&said(&args, stdin, 0).0).unwrap()
}

/// The endpoints of the first way, each with its probability.
fn endpoints(answer: &Value) -> Vec<(String, f64)> {
    let outcomes = answer["ways"][0]["outcomes"].as_array().unwrap();
    let endpoint =
        |one: &Value| (one["destination"].as_str().unwrap().to_owned(), one["probability"].as_f64().unwrap());
    outcomes
        .iter()
        .filter(|one| one["rewritten"] == true && one["assuming"] == Value::Array(Vec::new()))
        .map(endpoint)
        .collect()
}

#[test]
fn standard_input_a_file_a_folder_and_an_archive_are_one_node() {
    let saved = capture("kube-proxy-1.30.5/ipvs-legacy/mix-3");
    let folder = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut all = String::new();
    for name in ["iptables-save", "ipset-save", "ipvsadm-save", "ip-addr-kube-ipvs0"] {
        let text = fs::read_to_string(saved.join(format!("{name}.txt"))).unwrap();
        fs::write(folder.path().join(format!("{name}.txt")), &text).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("node/{name}.txt"), text.as_bytes()).unwrap();
        all += &text;
    }
    fs::write(folder.path().join("unrelated.bin"), [0; 100]).unwrap();
    let packed = folder.path().join("bundle.tar.gz");
    fs::write(&packed, archive.into_inner().unwrap().finish().unwrap()).unwrap();
    let target = "10.96.0.13:9090/tcp";
    let expected = [("10.244.0.5:8080".to_owned(), 0.5), ("10.244.0.6:8080".to_owned(), 0.5)];
    assert_eq!(endpoints(&json(&["-", target], all.as_bytes())), expected);
    assert_eq!(endpoints(&json(&[packed.to_str().unwrap(), target], b"")), expected);
    fs::remove_file(&packed).unwrap();
    assert_eq!(endpoints(&json(&[folder.path().to_str().unwrap(), target], b"")), expected);
    let files: Vec<String> = ["iptables-save", "ipset-save", "ipvsadm-save", "ip-addr-kube-ipvs0"]
        .map(|name| saved.join(format!("{name}.txt")).to_str().unwrap().to_owned())
        .to_vec();
    let args: Vec<&str> = files.iter().map(String::as_str).chain(["--to", target]).collect();
    assert_eq!(endpoints(&json(&args, b"")), expected);
}

#[test]
fn the_seed_example_is_answered_in_every_format() {
    let (text, _) = said(&[&seed(), "default/testsvc", "--width", "140"], b"", 0);
    assert!(text.contains("1/7") && text.contains("172.31.9.52:80"), "{text}");
    assert!(said(&[&seed(), "default/testsvc", "--format", "mermaid"], b"", 0).0.starts_with("flowchart TD\n"));
    assert!(said(&[&seed(), "default/testsvc", "--format", "html"], b"", 0).0.contains("<svg"));
    let answer = json(&[&seed(), "default/testsvc", "--from", "outside"], b"");
    let source = &answer["ways"][0]["outcomes"][0]["source"]["is"];
    assert_eq!(source, "node", "from outside the pods' range it is masqueraded");
    assert_eq!(
        json(&[&seed(), "default/testsvc", "--from", "pod"], b"")["ways"][0]["outcomes"][0]["source"]["is"],
        "kept"
    );
}

#[test]
fn what_does_not_apply_is_listed_when_asked_for() {
    let count = |args: &[&str]| said(args, b"", 0).0.matches("does not apply").count();
    assert_eq!(count(&[&seed(), "172.30.5.207:443", "--from", "pod"]), 0);
    assert!(count(&[&seed(), "172.30.5.207:443", "--from", "pod", "--show-all"]) >= 1);
}

#[test]
fn what_the_lab_would_install_is_explained_in_each_backend() {
    for backend in ["iptables-legacy", "iptables-nft", "ipvs", "nftables"] {
        let answer =
            json(&["--backend", backend, "--services", "5", "--mix", "uniform", "default/svc-00003:http"], b"");
        let found = endpoints(&answer);
        assert_eq!(found.len(), 3, "{backend}: {answer}");
        assert!(found.iter().all(|(_, probability)| (probability - 1.0 / 3.0).abs() < 1e-6), "{backend}: {found:?}");
    }
}

#[test]
fn two_nodes_are_compared_by_what_packets_meet() {
    let folder = capture("kube-proxy-1.36.3/iptables-legacy/mix-3");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (before, after) = (file("iptables-save.txt"), file("iptables-save-add-service.txt"));
    let (text, _) = said(&["--diff", &before, &after], b"", 1);
    assert!(text.contains("default/zz-added:http"), "{text}");
    // The order of Services is another one, and the variant of iptables.
    let nft = capture("kube-proxy-1.36.3/iptables-nft/mix-3/iptables-save.txt");
    said(&["--diff", &before, nft.to_str().unwrap()], b"", 0);
    let (text, _) =
        said(&["--diff", &file("iptables-save-add-endpoint.txt"), &file("iptables-save-remove-endpoint.txt")], b"", 1);
    assert!(text.contains("10.244.250.1:8080"), "{text}");
}

#[test]
fn bad_input_is_said_and_what_comes_near() {
    let cases: [(&[&str], &[u8], &str); 9] = [
        (&[], b"", "there is nothing to read"),
        (&["no-such-file"], b"", "there is no file \"no-such-file\""),
        (&["no-such/file.txt"], b"", "there is no file \"no-such/file.txt\""),
        (&["-", "10.96.0.1:80"], b"", "no listing of rules"),
        (&["-", "10.96.0.1:80"], b"\x7fELF\x00\x01\x02\x1b[31m", "no listing of rules"),
        (
            &["-", "default/testsv"],
            include_bytes!("../../ruleset/tests/listing/node/testsvc-v1.12-nL.txt"),
            "default/testsvc",
        ),
        (&["-", "172.30.5.207"], b"*nat\n:PREROUTING ACCEPT\nCOMMIT\n", "172.30.5.207 is in none of the rules"),
        (&["--backend", "direct", "1.2.3.4:80"], b"", "it installs nothing"),
        (&["-", "--from", "mars"], b"", "none of pod, node, outside"),
    ];
    for (args, stdin, expected) in cases {
        let (out, err) = said(args, stdin, 2);
        assert!(err.contains(expected) && out.is_empty(), "{args:?}: {err}");
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
    // A Service with several ports: they are listed.
    let capture = capture("kube-proxy-1.36.3/nftables/mix-3/nft-ruleset.txt");
    let (_, err) = said(&[capture.to_str().unwrap(), "gateway-stage/login-web-rq68"], b"", 2);
    assert!(err.contains("login-web-rq68:p1") && err.contains("login-web-rq68:p2"), "{err}");
}

#[test]
fn chains_that_lead_back_and_what_is_cut_off_are_said() {
    let loops = "*nat\n:PREROUTING ACCEPT\n:A -\n:B -\n-A PREROUTING -j A\n-A A -j B\n-A B -j A\nCOMMIT\n";
    let (text, _) = said(&["-", "10.96.0.1:80", "--from", "pod"], loops.as_bytes(), 0);
    assert!(text.contains("leads back to itself"), "{text}");
    let cut = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -j KUBE-SERVICES\n-A KUBE-SERVICES -d 10.96.0.1/32 -p tc";
    let (text, _) = said(&["-", "10.96.0.1:80", "--from", "pod"], cut.as_bytes(), 0);
    assert!(!text.is_empty());
}

#[test]
fn an_excerpt_without_base_chains_is_walked_as_kube_proxy_has_it_called() {
    let save = fs::read_to_string(capture("kube-proxy-1.36.3/iptables-nft/mix-3/iptables-save.txt")).unwrap();
    let lines = |part: &str| {
        save.lines().filter(|line| line.contains(part)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let pasted = lines("metrics-checkout");
    let answer = json(&["-", "10.96.0.13:9090", "--from", "pod"], pasted.as_bytes());
    let found: Vec<String> = endpoints(&answer).into_iter().map(|(endpoint, _)| endpoint).collect();
    assert_eq!(found, ["10.244.0.5:8080", "10.244.0.6:8080"]);
    assert_eq!(answer["ways"][0]["uncertain"], true);
    // Another family's rules say nothing of it.
    let other = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -d fd00::1/128 -j ACCEPT\nCOMMIT\n";
    assert_eq!(json(&["-", "10.96.0.13:9090", "--from", "pod"], other.as_bytes())["ways"][0]["uncertain"], true);
}

#[test]
fn chains_that_multiply_end_in_time() {
    let mut save = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -j C0\n".to_owned();
    for chain in 0..40 {
        save += &format!(":C{chain} -\n");
    }
    for chain in 0..39 {
        save += &format!("-A C{chain} -j C{}\n-A C{chain} -j C{}\n", chain + 1, chain + 1);
    }
    save += "COMMIT\n";
    let (text, _) = said(&["-", "10.96.0.1:80", "--from", "pod"], save.as_bytes(), 0);
    assert!(text.contains("the walk was ended"), "{text}");
}

#[test]
fn a_difference_is_seen_by_whom_it_concerns() {
    let save = capture("kube-proxy-1.36.3/iptables-nft/mix-3/iptables-save.txt");
    let text = fs::read_to_string(&save).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            "a hairpin's masquerading",
            text.lines().filter(|line| !line.contains("-s 10.244.0.5/32")).collect::<Vec<_>>().join("\n"),
        ),
        (
            "the node's own traffic",
            text.lines().filter(|line| !line.contains("masquerade LOCAL")).collect::<Vec<_>>().join("\n"),
        ),
        ("the pods' range", text.replace("-s 10.244.0.0/16", "-s 10.244.0.0/17")),
    ];
    for (what, changed) in cases {
        let file = folder.path().join("changed.txt");
        fs::write(&file, changed).unwrap();
        let (out, _) = said(&["--diff", save.to_str().unwrap(), file.to_str().unwrap()], b"", 1);
        assert!(out.contains("difference"), "{what}: {out}");
    }
}
