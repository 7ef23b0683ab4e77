//! Cluster IPs as a node's own addresses, in four ways, and what a neighbour is answered.

use super::{WIRE, neighbour};
use crate::cell_error::CellError;
use crate::meter;
use crate::process::clock;
use crate::tool::place::within;
use anyhow::Context;
use guests::mark::{self, Account, Accounts};
use lab_core::cluster::{CLIENT_ADDRESS, Cluster, Family, NODE_ADDRESS, SERVICE_RANGE};
use netns_topology::{Delivery, Node, Wiring};
use nix::errno::Errno;
use node_netlink::{Binder, SocketError};
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// The dummy device, as kube-proxy calls its own.
const DUMMY: &str = "kube-ipvs0";
/// How often one address more is bound, and taken away.
const MORE: usize = 5;
/// How long to wait at most until the machine is quiet.
const SETTLE: Duration = Duration::from_millis(300);

/// A way to make cluster IPs a node's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Addresses of a dummy device.
    Dummy,
    /// Addresses of the device that the neighbours are on.
    Alias,
    /// A local route for each.
    Routes,
    /// One local route for the whole range.
    Range,
}

/// What a binding cost, and how the node answered with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) all: Duration,
    pub(crate) accounts: Option<Accounts>,
    /// One address more, several times; never where there is nothing to do for it.
    pub(crate) more: Vec<Duration>,
    pub(crate) unbind: Duration,
    /// Bytes in the kernel; less than nothing where other work gave some back.
    pub(crate) memory: i64,
    pub(crate) answers: Answers,
}

/// Of the first and the last cluster IP, how many are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Answers {
    pub(crate) arp: u32,
    /// With what kube-proxy's `strictARP` sets.
    pub(crate) arp_strict: u32,
    pub(crate) ping: u32,
    /// Of one address of the range that no Service has.
    pub(crate) stray: u32,
}

/// Binds the cluster IPs of `cluster` on a node of its own.
///
/// # Errors
/// `Skipped` if the kernel has no dummy device, `OverBudget` after `limit`, `Failed` if an address that was bound does not
/// answer.
pub(super) fn bind(binding: Binding, cluster: &Cluster, limit: Duration) -> Result<Bound, CellError> {
    let addresses = cluster_ips(cluster);
    let wiring = Wiring {
        node: NODE_ADDRESS.into(),
        client: CLIENT_ADDRESS.into(),
        servers: Vec::new(),
        outside: None,
        delivery: Delivery::Rewritten,
    };
    let node = Node::build(&wiring).context("building a node with one neighbour")?;
    let neighbour = &node.client().expect("it is built with one").namespace;
    let stray = SERVICE_RANGE.hosts().last().expect("the range has hosts");
    meter::settle(SETTLE)?;
    let before = meter::kernel_memory()?;
    let mut bound = within(&node, || -> Result<Bound, CellError> {
        let mut binder = Binder::open().context("asking the kernel")?;
        if binding == Binding::Dummy {
            binder.make_dummy(DUMMY).map_err(no_dummy)?;
        }
        let account = Account::open();
        let all = each(&mut binder, binding, &addresses, true, limit)?;
        let accounts = Some(account.took(all));
        let mut more = Vec::new();
        while binding != Binding::Range && more.len() < MORE {
            more.push(each(&mut binder, binding, &[stray], true, limit)?);
            each(&mut binder, binding, &[stray], false, limit)?;
        }
        Ok(Bound { all, accounts, more, unbind: Duration::ZERO, memory: 0, answers: Answers::default() })
    })?;
    bound.memory = meter::kernel_memory()? - before;
    let ends: BTreeSet<Ipv4Addr> = addresses.first().into_iter().chain(addresses.last()).copied().collect();
    let answered = |ask: fn(Ipv4Addr) -> anyhow::Result<bool>| -> Result<u32, CellError> {
        let asked = ends.iter().map(|&address| within(neighbour, || ask(address)));
        let answers: Vec<bool> = asked.collect::<anyhow::Result<_>>()?;
        Ok(answers.into_iter().map(u32::from).sum())
    };
    let ping = answered(neighbour::answers_ping)?;
    if ping < ends.len() as u32 {
        return Err(CellError::Failed(format!("of {} bound addresses only {ping} answer a ping", ends.len())));
    }
    let stray = u32::from(within(neighbour, || neighbour::answers_ping(stray))?);
    let arp = answered(neighbour::answers_arp)?;
    within(&node, be_strict)?;
    bound.answers = Answers { arp, arp_strict: answered(neighbour::answers_arp)?, ping, stray };
    bound.unbind = within(&node, || -> Result<Duration, CellError> {
        each(&mut Binder::open().context("asking the kernel")?, binding, &addresses, false, limit)
    })?;
    Ok(bound)
}

/// The cluster IPs, each once.
fn cluster_ips(cluster: &Cluster) -> Vec<Ipv4Addr> {
    let all = cluster.ports(Family::V4).filter_map(|port| match port.cluster_ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Binds each of `addresses`, or takes it away. Returns how long that took.
fn each(
    binder: &mut Binder,
    binding: Binding,
    addresses: &[Ipv4Addr],
    there: bool,
    limit: Duration,
) -> Result<Duration, CellError> {
    let _window = mark::window();
    let begun = Instant::now();
    if binding == Binding::Range {
        let (network, length) = (SERVICE_RANGE.network(), SERVICE_RANGE.prefix_len());
        binder.local_route(network, length, there).with_context(|| format!("the local route to {SERVICE_RANGE}"))?;
        return Ok(begun.elapsed());
    }
    for (done, &address) in addresses.iter().enumerate() {
        if begun.elapsed() > limit {
            let (total, took) = (addresses.len(), clock::spell(begun.elapsed()));
            return Err(CellError::OverBudget(format!("after {took}, {done} of {total} addresses were bound")));
        }
        let made = match binding {
            Binding::Dummy => binder.address(DUMMY, address, there),
            Binding::Alias => binder.address(WIRE, address, there),
            Binding::Routes | Binding::Range => binder.local_route(address, 32, there),
        };
        made.with_context(|| format!("binding {address}"))?;
    }
    Ok(begun.elapsed())
}

fn no_dummy(error: SocketError) -> CellError {
    match error {
        SocketError::Refused(Errno::EOPNOTSUPP) => CellError::Skipped(
            "the kernel has no dummy device; run with --target exact, which brings its own".to_owned(),
        ),
        error => CellError::Failed(format!("making the dummy device {DUMMY}: {error}")),
    }
}

/// What kube-proxy sets for `strictARP`, in the calling thread's namespace.
fn be_strict() -> anyhow::Result<()> {
    for (name, value) in [("arp_ignore", "1"), ("arp_announce", "2")] {
        let place = format!("/proc/sys/net/ipv4/conf/all/{name}");
        fs::write(&place, value).with_context(|| format!("setting {place} to {value}"))?;
    }
    Ok(())
}
