//! A netlink socket: queues requests, sends them together, and reads until the last one is answered.

use crate::message::{Writer, messages};
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket};
use nix::sys::time::TimeVal;
use std::os::fd::{AsRawFd, OwnedFd};

/// How long the kernel may take to answer. An answer that never comes would hang the run.
const PATIENCE_SECONDS: i64 = 60;
/// More than the 32 KiB that a part of a dump has at most.
const RECEIVE_BUFFER: usize = 1 << 16;

/// A netlink socket of one family. It stays in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    outbox: Writer,
    queued: u32,
    /// The number of the last queued request.
    sequence: u32,
    inbox: Box<[u8]>,
}

/// The kernel's answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// A message with data.
    Message {
        /// The index of the request that it answers.
        of: usize,
        /// The message's kind.
        kind: u16,
        /// The family's header and the attributes.
        payload: &'a [u8],
    },
    /// The request failed.
    Refusal {
        /// The index of the request that failed.
        of: usize,
        /// How.
        errno: Errno,
    },
}

/// Why a socket cannot be used, or how the kernel refused a request that was sent alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// The kernel refused the request.
    #[error("the kernel refused: {}", .0.desc())]
    Refused(Errno),
    /// A system call failed.
    #[error("{call} a netlink socket: {}", .errno.desc())]
    Call {
        /// What was done: `opening`, `writing to`, `reading from`.
        call: &'static str,
        /// How it failed.
        errno: Errno,
    },
    /// No answer came.
    #[error("the kernel did not answer within {PATIENCE_SECONDS} s")]
    Silent,
    /// An answer cannot be read.
    #[error("the kernel sent {0} that cannot be read")]
    Malformed(&'static str),
    /// The list changed while it was being sent. It may lack something or have it twice.
    #[error("the list changed while it was being sent")]
    Changed,
}

impl Socket {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// # Errors
    /// When the kernel does not know the protocol.
    pub fn open(protocol: SockProtocol) -> Result<Self, SocketError> {
        let failed = |errno| SocketError::Call { call: "opening", errno };
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).map_err(failed)?;
        setsockopt(&fd, ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0)).map_err(failed)?;
        let inbox = vec![0; RECEIVE_BUFFER].into_boxed_slice();
        Ok(Self { fd, outbox: Writer::default(), queued: 0, sequence: 0, inbox })
    }

    /// Queues a request with `flags` besides `NLM_F_REQUEST`. `payload` writes what follows netlink's header.
    pub fn queue(&mut self, kind: u16, flags: u16, payload: impl FnOnce(&mut Writer)) {
        self.sequence = self.sequence.wrapping_add(1);
        self.queued += 1;
        self.outbox.message(kind, libc::NLM_F_REQUEST as u16 | flags, self.sequence, payload);
    }

    /// Sends all queued requests at once, and hands over answers until the last request is answered.
    ///
    /// Only the last request is acknowledged. Refusals of the others come all the same: the kernel works in order, and
    /// continues after a refusal. A dump must be the last or the only request.
    ///
    /// # Errors
    /// When the requests cannot be sent, or the answers do not come or cannot be read. Then open another socket.
    pub fn exchange(&mut self, mut each: impl FnMut(Answer<'_>)) -> Result<(), SocketError> {
        let queued = std::mem::take(&mut self.queued);
        if queued == 0 {
            return Ok(());
        }
        self.outbox.flag_last(libc::NLM_F_ACK as u16);
        let sent = send(self.fd.as_raw_fd(), self.outbox.bytes(), MsgFlags::empty());
        self.outbox.clear();
        sent.map_err(|errno| SocketError::Call { call: "writing to", errno })?;
        let first = self.sequence.wrapping_sub(queued - 1);
        let mut changed = false;
        loop {
            let length = self.receive()?;
            for message in messages(&self.inbox[..length]) {
                let message = message.ok_or(SocketError::Malformed("a message"))?;
                let of = message.sequence.wrapping_sub(first);
                if of >= queued {
                    continue;
                }
                changed |= message.flags & libc::NLM_F_DUMP_INTR as u16 != 0;
                let (is_last, of) = (of == queued - 1, of as usize);
                if !matches!(i32::from(message.kind), libc::NLMSG_ERROR | libc::NLMSG_DONE) {
                    each(Answer::Message { of, kind: message.kind, payload: message.payload });
                    continue;
                }
                let code = message.payload.first_chunk().ok_or(SocketError::Malformed("an acknowledgement"))?;
                let code = i32::from_ne_bytes(*code);
                if code < 0 {
                    each(Answer::Refusal { of, errno: Errno::from_raw(code.saturating_neg()) });
                }
                if is_last {
                    return if changed { Err(SocketError::Changed) } else { Ok(()) };
                }
            }
        }
    }

    /// Sends a single request, and hands over the kind and the payload of each message that comes back.
    ///
    /// # Errors
    /// When the kernel refuses, and those of [`exchange`](Self::exchange).
    pub fn ask(
        &mut self,
        kind: u16,
        flags: u16,
        payload: impl FnOnce(&mut Writer),
        mut each: impl FnMut(u16, &[u8]),
    ) -> Result<(), SocketError> {
        let mut refused = None;
        self.queue(kind, flags, payload);
        self.exchange(|answer| match answer {
            Answer::Message { kind, payload, .. } => each(kind, payload),
            Answer::Refusal { errno, .. } => refused = Some(errno),
        })?;
        refused.map_or(Ok(()), |errno| Err(SocketError::Refused(errno)))
    }

    /// Asks for everything of a kind, and hands over the kind and the payload of each message that comes back.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask), and when the list changes meanwhile.
    pub fn dump(
        &mut self,
        kind: u16,
        payload: impl FnOnce(&mut Writer),
        each: impl FnMut(u16, &[u8]),
    ) -> Result<(), SocketError> {
        self.ask(kind, libc::NLM_F_DUMP as u16, payload, each)
    }

    /// Waits for a datagram and returns its length.
    fn receive(&mut self) -> Result<usize, SocketError> {
        loop {
            // With MSG_TRUNC the length is the datagram's, even if the buffer is too small.
            match recv(self.fd.as_raw_fd(), &mut self.inbox, MsgFlags::MSG_TRUNC) {
                Ok(length) if length <= self.inbox.len() => return Ok(length),
                Ok(_) => return Err(SocketError::Malformed("an oversized message")),
                // A socket with a time limit is not resumed after a signal, even under SA_RESTART.
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(SocketError::Silent),
                Err(errno) => return Err(SocketError::Call { call: "reading from", errno }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GETLINK: u16 = libc::RTM_GETLINK;

    fn by_index(index: i32) -> impl FnOnce(&mut Writer) {
        move |writer| {
            writer.header(&[0; 4]);
            writer.header(&index.to_ne_bytes());
            writer.header(&[0; 8]);
        }
    }

    #[test]
    fn a_dump_lists_the_loopback_device() {
        let mut socket = Socket::open(SockProtocol::NetlinkRoute).unwrap();
        let mut kinds = Vec::new();
        socket.dump(GETLINK, by_index(0), |kind, _| kinds.push(kind)).unwrap();
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == libc::RTM_NEWLINK), "{kinds:?}");
    }

    #[test]
    fn answers_and_refusals_name_their_requests() {
        let mut socket = Socket::open(SockProtocol::NetlinkRoute).unwrap();
        for round in 0..2 {
            for index in [1, i32::MAX, 1, i32::MAX] {
                socket.queue(GETLINK, 0, by_index(index));
            }
            let mut seen = Vec::new();
            socket
                .exchange(|answer| {
                    seen.push(match answer {
                        Answer::Message { of, .. } => (of, None),
                        Answer::Refusal { of, errno } => (of, Some(errno)),
                    });
                })
                .unwrap();
            let none = Some(Errno::ENODEV);
            assert_eq!(seen, [(0, None), (1, none), (2, None), (3, none)], "round {round}");
        }
    }

    #[test]
    fn a_refusal_of_a_single_request_is_an_error() {
        let mut socket = Socket::open(SockProtocol::NetlinkRoute).unwrap();
        let asked = socket.ask(GETLINK, 0, by_index(i32::MAX), |_, _| ());
        assert_eq!(asked, Err(SocketError::Refused(Errno::ENODEV)));
    }

    #[test]
    fn nothing_queued_is_nothing_sent() {
        let mut socket = Socket::open(SockProtocol::NetlinkRoute).unwrap();
        assert_eq!(socket.exchange(|_| ()), Ok(()));
    }
}
