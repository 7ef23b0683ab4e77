//! The readers of the kernel's answers, on bytes alone: for programs that try many inputs.

use crate::message::{attributes, messages};
use crate::{ipvs, link};

/// Reads `bytes` as answers: every message, the attributes in it and in these, and what they say of virtual servers, real
/// servers and addresses. Returns how much of that was read.
#[must_use]
pub fn answers(bytes: &[u8]) -> usize {
    let mut read = 0;
    for message in messages(bytes).flatten() {
        let payload = message.payload;
        read += usize::from(ipvs::read_service(payload).is_some());
        read += usize::from(ipvs::read_dest(payload).is_some());
        read += usize::from(link::bound_address(payload).is_some());
        read += attributes(payload).flat_map(|(_, value)| attributes(value)).count();
    }
    read
}
