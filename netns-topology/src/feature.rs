//! What the running kernel can do, found out by asking for it from within the enclosure.
//!
//! Asking loads the module where the kernel loads modules on demand; lists such as /proc/modules lack what is built in.

use crate::topology::{Node, Wiring};
use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

/// Something a kernel may have been built without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Veth pairs, and whatever else a node with a pod needs.
    Veth,
    /// The nat table of ip_tables, which iptables-legacy fills.
    IptablesNat,
    /// nf_tables, which nft and iptables-nft fill.
    NfTables,
    /// ip_vs.
    Ipvs,
}

/// `IPT_SO_GET_INFO` (linux/netfilter_ipv4/ip_tables.h), which takes a `struct ipt_getinfo` that begins with the
/// table's name.
const IPT_SO_GET_INFO: libc::c_int = 64;
const IPT_GETINFO_SIZE: usize = 84;

/// `IP_VS_SO_GET_VERSION` (linux/ip_vs.h), which fills in a text of 64 bytes.
const IP_VS_SO_GET_VERSION: libc::c_int = 64 + 1024 + 64;

/// `NFT_MSG_GETGEN` and `NFT_MSG_NEWGEN` (linux/netfilter/nf_tables.h) of the nfnetlink subsystem `nftables`.
const NFT_GETGEN: u16 = (10 << 8) | 16;
const NFT_NEWGEN: u16 = (10 << 8) | 15;

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 4] = [Self::Veth, Self::IptablesNat, Self::NfTables, Self::Ipvs];

    /// The kernel's own name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::IptablesNat => "iptable_nat",
            Self::NfTables => "nf_tables",
            Self::Ipvs => "ip_vs",
        }
    }

    /// Asks the kernel for it; to be called inside the enclosure.
    ///
    /// # Errors
    /// When the kernel does not have it, or does not say.
    pub fn check(self) -> Result<()> {
        let answer = match self {
            Self::Veth => try_veth(),
            Self::IptablesNat => get_ip_option(IPT_SO_GET_INFO, b"nat", IPT_GETINFO_SIZE),
            Self::NfTables => get_nft_generation(),
            Self::Ipvs => get_ip_option(IP_VS_SO_GET_VERSION, b"", 64),
        };
        answer.with_context(|| format!("{} does not work here", self.name()))
    }
}

fn try_veth() -> Result<()> {
    let [node_address, client] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
    Node::build(&Wiring { node_address, client, servers: Vec::new() }).map(drop)
}

/// Asks for a socket option of level IP with a buffer of `size` bytes that begins with `request`.
fn get_ip_option(option: libc::c_int, request: &[u8], size: usize) -> Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw)
        .context("open a raw socket")?;
    let mut buffer = vec![0_u8; size];
    buffer[..request.len()].copy_from_slice(request);
    let mut length = libc::socklen_t::try_from(size)?;
    // SAFETY: the kernel writes at most `length` bytes, which is what the buffer has, and both live through the call.
    let result = unsafe {
        let buffer = buffer.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_IP, option, buffer, &raw mut length)
    };
    Errno::result(result).map(drop).with_context(|| format!("ask for socket option {option}"))
}

/// Asks nf_tables for its generation, the least of its questions.
fn get_nft_generation() -> Result<()> {
    let socket: OwnedFd =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter)
            .context("open an nfnetlink socket")?;
    // struct nlmsghdr: length, type, flags, sequence, port; struct nfgenmsg: family, version, resource.
    let mut message = Vec::new();
    message.extend(20_u32.to_ne_bytes());
    message.extend(NFT_GETGEN.to_ne_bytes());
    message.extend(u16::try_from(libc::NLM_F_REQUEST)?.to_ne_bytes());
    message.extend([0; 12]);
    send(socket.as_raw_fd(), &message, MsgFlags::empty()).context("ask nf_tables for its generation")?;
    let mut answer = [0; 256];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).context("hear from nf_tables")?;
    ensure!(length >= 16 && answer[4..6] == NFT_NEWGEN.to_ne_bytes(), "nfnetlink knows nothing of nf_tables");
    Ok(())
}
