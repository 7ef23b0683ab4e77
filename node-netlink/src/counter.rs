//! nfacct counters (linux/netfilter/nfnetlink_acct.h), which iptables rules count with.

use crate::message::Writer;
use crate::socket::{Socket, SocketError};
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;

/// `NFNL_SUBSYS_ACCT`, where nfnetlink's message kinds have it.
const SUBSYSTEM: u16 = 7 << 8;
// enum nfnl_acct_msg_types and enum nfnl_acct_type.
const NEW: u16 = 0;
const GET: u16 = 1;
const NAME: u16 = 1;

/// `struct nfgenmsg` of no family.
const HEADER: [u8; 4] = [libc::AF_UNSPEC as u8, libc::NFNETLINK_V0 as u8, 0, 0];

/// Adds a counter, in the calling thread's namespace. An existing one is left alone.
///
/// # Errors
/// When the kernel refuses: it may have no such counters.
pub fn add_counter(name: &str) -> Result<(), SocketError> {
    let payload = |writer: &mut Writer| {
        writer.header(&HEADER);
        writer.attribute(NAME, &[name.as_bytes(), &[0]].concat());
    };
    let mut socket = Socket::open(SockProtocol::NetlinkNetFilter)?;
    match socket.ask(SUBSYSTEM | NEW, libc::NLM_F_CREATE as u16, payload, |_, _| ()) {
        Err(SocketError::Refused(Errno::EBUSY | Errno::EEXIST)) => Ok(()),
        other => other,
    }
}

/// Whether the kernel has such counters: it can list them.
#[must_use]
pub fn has_counters() -> bool {
    let listed = Socket::open(SockProtocol::NetlinkNetFilter)
        .and_then(|mut socket| socket.dump(SUBSYSTEM | GET, |writer| writer.header(&HEADER), |_, _| ()));
    listed.is_ok()
}
