//! Where connections to a Service must end, and whether an answer came from there.

use crate::cell_error::CellError;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where connections to a Service must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The addresses at which a server may be reached: the endpoints, or the Service's address if packets arrive
    /// unchanged. Without any, connections must be refused at once.
    pub(crate) reached: Vec<SocketAddr>,
    /// Who may answer in place of one of them.
    pub(crate) substitute: Option<Substitute>,
    /// The address of the pod with all its endpoints; `None` without endpoints.
    pub(crate) pod: Option<Ipv4Addr>,
    /// The client's address, where the server must see it.
    pub(crate) client: Option<IpAddr>,
}

/// An endpoint that goes away while connections are opened, and the one that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Substitute {
    /// The one that goes away.
    pub(crate) leaving: SocketAddr,
    /// The one that comes.
    pub(crate) coming: SocketAddr,
}

impl Goal {
    /// Where `name`, dialled at `address`, was reached, by its `answer`.
    ///
    /// # Errors
    /// `Failed` if that is not where connections must end.
    pub(super) fn judge(&self, name: &str, address: SocketAddr, answer: &str) -> Result<SocketAddr, CellError> {
        let (reached, pod, client) = understand(answer).ok_or_else(|| {
            CellError::Failed(format!("{name} at {address} answered \"{answer}\" instead of its address and its pod's"))
        })?;
        let takes_a_place = self.substitute.is_some_and(|substitute| substitute.coming == reached);
        if !self.reached.contains(&reached) && !takes_a_place {
            return Err(CellError::Failed(format!(
                "{name} at {address} was answered by {reached}, which is not an endpoint of it"
            )));
        }
        if let Some(expected) = self.pod.filter(|expected| *expected != pod) {
            return Err(CellError::Failed(format!(
                "{name} at {address} was answered in the pod {pod}, where its endpoints are in {expected}"
            )));
        }
        if let Some(expected) = self.client.filter(|expected| *expected != client) {
            return Err(CellError::Failed(format!(
                "{name} at {address} was answered by a server that saw {client}, not the client's {expected}"
            )));
        }
        Ok(reached)
    }
}

/// Parses the address that a server was reached at, its pod's, and the client's as it saw it.
fn understand(answer: &str) -> Option<(SocketAddr, Ipv4Addr, IpAddr)> {
    let mut words = answer.trim_end().split(' ');
    let mut word = || words.next();
    Some((word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?))
}
