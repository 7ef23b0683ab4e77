//! A connection to a Service that stays open.

use super::Held;
use super::echo::{ASK, HOLD, LONGEST_ANSWER, PATIENCE};
use super::goal::Goal;
use super::unanswered::Unanswered;
use crate::activity::open_loop::Answer;
use crate::cell_error::CellError;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection that stays open.
pub(super) struct Open<'a> {
    stream: TcpStream,
    name: &'a str,
    address: SocketAddr,
    goal: &'a Goal,
    /// Where it was answered, once it was.
    reached: Option<SocketAddr>,
}

impl<'a> Open<'a> {
    /// Connects to the Service `name` at `address`, whose answers are held against `goal`.
    pub(super) fn connect(name: &'a str, address: SocketAddr, goal: &'a Goal) -> Result<Self, Unanswered> {
        let opened = || -> std::io::Result<TcpStream> {
            let socket = prepare(address)?;
            socket.connect(&SockAddr::from(address))?;
            Ok(socket.into())
        };
        let failed = |error| Unanswered::Broken(format!("connecting to {name} at {address}"), error);
        Ok(Self { stream: opened().map_err(failed)?, name, address, goal, reached: None })
    }

    /// Sends `request` and reads the answer.
    fn exchange(&mut self, request: &[u8]) -> std::io::Result<String> {
        let mut answer = Vec::new();
        self.stream.write_all(request)?;
        let mut byte = [0];
        while !answer.ends_with(b"\n") && answer.len() < LONGEST_ANSWER {
            self.stream.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Held for Open<'_> {
    fn ask(&mut self) -> Result<Answer, CellError> {
        match self.exchange(HOLD) {
            Ok(answer) => {
                self.reached = Some(self.goal.judge(self.name, self.address, &answer)?);
                Ok(Answer::Given)
            }
            Err(error) => Unanswered::Broken(format!("asking {} at {}", self.name, self.address), error).answer(),
        }
    }

    fn reached(&self) -> Option<SocketAddr> {
        self.reached
    }

    fn close(mut self: Box<Self>) -> Result<SocketAddr, CellError> {
        let (name, address) = (self.name, self.address);
        let closed = self.stream.local_addr().and_then(|local| {
            self.exchange(ASK)?;
            // The server closes first. What closes first keeps its port for a while.
            if self.stream.read(&mut [0])? != 0 {
                return Err(ErrorKind::InvalidData.into());
            }
            SockRef::from(&self.stream).set_linger(None)?;
            Ok(local)
        });
        closed.map_err(|error| Unanswered::Broken(format!("closing a connection to {name} at {address}"), error).into())
    }
}

/// A socket that waits no longer than [`PATIENCE`], and that closes with a reset.
pub(super) fn prepare(to: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}
