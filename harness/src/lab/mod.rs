//! A lab as probes see it: a programmed node with a client pod, and the traffic that can be sent to its Services.

mod answers;
pub(crate) mod binding;
mod build;
mod course;
mod crowd;
mod echo;
mod first_load;
pub(crate) mod goal;
mod held;
pub(crate) mod iperf3;
mod memory;
mod neighbour;
pub(crate) mod node;
mod refusal;
pub(crate) mod traffic;
mod udp;
pub(crate) mod unanswered;

pub(crate) use course::Course;
pub(crate) use crowd::Crowd;
pub(crate) use memory::Memory;

use crate::activity::open_loop::Answer;
use crate::cell_error::CellError;
use crate::driver::{Cost, Driver, Loaded};
use crate::tool::ToolRun;
use crate::tool::place::Place;
use binding::{Binding, Bound};
use goal::Substitute;
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Supply};
use lab_core::layout::Tool;
use lab_core::vocabulary::{BackendName, Origin};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use traffic::Dialed;
use unanswered::Unanswered;

/// The node's end of the wire to its client pod, which is named after the pod at the other end.
const WIRE: &str = "client";

/// A node with its pods, programmed with a cluster.
pub(crate) trait Lab: Sync {
    /// What programs the node.
    fn driver(&self) -> &dyn Driver;
    /// The node's own namespace, where the rules are.
    fn node(&self) -> &dyn Place;
    /// What the node is programmed with.
    fn cluster(&self) -> &Arc<Cluster>;
    /// Where its Services come from, and those that are added to it.
    fn supply(&self) -> &dyn Supply;
    /// Loads the whole cluster into an empty node. The first time it returns the load that brought the lab up, if that
    /// was measured.
    fn full_load(&self, limit: Duration) -> Result<Loaded, CellError>;
    /// Builds the whole cluster in an empty node of its own, with a call of the command-line tool for each rule.
    fn build_one_by_one(&self, limit: Duration) -> Result<Loaded, CellError>;
    /// What limits its memory, if anything does.
    fn memory(&self) -> Option<&Memory> {
        None
    }
    /// Loads the whole cluster into an empty node of its own, after a load that the kernel refused half-way.
    fn load_after_failure(&self, limit: Duration) -> Result<(Failure, Loaded), CellError>;
    /// Makes the cluster IPs the own ones of an empty node, in one of the ways.
    fn bind(&self, binding: Binding, limit: Duration) -> Result<Bound, CellError>;
    /// How far what runs beside a probe has come.
    fn course(&self) -> &Course;
    /// What carries the traffic.
    fn backend(&self) -> BackendName;
    /// Calls one of the backend's tools in the node, as somebody else does it.
    fn call(&self, tool: Tool, args: &[String], stdin: &[u8], limit: Duration) -> Result<ToolRun, CellError>;
    /// Where traffic from `origin` comes from.
    fn client(&self, origin: Origin) -> &dyn Place;
    /// Asks the Services that `change` added or altered, once it is applied, over their cluster IPs.
    ///
    /// # Errors
    /// `Failed` if one of their endpoints does not answer, or something else does.
    fn ask_changed(&self, change: &Change) -> Result<(), CellError>;
    /// Where the first Service is reached that `change` adds, if it adds one with endpoints, and the server behind it.
    fn added<'a>(&'a self, change: &'a Change) -> Result<Option<Added<'a>>, CellError>;
    /// Starts the server behind the Service that `cell` asks. It runs until the result is dropped.
    fn dial(&self, cell: &Cell) -> Result<Box<dyn Dial + '_>, CellError>;
    /// Starts the server behind the Service that `change` takes an endpoint from.
    ///
    /// # Errors
    /// `Skipped` if it takes none from a Service of TCP.
    fn dial_changed<'a>(&'a self, change: &'a Change) -> Result<Box<dyn Dial + 'a>, CellError>;
    /// Starts servers of UDP behind the Service that `change` alters, and a client that is answered by the endpoint which it
    /// loses.
    ///
    /// # Errors
    /// `Skipped` if that Service is not of UDP.
    fn datagrams(&self, change: &Change) -> Result<Box<dyn Datagrams + '_>, CellError>;
    /// Many clients in the client pod, each with an address of its own.
    fn crowd(&self) -> Result<Crowd<'_>, CellError>;
    /// Whether the Services that two cells ask are served by the same pod, or one of them by none.
    fn is_served_with(&self, one: &Cell, other: &Cell) -> bool;
    /// Starts an iperf3 server behind the Service that `cell` asks, for one stream.
    fn stream(&self, cell: &Cell) -> Result<Box<dyn Stream + '_>, CellError>;
}

/// A load that the kernel refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// What it cost until the tool said so.
    pub(crate) cost: Cost,
    /// What it left in the kernel, in bytes; less than nothing where other work gave some back.
    pub(crate) memory: i64,
}

/// A Service that is not there yet.
pub(crate) struct Added<'a> {
    /// Where it will be reached.
    pub(crate) address: SocketAddr,
    /// What answers there. It runs until this is dropped.
    pub(crate) _server: Box<dyn Dial + 'a>,
}

/// Connections to one Service.
pub(crate) trait Dial: Sync {
    /// Opens the `attempt`th connection from the calling thread's namespace, asks, reads the answer and closes. Calls
    /// `established` when the connection is established.
    ///
    /// # Errors
    /// `Failed` if nobody answers, or the wrong server.
    fn dial(&self, attempt: usize, established: &mut dyn FnMut()) -> Result<Dialed, CellError> {
        self.attempt(attempt, established).map_err(CellError::from)
    }

    /// The same, where a connection may be lost or reset.
    ///
    /// # Errors
    /// What went wrong, by its kind.
    fn attempt(&self, attempt: usize, established: &mut dyn FnMut()) -> Result<Dialed, Unanswered>;

    /// The same from an address and a port of the calling thread's namespace; port 0 is any.
    ///
    /// # Errors
    /// What went wrong, by its kind.
    fn attempt_from(&self, source: SocketAddr) -> Result<Dialed, Unanswered>;

    /// Where connections may end.
    fn endpoints(&self) -> &[SocketAddr];

    /// Which endpoint goes away meanwhile, if one does, and what takes its place.
    fn substitute(&self) -> Option<Substitute>;

    /// Opens a connection that stays open.
    ///
    /// # Errors
    /// `Broken` where it may be lost or refused.
    fn hold(&self) -> Result<Box<dyn Held + '_>, Unanswered>;
}

/// A client of UDP that sends from one port, and is answered by an endpoint that goes away.
pub(crate) trait Datagrams: Sync {
    /// Sends a datagram. Returns whether an endpoint answered.
    ///
    /// # Errors
    /// `Failed` if it cannot be sent, or if something else answers.
    fn ask(&self) -> Result<bool, CellError>;
    /// Sends a datagram and does not wait for an answer. Returns whether the kernel says that nobody is there.
    ///
    /// # Errors
    /// `Failed` if it cannot be sent.
    fn send(&self) -> Result<bool, CellError>;
    /// From now on the endpoint is silent.
    fn leave(&self);
    /// It answers again.
    fn come_back(&self);
}

/// A connection that stays open.
pub(crate) trait Held: Send {
    /// Asks once more, and waits for the answer.
    ///
    /// # Errors
    /// `Failed` where that is neither an answer nor a loss.
    fn ask(&mut self) -> Result<Answer, CellError>;

    /// Where it was answered; `None` before it was.
    fn reached(&self) -> Option<SocketAddr>;

    /// Has the server close it, so that the client's address and port are free at once. Returns these.
    ///
    /// # Errors
    /// `Failed` if it is not closed in order.
    fn close(self: Box<Self>) -> Result<SocketAddr, CellError>;
}

/// One iperf3 stream to a Service.
pub(crate) trait Stream {
    /// Where it goes.
    fn address(&self) -> SocketAddr;
    /// Sends it from where the cell says. iperf3's report is the run's standard output, as JSON.
    fn send(&self, amount: Amount, limit: Duration) -> Result<ToolRun, CellError>;
}

/// How much is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// For a time. iperf3 takes whole seconds, so it is rounded up.
    Time(Duration),
    /// So many MiB.
    Mebibytes(u32),
}
