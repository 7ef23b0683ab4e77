//! `svclab api`: what it serves, and what it says when it cannot.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

fn svclab(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svclab"));
    command.arg("api").args(args).stdin(Stdio::null());
    command
}

fn refused(args: &[&str], code: i32) -> String {
    let Output { status, stderr, .. } = svclab(args).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{said}");
    said
}

/// A server that runs, and the address that it printed.
struct Running(Child, String);

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = svclab(args);
        let mut child = command.args(["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self(child, address)
    }

    fn get(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it as Ctrl-C does, and returns what it said.
    fn end(mut self) -> String {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

#[test]
fn a_generated_cluster_is_served_until_ctrl_c() {
    let server = Running::start(&["--services", "3", "--mix", "node-port"]);
    let services = server.get("/api/v1/services");
    assert!(services.contains("svc-00003") && services.contains("\"nodePort\":30000"), "{services}");
    assert!(server.get("/api/v1/pods").starts_with("HTTP/1.1 404 "));
    let said = server.end();
    assert!(said.contains("svclab: 3 Services on node node; end it with Ctrl-C\n"), "{said}");
    assert!(said.contains("svclab: answered 2 requests, 1 of them refused\n"), "{said}");
    assert!(said.contains("404 of GET /api/v1/pods: "), "{said}");
}

#[test]
fn a_cluster_of_ones_own_is_served_as_a_node_of_it_sees_it() {
    let file = format!("{}/../ci/fidelity/reference/clusters/mix-3.json", env!("CARGO_MANIFEST_DIR"));
    let server = Running::start(&["--cluster", &file, "--node", "node-a", "--list-first"]);
    assert!(server.get("/api/v1/nodes/node-a").starts_with("HTTP/1.1 200 "));
    let watch = "/api/v1/services?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    assert!(server.get(watch).starts_with("HTTP/1.1 422 "));
    assert!(server.end().contains(" on node node-a;"));
}

#[test]
fn what_cannot_be_served_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refused(&["--services", "1", "--port", &port], 3);
    assert!(said.contains(&format!("--port {port}: another program has port {port} of 127.0.0.1; choose")), "{said}");
    let said = refused(&["--services", "1", "--mix", "realistisch"], 2);
    assert!(
        said.contains("--mix: unknown mix \"realistisch\"") && said.contains("did you mean \"realistic\"?"),
        "{said}"
    );
    assert!(refused(&["--services", "4000000000"], 2).contains("--services: "));
    assert!(refused(&["--cluster", "no-such-file.json"], 2).contains("no-such-file.json cannot be read"));
    refused(&[], 2);
    for clash in [["--services", "1", "--node", "a"], ["--cluster", "x.json", "--mix", "mixed"]] {
        assert!(refused(&clash, 2).contains("cannot be used with"));
    }
}
