//! Graceful termination: a real server that goes away while it has connections keeps them, and gets no new ones.
//!
//! kube-proxy gives it weight 0 (`GracefulDeleteRS` in `pkg/proxy/ipvs/graceful_termination.go`), and removes it when its
//! connections are over. If it is wanted again before that, it gets its weight back.

use super::super::{Action, RealServer, Request};
use crate::vocabulary::Forwarding;

/// `sync`, where the real servers that it removes have connections. They are of masq mode. What is not of IPVS stays.
#[must_use]
pub fn draining(sync: Vec<Action>) -> Vec<Action> {
    altered(sync, |request| match request {
        Request::RemoveRealServer(key, address) => {
            let idle = RealServer { address, forwarding: Forwarding::Masquerading, weight: 0 };
            Request::UpdateRealServer(key, idle)
        }
        other => other,
    })
}

/// `sync`, which takes back one that was [`draining`]: the real servers that it adds are there, with weight 0.
#[must_use]
pub fn drained(sync: Vec<Action>) -> Vec<Action> {
    altered(sync, |request| match request {
        Request::AddRealServer(key, real) => Request::UpdateRealServer(key, real),
        other => other,
    })
}

fn altered(sync: Vec<Action>, alter: impl Fn(Request) -> Request) -> Vec<Action> {
    let each = |action| match action {
        Action::Ask(pace, requests) => Action::Ask(pace, requests.into_iter().map(&alter).collect()),
        other => other,
    };
    sync.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Ipvs;
    use super::*;
    use crate::change::Change;
    use crate::cluster::{AddressPlan, Cluster};
    use crate::layout::Layout;
    use crate::vocabulary::Way;
    use std::sync::Arc;

    fn asked(actions: Vec<Action>) -> Vec<String> {
        let requests = actions.into_iter().flat_map(|action| match action {
            Action::Ask(_, requests) => requests,
            _ => Vec::new(),
        });
        requests.map(|request| request.ipvsadm().to_string()).collect()
    }

    #[test]
    fn an_endpoint_that_goes_keeps_its_connections_and_gets_its_weight_back() {
        let plan = AddressPlan::new(2);
        let change = Change::replacing_endpoint(&Arc::new(Cluster::generate(1, &plan)), &plan);
        let layout = Ipvs { way: Way::Batched, ..Ipvs::default() };
        let server = "-t 10.96.0.11:80 -r 10.192.0.2:8080";
        let gone = asked(draining(layout.partial_sync(&change)));
        assert_eq!(gone.last().unwrap(), &format!("-e {server} -m -w 0"));
        assert!(gone[0].starts_with("-a "), "{gone:?}");
        let back = asked(drained(layout.partial_sync(&change.undone())));
        assert_eq!(back[0], format!("-e {server} -m -w 1"));
        assert!(back[1].starts_with("-d "), "{back:?}");
    }
}
