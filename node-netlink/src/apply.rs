//! Applies requests in their order: one at a time as kube-proxy's libraries do, or packed.

use crate::kernel::Kernel;
use crate::refusal::{Doing, hint};
use crate::socket::{Answer, Socket, SocketError};
use lab_core::layout::{Pace, Part, Request};
use nix::errno::Errno;
use std::time::{Duration, Instant};

/// How many requests are packed into what is sent at once.
///
/// 20,000 virtual servers with two real ones each take 1.688 s one by one, 1.347 s by 16, 1.338 s by 64 and 1.325 s by
/// 1,024, of instructions at a nanosecond each on Linux 6.1. The refusals of 64 fit into any socket's buffer.
const BATCH: usize = 64;

/// Where the time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// On devices and addresses.
    pub addresses: Duration,
    /// On virtual and real servers.
    pub virtual_servers: Duration,
}

/// Why not every request was applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The kernel refused one; those before it are applied.
    #[error("{}: {}{}", Doing(.request), .errno.desc(), hint(.request, *.errno))]
    Refused {
        /// The first one that was refused. Of those behind it in the same batch, others may have been applied.
        request: Request,
        /// Its place among the requests, from 0.
        place: usize,
        /// What the kernel said.
        errno: Errno,
    },
    /// There was no more time.
    #[error("the time was up when {applied} of {requests} requests were applied")]
    Deadline {
        /// How many were applied: the first ones.
        applied: usize,
        /// How many there were.
        requests: usize,
    },
    /// The kernel could not be asked, or not be understood.
    #[error("{}: {error}", Doing(.request))]
    Socket {
        /// The request, or the first of a batch.
        request: Request,
        /// What went wrong.
        error: SocketError,
    },
}

impl Kernel {
    /// Applies `requests` in their order, each only when those before it succeeded, and says how long each part took.
    ///
    /// Batched, neighbours of the same part are packed, so a layout does well to keep them together; what asks
    /// something is sent alone. A device that is there already is fine, as is an address that is bound already, and a
    /// virtual server that is asked for and not there.
    ///
    /// # Errors
    /// When the kernel refuses one, or `deadline` passes before the last one is sent. Nothing is undone.
    pub fn apply(&mut self, pace: Pace, requests: &[Request], deadline: Instant) -> Result<Spent, ApplyError> {
        let most = match pace {
            Pace::OneByOne => 1,
            Pace::Batched => BATCH,
        };
        let mut spent = Spent::default();
        let mut begun = Instant::now();
        let mut applied = 0;
        while applied < requests.len() {
            if begun >= deadline {
                return Err(ApplyError::Deadline { applied, requests: requests.len() });
            }
            let left = &requests[applied..];
            let refused = |place: usize, errno| {
                let request = left[place].clone();
                ApplyError::Refused { request, place: applied + place, errno }
            };
            let batch = self.send(&left[..most.min(left.len())]).map_err(|error| match error {
                SocketError::Refused(errno) => refused(0, errno),
                error => ApplyError::Socket { request: left[0].clone(), error },
            })?;
            if let Some((place, errno)) = batch.refused {
                return Err(refused(place, errno));
            }
            applied += batch.size;
            let now = Instant::now();
            *spent.on(left[0].part()) += now - begun;
            begun = now;
        }
        Ok(spent)
    }

    /// Sends as many of `requests` as go together, which is at least one, and waits for the answers.
    fn send(&mut self, requests: &[Request]) -> Result<Batch, SocketError> {
        match &requests[0] {
            Request::AddDevice(name) => self.links.ensure_dummy(name)?,
            Request::RemoveDevice(name) => self.links.remove(name)?,
            Request::GetDevice(name) => drop(self.links.index(name)?),
            Request::ListAddresses(device) => {
                let index = self.links.index(device)?;
                self.links.addresses(index)?;
            }
            Request::Clear => self.ipvs.clear()?,
            Request::ListVirtualServers => drop(self.ipvs.virtual_servers()?),
            Request::GetVirtualServer(key) => drop(self.ipvs.virtual_server(key)?),
            Request::ListRealServers(key) => drop(self.ipvs.real_servers(key)?),
            Request::AddAddress(device, _) | Request::RemoveAddress(device, _) => {
                let index = self.links.known_index(device)?;
                let size = requests.iter().take_while(|next| self.links.queue_change(device, index, next)).count();
                return Batch::exchange(&mut self.links.socket, &requests[..size]);
            }
            Request::AddVirtualServer(_)
            | Request::RemoveVirtualServer(_)
            | Request::AddRealServer(..)
            | Request::UpdateRealServer(..)
            | Request::RemoveRealServer(..) => {
                let size = requests.iter().take_while(|next| self.ipvs.queue_change(next)).count();
                return Batch::exchange(&mut self.ipvs.socket, &requests[..size]);
            }
        }
        Ok(Batch { size: 1, refused: None })
    }
}

/// What became of requests that were sent together.
struct Batch {
    size: usize,
    /// The first refusal that matters, by its place.
    refused: Option<(usize, Errno)>,
}

impl Batch {
    /// Sends what `requests` have queued on `socket`.
    fn exchange(socket: &mut Socket, requests: &[Request]) -> Result<Self, SocketError> {
        let mut refused = None;
        socket.exchange(|answer| {
            if let Answer::Refusal { of, errno } = answer {
                let was_there = errno == Errno::EEXIST && matches!(requests[of], Request::AddAddress(..));
                if !was_there {
                    refused.get_or_insert((of, errno));
                }
            }
        })?;
        Ok(Self { size: requests.len(), refused })
    }
}

impl Spent {
    fn on(&mut self, part: Part) -> &mut Duration {
        match part {
            Part::Addresses => &mut self.addresses,
            Part::Rules | Part::Sets | Part::VirtualServers => &mut self.virtual_servers,
        }
    }
}
