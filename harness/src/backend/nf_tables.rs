//! Counting what the kernel's nf_tables holds, by its own dumps (linux/netfilter/nf_tables.h).
//!
//! The tools' listings would do, but take minutes where the dumps take seconds: they resolve what they print.

use anyhow::{Context, Result, bail, ensure};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::os::fd::{AsRawFd, OwnedFd};

/// How much nf_tables holds for IPv4 in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) rules: u64,
    /// Chains that are jumped to.
    pub(super) chains: u64,
    /// Chains that hang on a hook.
    pub(super) base_chains: u64,
    /// Elements of sets and maps that have a name of their own.
    pub(super) set_elements: u64,
}

// enum nf_tables_msg_types: what is asked for, and what each answer is.
const NEWCHAIN: u16 = 3;
const GETCHAIN: u16 = 4;
const NEWRULE: u16 = 6;
const GETRULE: u16 = 7;
const NEWSET: u16 = 9;
const GETSET: u16 = 10;
const NEWSETELEM: u16 = 12;
const GETSETELEM: u16 = 13;

// Attributes of a chain, a set and a list of elements.
const CHAIN_HOOK: u16 = 4;
const SET_TABLE: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const ELEM_LIST_TABLE: u16 = 1;
const ELEM_LIST_SET: u16 = 2;
const ELEM_LIST_ELEMENTS: u16 = 3;

const SET_ANONYMOUS: u32 = 1;
const SUBSYSTEM: u16 = (libc::NFNL_SUBSYS_NFTABLES as u16) << 8;

/// Counts in the calling thread's namespace.
pub(super) fn count() -> Result<Counts> {
    let mut counts = Counts::default();
    dump(GETRULE, NEWRULE, &[], |_| counts.rules += 1)?;
    dump(GETCHAIN, NEWCHAIN, &[], |chain| match attribute(chain, CHAIN_HOOK) {
        Some(_) => counts.base_chains += 1,
        None => counts.chains += 1,
    })?;
    let mut named = Vec::new();
    dump(GETSET, NEWSET, &[], |set| {
        let flags = attribute(set, SET_FLAGS).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
        if flags & SET_ANONYMOUS == 0 {
            named
                .extend(attribute(set, SET_TABLE).zip(attribute(set, SET_NAME)).map(|(t, n)| (t.to_vec(), n.to_vec())));
        }
    })?;
    for (table, set) in named {
        let which = [encode(ELEM_LIST_TABLE, &table), encode(ELEM_LIST_SET, &set)].concat();
        dump(GETSETELEM, NEWSETELEM, &which, |list| {
            let elements = attribute(list, ELEM_LIST_ELEMENTS).unwrap_or_default();
            counts.set_elements += attributes(elements).count() as u64;
        })?;
    }
    Ok(counts)
}

/// Asks for everything of a kind and hands over the attributes of each answer.
fn dump(ask: u16, answer: u16, attributes: &[u8], mut each: impl FnMut(&[u8])) -> Result<()> {
    let socket = open()?;
    send(socket.as_raw_fd(), &request(ask, attributes), MsgFlags::empty()).context("asking nf_tables for a dump")?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).context("reading an nf_tables dump")?;
        let mut rest = &buffer[..length];
        while rest.len() >= 16 {
            let size = u32_at(rest, 0) as usize;
            ensure!((16..=rest.len()).contains(&size), "nf_tables sent a message of {size} bytes");
            let (message, kind) = (&rest[16..size], u16::from_ne_bytes([rest[4], rest[5]]));
            if i32::from(kind) == libc::NLMSG_DONE {
                return Ok(());
            }
            if i32::from(kind) == libc::NLMSG_ERROR {
                let code = i32::from_ne_bytes(message[..4].try_into()?);
                bail!("nf_tables refused a dump: {}", std::io::Error::from_raw_os_error(-code));
            }
            // Past the nfgenmsg header of 4 bytes come the attributes.
            if kind == SUBSYSTEM | answer {
                each(&message[4..]);
            }
            rest = &rest[align(size).min(rest.len())..];
        }
    }
}

fn open() -> Result<OwnedFd> {
    let kind = (AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter);
    let socket = socket(kind.0, kind.1, kind.2, kind.3).context("opening a netlink socket to netfilter")?;
    // A dump that never ends would hang the run.
    let limit = nix::sys::time::TimeVal::new(60, 0);
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::ReceiveTimeout, &limit)?;
    Ok(socket)
}

/// A dump request for IPv4: nlmsghdr, nfgenmsg, attributes.
fn request(ask: u16, attributes: &[u8]) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut message = Vec::new();
    message.extend((20 + attributes.len() as u32).to_ne_bytes());
    message.extend((SUBSYSTEM | ask).to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([libc::AF_INET as u8, libc::NFNETLINK_V0 as u8, 0, 0]);
    message.extend(attributes);
    message
}

fn encode(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((4 + value.len() as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(align(bytes.len()), 0);
    bytes
}

/// Every attribute in `bytes`: its kind without flags, and its value.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let size = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?) & 0x3fff;
        let value = bytes.get(4..size)?;
        bytes = bytes.get(align(size)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Netlink pads everything to 4 bytes.
fn align(size: usize) -> usize {
    size.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_back_as_they_were_encoded() {
        let bytes = [encode(1, b"kube-proxy\0"), encode(2, b"ips\0"), encode(0x8000 | 3, &encode(1, b""))].concat();
        assert_eq!(attribute(&bytes, 1), Some(&b"kube-proxy\0"[..]));
        assert_eq!(attribute(&bytes, 2), Some(&b"ips\0"[..]));
        assert_eq!(attributes(attribute(&bytes, 3).unwrap()).count(), 1);
        assert_eq!(attribute(&bytes, 4), None);
    }

    #[test]
    fn cut_off_attributes_end_the_list() {
        let bytes = encode(1, b"abcdef");
        assert_eq!(attributes(&bytes[..6]).count(), 0);
        assert_eq!(attributes(&[4, 0]).count(), 0);
    }
}
