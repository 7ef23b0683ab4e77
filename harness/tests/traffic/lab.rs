//! A node with pods and a machine outside, programmed with a layout by the real tools.

use crate::services;
use crate::wire::{self, Transport};
use anyhow::{Context, Result, bail, ensure};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use lab_core::cell::Variant;
use lab_core::change::Change;
use lab_core::cluster::{
    AddressPlan, BALANCER_RANGE, BALANCER_RANGE_V6, CLIENT_ADDRESS, CLIENT_ADDRESS_V6, Cluster, ENDPOINT_PORT,
    EXTERNAL_RANGE, Family, NODE_ADDRESS, NODE_ADDRESS_V6, OUTSIDE_ADDRESS, OUTSIDE_ADDRESS_V6, OUTSIDE_GATEWAY,
    OUTSIDE_GATEWAY_V6, ServicePort,
};
use lab_core::layout::{Action, Invocation, Layout, Tool, release};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin};
use netns_topology::{Addresses, Delivery, Namespace, Node, Outside, Pod, Server, Wiring};
use node_netlink::Kernel;
use std::env;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A programmed node, with servers in its pods.
pub(crate) struct Lab {
    pub(crate) backend: BackendName,
    pub(crate) layout: LayoutName,
    pub(crate) cluster: Arc<Cluster>,
    rules: Arc<dyn Layout>,
    addresses: AddressPlan,
    node: Node,
}

impl Lab {
    /// Programs a node with no Service at all.
    pub(crate) fn empty(backend: BackendName) -> Result<()> {
        let node = Node::bare(NODE_ADDRESS)?;
        let rules = rules(Variant::usual(backend))?;
        perform(backend, node.namespace(), &rules.prepare())?;
        perform(backend, node.namespace(), &rules.full_sync(&Cluster::default()))
    }

    /// Programs a node with [`services`], and starts their servers.
    pub(crate) fn build(backend: BackendName, layout: LayoutName) -> Result<Self> {
        let addresses = AddressPlan::new(services::ENDPOINTS);
        let cluster = Arc::new(services::cluster(&addresses));
        let node = Node::build(&wiring(&addresses))?;
        let rules = rules(Variant { layout, ..Variant::usual(backend) })?;
        perform(backend, node.namespace(), &rules.prepare())?;
        perform(backend, node.namespace(), &rules.full_sync(&cluster))?;
        let lab = Self { backend, layout, cluster, rules, addresses, node };
        lab.serve()?;
        Ok(lab)
    }

    /// Starts the servers of every protocol in every pod.
    fn serve(&self) -> Result<()> {
        for pod in self.node.servers() {
            wire::listen(pod, Transport::Tcp, ENDPOINT_PORT)?;
            if wire::has_sctp() {
                wire::listen(pod, Transport::Sctp, ENDPOINT_PORT)?;
            }
        }
        for family in Family::ALL {
            for port in self.cluster.ports(family).filter(|port| port.name() == services::UDP) {
                for endpoint in port.endpoints() {
                    wire::answer_datagrams(self.pod(endpoint.address)?, endpoint.socket())?;
                }
            }
        }
        Ok(())
    }

    /// Brings the node from its cluster to `after`, and back.
    pub(crate) fn with_change<T>(&self, after: Cluster, then: impl FnOnce() -> T) -> Result<T> {
        let change = Change { before: Arc::clone(&self.cluster), after: Arc::new(after) };
        self.sync(&change)?;
        let outcome = then();
        self.sync(&change.undone())?;
        Ok(outcome)
    }

    fn sync(&self, change: &Change) -> Result<()> {
        let actions = [self.rules.partial_sync(change), self.rules.cleanup(change)].concat();
        perform(self.backend, self.node.namespace(), &actions)
    }

    /// The addresses that `service` may have endpoints at.
    pub(crate) fn addresses(&self) -> &AddressPlan {
        &self.addresses
    }

    /// The port of the Service `name`.
    pub(crate) fn service(&self, name: &str, family: Family) -> Result<ServicePort<'_>> {
        let found = self.cluster.ports(family).find(|port| port.name() == name);
        found.with_context(|| format!("no Service {name}"))
    }

    /// Where it is reached.
    pub(crate) fn address(&self, name: &str, access: Access, family: Family) -> Result<SocketAddr> {
        let port = self.service(name, family)?;
        port.address_by(access, &self.cluster.node).with_context(|| format!("{name} is not reached by {access}"))
    }

    /// The namespace that `origin` is.
    pub(crate) fn origin(&self, origin: Origin) -> Result<&Namespace> {
        let pod = match origin {
            Origin::Node => return Ok(self.node.namespace()),
            Origin::Pod => self.node.client(),
            Origin::Outside => self.node.outside(),
        };
        Ok(&pod.context("the wiring has it")?.namespace)
    }

    /// The server pod that answers as `endpoint`.
    pub(crate) fn pod(&self, endpoint: IpAddr) -> Result<&Pod> {
        let pod = self.addresses.server_pod(endpoint).and_then(|pod| self.node.servers().get(pod as usize));
        pod.with_context(|| format!("no pod has {endpoint}"))
    }
}

fn rules(variant: Variant) -> Result<Arc<dyn Layout>> {
    release::layout(variant, &ProxyConfig { nfacct: false, ..ProxyConfig::default() }).context("it installs nothing")
}

fn wiring(plan: &AddressPlan) -> Wiring {
    let both = |v4: Ipv4Addr, v6: Ipv6Addr| Addresses { v4, v6: Some(v6) };
    let server = |pod| Server {
        address: both(plan.server_address(pod), plan.server_address_v6(pod)),
        blocks: vec![plan.block(pod).into(), plan.block_v6(pod).into()],
    };
    let outside = Outside {
        address: both(OUTSIDE_ADDRESS, OUTSIDE_ADDRESS_V6),
        gateway: both(OUTSIDE_GATEWAY, OUTSIDE_GATEWAY_V6),
        reaches: vec![
            IpNet::V4(Ipv4Net::from(NODE_ADDRESS)),
            IpNet::V4(EXTERNAL_RANGE),
            IpNet::V4(BALANCER_RANGE),
            IpNet::V6(Ipv6Net::from(NODE_ADDRESS_V6)),
            IpNet::V6(BALANCER_RANGE_V6),
        ],
    };
    Wiring {
        node: both(NODE_ADDRESS, NODE_ADDRESS_V6),
        client: both(CLIENT_ADDRESS, CLIENT_ADDRESS_V6),
        servers: (0..plan.server_pods).map(server).collect(),
        outside: Some(outside),
        delivery: Delivery::Rewritten,
    }
}

/// Does `actions` in `node`, one after the other.
fn perform(backend: BackendName, node: &Namespace, actions: &[Action]) -> Result<()> {
    for action in actions {
        node.visit(|| match action {
            Action::Call(_, call) => run(backend, call, &[0]),
            Action::Try(_, call) => run(backend, call, &[0, 1]),
            Action::Ask(pace, requests) => {
                let deadline = Instant::now() + Duration::from_secs(600);
                Ok(Kernel::open()?.apply(*pace, requests, deadline).map(drop)?)
            }
            Action::Set(parameters) => parameters.iter().try_for_each(|(name, value)| {
                std::fs::write(format!("/proc/sys/{name}"), value).with_context(|| format!("set {name} to {value}"))
            }),
        })?;
    }
    Ok(())
}

fn run(backend: BackendName, call: &Invocation, allowed: &[i32]) -> Result<()> {
    let program = program(backend, call.tool);
    let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut command = Command::new(&program);
    command.env("PATH", path).args(&call.args);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        // kube-proxy goes on without it, too.
        Err(error) if error.kind() == ErrorKind::NotFound && call.tool == Tool::Conntrack => return Ok(()),
        child => child.with_context(|| format!("start {program}"))?,
    };
    let mut stdin = child.stdin.take().context("it is piped")?;
    let written = stdin.write_all(&call.stdin);
    drop(stdin);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(code) if allowed.contains(&code) => {}
        _ => bail!("{program} {}: {}: {}", call.args.join(" "), output.status, said.trim()),
    }
    ensure!(written.is_ok(), "{program} did not read all of its input");
    Ok(())
}

/// What a layout's tool is in a backend.
pub(crate) fn program(backend: BackendName, tool: Tool) -> String {
    let name = tool.name();
    let variant = if backend == BackendName::IptablesNft { "nft" } else { "legacy" };
    match name.split_once("tables") {
        Some((ip, rest)) => format!("{ip}tables-{variant}{rest}"),
        None => name.to_owned(),
    }
}
