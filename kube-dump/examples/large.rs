//! Makes a large dump as kubectl prints it, and reads one:
//! `cargo run --release -p kube-dump --example large -- write FILE 20000`, then `-- read FILE`, which prints how long it
//! took and how much memory was held at most.

use kube_dump::{Dump, Input};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Instant;
use std::{env, fs, io};

/// Endpoints behind each Service.
const ENDPOINTS: u32 = 3;

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", file, services] => write(file, services.parse().map_err(io::Error::other)?),
        ["read", file] => read(file),
        _ => Err(io::Error::other("large write FILE SERVICES, or large read FILE")),
    }
}

fn write(file: &str, services: u32) -> io::Result<()> {
    let mut out = io::BufWriter::new(fs::File::create(file)?);
    write!(out, "{{\n    \"apiVersion\": \"v1\",\n    \"items\": [")?;
    for number in 0..services {
        let separator = if number == 0 { "" } else { "," };
        write!(out, "{separator}\n{:#},\n{:#}", service(number), slice(number))?;
    }
    writeln!(out, "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {{\"resourceVersion\": \"\"}}\n}}")?;
    out.flush()
}

fn metadata(name: &str) -> Value {
    json!({
        "creationTimestamp": "2026-01-01T00:00:00Z", "name": name, "namespace": "default", "resourceVersion": "12345",
        "uid": "8a1c1f0e-7c2b-4ef4-9f1d-0a6c8d5f2b11",
    })
}

fn service(number: u32) -> Value {
    let mut item = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(&format!("service-{number}")),
        "spec": {
            "clusterIP": format!("10.96.{}.{}", number >> 8, number & 0xff),
            "clusterIPs": [format!("10.96.{}.{}", number >> 8, number & 0xff)],
            "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
            "selector": {"app": format!("service-{number}")}, "sessionAffinity": "None", "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    });
    item["metadata"]["labels"] = json!({"app": format!("service-{number}"), "app.kubernetes.io/managed-by": "Helm"});
    item
}

fn slice(number: u32) -> Value {
    let endpoint = |place: u32| {
        let place = number * ENDPOINTS + place;
        json!({
            "addresses": [format!("10.{}.{}.{}", 128 + (place >> 16), place >> 8 & 0xff, place & 0xff)],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": format!("node-{}", place % 100), "zone": "a",
            "targetRef": {"kind": "Pod", "name": format!("pod-{place}"), "namespace": "default"},
        })
    };
    let mut item = json!({
        "addressType": "IPv4", "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": metadata(&format!("service-{number}-abcde")),
        "endpoints": (0..ENDPOINTS).map(endpoint).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    });
    item["metadata"]["labels"] = json!({
        "kubernetes.io/service-name": format!("service-{number}"),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
    item
}

fn read(file: &str) -> io::Result<()> {
    let start = Instant::now();
    let bytes = fs::read(file)?;
    let size = bytes.len();
    let dump = Dump::read(&[Input::named(file, bytes)]).map_err(io::Error::other)?;
    let took = start.elapsed();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    println!(
        "{} bytes, {} Services, {} notes: {took:.3?}, at most {peak}",
        size,
        dump.cluster.services.len(),
        dump.notes.len()
    );
    Ok(())
}
