//! How long a large cluster takes to be listed, how much memory it holds, and whether it keeps up with changes:
//! `cargo run --release -p kube-api --example size -- [SERVICES] [ENDPOINTS]` (20,000 and 2 if they are left out).

use kube_api::{Objects, Server, Settings};
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// How many changes of endpoints are made in a row.
const CHANGES: usize = 10_000;
/// How many of them a second.
const RATE: f64 = 1_000.0;
/// What kube-proxy watches at that size.
const PATHS: [&str; 2] = ["/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"];

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().map_err(io::Error::other));
    let services = numbers.next().transpose()?.unwrap_or(20_000);
    let plan = AddressPlan::new(numbers.next().transpose()?.unwrap_or(2));
    plan.check(services).map_err(|full| io::Error::other(full.to_string()))?;
    let cluster = Arc::new(Cluster::generate(services, &plan));
    println!("a cluster of {services} Services x {}: {} MiB at most so far", plan.endpoints, peak()?);

    let start = Instant::now();
    let objects = Objects::of(&cluster);
    let server = Server::start_with(TcpListener::bind("127.0.0.1:0")?, &objects, Settings::default())?;
    drop(objects);
    println!("objects made and served: {:.3} s, {} MiB", start.elapsed().as_secs_f64(), peak()?);

    for (how, query) in [("whole", ""), ("500 a page", "limit=500"), ("by a watch", WHOLE)] {
        let start = Instant::now();
        let mut bytes = 0;
        for path in PATHS {
            bytes +=
                if query == WHOLE { watched(server.address(), path)? } else { listed(server.address(), path, query)? };
        }
        println!("listed {how}: {:.3} s, {} MB, {} MiB", start.elapsed().as_secs_f64(), bytes / 1_000_000, peak()?);
    }

    let address = server.address();
    let reader = thread::spawn(move || -> io::Result<()> {
        let mut watch = open(address, &format!("{}?watch=1&resourceVersion=1", PATHS[1]))?;
        (0..CHANGES).try_for_each(|_| line(&mut watch).map(drop))
    });
    let replacing = Change::replacing_endpoint(&cluster, &plan);
    let (start, undone) = (Instant::now(), replacing.undone());
    let mut applying = 0.0;
    for number in 0..CHANGES {
        let before = Instant::now();
        server.apply(if number % 2 == 0 { &replacing } else { &undone });
        applying += before.elapsed().as_secs_f64();
        let due = (number + 1) as f64 / RATE;
        thread::sleep(std::time::Duration::from_secs_f64((due - start.elapsed().as_secs_f64()).max(0.0)));
    }
    reader.join().map_err(|_| io::Error::other("the reader failed"))??;
    let took = start.elapsed().as_secs_f64();
    println!(
        "{CHANGES} changes at {RATE} a second, read by a watcher: {took:.3} s, {:.1} us a change to apply, {} MiB",
        applying / CHANGES as f64 * 1e6,
        peak()?
    );
    Ok(())
}

/// A watch that begins with what there is.
const WHOLE: &str = "watch=1&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&allowWatchBookmarks=true";

/// Asks, and passes over the answer's head. The server ends the connection after the answer.
fn open(address: SocketAddr, target: &str) -> io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
    let mut stream = BufReader::with_capacity(1 << 20, stream);
    while line(&mut stream)?.len() > 2 {}
    Ok(stream)
}

fn line(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Reads a list, page by page; returns its bytes.
fn listed(address: SocketAddr, path: &str, query: &str) -> io::Result<usize> {
    let (mut bytes, mut token) = (0, String::new());
    loop {
        let mut page = String::new();
        open(address, &format!("{path}?{query}{token}"))?.read_to_string(&mut page)?;
        bytes += page.len();
        match page.split_once("\"continue\":\"").and_then(|(_, rest)| rest.split_once('"')) {
            Some((next, _)) => token = format!("&continue={next}"),
            None => return Ok(bytes),
        }
    }
}

/// Reads a watch until the mark of what there was at first; returns its bytes.
fn watched(address: SocketAddr, path: &str) -> io::Result<usize> {
    let mut watch = open(address, &format!("{path}?{WHOLE}"))?;
    let mut bytes = 0;
    loop {
        let line = line(&mut watch)?;
        bytes += line.len();
        if line.is_empty() || line.starts_with(b"{\"type\":\"BOOKMARK\"") {
            return Ok(bytes);
        }
    }
}

/// The most memory that this process held, in MiB.
fn peak() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024)
}
