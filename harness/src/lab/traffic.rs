//! New connections from the client pod, and the server that answers each with its pod and the address it was reached at.

use super::Dial;
use crate::cell_error::CellError;
use crate::process::interrupt;
use anyhow::{Context, Result};
use guests::mark;
use netns_topology::Pod;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that accept connections. One slow client does not block the others.
const ACCEPTORS: usize = 4;
/// How long a client waits for a connection or an answer. A SYN is sent again after 1, 3 and 7 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// `255.255.255.255:65535 255.255.255.255` and the newline.
const LONGEST_ANSWER: usize = 38;

/// A server on every address of a pod. It reads one byte, answers with the address it was reached at and the pod's own
/// address, and closes.
pub(crate) struct Echo {
    listener: Arc<TcpListener>,
    acceptors: Vec<JoinHandle<()>>,
}

impl Echo {
    /// Starts the server in `pod`, on `port`.
    pub(crate) fn start(pod: &Pod, port: u16) -> Result<Self> {
        let Pod { namespace, address, .. } = pod;
        let listen = || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
        let listener = namespace.visit(listen).with_context(|| format!("listening in {}", namespace.name()))?;
        Ok(Self::serve(listener, *address))
    }

    fn serve(listener: TcpListener, pod: Ipv4Addr) -> Self {
        let listener = Arc::new(listener);
        let acceptors = (0..ACCEPTORS).map(|_| {
            let listener = Arc::clone(&listener);
            std::thread::spawn(move || {
                while let Ok((client, _)) = listener.accept() {
                    // If the client has gone, it reports that itself.
                    let _ = answer(client, pod);
                }
            })
        });
        let acceptors = acceptors.collect();
        Self { listener, acceptors }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Shutting a listening socket down makes accept return.
        let _ = socket2::SockRef::from(&*self.listener).shutdown(Shutdown::Both);
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
    }
}

fn answer(mut client: TcpStream, pod: Ipv4Addr) -> std::io::Result<()> {
    let reached = client.local_addr()?;
    client.read_exact(&mut [0])?;
    client.write_all(format!("{reached} {pod}\n").as_bytes())
}

/// What a connection showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialed {
    /// SYN to established.
    pub(crate) connect: Duration,
    /// SYN to the first byte of the answer.
    pub(crate) first_byte: Duration,
    /// The address at which the server was reached.
    pub(crate) reached: SocketAddr,
}

/// Where connections to a Service must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The addresses at which a server may be reached: the endpoints, or the Service's address if packets arrive
    /// unchanged.
    pub(crate) reached: Vec<SocketAddr>,
    /// The address of the pod with all its endpoints.
    pub(crate) pod: Ipv4Addr,
}

/// Opens connections to one Service. An answer from anywhere but its goal is an error.
pub(crate) struct Dialer<'a, A: Fn(usize) -> Option<SocketAddr>> {
    service: &'a str,
    pub(crate) goal: Goal,
    address: A,
    /// The server, which runs until this is dropped.
    _echo: Option<Echo>,
}

impl<'a, A: Fn(usize) -> Option<SocketAddr>> Dialer<'a, A> {
    /// Dials `service`; `address` says where the nth connection goes.
    pub(crate) fn new(service: &'a str, goal: Goal, address: A) -> Self {
        Self { service, goal, address, _echo: None }
    }

    /// With the server that answers.
    pub(crate) fn with(self, echo: Echo) -> Self {
        Self { _echo: Some(echo), ..self }
    }
}

impl<A: Fn(usize) -> Option<SocketAddr> + Sync> Dial for Dialer<'_, A> {
    /// Closes with a reset. With a TIME_WAIT for each connection, the client would have no ports left within seconds.
    fn dial(&self, attempt: usize, established: &mut dyn FnMut()) -> Result<Dialed, CellError> {
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        let name = self.service;
        let address = (self.address)(attempt);
        let address = address.ok_or_else(|| CellError::Failed(format!("{name} has no endpoint to connect to")))?;
        let failed =
            |doing: &str, error: std::io::Error| CellError::Failed(format!("{doing} {name} at {address}: {error}"));
        let socket = prepare().map_err(|error| failed("making a socket for", error))?;
        let to = SockAddr::from(address);
        let start = Instant::now();
        let window = mark::window();
        socket.connect(&to).map_err(|error| failed("connecting to", error))?;
        let connect = start.elapsed();
        established();
        let mut stream = TcpStream::from(socket);
        let mut answer = [0; LONGEST_ANSWER];
        let asked = stream.write_all(b"?").and_then(|()| stream.read(&mut answer));
        let first_byte = start.elapsed();
        drop(window);
        let mut length = asked.map_err(|error| failed("reading an answer from", error))?;
        while length < answer.len() && !answer[..length].ends_with(b"\n") {
            match stream.read(&mut answer[length..]).map_err(|error| failed("reading an answer from", error))? {
                0 => break,
                more => length += more,
            }
        }
        let answer = String::from_utf8_lossy(&answer[..length]);
        let (reached, pod) = understand(&answer).ok_or_else(|| {
            CellError::Failed(format!("{name} at {address} answered \"{answer}\" instead of its address and its pod's"))
        })?;
        if !self.goal.reached.contains(&reached) {
            return Err(CellError::Failed(format!(
                "{name} at {address} was answered by {reached}, which is not an endpoint of it"
            )));
        }
        if pod != self.goal.pod {
            return Err(CellError::Failed(format!(
                "{name} at {address} was answered in the pod {pod}, where its endpoints are in {}",
                self.goal.pod
            )));
        }
        Ok(Dialed { connect, first_byte, reached })
    }
}

/// Parses the address that a server was reached at, and its pod's.
fn understand(answer: &str) -> Option<(SocketAddr, Ipv4Addr)> {
    let (reached, pod) = answer.trim_end().split_once(' ')?;
    Some((reached.parse().ok()?, pod.parse().ok()?))
}

fn prepare() -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    const NAME: &str = "svc-00001";
    const POD: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 3);

    fn goal(reached: &[SocketAddr]) -> Goal {
        Goal { reached: reached.to_vec(), pod: POD }
    }

    /// A server on loopback that answers as every 127.x.y.z, and its port.
    fn echo() -> (Echo, u16) {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (Echo::serve(listener, POD), port)
    }

    #[test]
    fn the_server_tells_the_address_it_was_reached_at() {
        let (_echo, port) = echo();
        let endpoints: Vec<_> = (1..=3).map(|host| SocketAddr::from(([127, 0, 0, host], port))).collect();
        let dialer = Dialer::new(NAME, goal(&endpoints), |attempt| Some(endpoints[attempt]));
        for (attempt, endpoint) in endpoints.iter().enumerate() {
            let dialed = dialer.dial(attempt, &mut || {}).unwrap();
            assert_eq!(dialed.reached, *endpoint);
            assert!(dialed.connect <= dialed.first_byte);
        }
    }

    #[test]
    fn a_service_without_endpoints_fails_the_cell() {
        let error = Dialer::new(NAME, goal(&[]), |_| None).dial(0, &mut || {}).unwrap_err();
        assert_eq!(error, CellError::Failed("svc-00001 has no endpoint to connect to".to_owned()));
    }

    #[test]
    fn a_wrong_endpoint_fails_the_cell() {
        let (_echo, port) = echo();
        let endpoint = SocketAddr::from(([127, 0, 0, 1], port));
        let other = SocketAddr::from(([127, 0, 0, 9], port));
        let error = Dialer::new(NAME, goal(&[endpoint]), |_| Some(other)).dial(0, &mut || {}).unwrap_err();
        let reason = format!("svc-00001 at {other} was answered by {other}, which is not an endpoint of it");
        assert_eq!(error, CellError::Failed(reason));
    }

    #[test]
    fn a_wrong_pod_fails_the_cell_even_where_the_address_is_the_services() {
        let (_echo, port) = echo();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let goal = Goal { reached: vec![address], pod: Ipv4Addr::new(10, 128, 0, 4) };
        let error = Dialer::new(NAME, goal, |_| Some(address)).dial(0, &mut || {}).unwrap_err();
        let reason =
            format!("svc-00001 at {address} was answered in the pod 10.128.0.3, where its endpoints are in 10.128.0.4");
        assert_eq!(error, CellError::Failed(reason));
    }

    #[test]
    fn the_longest_answer_fits() {
        let most = Ipv4Addr::BROADCAST;
        assert_eq!(format!("{} {most}\n", SocketAddr::from((most, u16::MAX))).len(), LONGEST_ANSWER);
    }

    #[test]
    fn nobody_listening_fails_the_cell() {
        let (echo, port) = echo();
        drop(echo);
        let endpoint = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let error = Dialer::new(NAME, goal(&[endpoint]), |_| Some(endpoint)).dial(0, &mut || {}).unwrap_err();
        assert!(error.reason().starts_with(&format!("connecting to svc-00001 at {endpoint}: ")), "{error:?}");
    }
}
