//! What must be true of traffic to each type of Service.

use crate::lab::Lab;
use crate::services::{
    AFFINITY, ALLOWED, ALONE, BALANCER, BALANCER_LOCAL, EXTERNAL, NODE_PORT, NODE_PORT_LOCAL, NONE, PLAIN, REFUSED,
    SCTP, STICKY, UDP,
};
use crate::wire::{self, Reply, SHORT, Transport};
use anyhow::{Context, Result, bail, ensure};
use lab_core::cluster::{Cluster, Family};
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin, Word};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

/// What a chi-squared distribution of 3 degrees of freedom exceeds in one of a thousand cases.
const CRITICAL: f64 = 16.266;
/// How many connections are counted, over four endpoints.
const CONNECTIONS: usize = 400;
/// After this, the first SYN is sent again: a refusal has come at once if it came before.
const SECOND_SYN: Duration = Duration::from_secs(1);

type Case = fn(&Lab) -> Result<()>;

const CASES: &[(&str, Case)] = &[
    ("a cluster IP is reached from a pod, which is seen, and from the node", cluster_ip),
    ("a node port is reached from everywhere, and masqueraded", node_port),
    ("a node port with policy Local keeps the client's address", |lab| local(lab, NODE_PORT_LOCAL, Access::NodePort)),
    ("a load balancer's address is reached from everywhere, and masqueraded", balancer),
    ("a load balancer with policy Local keeps the client's address", |lab| {
        local(lab, BALANCER_LOCAL, Access::LoadBalancer)
    }),
    ("source ranges let in whom they name", allowed),
    ("source ranges keep out everybody else", refused),
    ("an external IP is reached from everywhere", external_ip),
    ("affinity sticks", sticks),
    ("affinity expires", expires),
    ("without endpoints, a connection is refused at once", rejected),
    ("a pod reaches itself through its Service", hairpin),
    ("datagrams are answered", datagrams),
    ("SCTP is answered", sctp),
    ("connections spread over endpoints", spread),
    ("a Service that is added is reached, and no longer when it is removed", changed),
];

/// What is wrong with `lab`, a line each.
pub(crate) fn check(lab: &Lab) -> Vec<String> {
    let failed = |(name, case): &(&str, Case)| case(lab).err().map(|error| format!("{name}: {error:#}"));
    CASES.iter().filter_map(failed).collect()
}

/// The families that the release programs. In ipvs mode 1.20 has IPv4 alone.
pub(crate) fn families(lab: &Lab) -> &'static [Family] {
    if is_old_ipvs(lab) { &[Family::V4] } else { &Family::ALL }
}

fn is_old_ipvs(lab: &Lab) -> bool {
    (lab.backend, lab.layout) == (BackendName::Ipvs, LayoutName::KubeProxy120)
}

/// An answer to a connection by `access` from `origin`: the endpoint and the client that it saw.
fn answer(lab: &Lab, name: &str, access: Access, origin: Origin, family: Family) -> Result<(SocketAddr, IpAddr)> {
    let to = lab.address(name, access, family)?;
    let told = || format!("{name} by {access} {} at {to}", origin.phrase());
    let reply = wire::ask(lab.origin(origin)?, Transport::Tcp, to, None).with_context(told)?;
    let Reply::Answered { reached, client } = reply else { bail!("{}: {reply:?}", told()) };
    let port = lab.service(name, family)?;
    let expected = port.answering(access, origin, &lab.cluster.node, (lab.backend, lab.layout));
    let expected: Vec<SocketAddr> = expected.into_iter().map(|endpoint| endpoint.socket()).collect();
    ensure!(expected.contains(&reached), "{}: answered by {reached}, not one of {expected:?}", told());
    Ok((reached, client))
}

/// Asks from every place that can, in both families: from outside, its address must be seen or not.
fn from_everywhere(lab: &Lab, name: &str, access: Access, families: &[Family], kept: bool) -> Result<()> {
    for &family in families {
        for &origin in Origin::ALL.iter().filter(|origin| access.impossible(**origin).is_none()) {
            let (_, client) = answer(lab, name, access, origin, family)?;
            let own = origin.address(family);
            let told = || format!("{name} by {access} {} saw the client {client}", origin.phrase());
            if origin == Origin::Outside {
                ensure!((client == own) == kept, "{}, whose own address is {own}", told());
            }
        }
    }
    Ok(())
}

fn cluster_ip(lab: &Lab) -> Result<()> {
    from_everywhere(lab, PLAIN, Access::ClusterIp, families(lab), false)?;
    for &family in families(lab) {
        let (_, client) = answer(lab, PLAIN, Access::ClusterIp, Origin::Pod, family)?;
        let own = Origin::Pod.address(family);
        ensure!(client == own, "the pod {own} was seen as {client}");
    }
    Ok(())
}

fn node_port(lab: &Lab) -> Result<()> {
    from_everywhere(lab, NODE_PORT, Access::NodePort, families(lab), false)
}

fn balancer(lab: &Lab) -> Result<()> {
    from_everywhere(lab, BALANCER, Access::LoadBalancer, families(lab), false)
}

fn external_ip(lab: &Lab) -> Result<()> {
    if lab.layout == LayoutName::KubeProxy120 && lab.backend != BackendName::Ipvs {
        // 1.20's rules leave out what the node itself sends, unless the address is its own.
        answer(lab, EXTERNAL, Access::ExternalIp, Origin::Pod, Family::V4)?;
        return answer(lab, EXTERNAL, Access::ExternalIp, Origin::Outside, Family::V4).map(drop);
    }
    from_everywhere(lab, EXTERNAL, Access::ExternalIp, &[Family::V4], false)
}

/// A few connections, so that a way to an endpoint of another node would show.
fn local(lab: &Lab, name: &str, access: Access) -> Result<()> {
    (0..8).try_for_each(|_| from_everywhere(lab, name, access, families(lab), true))
}

fn allowed(lab: &Lab) -> Result<()> {
    answer(lab, ALLOWED, Access::LoadBalancer, Origin::Outside, Family::V4).map(drop)
}

fn refused(lab: &Lab) -> Result<()> {
    for (name, origin) in [(REFUSED, Origin::Outside), (ALLOWED, Origin::Pod)] {
        if is_old_ipvs(lab) {
            // It marks them, and leaves it to a rule of the kubelet's to drop what is marked.
            break;
        }
        let to = lab.address(name, Access::LoadBalancer, Family::V4)?;
        let reply = wire::ask_within(lab.origin(origin)?, Transport::Tcp, to, None, SHORT)?;
        ensure!(!matches!(reply, Reply::Answered { .. }), "{name} {} at {to}: {reply:?}", origin.phrase());
    }
    // The ranges are of the load balancer alone.
    answer(lab, REFUSED, Access::NodePort, Origin::Outside, Family::V4)?;
    answer(lab, REFUSED, Access::ClusterIp, Origin::Pod, Family::V4).map(drop)
}

fn sticks(lab: &Lab) -> Result<()> {
    for &family in families(lab) {
        let reached = (0..20).map(|_| Ok(answer(lab, STICKY, Access::ClusterIp, Origin::Pod, family)?.0));
        let reached = reached.collect::<Result<BTreeSet<_>>>()?;
        ensure!(reached.len() == 1, "20 connections went to {reached:?}");
    }
    Ok(())
}

/// After its time, a client is led to any endpoint: within 20 times to another one, in all but one of 300 billion runs.
fn expires(lab: &Lab) -> Result<()> {
    let ask = || Ok::<_, anyhow::Error>(answer(lab, STICKY, Access::ClusterIp, Origin::Pod, Family::V4)?.0);
    let first = ask()?;
    // IPVS keeps the client's entry while it knows a connection, and looks again only a minute later.
    let ipvs = lab.backend == BackendName::Ipvs;
    let (pause, times) = if ipvs { (Duration::from_secs(75), 2) } else { (AFFINITY, 20) };
    for _ in 0..times {
        thread::sleep(pause + Duration::from_millis(1200));
        if ask()? != first {
            return Ok(());
        }
    }
    bail!("{first} answered after every pause of {pause:?}")
}

fn rejected(lab: &Lab) -> Result<()> {
    for &family in families(lab) {
        let to = lab.address(NONE, Access::ClusterIp, family)?;
        for origin in [Origin::Pod, Origin::Node] {
            let after = wire::refusal(lab.origin(origin)?, to, None)?;
            let told = || format!("{to} {}: refused after {after:?}", origin.phrase());
            let after = after.with_context(told)?;
            ensure!(after < SECOND_SYN, "{}", told());
        }
    }
    Ok(())
}

fn hairpin(lab: &Lab) -> Result<()> {
    for &family in families(lab) {
        let endpoint = lab.service(ALONE, family)?.endpoints().next().context("it has one")?.address;
        let to = lab.address(ALONE, Access::ClusterIp, family)?;
        let reply = wire::ask(&lab.pod(endpoint)?.namespace, Transport::Tcp, to, Some(endpoint))?;
        let Reply::Answered { reached, client } = reply else { bail!("{endpoint} to {to}: {reply:?}") };
        ensure!(reached.ip() == endpoint, "{endpoint} was led to {reached}");
        ensure!(client != endpoint, "{endpoint} saw itself, so that it would have answered past the node");
    }
    Ok(())
}

fn datagrams(lab: &Lab) -> Result<()> {
    let asked = [
        (Access::ClusterIp, Origin::Pod),
        (Access::ClusterIp, Origin::Node),
        (Access::NodePort, Origin::Pod),
        (Access::NodePort, Origin::Outside),
    ];
    for (&family, (access, origin)) in families(lab).iter().flat_map(|family| asked.map(|asked| (family, asked))) {
        let to = lab.address(UDP, access, family)?;
        let reply = wire::ask(lab.origin(origin)?, Transport::Udp, to, None)?;
        let Reply::Answered { reached, .. } = reply else { bail!("{to} {}: {reply:?}", origin.phrase()) };
        let known = lab.service(UDP, family)?.endpoints().any(|endpoint| endpoint.socket() == reached);
        ensure!(known, "{to} {}: answered by {reached}", origin.phrase());
    }
    Ok(())
}

fn sctp(lab: &Lab) -> Result<()> {
    if !wire::has_sctp() {
        println!("skipped: no sctp");
        return Ok(());
    }
    let to = lab.address(SCTP, Access::ClusterIp, Family::V4)?;
    let reply = wire::ask(lab.origin(Origin::Pod)?, Transport::Sctp, to, None)?;
    ensure!(matches!(reply, Reply::Answered { .. }), "{to}: {reply:?}");
    Ok(())
}

/// Evenly, by chance (chi-squared); in IPVS by turns.
fn spread(lab: &Lab) -> Result<()> {
    let ways = [
        (PLAIN, Access::ClusterIp, Origin::Pod),
        (PLAIN, Access::ClusterIp, Origin::Node),
        (NODE_PORT, Access::NodePort, Origin::Outside),
        (BALANCER, Access::LoadBalancer, Origin::Outside),
        (EXTERNAL, Access::ExternalIp, Origin::Outside),
    ];
    for (name, access, origin) in ways {
        let ask = || Ok(answer(lab, name, access, origin, Family::V4)?.0);
        if lab.backend == BackendName::Ipvs {
            let turns = (0..8).map(|_| ask()).collect::<Result<Vec<_>>>()?;
            let first: BTreeSet<_> = turns[..4].iter().collect();
            ensure!(first.len() == 4 && turns[..4] == turns[4..], "{name} by {access}, by turns: {turns:?}");
            continue;
        }
        let count = || -> Result<BTreeMap<SocketAddr, usize>> {
            let mut counts = BTreeMap::new();
            for _ in 0..CONNECTIONS {
                *counts.entry(ask()?).or_default() += 1;
            }
            Ok(counts)
        };
        // By chance it fails once in a thousand, so twice in a million.
        let counts = count()?;
        if chi_squared(&counts) > CRITICAL {
            let again = count()?;
            ensure!(chi_squared(&again) <= CRITICAL, "{name} by {access}: {counts:?}, then {again:?}");
        }
    }
    Ok(())
}

/// How far `counts` of four endpoints are from equal.
fn chi_squared(counts: &BTreeMap<SocketAddr, usize>) -> f64 {
    let expected = CONNECTIONS as f64 / 4.0;
    let missing = (4 - counts.len()) as f64 * expected;
    missing + counts.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum::<f64>()
}

fn changed(lab: &Lab) -> Result<()> {
    let mut after = Cluster::clone(&lab.cluster);
    let place = after.services.iter().position(|service| service.name == PLAIN).context("it is there")?;
    let spare = lab.addresses().spare(u32::try_from(place)?, Family::V4);
    let port = &mut after.service_mut(place).ports[0];
    port.endpoints.retain(|endpoint| endpoint.address.is_ipv4());
    port.endpoints.truncate(1);
    port.endpoints[0].address = spare;
    after.services.retain(|service| service.name != EXTERNAL);
    let (plain, gone) = (Access::ClusterIp, lab.address(EXTERNAL, Access::ClusterIp, Family::V4)?);
    let to = lab.address(PLAIN, plain, Family::V4)?;
    let pod = lab.origin(Origin::Pod)?;
    let (replies, silent) = lab.with_change(after, || {
        let replies = (0..8).map(|_| wire::ask(pod, Transport::Tcp, to, None)).collect::<Result<Vec<_>>>();
        (replies, wire::ask_within(pod, Transport::Tcp, gone, None, SHORT))
    })?;
    for reply in replies? {
        let Reply::Answered { reached, .. } = reply else { bail!("its new endpoint {spare}: {reply:?}") };
        ensure!(reached.ip() == spare, "its new endpoint is {spare}, and {reached} answered");
    }
    let silent = silent.map(|reply| format!("{reply:?}")).unwrap_or_default();
    ensure!(!silent.contains("Answered"), "a removed Service: {silent}");
    answer(lab, EXTERNAL, Access::ClusterIp, Origin::Pod, Family::V4)?;
    answer(lab, PLAIN, plain, Origin::Pod, Family::V4).map(drop)
}
