//! A lab as probes see it: a programmed node with a client pod, and the traffic that can be sent from there.

pub(crate) mod iperf3;
pub(crate) mod node;
pub(crate) mod traffic;

use crate::cell_error::CellError;
use crate::driver::{Driver, Loaded};
use crate::tool::ToolRun;
use crate::tool::place::Place;
use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::vocabulary::Position;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use traffic::Dialed;

/// A node with its pods, programmed with a cluster.
pub(crate) trait Lab {
    /// What programs the node.
    fn driver(&self) -> &dyn Driver;
    /// The node's own namespace, where the rules are.
    fn node(&self) -> &dyn Place;
    /// What the node is programmed with.
    fn cluster(&self) -> &Arc<Cluster>;
    /// The addresses that the cluster's Services and endpoints have, and those of more.
    fn addresses(&self) -> &AddressPlan;
    /// Loads the whole cluster into an empty node. The first time it returns the load that brought the lab up, if that
    /// was measured.
    fn full_load(&mut self, limit: Duration) -> Result<Loaded, CellError>;
    /// The pod that traffic comes from.
    fn client(&self) -> &dyn Place;
    /// Starts the server behind the Service at `position`, which runs as long as the connections can be opened.
    fn dial(&self, position: Position) -> Result<Box<dyn Dial + '_>, CellError>;
    /// Starts an iperf3 server behind the Service at `position`, for one stream.
    fn stream(&self, position: Position) -> Result<Box<dyn Stream + '_>, CellError>;
}

/// Connections to one Service.
pub(crate) trait Dial: Sync {
    /// Opens the `attempt`th connection from the calling thread's namespace, asks, reads the answer and closes. Calls
    /// `established` as soon as it is.
    ///
    /// # Errors
    /// `Failed` where nobody answers or the wrong server does.
    fn dial(&self, attempt: usize, established: &mut dyn FnMut()) -> Result<Dialed, CellError>;
}

/// One iperf3 stream to a Service.
pub(crate) trait Stream {
    /// Where it goes.
    fn address(&self) -> SocketAddr;
    /// Sends it from the client pod. What iperf3 says is on the run's standard output, as JSON.
    fn send(&self, amount: Amount, limit: Duration) -> Result<ToolRun, CellError>;
}

/// How much is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// For a time; iperf3 takes whole seconds, and part of one is a whole.
    Time(Duration),
    /// So many MiB.
    Mebibytes(u32),
}
