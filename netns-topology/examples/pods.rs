//! Prints how long a node with a number of server pods takes to come up and to go: `cargo run --example pods -- 200`.

use anyhow::{Context, Result};
use netns_topology::{Delivery, Node, Server, Side, Wiring, enter};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> Result<ExitCode> {
    if let Side::Outside(ended) = enter()? {
        return Ok(ended.code.into());
    }
    let pods: u16 = std::env::args().nth(1).map_or(Ok(200), |pods| pods.parse()).context("the number of pods")?;
    let server = |index: u16| {
        let [high, low] = index.to_be_bytes();
        let address = Ipv4Addr::new(10, 1, high, low);
        Ok(Server { address: address.into(), blocks: vec![format!("10.{}.{low}.0/24", 128 + high).parse()?] })
    };
    let wiring = Wiring {
        node: Ipv4Addr::new(192, 168, 0, 1).into(),
        client: Ipv4Addr::new(10, 0, 0, 1).into(),
        servers: (0..pods).map(server).collect::<Result<_>>()?,
        outside: None,
        delivery: Delivery::default(),
    };
    let start = Instant::now();
    let node = Node::build(&wiring)?;
    println!("{pods} server pods came up in {:?}", start.elapsed());
    let start = Instant::now();
    drop(node);
    println!("and went in {:?}", start.elapsed());
    Ok(ExitCode::SUCCESS)
}
