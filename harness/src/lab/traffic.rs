//! Connections to a Service: where each is answered, in which pod, and by whom it was seen.

use super::echo::{ASK, Echo, LONGEST_ANSWER, PATIENCE};
use super::goal::{Goal, Substitute};
use super::held::{Open, prepare};
use super::unanswered::Unanswered;
use super::{Dial, Held, refusal};
use crate::cell_error::CellError;
use crate::process::interrupt;
use guests::mark;
use lab_core::dataset::NO_ENDPOINT;
use socket2::SockAddr;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a refusal may take: without endpoints, a client is told at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a connection showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialed {
    /// SYN to established, or refused.
    pub(crate) connect: Duration,
    /// SYN to the first byte of the answer; of a refused connection, to the refusal.
    pub(crate) first_byte: Duration,
    /// The address at which the server was reached; `None` if the connection was refused, as it had to be.
    pub(crate) reached: Option<SocketAddr>,
}

/// Opens connections to one Service. An answer from anywhere but its goal is an error.
pub(crate) struct Dialer<'a, A: Fn(usize) -> Option<SocketAddr>> {
    service: &'a str,
    pub(crate) goal: Goal,
    address: A,
    /// The server, which runs until this is dropped.
    _echo: Option<Arc<Echo>>,
}

impl<'a, A: Fn(usize) -> Option<SocketAddr>> Dialer<'a, A> {
    /// Dials `service`; `address` says where the nth connection goes.
    pub(crate) fn new(service: &'a str, goal: Goal, address: A) -> Self {
        Self { service, goal, address, _echo: None }
    }

    /// With the server that answers.
    pub(crate) fn with(self, echo: Arc<Echo>) -> Self {
        Self { _echo: Some(echo), ..self }
    }
}

impl<A: Fn(usize) -> Option<SocketAddr> + Sync> Dialer<'_, A> {
    /// Opens the `attempt`th connection, from `source` if that is said.
    ///
    /// Closes with a reset. With a TIME_WAIT for each connection, the client would have no ports left within seconds.
    fn open(
        &self,
        attempt: usize,
        source: Option<SocketAddr>,
        established: &mut dyn FnMut(),
    ) -> Result<Dialed, Unanswered> {
        if interrupt::requested() {
            return Err(CellError::Interrupted.into());
        }
        let name = self.service;
        let address = (self.address)(attempt);
        let address = address.ok_or_else(|| CellError::Skipped(format!("{name} {NO_ENDPOINT} connect to")))?;
        let failed = |doing: &str, error| Unanswered::Broken(format!("{doing} {name} at {address}"), error);
        if self.goal.reached.is_empty() {
            let took = refusal::wait(address, PATIENCE).map_err(|error| failed("connecting to", error))?;
            established();
            return Ok(refused(name, address, took)?);
        }
        let socket = prepare(address).map_err(|error| failed("making a socket for", error))?;
        if let Some(source) = source {
            let bound = socket.set_reuse_address(true).and_then(|()| socket.bind(&SockAddr::from(source)));
            bound.map_err(|error| failed(&format!("taking the address {source} for"), error))?;
        }
        let to = SockAddr::from(address);
        let start = Instant::now();
        let window = mark::window();
        socket.connect(&to).map_err(|error| failed("connecting to", error))?;
        let connect = start.elapsed();
        established();
        let mut stream = TcpStream::from(socket);
        let mut answer = [0; LONGEST_ANSWER];
        let asked = stream.write_all(ASK).and_then(|()| stream.read(&mut answer));
        let first_byte = start.elapsed();
        drop(window);
        let mut length = asked.map_err(|error| failed("reading an answer from", error))?;
        if length == 0 {
            return Err(failed("reading an answer from", ErrorKind::UnexpectedEof.into()));
        }
        while length < answer.len() && !answer[..length].ends_with(b"\n") {
            match stream.read(&mut answer[length..]).map_err(|error| failed("reading an answer from", error))? {
                0 => break,
                more => length += more,
            }
        }
        let reached = self.goal.judge(name, address, &String::from_utf8_lossy(&answer[..length]))?;
        Ok(Dialed { connect, first_byte, reached: Some(reached) })
    }
}

impl<A: Fn(usize) -> Option<SocketAddr> + Sync> Dial for Dialer<'_, A> {
    fn attempt(&self, attempt: usize, established: &mut dyn FnMut()) -> Result<Dialed, Unanswered> {
        self.open(attempt, None, established)
    }

    fn attempt_from(&self, source: SocketAddr) -> Result<Dialed, Unanswered> {
        self.open(0, Some(source), &mut || {})
    }

    fn endpoints(&self) -> &[SocketAddr] {
        &self.goal.reached
    }

    fn substitute(&self) -> Option<Substitute> {
        self.goal.substitute
    }

    fn hold(&self) -> Result<Box<dyn Held + '_>, Unanswered> {
        let name = self.service;
        let nothing = || CellError::Skipped(format!("{name} {NO_ENDPOINT} stay connected to"));
        let address = (self.address)(0).filter(|_| !self.goal.reached.is_empty()).ok_or_else(nothing)?;
        Ok(Box::new(Open::connect(name, address, &self.goal)?))
    }
}

/// A connection that was refused after `took`, as it had to be.
fn refused(name: &str, address: SocketAddr, took: Duration) -> Result<Dialed, CellError> {
    if took > AT_ONCE {
        return Err(CellError::Failed(format!("{name} at {address} was refused after {took:?}, not at once")));
    }
    Ok(Dialed { connect: took, first_byte: took, reached: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

    const NAME: &str = "svc-00001";
    const POD: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 3);

    fn goal(reached: &[SocketAddr]) -> Goal {
        Goal { reached: reached.to_vec(), substitute: None, pod: Some(POD), client: None }
    }

    /// A server on loopback that answers as every 127.x.y.z, and its port.
    fn echo() -> (Echo, u16) {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (Echo::serve(listener, POD).unwrap(), port)
    }

    #[test]
    fn the_server_tells_the_address_it_was_reached_at() {
        let (_echo, port) = echo();
        let endpoints: Vec<_> = (1..=3).map(|host| SocketAddr::from(([127, 0, 0, host], port))).collect();
        let dialer = Dialer::new(NAME, goal(&endpoints), |attempt| Some(endpoints[attempt]));
        for (attempt, endpoint) in endpoints.iter().enumerate() {
            let dialed = dialer.dial(attempt, &mut || {}).unwrap();
            assert_eq!(dialed.reached, Some(*endpoint));
            assert!(dialed.connect <= dialed.first_byte);
        }
    }

    #[test]
    fn without_an_endpoint_there_is_nothing_to_dial() {
        let error = Dialer::new(NAME, goal(&[]), |_| None).dial(0, &mut || {}).unwrap_err();
        assert_eq!(error, CellError::Skipped("svc-00001 has no endpoint to connect to".to_owned()));
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
        let goal = Goal { pod: Some(Ipv4Addr::new(10, 128, 0, 4)), ..goal(&[address]) };
        let error = Dialer::new(NAME, goal, |_| Some(address)).dial(0, &mut || {}).unwrap_err();
        let reason =
            format!("svc-00001 at {address} was answered in the pod 10.128.0.3, where its endpoints are in 10.128.0.4");
        assert_eq!(error, CellError::Failed(reason));
    }

    #[test]
    fn a_client_that_the_server_does_not_see_fails_the_cell_where_it_must() {
        let (_echo, port) = echo();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let seen = |client: Ipv4Addr| {
            let goal = Goal { client: Some(client.into()), ..goal(&[address]) };
            Dialer::new(NAME, goal, |_| Some(address)).dial(0, &mut || {})
        };
        assert!(seen(Ipv4Addr::LOCALHOST).is_ok());
        let reason =
            format!("svc-00001 at {address} was answered by a server that saw 127.0.0.1, not the client's {POD}");
        assert_eq!(seen(POD), Err(CellError::Failed(reason)));
    }

    #[test]
    fn the_longest_answer_fits() {
        let most = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));
        let answer = format!("{} {} {most}\n", SocketAddr::from((most, u16::MAX)), Ipv4Addr::BROADCAST);
        assert_eq!(answer.len(), LONGEST_ANSWER);
    }

    #[test]
    fn a_refusal_is_what_a_service_without_endpoints_must_give() {
        let (echo, port) = echo();
        drop(echo);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let dialed = Dialer::new(NAME, Goal { pod: None, ..goal(&[]) }, |_| Some(address)).dial(0, &mut || {});
        assert_eq!(dialed.unwrap().reached, None);
        assert!(refused(NAME, address, Duration::from_millis(1001)).is_err());
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
