//! When a Service that is added begins to answer, seen by a client that tries again and again.

use crate::cell_error::CellError;
use crate::driver::Cost;
use crate::lab::Lab;
use crate::process::clock::ns;
use crate::tool::place::within;
use lab_core::change::Change;
use lab_core::metric::Metric;
use lab_core::vocabulary::Origin;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a client tries.
const EACH: Duration = Duration::from_millis(2);
/// How long it waits for an answer. There is one within microseconds, or there is no way to the Service yet.
const PATIENCE: Duration = Duration::from_millis(20);

/// Does `job`, which adds the Services of `change` and says when it began. Adds to its cost how long it took from then on
/// until a connection succeeded.
pub(super) fn observe(
    lab: &dyn Lab,
    change: &Change,
    job: impl FnOnce() -> Result<Cost, CellError>,
) -> Result<Cost, CellError> {
    let Some(added) = lab.added(change)? else { return job() };
    let (client, address, over) = (lab.client(Origin::Pod), added.address, AtomicBool::new(false));
    let (cost, reached) = thread::scope(|scope| {
        let trying = scope.spawn(|| within(client, || first_connection(address, &over)));
        let cost = job();
        over.store(true, Ordering::Relaxed);
        (cost, trying.join().unwrap_or(None))
    });
    let mut cost = cost?;
    if let (Some(reached), Some(begun)) = (reached, cost.begun) {
        cost.own.push((Metric::InForce, ns(reached.saturating_duration_since(begun))));
    }
    Ok(cost)
}

/// When the first connection to `address` succeeded. It tries once more when it is `over`.
fn first_connection(address: SocketAddr, over: &AtomicBool) -> Option<Instant> {
    loop {
        let last = over.load(Ordering::Relaxed);
        if TcpStream::connect_timeout(&address, PATIENCE).is_ok() {
            return Some(Instant::now());
        }
        if last {
            return None;
        }
        thread::sleep(EACH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn the_first_connection_that_succeeds_is_told_and_none_is_told_as_none() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(first_connection(address, &AtomicBool::new(true)).is_some());
        drop(listener);
        assert_eq!(first_connection(address, &AtomicBool::new(true)), None);
    }
}
