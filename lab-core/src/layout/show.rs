//! Actions as commands: what `svclab render` prints, and what `ipvsadm --restore` reads.

use super::{Action, Invocation, Pace, RealServer, Request, ServerKey, Tool, VirtualServer};
use crate::cluster::Protocol;
use crate::vocabulary::Forwarding;
use std::fmt;
use std::net::IpAddr;

impl Action {
    /// As commands. `program` names each tool, and every line ends with a newline.
    ///
    /// A line that starts with `$` is a process; its input follows. A request to the kernel is shown as the nearest
    /// command.
    pub fn show(&self, program: impl Fn(Tool) -> &'static str) -> impl fmt::Display {
        fmt::from_fn(move |out| match self {
            Self::Call(_, call) => show_call(call, program(call.tool), "", out),
            Self::Try(_, call) => show_call(call, program(call.tool), " || true", out),
            Self::Ask(pace, requests) => {
                let pace = match pace {
                    Pace::OneByOne => "one request at a time",
                    Pace::Batched => "many requests a message",
                };
                writeln!(out, "# {pace}")?;
                requests.iter().try_for_each(|request| writeln!(out, "{request}"))
            }
            Self::Set(parameters) => parameters.iter().try_for_each(|(name, value)| {
                let dotted = |letter| match letter {
                    '/' => '.',
                    '.' => '/',
                    other => other,
                };
                writeln!(out, "sysctl -w {}={value}", name.chars().map(dotted).collect::<String>())
            }),
        })
    }
}

/// With the tools' default names.
impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(Tool::name).fmt(out)
    }
}

fn show_call(call: &Invocation, program: &str, end: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "$ {program}")?;
    for word in &call.args {
        if word.contains([' ', ';']) { write!(out, " \"{word}\"") } else { write!(out, " {word}") }?;
    }
    writeln!(out, "{end}")?;
    out.write_str(&String::from_utf8_lossy(&call.stdin))
}

/// The nearest command, on one line.
impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddCounter(counter) => write!(out, "nfacct add {counter}"),
            Self::AddDevice(device) => write!(out, "ip link add {device} type dummy"),
            Self::RemoveDevice(device) => write!(out, "ip link del {device}"),
            Self::GetDevice(device) => write!(out, "ip link show dev {device}"),
            Self::ListAddresses(device) => write!(out, "ip addr show dev {device}"),
            Self::ListOtherAddresses(device) => write!(out, "ip addr show # but of {device}"),
            Self::ListLocalRoutes => write!(out, "ip route show table local"),
            Self::AddAddress(device, address) => write!(out, "ip addr add {} dev {device}", host(*address)),
            Self::RemoveAddress(device, address) => write!(out, "ip addr del {} dev {device}", host(*address)),
            _ => write!(out, "ipvsadm {}", self.ipvsadm()),
        }
    }
}

impl Request {
    /// The arguments of `ipvsadm` for a request about virtual servers. `ipvsadm --restore` reads those of changes, one on
    /// each line.
    pub(super) fn ipvsadm(&self) -> impl fmt::Display {
        fmt::from_fn(move |out| match self {
            Self::AddVirtualServer(server) => write!(out, "-A {server}"),
            Self::UpdateVirtualServer(server) => write!(out, "-E {server}"),
            Self::GetVirtualServer(key) => write!(out, "-Ln {key}"),
            Self::ListVirtualServers => write!(out, "-Ln"),
            Self::Clear => write!(out, "-C"),
            Self::RemoveVirtualServer(key) => write!(out, "-D {key}"),
            Self::AddRealServer(key, server) => write!(out, "-a {key} {server}"),
            Self::UpdateRealServer(key, server) => write!(out, "-e {key} {server}"),
            // ipvsadm asks for the virtual server and its real ones in one.
            Self::ListRealServers(key) => write!(out, "-Ln {key} # its real servers"),
            Self::RemoveRealServer(key, address) => write!(out, "-d {key} -r {address}"),
            Self::AddDevice(_)
            | Self::RemoveDevice(_)
            | Self::GetDevice(_)
            | Self::ListAddresses(_)
            | Self::ListOtherAddresses(_)
            | Self::ListLocalRoutes
            | Self::AddAddress(..)
            | Self::RemoveAddress(..)
            | Self::AddCounter(_) => unreachable!("{self:?} is not about virtual servers"),
        })
    }
}

fn host(address: IpAddr) -> impl fmt::Display {
    let prefix = if address.is_ipv4() { 32 } else { 128 };
    fmt::from_fn(move |out| write!(out, "{address}/{prefix}"))
}

/// As `ipvsadm` takes it: `-t 10.96.0.11:80`.
impl fmt::Display for ServerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = match self.protocol {
            Protocol::Tcp => "-t",
            Protocol::Udp => "-u",
            Protocol::Sctp => "--sctp-service",
        };
        write!(out, "{option} {}", self.address)
    }
}

/// As `ipvsadm` takes it: `-t 10.96.0.11:80 -s rr`.
impl fmt::Display for VirtualServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} -s {}", self.key, self.scheduler)?;
        if let Some(time) = self.persistence {
            write!(out, " -p {}", time.as_secs())?;
        }
        if self.hashes_ports() { write!(out, " -b mh-port") } else { Ok(()) }
    }
}

/// As `ipvsadm` takes it: `-r 10.128.0.3:8080 -m -w 1`.
impl fmt::Display for RealServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forwarding = match self.forwarding {
            Forwarding::Masquerading => "-m",
            Forwarding::DirectRouting => "-g",
            Forwarding::Tunnel => "-i",
        };
        write!(out, "-r {} {forwarding} -w {}", self.address, self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Part;
    use crate::vocabulary::Scheduler;
    use std::time::Duration;

    fn key(protocol: Protocol, address: &str) -> ServerKey {
        ServerKey { protocol, address: address.parse().unwrap() }
    }

    #[test]
    fn requests_read_as_the_commands_nearest_to_them() {
        let server = key(Protocol::Tcp, "[fd00::1]:80");
        let real = RealServer { address: "[fd00::2]:8080".parse().unwrap(), forwarding: Forwarding::Tunnel, weight: 1 };
        for (request, expected) in [
            (Request::AddDevice("kube-ipvs0"), "ip link add kube-ipvs0 type dummy"),
            (Request::RemoveDevice("kube-ipvs0"), "ip link del kube-ipvs0"),
            (Request::GetDevice("kube-ipvs0"), "ip link show dev kube-ipvs0"),
            (Request::ListAddresses("kube-ipvs0"), "ip addr show dev kube-ipvs0"),
            (Request::ListOtherAddresses("kube-ipvs0"), "ip addr show # but of kube-ipvs0"),
            (Request::ListLocalRoutes, "ip route show table local"),
            (Request::AddAddress("d", "10.96.0.11".parse().unwrap()), "ip addr add 10.96.0.11/32 dev d"),
            (Request::RemoveAddress("d", "fd00::1".parse().unwrap()), "ip addr del fd00::1/128 dev d"),
            (Request::ListVirtualServers, "ipvsadm -Ln"),
            (Request::Clear, "ipvsadm -C"),
            (Request::GetVirtualServer(key(Protocol::Udp, "10.96.0.10:53")), "ipvsadm -Ln -u 10.96.0.10:53"),
            (
                Request::RemoveVirtualServer(key(Protocol::Sctp, "10.96.0.10:7")),
                "ipvsadm -D --sctp-service 10.96.0.10:7",
            ),
            (Request::AddRealServer(server, real), "ipvsadm -a -t [fd00::1]:80 -r [fd00::2]:8080 -i -w 1"),
            (Request::UpdateRealServer(server, real), "ipvsadm -e -t [fd00::1]:80 -r [fd00::2]:8080 -i -w 1"),
            (Request::ListRealServers(server), "ipvsadm -Ln -t [fd00::1]:80 # its real servers"),
            (Request::RemoveRealServer(server, real.address), "ipvsadm -d -t [fd00::1]:80 -r [fd00::2]:8080"),
        ] {
            assert_eq!(request.to_string(), expected);
        }
    }

    #[test]
    fn a_virtual_server_reads_as_ipvsadm_saves_it() {
        let server = VirtualServer {
            key: key(Protocol::Tcp, "10.96.0.11:80"),
            scheduler: Scheduler::MaglevHashing,
            persistence: Some(Duration::from_secs(10_800)),
        };
        let expected = "ipvsadm -A -t 10.96.0.11:80 -s mh -p 10800 -b mh-port";
        assert_eq!(Request::AddVirtualServer(server).to_string(), expected);
    }

    #[test]
    fn a_call_reads_as_a_command_line_with_its_input_below() {
        let call = Invocation {
            tool: Tool::Ipset,
            args: ["-exist", "restore", "a b"].map(str::to_owned).to_vec(),
            stdin: b"add X 10.96.0.11\n".to_vec(),
        };
        let action = Action::Try(Part::Sets, call);
        let shown = action.show(|_| "/sbin/ipset").to_string();
        assert_eq!(shown, "$ /sbin/ipset -exist restore \"a b\" || true\nadd X 10.96.0.11\n");
    }

    #[test]
    fn a_parameter_reads_as_sysctl_names_it() {
        let parameter = ("net/ipv4/conf/eth0.1/forwarding".to_owned(), "1".to_owned());
        assert_eq!(Action::Set(vec![parameter]).to_string(), "sysctl -w net.ipv4.conf.eth0/1.forwarding=1\n");
    }
}
