//! Counting what is in the kernel's nf_tables, from netlink dumps (linux/netfilter/nf_tables.h).
//!
//! The tools' listings take minutes where dumps take seconds, because the tools resolve what they print.

use anyhow::{Context, Result};
use nix::sys::socket::SockProtocol;
use node_netlink::Socket;
use node_netlink::message::{attribute, attributes};

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
const NEWCHAIN: u16 = 3;
const GETCHAIN: u16 = 4;
const NEWRULE: u16 = 6;
const GETRULE: u16 = 7;
const NEWSET: u16 = 9;
const GETSET: u16 = 10;
const NEWSETELEM: u16 = 12;
const GETSETELEM: u16 = 13;

// Attributes of a chain, a rule, a set and a list of elements.
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
