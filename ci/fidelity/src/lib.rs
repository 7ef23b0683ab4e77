//! Captures of real kube-proxy binaries, read for the tests that compare the layouts with them.
//!
//! `reference/kube-proxy-VERSION/MODE/CLUSTER/` is what that binary installed for `reference/clusters/CLUSTER.json` on a
//! node `node-a` with the address 10.11.0.1, and how it called the tools. The state was saved five times: at first, and
//! after each of four changes to a Service `default/zz-added`.

use ipnet::IpNet;
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Endpoint, Node, Place, Port, Service};
use lab_core::proxy_config::ProxyConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The states of a capture, as its files name them: what follows the first one is a suffix.
pub const STATES: [&str; 5] = ["", "-add-service", "-add-endpoint", "-remove-endpoint", "-delete-service"];

/// One capture: a binary in a mode, with a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    folder: PathBuf,
    /// The cluster's name.
    pub cluster: &'static str,
}

/// One call that read standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tool, such as `iptables-restore`.
    pub tool: String,
    /// Its arguments.
    pub args: String,
    /// What it read.
    pub stdin: String,
}

/// One line of the timeline of all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its number among the calls that read standard input, if it did.
    pub call: Option<usize>,
    /// Its exit status.
    pub status: i32,
    /// The tool and its arguments. Long ones are cut off.
    pub command: String,
}

impl Capture {
    /// The one of `kube-proxy-VERSION` in `mode` with `cluster`.
    #[must_use]
    pub fn of(version: &str, mode: &str, cluster: &'static str) -> Self {
        let folder = reference().join(format!("kube-proxy-{version}")).join(mode).join(cluster);
        assert!(folder.is_dir(), "there is no capture in {}", folder.display());
        Self { folder, cluster }
    }

    /// A saved file: `iptables-save` with the suffix of a state, for example.
    #[must_use]
    pub fn saved(&self, name: &str, state: &str) -> String {
        read(&self.folder.join(format!("{name}{state}.txt")))
    }

    /// Whether that file was saved: older binaries program one family.
    #[must_use]
    pub fn has(&self, name: &str, state: &str) -> bool {
        self.folder.join(format!("{name}{state}.txt")).is_file()
    }

    /// The calls that read standard input, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let folder = self.folder.join("calls");
        let names =
            std::fs::read_dir(&folder).expect("a capture has calls").map(|entry| entry.expect("it is read").path());
        let mut inputs: Vec<PathBuf> = names.filter(|path| path.extension().is_some_and(|end| end == "in")).collect();
        inputs.sort_unstable();
        let call = |path: &PathBuf| {
            let stem = path.file_stem().expect("it has a name").to_string_lossy();
            let (_, tool) = stem.split_once('-').expect("its number comes first");
            let args = read(&path.with_extension("argv")).trim_end().to_owned();
            Call { tool: tool.to_owned(), args, stdin: read(path) }
        };
        inputs.iter().map(call).collect()
    }

    /// Every process that kube-proxy started, in order. Only captures of 1.36.3 have it.
    #[must_use]
    pub fn started(&self) -> Vec<Started> {
        let text = read(&self.folder.join("tool-calls.tsv"));
        let line = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            let command = fields[4..].join(" ");
            Started { call: fields[1].parse().ok(), status: fields[2].parse().unwrap_or(-1), command }
        };
        text.lines().map(line).collect()
    }

    /// The cluster in each of the five states.
    #[must_use]
    pub fn states(&self) -> [Arc<Cluster>; 5] {
        let own = self.folder.join("cluster.json");
        let path = if own.is_file() { own } else { reference().join(format!("clusters/{}.json", self.cluster)) };
        let dump = kube_dump::Dump::read(&[kube_dump::Input::named("cluster.json", read(&path))])
            .expect("a captured cluster can be read");
        let plain = Cluster { node: node(), ..dump.cluster };
        let with = |endpoints: &[&str]| {
            let mut cluster = plain.clone();
            cluster.services.push(Arc::new(added(endpoints)));
            Arc::new(cluster)
        };
        let (first, second, third) = ("10.244.250.1", "10.244.250.2", "10.244.250.3");
        [
            Arc::new(plain.clone()),
            with(&[first, second]),
            with(&[first, second, third]),
            with(&[second, third]),
            Arc::new(plain.clone()),
        ]
    }

    /// The four changes.
    #[must_use]
    pub fn changes(&self) -> [Change; 4] {
        let states = self.states();
        [0, 1, 2, 3].map(|place| Change { before: Arc::clone(&states[place]), after: Arc::clone(&states[place + 1]) })
    }
}

/// kube-proxy's settings in every capture.
#[must_use]
pub fn config() -> ProxyConfig {
    let pods: IpNet = "10.244.0.0/16".parse().expect("it is a network");
    ProxyConfig { cluster_cidrs: vec![pods], ..ProxyConfig::default() }
}

/// The node of every capture.
#[must_use]
pub fn node() -> Node {
    Node { name: "node-a".to_owned(), addresses: vec![[10, 11, 0, 1].into()], zone: String::new() }
}

/// The Service that the changes add, with these endpoints.
fn added(endpoints: &[&str]) -> Service {
    let place = Arc::new(Place { node: "node-b".to_owned(), ..Place::default() });
    let endpoint = |address: &&str| {
        let socket = format!("{address}:8080").parse().expect("it is an address and a port");
        Endpoint { place: Some(Arc::clone(&place)), ..Endpoint::ready(socket) }
    };
    let port = Port {
        name: "http".to_owned(),
        number: 80,
        endpoints: endpoints.iter().map(endpoint).collect(),
        ..Port::default()
    };
    Service {
        namespace: "default".to_owned(),
        name: "zz-added".to_owned(),
        cluster_ips: [[10, 111, 222, 1].into()].into_iter().collect(),
        ports: vec![port],
        ..Service::default()
    }
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
