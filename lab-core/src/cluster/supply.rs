//! Where the Services of a cluster come from, one by one.

use super::address::{AddressPlan, OverCapacity};
use super::family::Family;
use super::service::Service;
use std::fmt;
use std::net::IpAddr;

/// Makes the Services of clusters of any size. Service `index` is the same in all of them.
pub trait Supply: fmt::Debug + Send + Sync {
    /// The server pods, and which addresses are theirs.
    fn addresses(&self) -> &AddressPlan;

    /// Service `index`, counted from 0.
    fn service(&self, index: u32) -> Service;

    /// The address of `family` that takes the last endpoint's place when Service `index` changes.
    fn spare(&self, index: u32, family: Family) -> IpAddr;

    /// The zone of the node; empty for none.
    fn zone(&self) -> &str {
        ""
    }

    /// Whether there are addresses for `services` Services, and for the one that a change adds.
    ///
    /// # Errors
    /// If there are not. The error says what runs out, and at how many Services.
    fn check(&self, services: u32) -> Result<(), OverCapacity>;
}

/// Services of the lab's own mixes.
impl Supply for AddressPlan {
    fn addresses(&self) -> &AddressPlan {
        self
    }

    fn service(&self, index: u32) -> Service {
        Service::generate(index, self)
    }

    fn spare(&self, index: u32, family: Family) -> IpAddr {
        Self::spare(self, index, family)
    }

    fn check(&self, services: u32) -> Result<(), OverCapacity> {
        Self::check(self, services)
    }
}
