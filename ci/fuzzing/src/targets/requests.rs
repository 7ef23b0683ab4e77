//! What clients ask the API server: a method, a path with a query, the forms of answer that are accepted, and a body,
//! a line each.

use super::{Target, text};
use crate::seeds::Seeds;
use kube_api::{Desk, Objects};
use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::vocabulary::Mix;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const API: Target = Target {
    name: "api",
    seeds: || {
        let of = |line: &str| format!("GET\n{line}\napplication/json\n").into_bytes();
        let mut seeds: Vec<Vec<u8>> = PATHS.iter().map(|line| of(line)).collect();
        seeds.push(b"GET\n/api/v1/services\napplication/json;as=Table;v=v1;g=meta.k8s.io,application/json\n".to_vec());
        seeds.push(
            b"POST\n/apis/events.k8s.io/v1/namespaces/default/events\n*/*\n{\"kind\":\"Event\",\"metadata\":{}}"
                .to_vec(),
        );
        seeds.push(b"PUT\n/apis/coordination.k8s.io/v1/namespaces/x/leases/y\n*/*\n{\"spec\":{}}".to_vec());
        Seeds::text(seeds)
    },
    read: |bytes| {
        static DESK: Mutex<Option<Desk>> = Mutex::new(None);
        let text = text(bytes);
        let mut lines = text.splitn(4, '\n');
        let mut next = || lines.next().unwrap_or_default();
        let (method, target, accept, body) = (next(), next(), next(), next());
        let mut desk = DESK.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = || Arc::new(Cluster::generate(20, &AddressPlan::new(2).of(Mix::Mixed)));
        let desk = desk.get_or_insert_with(|| Desk::new(&Objects::of(&cluster())).expect("a runtime without a socket"));
        let _ = desk.ask(method, target, accept.as_bytes(), body.as_bytes());
    },
};

const PATHS: &[&str] = &[
    "/healthz",
    "/version",
    "/api",
    "/apis",
    "/api/v1",
    "/apis/discovery.k8s.io/v1",
    "/api/v1/services?limit=5&resourceVersion=0",
    "/api/v1/services?limit=5&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
    "/api/v1/namespaces/default/services/svc-1",
    "/api/v1/services?labelSelector=app%20in%20(a,b),!service.kubernetes.io%2Fheadless,x!%3Dy",
    "/api/v1/nodes?fieldSelector=metadata.name%3Dnode-1",
    "/apis/discovery.k8s.io/v1/endpointslices?watch=true&resourceVersion=1&timeoutSeconds=1&allowWatchBookmarks=true",
    "/api/v1/services?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=9",
    "/api/v1/pods?resourceVersionMatch=Exact&resourceVersion=18446744073709551615",
];
