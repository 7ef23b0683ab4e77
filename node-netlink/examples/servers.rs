//! Prints how long virtual servers with two real ones each take, one request at a time and batched, as root:
//! `cargo run --release -p node-netlink --example servers -- 20000`.

#[path = "../tests/kernel/namespace.rs"]
mod namespace;

use anyhow::{Context, Result};
use lab_core::cluster::Protocol;
use lab_core::layout::{Pace, RealServer, Request, ServerKey, VirtualServer};
use lab_core::vocabulary::{Forwarding, Scheduler};
use node_netlink::Kernel;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(20_000), |count| count.parse()).context("how many servers")?;
    for pace in [Pace::OneByOne, Pace::Batched] {
        // IPVS keeps what was removed for minutes, so each has a namespace of its own. The kernel takes the one before
        // down in the background, which would count as well where there is only one processor.
        namespace::in_fresh(move || measure(pace, count))?;
        thread::sleep(Duration::from_secs(20));
    }
    Ok(())
}

fn measure(pace: Pace, count: u32) -> Result<()> {
    let mut kernel = Kernel::open()?;
    let requests: Vec<Request> = (0..count).flat_map(server).collect();
    let spent = kernel.apply(pace, &requests, Instant::now() + Duration::from_secs(3_600))?;
    let begun = Instant::now();
    let counts = kernel.count("kube-ipvs0")?;
    println!("{pace:?}: {:?}, and to count them {:?}: {counts:?}", spent.virtual_servers, begun.elapsed());
    Ok(())
}

fn server(index: u32) -> [Request; 3] {
    let address =
        |from: Ipv4Addr, offset, port| SocketAddr::new(Ipv4Addr::from_bits(from.to_bits() + offset).into(), port);
    let key = ServerKey { protocol: Protocol::Tcp, address: address(Ipv4Addr::new(10, 96, 0, 11), index, 80) };
    let real = |place| {
        let address = address(Ipv4Addr::new(10, 192, 0, 1), 2 * index + place, 8080);
        Request::AddRealServer(key, RealServer { address, forwarding: Forwarding::Masquerading, weight: 1 })
    };
    let server = VirtualServer { key, scheduler: Scheduler::RoundRobin, persistence: None };
    [Request::AddVirtualServer(server), real(0), real(1)]
}
