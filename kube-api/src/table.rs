//! Objects as rows of a table: what kubectl prints. The columns are those of Kubernetes' own printers
//! (`pkg/printers/internalversion`), as far as the lab's objects have what is in them.

use crate::objects::{MADE, Object};
use crate::resource::{ApiVersion, Resource};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many endpoints or ports a cell names.
const NAMED: usize = 3;

/// The columns of `resource`, without the first one, the name, and the last one, the age.
fn columns(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Namespaces => &["Status"],
        Resource::Nodes => &["Status", "Internal-IP"],
        Resource::Services => &["Type", "Cluster-IP", "External-IP", "Port(s)"],
        Resource::EndpointSlices => &["AddressType", "Ports", "Endpoints"],
        Resource::ServiceCidrs => &["CIDRs"],
    }
}

/// The beginning of a table of `resource`, up to its rows. `metadata` is a list's.
pub(crate) fn head(resource: Resource, metadata: &Value) -> String {
    let names = ["Name"].into_iter().chain(columns(resource).iter().copied()).chain(["Age"]);
    let column = |name: &str| {
        let format = if name == "Name" { "name" } else { "" };
        json!({"name": name, "type": "string", "format": format, "description": "", "priority": 0})
    };
    let columns: Vec<Value> = names.map(column).collect();
    let columns = Value::from(columns);
    format!(
        "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\"columnDefinitions\":{columns},\
         \"rows\":["
    )
}

/// Adds the row of `object` to `out`. The object itself is in it, whole.
pub(crate) fn row(object: &Object, api: ApiVersion, version: u64, out: &mut Vec<u8>) {
    let read: Value = serde_json::from_slice(object.json()).unwrap_or_default();
    let mut cells = vec![object.key.1.clone()];
    cells.extend(cells_of(object.resource, &read).into_iter().map(|cell| match cell {
        cell if cell.is_empty() => "<none>".to_owned(),
        cell => cell,
    }));
    cells.push(age());
    out.extend_from_slice(format!("{{\"cells\":{},\"object\":", Value::from(cells)).as_bytes());
    object.write(api, version, out);
    out.push(b'}');
}

/// Adds a table of `object` alone.
pub(crate) fn whole(object: &Object, api: ApiVersion, version: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(head(object.resource, &json!({"resourceVersion": version.to_string()})).as_bytes());
    row(object, api, version, out);
    out.extend_from_slice(b"]}");
}

/// What is in the [`columns`].
fn cells_of(resource: Resource, object: &Value) -> Vec<String> {
    let (spec, status) = (&object["spec"], &object["status"]);
    match resource {
        Resource::Namespaces => vec![text(&status["phase"])],
        Resource::Nodes => {
            let ready = joined(&status["conditions"], |condition| text(&condition["type"]));
            vec![ready, text(&status["addresses"][0]["address"])]
        }
        Resource::Services => {
            vec![text(&spec["type"]), text(&spec["clusterIP"]), outside(object), ports(&spec["ports"])]
        }
        Resource::EndpointSlices => vec![
            text(&object["addressType"]),
            joined(&object["ports"], |port| port["port"].to_string()),
            joined(&object["endpoints"], |endpoint| text(&endpoint["addresses"][0])),
        ],
        Resource::ServiceCidrs => vec![joined(&spec["cidrs"], text)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The first entries of a list, and how many more there are.
fn joined(list: &Value, named: impl Fn(&Value) -> String) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut said = list.iter().take(NAMED).map(named).collect::<Vec<_>>().join(",");
    if let Some(more) = list.len().checked_sub(NAMED).filter(|&more| more > 0) {
        said.push_str(&format!(" + {more} more..."));
    }
    said
}

/// A Service's addresses outside the cluster.
fn outside(service: &Value) -> String {
    let external = service["spec"]["externalIPs"].as_array().into_iter().flatten().map(text);
    let ingress = service["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let all: Vec<String> = ingress.map(|ingress| text(&ingress["ip"])).chain(external).collect();
    match (all.is_empty(), service["spec"]["type"] == "LoadBalancer") {
        (true, true) => "<pending>".to_owned(),
        _ => all.join(","),
    }
}

/// `80/TCP`, or `80:30080/TCP` on a node port.
fn ports(ports: &Value) -> String {
    let port = |port: &Value| {
        let (number, protocol) = (&port["port"], text(&port["protocol"]));
        match &port["nodePort"] {
            Value::Null => format!("{number}/{protocol}"),
            node_port => format!("{number}:{node_port}/{protocol}"),
        }
    };
    ports.as_array().into_iter().flatten().map(port).collect::<Vec<_>>().join(",")
}

/// How old every object is, in days.
fn age() -> String {
    let made = u64::try_from(MADE).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    format!("{}d", now.saturating_sub(made) / 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_in_a_line() {
        let service = json!({
            "spec": {
                "type": "LoadBalancer", "clusterIP": "10.96.0.1", "externalIPs": ["192.0.2.1"],
                "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}},
        });
        let cells = cells_of(Resource::Services, &service);
        assert_eq!(cells, ["LoadBalancer", "10.96.0.1", "192.0.2.9,192.0.2.1", "80:30080/TCP,53/UDP"]);
        let pending = json!({"spec": {"type": "LoadBalancer"}});
        assert_eq!(cells_of(Resource::Services, &pending)[2], "<pending>");
    }

    #[test]
    fn a_long_list_is_cut() {
        let endpoints: Vec<Value> = (0..5).map(|last| json!({"addresses": [format!("10.0.0.{last}")]})).collect();
        let slice = json!({"addressType": "IPv4", "ports": [{"port": 8080}], "endpoints": endpoints});
        let cells = cells_of(Resource::EndpointSlices, &slice);
        assert_eq!(cells, ["IPv4", "8080", "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more..."]);
    }
}
