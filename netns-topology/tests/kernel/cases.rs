//! What the tests run inside a sandbox.

use crate::outside;
use anyhow::{Context, Result, bail, ensure};
use netns_topology::sandbox::{Cause, How};
use netns_topology::{Delivery, Inside, Namespace, Node, Server, Wiring, check};
use nix::sched::{CloneFlags, setns};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

type Case = fn(&Inside) -> Result<ExitCode>;

/// The case called `name`.
pub(crate) fn find(name: &str) -> Result<Case> {
    Ok(match name {
        "exit_7" => |_| Ok(7.into()),
        "linger" => linger,
        "rootless" => |_| passed(rootless()),
        "a_limit_is_diagnosed" => |_| passed(a_limit_is_diagnosed()),
        "a_server_answers_as_every_address_of_its_block" => {
            |_| passed(a_server_answers_as_every_address_of_its_block())
        }
        "a_server_takes_the_addresses_of_services_for_its_own" => {
            |_| passed(a_server_takes_the_addresses_of_services_for_its_own())
        }
        "an_answer_from_an_address_of_the_nodes_own_is_forwarded" => {
            |_| passed(an_answer_from_an_address_of_the_nodes_own_is_forwarded())
        }
        "the_outside_reaches_the_node_and_not_the_pods" => {
            |_| passed(outside::the_outside_reaches_the_node_and_not_the_pods())
        }
        "every_wire_carries_ipv6" => |_| passed(outside::every_wire_carries_ipv6()),
        "without_forwarding_nothing_arrives" => |_| passed(without_forwarding_nothing_arrives()),
        "pods_and_their_veths_vanish_with_the_node" => |_| passed(pods_and_their_veths_vanish_with_the_node()),
        "a_persisted_namespace_is_found_by_name_until_it_is_dropped" => {
            |_| passed(a_persisted_namespace_is_found_by_name_until_it_is_dropped())
        }
        "a_panic_in_a_job_reaches_the_caller_and_the_namespace_lives_on" => {
            |_| passed(a_panic_in_a_job_reaches_the_caller_and_the_namespace_lives_on())
        }
        "a_child_process_inherits_the_namespace" => |_| passed(a_child_process_inherits_the_namespace()),
        "a_visitor_may_borrow" => |_| passed(a_visitor_may_borrow()),
        _ => bail!("there is no case {name}"),
    })
}

fn passed(outcome: Result<()>) -> Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn node() -> Result<Node> {
    delivering(Delivery::Rewritten)
}

fn delivering(delivery: Delivery) -> Result<Node> {
    let server = Server { address: Ipv4Addr::new(10, 1, 0, 1).into(), blocks: vec!["10.128.0.0/16".parse()?] };
    let node = Ipv4Addr::new(192, 168, 0, 1).into();
    Node::build(&Wiring { node, client: CLIENT.into(), servers: vec![server], outside: None, delivery })
}

/// Listens in the first server pod; a socket can be used from outside the namespace it was made in.
fn listen(node: &Node) -> Result<TcpListener> {
    Ok(node.servers()[0].namespace.run(|| TcpListener::bind("0.0.0.0:80"))?)
}

/// Dials from the client pod.
fn dial(node: &Node, address: SocketAddr) -> Result<TcpStream> {
    let client = node.client().context("no client")?;
    Ok(client.namespace.run(move || TcpStream::connect_timeout(&address, Duration::from_secs(1)))?)
}

fn a_server_answers_as_every_address_of_its_block() -> Result<()> {
    let node = node()?;
    let listener = listen(&node)?;
    for endpoint in ["10.128.0.0:80", "10.128.77.9:80", "10.128.255.255:80", "10.1.0.1:80"] {
        let endpoint: SocketAddr = endpoint.parse()?;
        let dialled = dial(&node, endpoint).with_context(|| format!("dial {endpoint}"))?;
        let (accepted, peer) = listener.accept()?;
        ensure!(accepted.local_addr()? == endpoint, "{accepted:?} at {endpoint}");
        ensure!(peer == dialled.local_addr()? && peer.ip() == IpAddr::from(CLIENT), "{peer} at {endpoint}");
    }
    Ok(())
}

fn a_server_takes_the_addresses_of_services_for_its_own() -> Result<()> {
    let node = delivering(Delivery::Unaltered("10.96.0.0/12".parse()?))?;
    let listener = listen(&node)?;
    let service: SocketAddr = "10.96.0.11:80".parse()?;
    node.namespace().run(|| ip("route add 10.96.0.0/12 via 10.1.0.1 dev server-0 onlink"))?;
    let dialled = dial(&node, service)?;
    let (accepted, peer) = listener.accept()?;
    ensure!(accepted.local_addr()? == service && peer == dialled.local_addr()?, "{accepted:?}, {peer}");
    Ok(())
}

fn an_answer_from_an_address_of_the_nodes_own_is_forwarded() -> Result<()> {
    let node = delivering(Delivery::Unaltered("10.96.0.0/12".parse()?))?;
    node.namespace().run(|| ip("address add 10.96.0.11/32 dev lo"))?;
    let client = node.client().context("no client")?.namespace.run(|| UdpSocket::bind("0.0.0.0:0"))?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let service: SocketAddr = "10.96.0.11:80".parse()?;
    let server = node.servers()[0].namespace.run(move || UdpSocket::bind(service))?;
    server.send_to(b"!", (CLIENT, client.local_addr()?.port()))?;
    let (_, from) = client.recv_from(&mut [0])?;
    ensure!(from == service, "{from}");
    Ok(())
}

/// `ip` in the calling thread's namespace.
fn ip(words: &str) -> Result<()> {
    let status = Command::new("ip").args(words.split(' ')).status().context("run ip")?;
    ensure!(status.success(), "ip {words}: {status}");
    Ok(())
}

fn without_forwarding_nothing_arrives() -> Result<()> {
    let node = node()?;
    let _listener = listen(&node)?;
    node.namespace().run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "0"))?;
    ensure!(dial(&node, "10.128.0.1:80".parse()?).is_err(), "a node that does not forward has forwarded");
    node.namespace().run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?;
    dial(&node, "10.128.0.1:80".parse()?).map(drop)
}

fn pods_and_their_veths_vanish_with_the_node() -> Result<()> {
    let node = node()?;
    let threads = || Ok::<_, std::io::Error>(fs::read_dir("/proc/self/task")?.count());
    ensure!(threads()? == 4, "main, node and two pods");
    // Holding the node's namespace, to look into it once the rest is gone.
    let held = node.namespace().fd().try_clone_to_owned()?;
    let devices = || {
        thread::scope(|scope| {
            scope
                .spawn(|| -> Result<Vec<String>> {
                    setns(held.as_fd(), CloneFlags::CLONE_NEWNET)?;
                    devices()
                })
                .join()
        })
        .expect("looking does not panic")
    };
    ensure!(devices()? == ["client", "lo", "server-0"], "{:?}", devices()?);
    drop(node);
    ensure!(threads()? == 1, "a thread is left");
    let deadline = Instant::now() + Duration::from_secs(10);
    while devices()? != ["lo"] {
        ensure!(Instant::now() < deadline, "left after ten seconds: {:?}", devices()?);
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The network devices in the calling thread's namespace.
fn devices() -> Result<Vec<String>> {
    let table = fs::read_to_string("/proc/thread-self/net/dev")?;
    let mut names: Vec<_> = table.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect();
    names.sort();
    Ok(names)
}

fn a_persisted_namespace_is_found_by_name_until_it_is_dropped() -> Result<()> {
    let namespace = Namespace::create("kept")?;
    let path = namespace.persist(namespace.name())?;
    ensure!(path == namespace.persist("another")?, "the second time changes nothing");
    let seen = Command::new("nsenter")
        .arg(format!("--net={}", path.display()))
        .args(["readlink", "/proc/self/ns/net"])
        .output()?;
    let own = namespace.run(|| fs::read_link("/proc/thread-self/ns/net"))?;
    ensure!(String::from_utf8_lossy(&seen.stdout).trim() == own.to_string_lossy(), "{seen:?} is not {own:?}");
    drop(namespace);
    ensure!(!path.exists(), "{} is left", path.display());
    Ok(())
}

fn a_panic_in_a_job_reaches_the_caller_and_the_namespace_lives_on() -> Result<()> {
    let namespace = Namespace::create("shaken")?;
    let panic = catch_unwind(AssertUnwindSafe(|| namespace.run(|| panic!("as planned")))).expect_err("no panic");
    ensure!(panic.downcast_ref() == Some(&"as planned"), "another panic");
    ensure!(namespace.run(|| 6 * 7) == 42, "it no longer serves");
    Ok(())
}

fn a_child_process_inherits_the_namespace() -> Result<()> {
    let namespace = Namespace::create("parent")?;
    let (own, childs) = namespace.run(|| {
        let child = Command::new("readlink").arg("/proc/self/ns/net").output();
        (fs::read_link("/proc/thread-self/ns/net"), child)
    });
    ensure!(String::from_utf8(childs?.stdout)?.trim() == own?.to_string_lossy(), "the child is elsewhere");
    Ok(())
}

fn a_visitor_may_borrow() -> Result<()> {
    let namespace = Namespace::create("visited")?;
    let mut seen = Vec::new();
    namespace.visit(|| seen.extend(devices()));
    ensure!(seen == [["lo"]], "{seen:?}");
    Ok(())
}

fn linger(inside: &Inside) -> Result<ExitCode> {
    let node = node()?;
    node.namespace().persist("node")?;
    let mut child = node.servers()[0].namespace.run(|| Command::new("sleep").arg("1000").spawn())?;
    println!("{}", inside.outer_pid);
    child.wait()?;
    bail!("the test has left it alone for too long")
}

/// Whether this sandbox has a user namespace, and so no power over the machine.
fn in_user_namespace() -> Result<bool> {
    Ok(fs::read_to_string("/proc/self/uid_map")?.split_whitespace().nth(2) == Some("1"))
}

fn rootless() -> Result<()> {
    ensure!(in_user_namespace()?, "there is no user namespace");
    a_server_answers_as_every_address_of_its_block()
}

fn a_limit_is_diagnosed() -> Result<()> {
    // In a user namespace the limit is its own; elsewhere it would be the machine's.
    ensure!(in_user_namespace()?, "there is no user namespace");
    ensure!(check() == Ok(How::Root), "a sandbox within the sandbox takes no user namespace");
    fs::write("/proc/sys/user/max_net_namespaces", "0")?;
    let forbidden = check().err().context("the limit has no effect")?;
    ensure!(forbidden.cause == Cause::Limit("max_net_namespaces"), "{forbidden}");
    Ok(())
}
