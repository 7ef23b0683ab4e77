//! Describes a request that the kernel refused, and the probable reason.

use lab_core::layout::{Request, ServerKey};
use lab_core::vocabulary::Word;
use nix::errno::Errno;
use std::fmt;

/// A request in words: `adding real server 10.192.0.1:8080 behind tcp 10.96.0.11:80`.
pub(crate) struct Doing<'a>(pub(crate) &'a Request);

impl fmt::Display for Doing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Request::AddCounter(counter) => write!(out, "adding the nfacct counter {counter}"),
            Request::AddDevice(device) => write!(out, "adding the dummy device {device}"),
            Request::RemoveDevice(device) => write!(out, "removing the device {device}"),
            Request::GetDevice(device) => write!(out, "looking {device} up"),
            Request::ListAddresses(device) => write!(out, "listing the addresses of {device}"),
            Request::ListOtherAddresses(device) => write!(out, "listing the addresses of all devices but {device}"),
            Request::ListLocalRoutes => write!(out, "listing the routes to the node itself"),
            Request::AddAddress(device, address) => write!(out, "adding address {address} to {device}"),
            Request::RemoveAddress(device, address) => write!(out, "removing address {address} from {device}"),
            Request::AddVirtualServer(server) => {
                write!(out, "adding virtual server {} with scheduler {}", Key(&server.key), server.scheduler)
            }
            Request::UpdateVirtualServer(server) => {
                write!(out, "changing virtual server {} with scheduler {}", Key(&server.key), server.scheduler)
            }
            Request::GetVirtualServer(key) => write!(out, "asking for virtual server {}", Key(key)),
            Request::Clear => write!(out, "removing every virtual server"),
            Request::ListVirtualServers => write!(out, "listing the virtual servers"),
            Request::RemoveVirtualServer(key) => write!(out, "removing virtual server {}", Key(key)),
            Request::AddRealServer(key, server) => {
                write!(out, "adding real server {} behind {}", server.address, Key(key))
            }
            Request::UpdateRealServer(key, server) => {
                write!(out, "changing real server {} behind {}", server.address, Key(key))
            }
            Request::ListRealServers(key) => write!(out, "listing the real servers behind {}", Key(key)),
            Request::RemoveRealServer(key, address) => {
                write!(out, "removing real server {address} behind {}", Key(key))
            }
        }
    }
}

struct Key<'a>(&'a ServerKey);

impl fmt::Display for Key<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.0.protocol.name(), self.0.address)
    }
}

/// The probable reason, if the errno says little: ` (is the namespace's lo up?)`, or nothing.
pub(crate) fn hint(request: &Request, errno: Errno) -> String {
    match (request, errno) {
        // A real server's address must be unicast. The kernel looks that up in a table that exists once lo is up.
        (Request::AddRealServer(_, server) | Request::UpdateRealServer(_, server), Errno::EINVAL)
            if server.address.is_ipv4() =>
        {
            " (is the namespace's lo up?)".to_owned()
        }
        (Request::AddVirtualServer(server) | Request::UpdateVirtualServer(server), Errno::ENOENT) => {
            format!(" (does the kernel have the module ip_vs_{}?)", server.scheduler.name())
        }
        (Request::AddDevice(_), Errno::EOPNOTSUPP) => " (does the kernel have the module dummy?)".to_owned(),
        (_, Errno::EPERM) => " (it needs CAP_NET_ADMIN)".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::cluster::Protocol;
    use lab_core::layout::RealServer;
    use lab_core::vocabulary::Forwarding;

    #[test]
    fn a_refused_real_server_is_told_in_full() {
        let key = ServerKey { protocol: Protocol::Tcp, address: "10.96.0.11:80".parse().unwrap() };
        let address = "10.192.0.1:8080".parse().unwrap();
        let request =
            Request::AddRealServer(key, RealServer { address, forwarding: Forwarding::Masquerading, weight: 1 });
        assert_eq!(
            format!("{}{}", Doing(&request), hint(&request, Errno::EINVAL)),
            "adding real server 10.192.0.1:8080 behind tcp 10.96.0.11:80 (is the namespace's lo up?)"
        );
    }
}
