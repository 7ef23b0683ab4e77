//! What the kernel's trace of nftables says of a packet: `meta nftrace` and `nft monitor trace`.

use super::met::{Met, rule_of};
use crate::lab::Lab;
use crate::tool;
use anyhow::{Context, Result, bail};
use lab_core::node::{Families, NodeState};
use lab_core::vocabulary::Origin;
use netns_topology::Namespace;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A table of its own, which has every packet traced.
const WATCH: &str = "add table inet watch
add chain inet watch in { type filter hook prerouting priority -350; }
add chain inet watch out { type filter hook output priority -350; }
add rule inet watch in meta nftrace set 1
add rule inet watch out meta nftrace set 1";
/// How long the trace may take to say what happened.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two markers, while it starts.
const PAUSE: Duration = Duration::from_millis(50);
/// Markers are datagrams from the node to itself, each to a port of its own.
const FIRST_MARKER: u16 = 50_000;

/// A running trace. Dropping it ends it.
pub(super) struct Trace<'a> {
    node: &'a Namespace,
    monitor: Child,
    lines: Receiver<String>,
    marker: u16,
}

impl<'a> Trace<'a> {
    pub(super) fn begin(lab: &'a Lab) -> Result<Self> {
        let node = lab.origin(Origin::Node)?;
        tool::output(node, "nft", &[WATCH])?;
        let mut monitor =
            node.visit(|| tool::command("nft", &["monitor", "trace"]).spawn()).context("start nft monitor")?;
        let printed = BufReader::new(monitor.stdout.take().context("it is piped")?);
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || printed.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let mut trace = Self { node, monitor, lines, marker: FIRST_MARKER };
        let begun = Instant::now();
        while trace.until_marker(PAUSE)?.is_none() {
            if begun.elapsed() > PATIENCE {
                bail!("nft monitor trace said nothing for {PATIENCE:?}");
            }
        }
        Ok(trace)
    }

    /// Does `job`, and says which rules of `state` packets met in its course.
    pub(super) fn during<T>(
        &mut self,
        state: &NodeState,
        job: impl FnOnce() -> Result<T>,
    ) -> Result<(T, BTreeSet<Met>)> {
        // What is left of earlier packets.
        self.until_marker(PATIENCE)?;
        let done = job()?;
        let lines = self.until_marker(PATIENCE)?.context("nft monitor trace fell silent")?;
        Ok((done, met(state, &lines)?))
    }

    /// The lines up to those of a marker that is sent now; `None` if they do not come within `patience`.
    fn until_marker(&mut self, patience: Duration) -> Result<Option<Vec<String>>> {
        self.marker += 1;
        let marker = self.marker;
        self.node.visit(|| UdpSocket::bind("127.0.0.1:0")?.send_to(b"!", ("127.0.0.1", marker)))?;
        let (sign, begun) = (format!(" udp dport {marker} "), Instant::now());
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(line) if line.contains(&sign) => return Ok(Some(lines)),
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => bail!("nft monitor trace ended"),
            }
        }
    }
}

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
        let _ = tool::output(self.node, "nft", &["delete", "table", "inet", "watch"]);
    }
}

/// The rules that `lines` name, those of markers left out:
/// `trace id 3b1dbd35 ip kube-proxy services rule jump cluster-ips-check (verdict jump cluster-ips-check)`.
fn met(state: &NodeState, lines: &[String]) -> Result<BTreeSet<Met>> {
    let id = |line: &str| line.split(' ').nth(2).map(str::to_owned);
    let markers: BTreeSet<_> =
        lines.iter().filter(|line| line.contains("daddr 127.0.0.1 ")).map(|line| id(line)).collect();
    let mut met = BTreeSet::new();
    for line in lines.iter().filter(|line| !markers.contains(&id(line))) {
        let words: Vec<&str> = line.splitn(8, ' ').collect();
        let ["trace", "id", _, family, table, chain, "rule", rest] = words[..] else { continue };
        let families = match family {
            "ip" => Families::V4,
            "ip6" => Families::V6,
            _ => continue,
        };
        let text = rest.rsplit_once(" (verdict ").map_or(rest, |(text, _)| text);
        let tables = state.tables.iter().filter(|other| other.families == families && &*other.name == table);
        let held = tables.filter_map(|table| Some((table, table.chain(chain)?))).next();
        let (table, chain) = held.with_context(|| format!("the listing does not have the chain of {line:?}"))?;
        let place = chain.rules.iter().position(|rule| &*rule.text == text);
        met.insert(rule_of(table, chain, place.with_context(|| format!("the listing does not have {line:?}"))?));
    }
    Ok(met)
}
