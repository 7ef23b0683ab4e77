//! kubectl as a client, whichever version is there: get in several forms, by label and field, and while it changes.

#[path = "../../ci/tier.rs"]
mod tier;

use kube_api::Server;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster};
use libtest_mimic::{Arguments, Failed};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use tier::{Requirement, Tier};

fn main() -> ExitCode {
    let kubectl = Requirement { name: "kubectl", check: is_there };
    let tier = Tier::look(&[kubectl]);
    let trial =
        |name, case: fn() -> Result<(), String>| tier.trial(name, &["kubectl"], move || case().map_err(Failed::from));
    let trials = vec![
        trial("get_lists_services", get_lists_services),
        trial("get_tells_every_object", get_tells_every_object),
        trial("get_selects_by_label_and_field", get_selects_by_label_and_field),
        trial("get_follows_changes", get_follows_changes),
        trial("get_follows_changes_in_a_table", get_follows_changes_in_a_table),
        trial("what_is_not_there_is_said", what_is_not_there_is_said),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn is_there() -> Result<(), String> {
    let output = Command::new("kubectl").args(["version", "--client"]).output();
    let output = output.map_err(|error| format!("kubectl cannot be started: {error}"))?;
    output.status.success().then_some(()).ok_or_else(|| "kubectl version fails".to_owned())
}

fn serve(services: u32) -> Result<(Server, Arc<Cluster>), String> {
    let cluster = Arc::new(Cluster::generate(services, &AddressPlan::new(2)));
    let server = TcpListener::bind("127.0.0.1:0").and_then(|listener| Server::start(listener, &cluster));
    Ok((server.map_err(|error| error.to_string())?, cluster))
}

/// kubectl with nothing of the user's configuration, nor of what an earlier server said that it has.
fn kubectl(server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new("kubectl");
    let cache = std::env::temp_dir().join(format!("svclab-kubectl-{}", server.address().port()));
    command.env("KUBECONFIG", "/dev/null").arg(format!("--cache-dir={}", cache.display()));
    command.arg(format!("--server=http://{}", server.address())).args(args).stdin(Stdio::null());
    command
}

fn said(server: &Server, args: &[&str]) -> Result<String, String> {
    let output = kubectl(server, args).output().map_err(|error| error.to_string())?;
    let error = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("kubectl {args:?}: {error}{:?}", server.served().refused)),
    }
}

fn ensure(holds: bool, said: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(said.to_owned()) }
}

fn get_lists_services() -> Result<(), String> {
    let (server, _) = serve(600)?;
    let text = said(&server, &["get", "svc"])?;
    ensure(text.lines().count() == 601 && text.contains("svc-00600"), &text)?;
    let words = |line: usize| text.lines().nth(line).unwrap_or_default().split_whitespace().collect::<Vec<_>>();
    ensure(words(0) == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"], &text)?;
    ensure(words(1)[..5] == ["svc-00001", "ClusterIP", "10.96.0.11", "<none>", "80/TCP"], &text)?;
    for kind in ["endpointslices", "nodes", "servicecidrs", "namespaces"] {
        said(&server, &["get", kind, "-A"])?;
    }
    let names = said(&server, &["get", "nodes,ns,servicecidrs", "-o", "name"])?;
    ensure(names == "node/node\nnamespace/default\nnamespace/kube-system\n", &names)
}

fn get_tells_every_object() -> Result<(), String> {
    let (server, cluster) = serve(30)?;
    let text = said(&server, &["get", "services,endpointslices,nodes", "-A", "-o", "json"])?;
    let input = kube_dump::Input::named("kubectl", text);
    let dump = kube_dump::Dump::read(&[input]).map_err(|error| error.to_string())?;
    ensure(dump.cluster.services == cluster.services, "kubectl tells another cluster")?;
    ensure(dump.nodes == [cluster.node.clone()], "kubectl tells another node")
}

fn get_selects_by_label_and_field() -> Result<(), String> {
    let (server, _) = serve(3)?;
    let slices =
        said(&server, &["get", "endpointslices", "-l", "kubernetes.io/service-name in (svc-00002)", "-o", "name"])?;
    ensure(slices.lines().count() == 1 && slices.contains("/svc-00002-"), &slices)?;
    let services = said(
        &server,
        &["get", "svc", "--field-selector", "spec.clusterIP!=None,metadata.name=svc-00003", "-o", "name"],
    )?;
    ensure(services == "service/svc-00003\n", &services)?;
    let node = said(&server, &["get", "node", "node", "-o", "jsonpath={.status.addresses[0].address}"])?;
    ensure(node == "10.11.0.1", &node)
}

fn get_follows_changes() -> Result<(), String> {
    follows(&["-o", "json"], |stdout| {
        let events = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>();
        let said = |event: Value| format!("{} {}", event["type"], event["object"]["metadata"]["name"]).replace('"', "");
        Box::new(events.map_while(Result::ok).map(said))
    })
}

fn get_follows_changes_in_a_table() -> Result<(), String> {
    follows(&[], |stdout| {
        let said = |line: String| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Box::new(stdout.lines().map_while(Result::ok).skip(1).map(said))
    })
}

/// What kubectl prints of events, as "TYPE NAME".
type Read = fn(BufReader<ChildStdout>) -> Box<dyn Iterator<Item = String>>;

fn follows(args: &[&str], read: Read) -> Result<(), String> {
    let (server, cluster) = serve(1)?;
    let mut command = kubectl(&server, &["get", "svc", "-w", "--output-watch-events"]);
    let mut child = command.args(args).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let mut events = read(BufReader::new(child.stdout.take().ok_or("no output")?));
    let mut next = |expected: &str| {
        let said = events.next().unwrap_or_else(|| "kubectl ended".to_owned());
        ensure(said == expected, &format!("{said}, where {expected} was to come"))
    };
    let followed = (|| {
        next("ADDED svc-00001")?;
        let adding = Change::adding(&cluster, &AddressPlan::new(2));
        server.apply(&adding);
        next("ADDED svc-00002")?;
        server.apply(&adding.undone());
        next("DELETED svc-00002")
    })();
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    followed
}

fn what_is_not_there_is_said() -> Result<(), String> {
    let (server, _) = serve(1)?;
    let error = said(&server, &["get", "svc", "other"]).err().unwrap_or_default();
    ensure(error.contains("services \"other\" not found"), &error)?;
    let error = said(&server, &["delete", "svc", "svc-00001"]).err().unwrap_or_default();
    ensure(error.contains("DELETE is not allowed"), &error)
}
