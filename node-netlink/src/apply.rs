//! Applies requests in order: one at a time as kube-proxy's libraries do, or in batches.

use crate::counter::add_counter;
use crate::kernel::Kernel;
use crate::refusal::{Doing, hint};
use crate::socket::{Answer, Socket, SocketError};
use lab_core::layout::{Pace, Part, Request};
use nix::errno::Errno;
use std::time::{Duration, Instant};

/// How many requests make a batch.
///
/// 20,000 virtual servers with two real servers each take 1.688 G instructions one by one, 1.347 G in batches of 16,
/// 1.338 G in batches of 64 and 1.325 G in batches of 1,024, on Linux 6.1. The refusals of 64 fit into any socket's
/// buffer.
const BATCH: usize = 64;

/// Where the time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// On devices and addresses.
    pub addresses: Duration,
    /// On virtual and real servers.
    pub virtual_servers: Duration,
    /// On listings.
    pub reads: Duration,
}

/// Why not every request was applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The kernel refused a request. Those before it are applied.
    #[error("{}: {}{}", Doing(.request), .errno.desc(), hint(.request, *.errno))]
    Refused {
        /// The first refused request. Later ones of its batch may have been applied.
        request: Request,
        /// Its place among the requests, from 0.
        place: usize,
        /// The kernel's error.
        errno: Errno,
    },
    /// The time limit passed.
    #[error("the time was up after {applied} of {requests} requests")]
    Deadline {
        /// How many were applied, from the first one on.
        applied: usize,
        /// How many there were.
        requests: usize,
    },
    /// The kernel could not be asked, or its answer cannot be read.
    #[error("{}: {error}", Doing(.request))]
    Socket {
        /// The request, or the first of a batch.
        request: Request,
        /// What went wrong.
        error: SocketError,
    },
}

impl Kernel {
    /// Applies `requests` in order, each only if those before it succeeded. Returns how long each part took.
    ///
    /// A batch has neighbouring requests of the same part, so a layout should keep those together. A request for
    /// information is sent alone. These are no errors: a device that exists already, an address that is bound already,
    /// and a look-up of a virtual server that does not exist.
    ///
    /// # Errors
    /// When the kernel refuses a request, or `deadline` passes before the last one is sent. Nothing is undone.
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

    /// Sends the first of `requests`, as many as make a batch, and waits for the answers.
    fn send(&mut self, requests: &[Request]) -> Result<Batch, SocketError> {
        match &requests[0] {
            Request::AddCounter(name) => add_counter(name)?,
            Request::AddDevice(name) => self.links.ensure_dummy(name)?,
            Request::RemoveDevice(name) => self.links.remove(name)?,
            Request::GetDevice(name) => drop(self.links.index(name)?),
            Request::ListAddresses(device) => {
                let index = self.links.index(device)?;
                self.links.addresses(index)?;
            }
            Request::ListOtherAddresses(device) => self.links.list_others(device)?,
            Request::ListLocalRoutes => self.links.list_local_routes()?,
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
            | Request::UpdateVirtualServer(_)
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

struct Batch {
    size: usize,
    /// The first refusal that is an error, by its index.
    refused: Option<(usize, Errno)>,
}

impl Batch {
    /// Sends the `requests` that are queued on `socket`.
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
            Part::Reads => &mut self.reads,
            Part::Rules | Part::Sets | Part::Conntrack | Part::VirtualServers => &mut self.virtual_servers,
        }
    }
}
