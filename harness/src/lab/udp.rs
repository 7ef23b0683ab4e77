//! A client of a UDP Service whose endpoint goes away, and the servers of that Service.
//!
//! ```text
//!   client ── from one port ──► Service ──► the endpoint that goes away: answers until it does
//!                                     └───► the others, and the one that takes its place
//! ```
//!
//! An endpoint that is gone is silent: nothing says that its pod is not there any more.

use super::Datagrams;
use crate::cell_error::CellError;
use anyhow::Context;
use netns_topology::Namespace;
use socket2::SockRef;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often a server looks whether it has to end.
const LOOK: Duration = Duration::from_millis(100);
/// From how many ports the client tries to reach the endpoint that goes away.
const TRIES: usize = 500;

/// A client that sends from one port, and the servers that it may reach.
pub(super) struct Client {
    socket: UdpSocket,
    servers: Vec<Server>,
    /// The one that goes away.
    leaving: SocketAddr,
}

impl Client {
    /// One in the namespace `client` that is answered by `leaving`, through `service`. Servers listen on `endpoints` in the
    /// namespace `pod`.
    pub(super) fn reaching(
        leaving: SocketAddr,
        service: SocketAddr,
        client: &Namespace,
        (endpoints, pod): (&[SocketAddr], &Namespace),
    ) -> Result<Self, CellError> {
        let servers = endpoints.iter().map(|&at| pod.visit(|| Server::listen(at)));
        let servers = servers.collect::<anyhow::Result<Vec<_>>>()?;
        for _ in 0..TRIES {
            let socket = client.visit(|| connect(service))?;
            if ask(&socket, service)? == Some(leaving) {
                return Ok(Self { socket, servers, leaving });
            }
        }
        Err(CellError::Failed(format!("{leaving} answered none of {TRIES} datagrams to {service}")))
    }
}

impl Datagrams for Client {
    fn ask(&self) -> Result<bool, CellError> {
        Ok(ask(&self.socket, self.leaving)?.is_some())
    }

    fn send(&self) -> Result<bool, CellError> {
        let failed = |error| CellError::Failed(format!("a datagram to {}: {error}", self.leaving));
        let mut refused = false;
        // What was answered to earlier ones is not to fill the socket.
        let mut answer = [MaybeUninit::uninit(); 64];
        let socket = SockRef::from(&self.socket);
        loop {
            match socket.recv_with_flags(&mut answer, libc::MSG_DONTWAIT) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => refused = true,
                Err(error) => return Err(failed(error)),
            }
        }
        match self.socket.send(b"?") {
            Ok(_) => Ok(refused),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
            Err(error) => Err(failed(error)),
        }
    }

    fn leave(&self) {
        self.set_silent(true);
    }

    fn come_back(&self) {
        self.set_silent(false);
    }
}

impl Client {
    fn set_silent(&self, silent: bool) {
        for server in self.servers.iter().filter(|server| server.at == self.leaving) {
            server.silent.store(silent, Ordering::Relaxed);
        }
    }
}

fn connect(service: SocketAddr) -> anyhow::Result<UdpSocket> {
    let any = if service.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let opened = || -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind(any)?;
        socket.connect(service)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    };
    opened().with_context(|| format!("opening a UDP socket to {service}"))
}

/// Sends a datagram, and returns which endpoint answered; `None` where none did.
fn ask(socket: &UdpSocket, to: SocketAddr) -> Result<Option<SocketAddr>, CellError> {
    let failed = |error: std::io::Error| CellError::Failed(format!("a datagram to {to}: {error}"));
    match socket.send(b"?") {
        Ok(_) => {}
        // The answer to an earlier one: nobody is there.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut answer = [0; 64];
    match socket.recv(&mut answer) {
        Ok(length) => {
            let text = String::from_utf8_lossy(&answer[..length]);
            let wrong = || CellError::Failed(format!("a datagram to {to} was answered with \"{text}\""));
            text.parse().map(Some).map_err(|_| wrong())
        }
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(failed(error)),
        },
    }
}

/// Answers each datagram with its own address, unless it is silent.
struct Server {
    at: SocketAddr,
    silent: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens in the calling thread's namespace.
    fn listen(at: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(at).with_context(|| format!("listening on UDP at {at}"))?;
        socket.set_read_timeout(Some(LOOK))?;
        let (silent, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let answer = {
            let (silent, over) = (Arc::clone(&silent), Arc::clone(&over));
            move || {
                let mut asked = [0; 64];
                while !over.load(Ordering::Relaxed) {
                    if let Ok((_, client)) = socket.recv_from(&mut asked)
                        && !silent.load(Ordering::Relaxed)
                    {
                        // A client that has gone does not wait for it.
                        let _ = socket.send_to(at.to_string().as_bytes(), client);
                    }
                }
            }
        };
        let thread = Some(std::thread::spawn(answer));
        Ok(Self { at, silent, over, thread })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_gone_is_silent_and_one_that_came_back_answers() {
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = Server::listen(free).unwrap();
        let socket = connect(free).unwrap();
        let client = Client { socket, servers: vec![server], leaving: free };
        assert_eq!(client.ask(), Ok(true));
        client.leave();
        assert_eq!(client.ask(), Ok(false));
        client.come_back();
        assert_eq!(client.ask(), Ok(true));
        drop(client);
        // Nobody listens: it is refused, which is no answer either.
        let socket = connect(free).unwrap();
        assert_eq!(ask(&socket, free), Ok(None));
    }
}
