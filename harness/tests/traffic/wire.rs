//! Servers that answer with where they were reached and by whom, and the clients that ask them.

use anyhow::{Context, Result};
use netns_topology::{Namespace, Pod};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

/// How long a client waits for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits where nothing is expected to come.
pub(crate) const SHORT: Duration = Duration::from_millis(1500);

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
    Sctp,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A server answered, which was reached at this address, and saw this client.
    Answered { reached: SocketAddr, client: IpAddr },
    /// The connection was refused, after this time.
    Refused(Duration),
    /// Nothing came.
    Silence,
}

/// Whether the kernel has SCTP.
pub(crate) fn has_sctp() -> bool {
    socket(Transport::Sctp, Domain::IPV4).is_ok()
}

fn socket(transport: Transport, domain: Domain) -> std::io::Result<Socket> {
    match transport {
        Transport::Tcp => Socket::new(domain, Type::STREAM, Some(Protocol::TCP)),
        Transport::Udp => Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)),
        Transport::Sctp => Socket::new(domain, Type::STREAM, Some(Protocol::from(libc::IPPROTO_SCTP))),
    }
}

/// Listens in `pod` on `port`, and answers every connection, until the process ends.
pub(crate) fn listen(pod: &Pod, transport: Transport, port: u16) -> Result<()> {
    let listener = pod.namespace.visit(|| -> std::io::Result<TcpListener> {
        let (domain, any) = match transport {
            Transport::Sctp => (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            Transport::Tcp | Transport::Udp => (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        };
        let socket = socket(transport, domain)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(false)?;
        }
        socket.bind(&SocketAddr::new(any, port).into())?;
        socket.listen(1024)?;
        Ok(socket.into())
    });
    let listener = listener.with_context(|| format!("listen for {transport:?} in {}", pod.namespace.name()))?;
    thread::spawn(move || {
        while let Ok((mut stream, client)) = listener.accept() {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let answered = stream.local_addr().and_then(|reached| {
                stream.read_exact(&mut [0])?;
                stream.write_all(answer(reached, client).as_bytes())
            });
            // The client reports what is missing.
            let _ = answered.and_then(|()| stream.shutdown(Shutdown::Write));
        }
    });
    Ok(())
}

/// Answers datagrams to `endpoint`, an address of `pod`, until the process ends.
pub(crate) fn answer_datagrams(pod: &Pod, endpoint: SocketAddr) -> Result<()> {
    let bound = pod.namespace.visit(|| -> std::io::Result<UdpSocket> {
        let socket = socket(Transport::Udp, Domain::for_address(endpoint))?;
        // An address of its block is no device's.
        match endpoint {
            SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
            SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
        socket.bind(&endpoint.into())?;
        Ok(socket.into())
    });
    let socket = bound.with_context(|| format!("bind {endpoint} in {}", pod.namespace.name()))?;
    thread::spawn(move || {
        while let Ok((_, client)) = socket.recv_from(&mut [0; 8]) {
            let _ = socket.send_to(answer(endpoint, client).as_bytes(), client);
        }
    });
    Ok(())
}

fn answer(reached: SocketAddr, client: SocketAddr) -> String {
    let reached = SocketAddr::new(reached.ip().to_canonical(), reached.port());
    format!("{reached} {}\n", client.ip().to_canonical())
}

/// How long it takes until a connection to `to` is refused, from the address `source` if one is given; `None` if it is not.
///
/// From the socket's error queue: on one machine, `connect` learns of it only a second later (see `tcp_v4_err`).
pub(crate) fn refusal(place: &Namespace, to: SocketAddr, source: Option<IpAddr>) -> Result<Option<Duration>> {
    place.visit(|| {
        let socket = socket(Transport::Tcp, Domain::for_address(to))?;
        match to {
            SocketAddr::V4(_) => setsockopt(&socket, Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, Ipv6RecvErr, &true)?,
        }
        bind(&socket, source)?;
        socket.set_nonblocking(true)?;
        let begun = Instant::now();
        // It is in progress, or its error is the socket's.
        let at_once = socket.connect(&to.into()).err().filter(|error| error.kind() == ErrorKind::ConnectionRefused);
        poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::try_from(PATIENCE)?)?;
        let took = begun.elapsed();
        let refused =
            at_once.or(socket.take_error()?).is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        Ok(refused.then_some(took))
    })
}

/// Binds `source`, which may be an address of a block, that no device has.
fn bind(socket: &Socket, source: Option<IpAddr>) -> std::io::Result<()> {
    let Some(source) = source else { return Ok(()) };
    if source.is_ipv4() {
        socket.set_freebind_v4(true)?
    } else {
        socket.set_freebind_v6(true)?
    }
    socket.bind(&SocketAddr::new(source, 0).into())
}

/// Asks the server behind `to` from `place`, from the address `source` if one is given.
pub(crate) fn ask(place: &Namespace, transport: Transport, to: SocketAddr, source: Option<IpAddr>) -> Result<Reply> {
    ask_within(place, transport, to, source, PATIENCE)
}

/// As [`ask`], waiting no longer than `patience`.
pub(crate) fn ask_within(
    place: &Namespace,
    transport: Transport,
    to: SocketAddr,
    source: Option<IpAddr>,
    patience: Duration,
) -> Result<Reply> {
    place.visit(|| exchange(transport, to, source, patience)).with_context(|| {
        format!("ask {to} ({transport:?}) from {}", source.map_or(place.name().to_owned(), |source| source.to_string()))
    })
}

fn exchange(transport: Transport, to: SocketAddr, source: Option<IpAddr>, patience: Duration) -> Result<Reply> {
    let socket = socket(transport, Domain::for_address(to))?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))?;
    bind(&socket, source)?;
    let begun = Instant::now();
    let silence = |error: &std::io::Error| {
        // EINPROGRESS is what a send timeout makes of a connection that is not answered.
        let unanswered = error.raw_os_error() == Some(libc::EINPROGRESS);
        unanswered || matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
    };
    let told = || -> std::io::Result<String> {
        socket.connect(&SockAddr::from(to))?;
        if transport != Transport::Udp {
            socket.set_linger(Some(Duration::ZERO))?;
        }
        let mut stream = TcpStream::from(socket.try_clone()?);
        match stream.write_all(b"?") {
            // A rule of its own keeps the datagram from being sent. Whether with an error, the socket is told next.
            Err(error) if transport == Transport::Udp && error.kind() == ErrorKind::PermissionDenied => {}
            written => written?,
        }
        let mut answer = String::new();
        let mut buffer = [0; 256];
        while !answer.ends_with('\n') {
            match stream.read(&mut buffer)? {
                0 => break,
                more => answer.push_str(&String::from_utf8_lossy(&buffer[..more])),
            }
        }
        Ok(answer)
    };
    match told() {
        Ok(answer) => {
            let (reached, client) = answer.trim_end().split_once(' ').context("it closed without an answer")?;
            Ok(Reply::Answered { reached: reached.parse()?, client: client.parse()? })
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(Reply::Refused(begun.elapsed())),
        Err(error) if silence(&error) => Ok(Reply::Silence),
        Err(error) => Err(error.into()),
    }
}
