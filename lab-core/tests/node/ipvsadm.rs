//! The lines that `ipvsadm --restore` reads.

use lab_core::cluster::Protocol;
use lab_core::layout::{RealServer, Request, ServerKey, VirtualServer};
use lab_core::vocabulary::{Forwarding, Scheduler};
use std::time::Duration;

/// What a line asks for.
pub(super) fn request(line: &str) -> Request {
    let words: Vec<&str> = line.split(' ').collect();
    let protocol = match words[1] {
        "-t" => Protocol::Tcp,
        "-u" => Protocol::Udp,
        "--sctp-service" => Protocol::Sctp,
        other => panic!("{other}"),
    };
    let key = ServerKey { protocol, address: words[2].parse().unwrap() };
    let server = |scheduler: &str, seconds: Option<&str>| VirtualServer {
        key,
        scheduler: scheduler.parse::<Scheduler>().unwrap(),
        persistence: seconds.map(|seconds| Duration::from_secs(seconds.parse().unwrap())),
    };
    match (words[0], &words[3..]) {
        ("-A", ["-s", scheduler]) => Request::AddVirtualServer(server(scheduler, None)),
        ("-A", ["-s", scheduler, "-p", seconds]) => Request::AddVirtualServer(server(scheduler, Some(seconds))),
        ("-E", ["-s", scheduler]) => Request::UpdateVirtualServer(server(scheduler, None)),
        ("-E", ["-s", scheduler, "-p", seconds]) => Request::UpdateVirtualServer(server(scheduler, Some(seconds))),
        ("-D", []) => Request::RemoveVirtualServer(key),
        ("-a", ["-r", address, "-m", "-w", weight]) => Request::AddRealServer(
            key,
            RealServer {
                address: address.parse().unwrap(),
                forwarding: Forwarding::Masquerading,
                weight: weight.parse().unwrap(),
            },
        ),
        ("-d", ["-r", address]) => Request::RemoveRealServer(key, address.parse().unwrap()),
        other => panic!("{other:?}"),
    }
}
