//! What only a kernel with ip_vs and dummy devices can tell: what it takes, and what it gives back.
//!
//! Without arguments it runs every case, each in a network namespace of its own; it needs root and nothing else, so
//! that it also runs as the only program of a guest.

mod namespace;
#[path = "../../../ci/tier.rs"]
mod tier;

use anyhow::{Context, Result, ensure};
use lab_core::cluster::Protocol;
use lab_core::layout::{Pace, RealServer, Request, ServerKey, VirtualServer};
use lab_core::vocabulary::{Forwarding, Scheduler, Word};
use libtest_mimic::{Arguments, Failed};
use namespace::{in_bare, in_fresh};
use nix::errno::Errno;
use node_netlink::{ApplyError, Counts, Kernel, Spent};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tier::{Requirement, Tier};

const DEVICE: &str = "kube-ipvs0";
const BOTH: [Pace; 2] = [Pace::OneByOne, Pace::Batched];

fn main() -> ExitCode {
    let ipvs = Requirement { name: "ipvs", check: || in_fresh(complete_kernel).map_err(|e| format!("{e:#}")) };
    let tier = Tier::look(&[ipvs]);
    let passed = |outcome: Result<()>| outcome.map_err(|error| Failed::from(format!("{error:?}")));
    let fresh = |name, case: fn() -> Result<()>| tier.trial(name, &["ipvs"], move || passed(in_fresh(case)));
    let bare = |name, case: fn() -> Result<()>| tier.trial(name, &["ipvs"], move || passed(in_bare(case)));
    let trials = vec![
        fresh("every_scheduler_is_listed_back", every_scheduler_is_listed_back),
        fresh("every_forwarding_is_listed_back", every_forwarding_is_listed_back),
        fresh("persistence_is_listed_back", persistence_is_listed_back),
        fresh("every_protocol_and_family_is_listed_back", every_protocol_and_family_is_listed_back),
        fresh("the_kernel_s_own_table_says_the_same", the_kernel_s_own_table_says_the_same),
        fresh("what_is_asked_for_and_not_there_is_no_error", what_is_asked_for_and_not_there_is_no_error),
        trial_of_paces(&tier),
        fresh("a_duplicate_in_a_batch_is_reported_as_itself", a_duplicate_in_a_batch_is_reported_as_itself),
        fresh("a_batch_that_is_refused_altogether_is_one_refusal", a_batch_that_is_refused_altogether_is_one_refusal),
        bare("with_lo_down_the_message_says_what_to_look_at", with_lo_down_the_message_says_what_to_look_at),
        fresh("servers_are_changed_and_removed", servers_are_changed_and_removed),
        fresh("addresses_are_added_listed_and_removed", addresses_are_added_listed_and_removed),
        fresh("a_device_that_is_missing_is_named", a_device_that_is_missing_is_named),
        fresh("a_deadline_says_how_far_it_came", a_deadline_says_how_far_it_came),
        fresh("the_time_is_told_by_part", the_time_is_told_by_part),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Whether there is what the cases need.
fn complete_kernel() -> Result<()> {
    apply(&mut Kernel::open()?, Pace::OneByOne, &[Request::AddDevice(DEVICE)])?;
    Ok(())
}

fn apply(kernel: &mut Kernel, pace: Pace, requests: &[Request]) -> Result<Spent, ApplyError> {
    kernel.apply(pace, requests, Instant::now() + Duration::from_secs(600))
}

/// Adds `servers` with their real servers at both paces, and looks whether the kernel lists them so.
fn listed_back(servers: &[(VirtualServer, Vec<RealServer>)]) -> Result<()> {
    let expected: BTreeMap<_, _> = servers.iter().cloned().collect();
    for pace in BOTH {
        let mut kernel = Kernel::open()?;
        apply(&mut kernel, pace, &additions(servers))?;
        ensure!(listed(&mut kernel)? == expected, "{pace:?}: {:#?}", kernel.list()?);
        let removals: Vec<_> = servers.iter().map(|(server, _)| Request::RemoveVirtualServer(server.key)).collect();
        apply(&mut kernel, pace, &removals)?;
        ensure!(kernel.list()?.is_empty(), "{pace:?}: left: {:#?}", kernel.list()?);
    }
    Ok(())
}

fn listed(kernel: &mut Kernel) -> Result<BTreeMap<VirtualServer, Vec<RealServer>>> {
    let sorted = |(server, mut reals): (VirtualServer, Vec<RealServer>)| {
        reals.sort();
        (server, reals)
    };
    Ok(kernel.list()?.into_iter().map(sorted).collect())
}

fn additions(servers: &[(VirtualServer, Vec<RealServer>)]) -> Vec<Request> {
    let one = |(server, reals): &(VirtualServer, Vec<RealServer>)| {
        let key = server.key;
        let reals: Vec<_> = reals.iter().map(|real| Request::AddRealServer(key, *real)).collect();
        [vec![Request::AddVirtualServer(*server)], reals].concat()
    };
    servers.iter().flat_map(one).collect()
}

fn key(protocol: Protocol, address: &str) -> ServerKey {
    ServerKey { protocol, address: address.parse().expect("an address and port") }
}

/// Virtual server `index` of many, a round robin.
fn virtual_server(index: u32) -> VirtualServer {
    let ip = Ipv4Addr::from_bits(Ipv4Addr::new(10, 96, 0, 11).to_bits() + index);
    let key = ServerKey { protocol: Protocol::Tcp, address: SocketAddr::new(ip.into(), 80) };
    VirtualServer { key, scheduler: Scheduler::RoundRobin, persistence: None }
}

fn real_server(index: u32) -> RealServer {
    let ip = Ipv4Addr::from_bits(Ipv4Addr::new(10, 192, 0, 1).to_bits() + index);
    RealServer { address: SocketAddr::new(ip.into(), 8080), forwarding: Forwarding::Masquerading, weight: 1 }
}

/// `count` virtual servers with two real ones each.
fn many(count: u32) -> Vec<(VirtualServer, Vec<RealServer>)> {
    let two = |index| vec![real_server(2 * index), real_server(2 * index + 1)];
    (0..count).map(|index| (virtual_server(index), two(index))).collect()
}

fn every_scheduler_is_listed_back() -> Result<()> {
    let with = |(scheduler, index)| (VirtualServer { scheduler, ..virtual_server(index) }, vec![real_server(index)]);
    listed_back(&Scheduler::ALL.iter().copied().zip(0..).map(with).collect::<Vec<_>>())
}

fn every_forwarding_is_listed_back() -> Result<()> {
    let with = |(forwarding, index)| RealServer { forwarding, weight: 100, ..real_server(index) };
    let mut reals: Vec<_> = Forwarding::ALL.iter().copied().zip(0..).map(with).collect();
    reals.sort();
    listed_back(&[(virtual_server(0), reals)])
}

fn persistence_is_listed_back() -> Result<()> {
    let persistence = Some(Duration::from_secs(10_800));
    let maglev = VirtualServer { scheduler: Scheduler::MaglevHashing, persistence, ..virtual_server(1) };
    listed_back(&[(VirtualServer { persistence, ..virtual_server(0) }, vec![]), (maglev, vec![])])
}

fn every_protocol_and_family_is_listed_back() -> Result<()> {
    let mut servers = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
        for (address, real) in [("10.96.0.11:53", "10.192.0.1:5353"), ("[fd00::b]:53", "[fd01::1]:5353")] {
            let key = key(protocol, address);
            let persistence = Some(Duration::from_secs(60));
            let real = RealServer { address: real.parse()?, ..real_server(0) };
            servers.push((VirtualServer { key, persistence, ..virtual_server(0) }, vec![real]));
        }
    }
    listed_back(&servers)
}

/// A number that is written and read back wrongly looks right: so another witness is asked.
fn the_kernel_s_own_table_says_the_same() -> Result<()> {
    let persistent = VirtualServer { persistence: Some(Duration::from_secs(60)), ..virtual_server(0) };
    let with = |(forwarding, index)| RealServer { forwarding, weight: 100, ..real_server(index) };
    let reals = Forwarding::ALL.iter().copied().zip(0..).map(with).collect();
    let udp = key(Protocol::Udp, "[fd00::b]:53");
    let udp = VirtualServer { key: udp, scheduler: Scheduler::MaglevHashing, persistence: None };
    apply(&mut Kernel::open()?, Pace::Batched, &additions(&[(persistent, reals), (udp, vec![])]))?;
    let table = std::fs::read_to_string("/proc/thread-self/net/ip_vs")?;
    let words: Vec<String> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "TCP 0A60000B:0050 rr persistent ",
        "-> 0AC00001:1F90 Masq 100 ",
        "-> 0AC00002:1F90 Route 100 ",
        "-> 0AC00003:1F90 Tunnel 100 ",
        "UDP [fd00:0000:0000:0000:0000:0000:0000:000b]:0035 mh",
    ] {
        ensure!(words.iter().any(|line| line.starts_with(expected)), "no {expected:?} in {table}");
    }
    Ok(())
}

fn what_is_asked_for_and_not_there_is_no_error() -> Result<()> {
    let mut kernel = Kernel::open()?;
    let questions = |key| {
        [
            Request::GetVirtualServer(key),
            Request::ListVirtualServers,
            Request::ListRealServers(key),
            Request::ListVirtualServers,
        ]
    };
    for pace in BOTH {
        apply(&mut kernel, pace, &questions(virtual_server(0).key))?;
    }
    let requests = [&additions(&many(2))[..], &questions(virtual_server(1).key)].concat();
    apply(&mut kernel, Pace::Batched, &requests)?;
    Ok(())
}

fn trial_of_paces(tier: &Tier) -> libtest_mimic::Trial {
    tier.trial("both_paces_lead_to_the_same_list", &["ipvs"], || {
        let listed_after = |pace| {
            in_fresh(move || {
                let mut kernel = Kernel::open()?;
                apply(&mut kernel, pace, &additions(&many(1_000)))?;
                let counts = Counts { virtual_servers: 1_000, real_servers: 2_000, addresses: 0 };
                ensure!(kernel.count(DEVICE)? == counts, "{pace:?}: {:?}", kernel.count(DEVICE)?);
                listed(&mut kernel)
            })
        };
        let [alone, batched] = BOTH.map(listed_after);
        let same = alone.map_err(|error| format!("{error:?}"))? == batched.map_err(|error| format!("{error:?}"))?;
        if same { Ok(()) } else { Err("the lists differ".into()) }
    })
}

fn a_duplicate_in_a_batch_is_reported_as_itself() -> Result<()> {
    let mut kernel = Kernel::open()?;
    let mut requests = additions(&many(100));
    // In the middle of the third batch, with virtual servers that are none too many behind it.
    requests.insert(150, Request::AddVirtualServer(virtual_server(0)));
    let refused = apply(&mut kernel, Pace::Batched, &requests).expect_err("there are two of one kind");
    let expected = ApplyError::Refused { request: requests[150].clone(), place: 150, errno: Errno::EEXIST };
    ensure!(refused == expected, "{refused:?}");
    let said = refused.to_string();
    ensure!(said == "adding virtual server tcp 10.96.0.11:80 with scheduler rr: File exists", "{said}");
    // The kernel goes on behind a refusal, to the end of the batch.
    ensure!(kernel.count(DEVICE)?.virtual_servers == 64, "{:?}", kernel.count(DEVICE)?);
    Ok(())
}

fn a_batch_that_is_refused_altogether_is_one_refusal() -> Result<()> {
    let mut kernel = Kernel::open()?;
    let requests: Vec<_> = (0..64).map(|index| Request::RemoveVirtualServer(virtual_server(index).key)).collect();
    let refused = apply(&mut kernel, Pace::Batched, &requests).expect_err("there is nothing to remove");
    ensure!(matches!(refused, ApplyError::Refused { place: 0, errno: Errno::ESRCH, .. }), "{refused:?}");
    // What is left over of the refusals must not be taken for answers to what is asked next.
    apply(&mut kernel, Pace::Batched, &additions(&many(50)))?;
    ensure!(kernel.list()?.len() == 50, "{:?}", kernel.list()?);
    Ok(())
}

fn with_lo_down_the_message_says_what_to_look_at() -> Result<()> {
    for pace in BOTH {
        let mut kernel = Kernel::open()?;
        let requests = additions(&many(1));
        let refused = apply(&mut kernel, pace, &requests).expect_err("no address is unicast");
        let said = "adding real server 10.192.0.1:8080 behind tcp 10.96.0.11:80: Invalid argument \
                    (is the namespace's lo up?)";
        ensure!(refused.to_string() == said, "{refused}");
        ensure!(matches!(refused, ApplyError::Refused { place: 1, .. }), "{refused:?}");
        apply(&mut kernel, pace, &[Request::RemoveVirtualServer(virtual_server(0).key)])?;
    }
    Ok(())
}

fn servers_are_changed_and_removed() -> Result<()> {
    for pace in BOTH {
        let mut kernel = Kernel::open()?;
        apply(&mut kernel, pace, &additions(&many(3)))?;
        let keys = [0, 1, 2].map(|index| virtual_server(index).key);
        let heavier = RealServer { weight: 7, ..real_server(0) };
        let idle = RealServer { weight: 0, ..real_server(1) };
        let requests = [
            Request::UpdateRealServer(keys[0], heavier),
            Request::UpdateRealServer(keys[0], idle),
            Request::RemoveRealServer(keys[1], real_server(2).address),
            Request::RemoveVirtualServer(keys[2]),
        ];
        apply(&mut kernel, pace, &requests)?;
        let expected =
            BTreeMap::from([(virtual_server(0), vec![heavier, idle]), (virtual_server(1), vec![real_server(3)])]);
        ensure!(listed(&mut kernel)? == expected, "{pace:?}: {:#?}", kernel.list()?);
        let missing = apply(&mut kernel, pace, &requests[2..]).expect_err("it is gone");
        ensure!(matches!(missing, ApplyError::Refused { place: 0, errno: Errno::ENOENT, .. }), "{missing:?}");
        apply(&mut kernel, pace, &keys[..2].iter().copied().map(Request::RemoveVirtualServer).collect::<Vec<_>>())?;
        ensure!(kernel.count(DEVICE)? == Counts::default(), "{pace:?}: {:?}", kernel.count(DEVICE)?);
    }
    Ok(())
}

fn addresses_are_added_listed_and_removed() -> Result<()> {
    for pace in BOTH {
        let mut kernel = Kernel::open()?;
        ensure!(kernel.addresses("nothing")?.is_empty());
        let v4 = (0..100).map(|index| virtual_server(index).key.address.ip());
        let mut addresses: Vec<IpAddr> = v4.chain(["fd00::1".parse()?, "fd00::2".parse()?]).collect();
        let additions: Vec<_> = addresses.iter().map(|address| Request::AddAddress(DEVICE, *address)).collect();
        let device = [Request::AddDevice(DEVICE), Request::AddDevice(DEVICE)];
        apply(&mut kernel, pace, &[&device[..], &additions, &[Request::ListAddresses(DEVICE)]].concat())?;
        // Bound already, as after a restart of kube-proxy.
        apply(&mut kernel, pace, &[&device[..], &additions[10..20]].concat())?;
        let bound = |kernel: &mut Kernel| -> Result<Vec<IpAddr>> {
            let mut bound = kernel.addresses(DEVICE)?;
            bound.sort();
            Ok(bound)
        };
        ensure!(bound(&mut kernel)? == addresses, "{pace:?}: {:?}", kernel.addresses(DEVICE)?);
        let removed: Vec<_> = [101, 50, 0].map(|place| addresses.remove(place)).into();
        let removals: Vec<_> = removed.iter().map(|address| Request::RemoveAddress(DEVICE, *address)).collect();
        apply(&mut kernel, pace, &removals)?;
        ensure!(bound(&mut kernel)? == addresses, "{pace:?}: {:?}", kernel.addresses(DEVICE)?);
        ensure!(kernel.count(DEVICE)?.addresses == 99);
        let refused = apply(&mut kernel, pace, &removals[2..]).expect_err("it is gone");
        let said = "removing address 10.96.0.11 from kube-ipvs0: Cannot assign requested address";
        ensure!(refused.to_string() == said, "{refused}");
        let left: Vec<_> = addresses.iter().map(|address| Request::RemoveAddress(DEVICE, *address)).collect();
        apply(&mut kernel, pace, &left)?;
    }
    Ok(())
}

fn a_device_that_is_missing_is_named() -> Result<()> {
    let address = virtual_server(0).key.address.ip();
    for pace in BOTH {
        let refused = apply(&mut Kernel::open()?, pace, &[Request::AddAddress(DEVICE, address)]);
        let said = refused.expect_err("there is no device").to_string();
        ensure!(said == "adding address 10.96.0.11 to kube-ipvs0: No such device", "{said}");
    }
    Ok(())
}

fn a_deadline_says_how_far_it_came() -> Result<()> {
    let mut kernel = Kernel::open()?;
    let requests = additions(&many(1_000));
    let over = Instant::now();
    let late = kernel.apply(Pace::Batched, &requests, over).expect_err("the time is over");
    ensure!(late == ApplyError::Deadline { applied: 0, requests: 3_000 }, "{late:?}");
    ensure!(late.to_string() == "the time was up after 0 of 3000 requests", "{late}");
    ensure!(kernel.list()?.is_empty());
    let soon = Instant::now() + Duration::from_millis(1);
    let applied = match kernel.apply(Pace::OneByOne, &requests, soon) {
        Err(ApplyError::Deadline { applied, requests: 3_000 }) => applied,
        Ok(_) => requests.len(),
        Err(other) => return Err(other.into()),
    };
    let Counts { virtual_servers, real_servers, .. } = kernel.count(DEVICE)?;
    ensure!(virtual_servers + real_servers == applied as u64, "{applied}: {:?}", kernel.count(DEVICE)?);
    Ok(())
}

fn the_time_is_told_by_part() -> Result<()> {
    let address = virtual_server(0).key.address.ip();
    let addresses = [Request::AddDevice(DEVICE), Request::AddAddress(DEVICE, address)];
    for pace in BOTH {
        let mut kernel = Kernel::open()?;
        let spent = apply(&mut kernel, pace, &addresses)?;
        ensure!(spent.addresses > Duration::ZERO && spent.virtual_servers == Duration::ZERO, "{spent:?}");
        let spent = apply(&mut kernel, pace, &[Request::ListVirtualServers]).context("listing")?;
        ensure!(spent.addresses == Duration::ZERO && spent.reads > Duration::ZERO, "{spent:?}");
    }
    Ok(())
}
