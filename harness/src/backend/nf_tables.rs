//! Counting what is in the kernel's nf_tables, from netlink dumps (linux/netfilter/nf_tables.h).
//!
//! The tools' listings take minutes where dumps take seconds, because the tools resolve what they print.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;
use node_netlink::message::{attribute, attributes};
use node_netlink::{Socket, SocketError};

/// How much nf_tables holds in one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) rules: u64,
    /// Chains without a hook.
    pub(super) chains: u64,
    /// Chains with a hook.
    pub(super) base_chains: u64,
    /// Elements of named sets and maps, without those that packets add.
    pub(super) set_elements: u64,
}

// enum nf_tables_msg_types: requests, and their answers.
const NEWTABLE: u16 = 0;
const GETTABLE: u16 = 1;
const NEWCHAIN: u16 = 3;
const GETCHAIN: u16 = 4;
const NEWRULE: u16 = 6;
const GETRULE: u16 = 7;
const NEWSET: u16 = 9;
const GETSET: u16 = 10;
const NEWSETELEM: u16 = 12;
const GETSETELEM: u16 = 13;

// Attributes of a table, a chain, a rule, a set and a list of elements.
const TABLE_NAME: u16 = 1;
const TABLE_USE: u16 = 3;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const SET_TABLE: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const ELEM_LIST_TABLE: u16 = 1;
const ELEM_LIST_SET: u16 = 2;
const ELEM_LIST_ELEMENTS: u16 = 3;

/// Families of tables, as nft calls them (`NFPROTO_*` of linux/netfilter.h).
const FAMILIES: [(&str, i32); 6] = [("inet", 1), ("ip", 2), ("arp", 3), ("netdev", 5), ("bridge", 7), ("ip6", 10)];

const SET_ANONYMOUS: u32 = 1;
/// Packets add to the set and time takes from it: who is sent where with session affinity (`NFT_SET_EVAL`).
const SET_DYNAMIC: u32 = 0x20;
const SUBSYSTEM: u16 = (libc::NFNL_SUBSYS_NFTABLES as u16) << 8;

/// Counts for both families in the calling thread's namespace.
pub(super) fn count() -> Result<Counts> {
    let mut socket = Socket::open(SockProtocol::NetlinkNetFilter).context("asking nf_tables")?;
    let mut counts = Counts::default();
    counts.add(&mut socket, libc::AF_INET)?;
    counts.add(&mut socket, libc::AF_INET6)?;
    Ok(counts)
}

/// The tables in the calling thread's namespace: the family as nft calls it, the name, and how many chains, sets and other
/// things are directly in it. There are none where the kernel has no nf_tables.
pub(super) fn tables() -> Result<Vec<(&'static str, String, u64)>> {
    let mut held = Vec::new();
    let Ok(mut socket) = Socket::open(SockProtocol::NetlinkNetFilter) else { return Ok(held) };
    for (family, number) in FAMILIES {
        let listed = dump(&mut socket, number, GETTABLE, NEWTABLE, &[], |table| {
            let name = attribute(table, TABLE_NAME).unwrap_or_default().split(|byte| *byte == 0).next();
            let content =
                attribute(table, TABLE_USE).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            held.push((family, name, content.into()));
        });
        match listed {
            Ok(()) => {}
            // The kernel knows no such subsystem, or no such family.
            Err(error) if lacks(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

fn lacks(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<SocketError>();
    matches!(refused, Some(SocketError::Refused(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT)))
}

impl Counts {
    /// Adds what there is for `family`.
    fn add(&mut self, socket: &mut Socket, family: i32) -> Result<()> {
        let mut chains = Vec::new();
        dump(socket, family, GETCHAIN, NEWCHAIN, &[], |chain| {
            match attribute(chain, CHAIN_HOOK) {
                Some(_) => self.base_chains += 1,
                None => self.chains += 1,
            }
            chains.extend(
                attribute(chain, CHAIN_TABLE).zip(attribute(chain, CHAIN_NAME)).map(|(t, n)| (t.to_vec(), n.to_vec())),
            );
        })?;
        // For each part of a dump, the kernel starts again from the first rule: over all chains, that is quadratic.
        for (table, chain) in chains {
            let which = [(RULE_TABLE, table.as_slice()), (RULE_CHAIN, chain.as_slice())];
            dump(socket, family, GETRULE, NEWRULE, &which, |_| self.rules += 1)?;
        }
        let mut named = Vec::new();
        dump(socket, family, GETSET, NEWSET, &[], |set| {
            let flags = attribute(set, SET_FLAGS).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
            if flags & (SET_ANONYMOUS | SET_DYNAMIC) == 0 {
                named.extend(
                    attribute(set, SET_TABLE).zip(attribute(set, SET_NAME)).map(|(t, n)| (t.to_vec(), n.to_vec())),
                );
            }
        })?;
        for (table, set) in named {
            let which = [(ELEM_LIST_TABLE, table.as_slice()), (ELEM_LIST_SET, set.as_slice())];
            dump(socket, family, GETSETELEM, NEWSETELEM, &which, |list| {
                let elements = attribute(list, ELEM_LIST_ELEMENTS).unwrap_or_default();
                self.set_elements += attributes(elements).count() as u64;
            })?;
        }
        Ok(())
    }
}

/// Requests everything of one kind for `family`, and passes on the attributes of each answer.
fn dump(
    socket: &mut Socket,
    family: i32,
    ask: u16,
    answer: u16,
    which: &[(u16, &[u8])],
    mut each: impl FnMut(&[u8]),
) -> Result<()> {
    let family_header = [family as u8, libc::NFNETLINK_V0 as u8, 0, 0];
    let payload = |writer: &mut node_netlink::message::Writer| {
        writer.header(&family_header);
        which.iter().for_each(|(kind, value)| writer.attribute(*kind, value));
    };
    let answered = socket.dump(SUBSYSTEM | ask, payload, |kind, payload| {
        if kind == SUBSYSTEM | answer {
            each(payload.get(family_header.len()..).unwrap_or_default());
        }
    });
    answered.context("listing what nf_tables holds")
}
