//! Clusters that the user hands over, in every form, on the command line.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn question(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../kube-dump/tests/questions").join(name).to_str().unwrap().to_owned()
}

fn svclab(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svclab"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("svclab should start");
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// What it printed, and what it said, ending with `code`.
fn said(args: &[&str], stdin: &[u8], code: i32) -> (String, String) {
    let output = svclab(args, stdin);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {out}{err}");
    (out, err)
}

fn rendered(paths: &[&str], stdin: &[u8]) -> String {
    let clusters = paths.iter().flat_map(|path| ["--cluster", path]);
    let args: Vec<&str> = ["render", "--backend", "nftables"].into_iter().chain(clusters).collect();
    said(&args, stdin, 0).0
}

/// An archive of these files, compressed.
fn archive(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let path = folder.join("bundle.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    path
}

#[test]
fn a_cluster_is_the_same_from_files_folders_archives_and_standard_input() {
    let bytes = |name| fs::read(question(name)).unwrap();
    let expected = rendered(&[&question("a.yaml")], b"");
    assert!(expected.contains("10.43.7.7"), "{expected}");
    let (services, slices) = (bytes("a-services.json"), bytes("a-slices.json"));
    assert_eq!(rendered(&[&question("a-services.json"), &question("a-slices.json")], b""), expected);
    assert_eq!(rendered(&["-"], &bytes("a-cat.json")), expected);
    assert_eq!(rendered(&["-", &question("a-slices.json")], &services), expected);
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("cluster-resources/services");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("default.json"), &services).unwrap();
    fs::write(folder.path().join("slices.json"), &slices).unwrap();
    fs::write(folder.path().join("version.yaml"), "gitVersion: v1.36.0\n").unwrap();
    fs::write(folder.path().join("values.yml"), "a: [\n").unwrap();
    fs::write(folder.path().join("kubelet.log"), b"\xff\xfe").unwrap();
    let shown = folder.path().to_str().unwrap();
    assert_eq!(rendered(&[shown], b""), expected);
    let (_, err) = said(&["render", "--cluster", shown], b"", 0);
    let passed = "svclab: 1 file is passed over: what is read ends in .json, .yaml, .yml\n\
                  svclab: 1 file is no document of Kubernetes; it is passed over\n";
    assert_eq!(err, passed);
    let packed = archive(folder.path(), &[("a/services.json", &services), ("a/slices.json", &slices), ("b.log", b"x")]);
    let packed = packed.to_str().unwrap();
    assert_eq!(rendered(&[packed], b""), expected);
    assert_eq!(rendered(&["-"], &fs::read(packed).unwrap()), expected);
}

#[test]
fn what_is_no_cluster_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    let cut = folder.path().join("cut.json");
    fs::write(&cut, &fs::read(question("a-array.json")).unwrap()[..700]).unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (args, words) in [
        (vec!["render", "--cluster", "nowhere.json"], "svclab: --cluster: nowhere.json cannot be read: No such file"),
        (vec!["render", "--cluster", cut.to_str().unwrap()], "cut.json:45: it is cut off"),
        (vec!["check", "--cluster", empty.to_str().unwrap()], "/empty: no file in it ends in .json, .yaml, .yml"),
        (vec!["anonymize", "-", "-"], "standard input (-) can be read only once"),
        (vec!["check", "--cluster", "-"], "standard input: it is empty"),
    ] {
        let (out, err) = said(&args, b"", 2);
        assert!(out.is_empty() && err.contains(words), "{args:?} in {shown}: {err}");
    }
    let mut truncated = fs::read(archive(folder.path(), &[("a.json", &[b' '; 4_000])])).unwrap();
    truncated.truncate(truncated.len() - 12);
    let (_, err) = said(&["check", "--cluster", "-"], &truncated, 2);
    assert!(err.contains("--cluster: - cannot be read: "), "{err}");
}

#[test]
fn both_families_and_ipv6_alone_are_rendered_and_counted() {
    for (backend, name, address) in [
        ("iptables-legacy", "v6only.json", "fd00::2"),
        ("nftables", "v6only.json", "fd00::2"),
        ("nftables", "dual.json", "fd00::1"),
        ("nftables", "dual.json", "10.96.3.1"),
        ("iptables-legacy", "dual.json", "10.96.3.1"),
    ] {
        let (out, err) = said(&["render", "--backend", backend, "--cluster", &question(name)], b"", 0);
        assert!(out.contains(address) && err.is_empty(), "{backend} {name}: {err}{out}");
    }
    let args = ["render", "--family", "ipv6", "--cluster", &question("dual.json")];
    assert!(said(&args, b"", 0).0.contains("fd00::1"));
}

#[test]
fn a_cluster_with_nothing_the_matter_passes_the_check() {
    let (out, _) = said(&["check", "--cluster", &question("dual.json"), "--layout", "kube-proxy-1.36"], b"", 0);
    assert!(out.starts_with("1 Service, 2 ports on cluster IPs, 4 endpoints\n"), "{out}");
    assert!(out.contains("iptables 1.36: at worst ") && out.ends_with("\nnothing found\n"), "{out}");
}

#[test]
fn names_that_nft_refuses_are_found_with_the_releases_that_fail() {
    let (out, _) = said(&["check", "--cluster", &question("long-names.json")], b"", 1);
    assert!(out.contains("in a comment of 131 characters, where nft takes 128"), "{out}");
    assert!(out.contains("every Service of the node") && out.contains("nftables 1.36"), "{out}");
    let args = ["check", "--cluster", &question("long-names.json"), "--layout", "kube-proxy-1.37"];
    assert!(said(&args, b"", 0).0.contains("nothing found"));
    // Without endpoints, the comment is written.
    let services = String::from_utf8(fs::read(question("long-names.json")).unwrap()).unwrap();
    let services = services.replace("\"ready\": true, \"serving\": true", "\"ready\": false, \"serving\": false");
    let (out, _) = said(&["check", "--cluster", "-", "--format", "json"], services.as_bytes(), 1);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let first = &found["findings"][0];
    assert_eq!((&first["severity"], &first["releases"][0]), (&"refused".into(), &"nftables 1.30".into()), "{out}");
    assert_eq!(found["findings"][1]["releases"], serde_json::json!(["nftables 1.36"]), "{out}");
    assert!(first["object"].as_str().unwrap().starts_with("Service nnn"), "{out}");
}

#[test]
fn what_does_not_add_up_in_a_dump_is_found() {
    let (out, _) = said(&["check", "--cluster", &question("dangling.json"), "--layout", "kube-proxy-1.36"], b"", 1);
    assert!(out.contains("\nIn the dump\n  Service d/a: no EndpointSlices of it"), "{out}");
    let (out, _) = said(&["check", "--cluster", &question("dupip.json"), "--layout", "kube-proxy-1.36"], b"", 1);
    assert!(
        out.contains("unknown endpoints") && out.contains("Service d/b: cluster IP 10.96.3.3 is Service d/a's"),
        "{out}"
    );
}

#[test]
fn two_services_of_one_address_are_found_with_what_nft_does() {
    let (out, _) = said(&["check", "--cluster", &question("dupip.json"), "--layout", "kube-proxy-1.30"], b"", 1);
    assert!(
        out.contains("Refused, and with it every Service of the node (nftables 1.30)\n  Service d/b: tcp"),
        "{out}"
    );
    let (out, _) = said(&["check", "--cluster", &question("dupip.json"), "--layout", "kube-proxy-1.36"], b"", 1);
    assert!(out.contains("kube-proxy gives it to the one that it comes to last") && !out.contains("Refused"), "{out}");
}

/// The gallery's timed run, with the cold starts of iptables-nft `factor` times as long.
fn slower(folder: &Path, factor: f64) -> String {
    let run = fs::read_to_string("../reports/examples/host/run.jsonl").unwrap();
    let line = |line: &str| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let backend = &record["cell"]["variant"]["backend"];
        if record["metric"] == "sync_full" && backend == "iptables-nft" {
            for sample in record["samples"].as_array_mut().unwrap() {
                *sample = (sample.as_f64().unwrap() * factor).into();
            }
        }
        format!("{record}\n")
    };
    let file = folder.join("run.jsonl");
    fs::write(&file, run.lines().map(line).collect::<String>()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_long_cold_start_is_found_by_the_law_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = shaped(5_000, 1);
    let check = |run: &str, code| said(&["check", "--cluster", "-", "--run", run], cluster.as_bytes(), code);
    let (out, _) = check(&slower(folder.path(), 100.0), 1);
    let found = "the cluster: a cold start in iptables-nft, kube-proxy-1.36, takes longer than a minute by the law";
    assert!(out.contains(found) && !out.contains("a cold start in iptables-legacy"), "{out}");
    assert!(out.contains("\ncold start in iptables-legacy, kube-proxy-1.36: "), "{out}");
    let (out, _) = check(&slower(folder.path(), 1.0), 1);
    assert!(!out.contains("a cold start in iptables-nft"), "{out}");
    let (_, err) = check("../reports/examples/exact", 2);
    assert!(err.contains("counted instructions, which are no time; give one of --target host"), "{err}");
}

#[test]
fn a_mix_beside_a_cluster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    fs::write(&file, format!("name: mine\nquestion: What?\ncluster: {}\n", question("dual.json"))).unwrap();
    let (_, err) = said(&["plan", file.to_str().unwrap(), "--mix", "realistic"], b"", 2);
    assert!(err.contains("--mix realistic: mine measures a cluster of its own"), "{err}");
}

/// A cluster of `count` Services of one endpoint, and one of `most` endpoints.
fn shaped(count: usize, most: usize) -> String {
    let service = |name: &str, ip: usize| {
        format!(
            r#"{{"kind":"Service","metadata":{{"name":"{name}"}},"spec":{{"clusterIP":"10.96.{}.{}","ports":[{{"port":80}}]}}}}"#,
            ip / 250,
            ip % 250 + 1
        )
    };
    let slice = |name: &str, first: usize, count: usize| {
        let endpoints: Vec<String> = (first..first + count)
            .map(|place| {
                format!(r#"{{"addresses":["10.1{}.{}.{}"]}}"#, place / 62_500, place / 250 % 250, place % 250 + 1)
            })
            .collect();
        format!(
            r#"{{"kind":"EndpointSlice","metadata":{{"name":"{name}","labels":{{"kubernetes.io/service-name":"{name}"}}}},
            "addressType":"IPv4","ports":[{{"port":80}}],"endpoints":[{}]}}"#,
            endpoints.join(",")
        )
    };
    let mut objects = vec![service("large", 0), slice("large", 0, most)];
    for number in 1..=count {
        let name = format!("small-{number}");
        objects.push(service(&name, number));
        objects.push(slice(&name, most + number, 1));
    }
    objects.join("\n")
}

#[test]
fn a_large_cluster_and_a_service_that_outweighs_the_others_are_found_with_their_numbers() {
    let cluster = shaped(1_200, 2_000);
    let args = ["check", "--cluster", "-", "--format", "json", "--layout", "kube-proxy-1.36"];
    let found: serde_json::Value = serde_json::from_str(&said(&args, cluster.as_bytes(), 1).0).unwrap();
    let number = |object: &str, words: &str| {
        let findings = found["findings"].as_array().unwrap();
        let is_it = |finding: &&serde_json::Value| {
            finding["object"] == object && finding["what"].as_str().unwrap().contains(words)
        };
        findings.iter().find(is_it).unwrap_or_else(|| panic!("{object} {words}: {found:#}"))["number"].clone()
    };
    assert_eq!(number("the cluster", "takes it for large"), 3_200);
    assert_eq!(number("Service default/large", "of the cluster's 3,200 endpoints"), 2_000);
    // 1,201 rules of Services, 1 that marks and 2,000 that pick, and 2 of the last endpoint.
    assert_eq!(number("Service default/large", "rules are tried"), 3_204);
    assert_eq!(found["rules_tried"][0]["dispatch"], 1_201);
    assert_eq!(found["endpoints"], 3_200);
}

#[test]
fn an_anonymous_cluster_is_a_dump_that_programs_as_much() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("anonymous.json");
    let out = out.to_str().unwrap();
    let (printed, err) =
        said(&["anonymize", &question("a-services.json"), &question("a-slices.json"), "--out", out], b"", 0);
    assert!(printed.is_empty() && err.is_empty(), "{err}");
    let text = fs::read_to_string(out).unwrap();
    assert!(!["kube-dns", "10.43.0.10", "\"web\"", "n1"].iter().any(|name| text.contains(name)), "{text}");
    let lines = |path: &str| rendered(&[path], b"").lines().count();
    assert_eq!(lines(out), lines(&question("a.yaml")));
    let (again, _) = said(&["anonymize", "-"], text.as_bytes(), 0);
    assert_ne!(again, text);
    assert_eq!(again.lines().count(), text.lines().count());
}
