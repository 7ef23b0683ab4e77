//! Every table of rules that there is in a namespace, whoever made it, and how much is in it.
//!
//! The kernel is asked for names and numbers, no tool and for no rule: that takes microseconds, however large tables are.

use super::nf_tables;
use anyhow::{Context, Result};
use lab_core::units::counted;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// The nf_tables table with rules that the lab injects on purpose: see `self_test::fault`.
pub(crate) const INJECTED: &str = "svclab-slowdown";

/// What made a table, and of which packets it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Maker {
    /// The legacy variant of iptables.
    Iptables,
    /// The legacy variant of ip6tables.
    Ip6tables,
    /// nft, or the nf_tables variant of iptables, for a family as nft calls it.
    NfTables(&'static str),
}

/// A table that packets may pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    pub(crate) maker: Maker,
    pub(crate) name: String,
    /// Rules; of nf_tables, chains, sets and what else is directly in it.
    pub(crate) content: u64,
}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { maker, name, content } = self;
        match maker {
            Maker::Iptables => write!(out, "table {name} of iptables-legacy with {}", counted(*content, "rule")),
            Maker::Ip6tables => write!(out, "table {name} of ip6tables-legacy with {}", counted(*content, "rule")),
            Maker::NfTables(family) => {
                write!(out, "table {family} {name} of nf_tables with {}", counted(*content, "object"))
            }
        }
    }
}

/// The tables in the calling thread's namespace that are not empty.
pub(crate) fn held() -> Result<BTreeSet<Held>> {
    let mut held = BTreeSet::new();
    for maker in [Maker::Iptables, Maker::Ip6tables] {
        for name in names(maker) {
            let content = rules(maker, &name).with_context(|| format!("asking for the size of the table {name}"))?;
            held.insert(Held { maker, name, content });
        }
    }
    let nf_tables = nf_tables::tables()?.into_iter();
    held.extend(nf_tables.map(|(family, name, content)| Held { maker: Maker::NfTables(family), name, content }));
    held.retain(|table| table.content > 0);
    Ok(held)
}

/// The names of the legacy tables that exist; none where the kernel has none. Asking for another would make it.
fn names(maker: Maker) -> Vec<String> {
    // Of this thread: /proc/net is that of the process's first one.
    let file = match maker {
        Maker::Ip6tables => "/proc/thread-self/net/ip6_tables_names",
        _ => "/proc/thread-self/net/ip_tables_names",
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// `struct ipt_getinfo`, and `struct ip6t_getinfo`, which is the same (linux/netfilter_ipv4/ip_tables.h).
#[repr(C)]
struct Info {
    name: [u8; 32],
    valid_hooks: u32,
    hook_entry: [u32; 5],
    underflow: [u32; 5],
    num_entries: u32,
    size: u32,
}

/// `IPT_SO_GET_INFO` and `IP6T_SO_GET_INFO`.
const GET_INFO: i32 = 64;

/// How many rules the legacy table `name` has besides the policies of its chains.
fn rules(maker: Maker, name: &str) -> Result<u64> {
    let (address, level) = match maker {
        Maker::Ip6tables => ("[::]:0", libc::IPPROTO_IPV6),
        _ => ("0.0.0.0:0", libc::IPPROTO_IP),
    };
    let socket = UdpSocket::bind(address)?;
    // SAFETY: the struct is plain numbers, for which all zeroes is a value.
    let mut info: Info = unsafe { std::mem::zeroed() };
    let length = name.len().min(info.name.len() - 1);
    info.name[..length].copy_from_slice(&name.as_bytes()[..length]);
    let mut size = size_of::<Info>() as libc::socklen_t;
    // SAFETY: the struct and its size are live local variables, and the kernel writes no more than that size.
    let asked = unsafe { libc::getsockopt(socket.as_raw_fd(), level, GET_INFO, (&raw mut info).cast(), &raw mut size) };
    Errno::result(asked)?;
    // Each built-in chain has an entry for its policy, and the table one at its end.
    Ok(u64::from(info.num_entries.saturating_sub(info.valid_hooks.count_ones() + 1)))
}
