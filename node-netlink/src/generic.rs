//! Generic netlink: finds a family by its name, and writes a command's header (linux/genetlink.h).

use crate::message::attribute;
use crate::socket::{Socket, SocketError};

/// The bytes of `struct genlmsghdr`.
pub(crate) const HEADER: usize = 4;

// The family that lists the families.
const CONTROL: u16 = 16;
const CONTROL_VERSION: u8 = 1;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;

pub(crate) fn header(command: u8, version: u8) -> [u8; HEADER] {
    [command, version, 0, 0]
}

/// The number of the family called `name`, which ends with NUL.
///
/// # Errors
/// `Refused(ENOENT)` when the kernel has no such family and no module for it.
pub(crate) fn family(socket: &mut Socket, name: &[u8]) -> Result<u16, SocketError> {
    let mut number = None;
    socket.ask(
        CONTROL,
        0,
        |writer| {
            writer.header(&header(GET_FAMILY, CONTROL_VERSION));
            writer.attribute(FAMILY_NAME, name);
        },
        |_, payload| {
            number = payload.get(HEADER..).and_then(|attributes| attribute(attributes, FAMILY_ID)?.try_into().ok())
        },
    )?;
    number.map(u16::from_ne_bytes).ok_or(SocketError::Malformed("a generic netlink family"))
}
