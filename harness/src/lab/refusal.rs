//! How long it takes until a connection is refused.

use guests::mark;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Tries to connect to `to`, and returns how long it took until that was refused.
///
/// A refusal is taken from the socket's error queue. Where the whole way is on one machine, the ICMP error arrives while
/// the SYN is being sent: the socket is in use then, so that the kernel keeps the error for later (`tcp_v4_err`), and
/// `connect` returns only after the second SYN, a second later. The error queue has it at once.
///
/// # Errors
/// If nothing comes for `patience`, if somebody accepts, or if it is not refused for want of anybody.
pub(super) fn wait(to: SocketAddr, patience: Duration) -> std::io::Result<Duration> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    match to {
        SocketAddr::V4(_) => setsockopt(&socket, Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, Ipv6RecvErr, &true)?,
    }
    socket.set_nonblocking(true)?;
    let start = Instant::now();
    let window = mark::window();
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => {
            return if error.kind() == ErrorKind::ConnectionRefused { Ok(start.elapsed()) } else { Err(error) };
        }
        _ => {}
    }
    let mut waited = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    let ready = poll(&mut waited, timeout)?;
    let took = start.elapsed();
    drop(window);
    match socket.take_error()? {
        Some(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(took),
        Some(error) => Err(error),
        None if ready == 0 => Err(Error::new(ErrorKind::TimedOut, "neither refused nor accepted")),
        None => Err(Error::other("accepted, where there is no endpoint")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_port_without_a_listener_refuses_and_one_with_a_listener_does_not() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = listener.local_addr().unwrap();
        let accepted = wait(to, Duration::from_secs(5)).unwrap_err();
        assert_eq!(accepted.to_string(), "accepted, where there is no endpoint");
        drop(listener);
        assert!(wait(to, Duration::from_secs(5)).is_ok());
    }
}
