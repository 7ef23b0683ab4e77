//! Which connections are made: of all that can be, in a random order.

use super::case::{Case, Client};
use crate::cases;
use crate::lab::Lab;
use crate::services;
use crate::wire;
use anyhow::{Context, Result};
use lab_core::cluster::{Family, Protocol, ServicePort};
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin, Word};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What is added to a Service's port to get one that no Service has.
const ASTRAY: u16 = 1_000;

/// All connections, in the order that `seed` gives.
pub(super) fn all(lab: &Lab, seed: u64) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for &family in cases::families(lab) {
        for port in lab.cluster.ports(family) {
            // The servers of SCTP are of IPv4.
            if port.protocol() == Protocol::Sctp && (family == Family::V6 || !wire::has_sctp()) {
                continue;
            }
            for &access in Access::ALL {
                for client in clients(lab, port, access)? {
                    for (target, to) in targets(lab, port, access, client) {
                        cases.push(Case { target, client, protocol: port.protocol(), to });
                    }
                }
            }
        }
    }
    let place = |found: Option<usize>| found.map(|place| place as u64).context("it is a known one");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let backend = place(BackendName::ALL.iter().position(|&other| other == lab.backend))?;
    let layout = place(LayoutName::ALL.iter().position(|&other| other == lab.layout))?;
    random.set_stream(backend * LayoutName::ALL.len() as u64 + layout);
    cases.shuffle(&mut random);
    Ok(cases)
}

/// What `client` asks for: `port` by `access`, and what is near it.
fn targets(lab: &Lab, port: ServicePort<'_>, access: Access, client: Client) -> Vec<(String, SocketAddr)> {
    let Some(to) = port.address_by(access, &lab.cluster.node) else { return Vec::new() };
    let mut targets = vec![(format!("{} by {access}", port.name()), to)];
    let Client::Of(origin) = client else { return targets };
    // Of what is near some Services only: it is much alike.
    let is_tried = [services::PLAIN, services::NODE_PORT, services::UDP, services::BALANCER].contains(&port.name());
    if is_tried {
        let nobodys = SocketAddr::new(to.ip(), to.port() + ASTRAY);
        targets.push((format!("a port that no Service has, {} by {access}", port.name()), nobodys));
    }
    if is_tried && access == Access::NodePort {
        let others = match origin {
            Origin::Node => vec![Origin::Node.address(port.family()), loopback(port.family())],
            Origin::Pod | Origin::Outside => vec![Origin::Node.address(port.family())],
        };
        let at = |other| (format!("{} by {access} at another address", port.name()), SocketAddr::new(other, to.port()));
        targets.extend(others.into_iter().map(at));
    }
    targets
}

fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// Who may reach `port` by `access`: the usual places, the one endpoint of a Service that has no other, and one of another
/// pod.
///
/// An endpoint whose connection ends in its own pod at another address would answer past the node.
fn clients(lab: &Lab, port: ServicePort<'_>, access: Access) -> Result<Vec<Client>> {
    let usual = Origin::ALL.iter().filter(|origin| access.impossible(**origin).is_none());
    let mut clients: Vec<Client> = usual.map(|&origin| Client::Of(origin)).collect();
    let other = if port.name() == services::NODE_PORT { services::PLAIN } else { services::NODE_PORT };
    let mut endpoints = vec![lab.service(other, port.family())?.endpoints().next()];
    if port.endpoint_count() == 1 {
        endpoints.push(port.endpoints().next());
    }
    for endpoint in endpoints.into_iter().flatten() {
        let pods = |address| lab.addresses().server_pod(address);
        let shares = port.endpoints().any(|own| own != endpoint && pods(own.address) == pods(endpoint.address));
        if !shares {
            clients.push(Client::Endpoint(endpoint.address));
        }
    }
    Ok(clients)
}
