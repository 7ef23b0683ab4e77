//! `bandwidth`: one iperf3 stream to a Service.

use super::{Probe, Reading};
use crate::cell_error::{CellError, Missing};
use crate::lab::Lab;
use crate::meter::Cpu;
use crate::meter::mark::Account;
use crate::tool::{self, Ending};
use anyhow::{Context, Result, bail};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{Position, ProbeName};
use netns_topology::Namespace;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time beyond that of the stream itself: process start, the control connection, the report.
const GRACE: Duration = Duration::from_secs(20);
/// Time for the server to listen.
const LISTENING: Duration = Duration::from_secs(5);

/// What is sent in the `exact` target: enough for a steady stream, and a small part of the instructions of a second.
const EXACT: &str = "64M";

pub(super) struct Bandwidth;

impl Probe for Bandwidth {
    fn name(&self) -> ProbeName {
        ProbeName::Bandwidth
    }

    fn check(&self) -> Result<(), Missing> {
        iperf3().map(drop).ok_or_else(|| Missing {
            why: "iperf3 is not installed".to_owned(),
            remedy: "install it with ci/setup".to_owned(),
        })
    }

    fn run(&self, lab: &mut Lab, cell: &Cell, plan: &Plan, _: Duration) -> Result<Vec<Reading>, CellError> {
        let position = cell.position.unwrap_or(Position::First);
        let iperf3 = iperf3().context("iperf3 is not installed; run ci/setup")?;
        let _server = Server::start(&iperf3, &lab.server(position).namespace, lab.port())?;
        let address = lab.backend.address(lab.service(position), 0);
        let args = arguments(address, plan);
        let before = Cpu::read()?;
        let account = Account::open();
        let run = lab.client().namespace.visit(|| lab.runner.run("iperf3", &args, b"", plan.traffic + GRACE))?;
        let accounts = account.took(run.wall);
        drop(account);
        let softirq = Cpu::read()?.softirq_since(&before);
        match run.ending {
            Ending::Interrupted => return Err(CellError::Interrupted),
            Ending::TimedOut => return Err(CellError::Failed(format!("iperf3 to {address} did not end in time"))),
            _ => {}
        }
        Ok(vec![
            Reading::new(Metric::Bandwidth, vec![received(&run.stdout, address)?]).on(Some(accounts)),
            Reading::new(Metric::CpuSoftirq, vec![softirq]),
        ])
    }
}

fn iperf3() -> Option<PathBuf> {
    tool::find("iperf3")
}

fn arguments(to: SocketAddrV4, plan: &Plan) -> Vec<String> {
    // iperf3 takes whole seconds.
    let seconds = plan.traffic.as_millis().div_ceil(1000).to_string();
    let [option, amount] = if plan.target.is_exact() { ["--bytes", EXACT] } else { ["--time", &seconds] };
    let words = ["--client", &to.ip().to_string(), "--port", &to.port().to_string(), option, amount, "--json"];
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Bits a second that the receiver counted, from iperf3's report.
fn received(report: &str, address: SocketAddrV4) -> Result<f64> {
    let report: serde_json::Value = serde_json::from_str(report).context("reading iperf3's report")?;
    if let Some(error) = report["error"].as_str() {
        bail!("iperf3 to {address}: {error}");
    }
    let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
    rate.with_context(|| format!("iperf3 to {address} reported no end.sum_received.bits_per_second"))
}

/// An iperf3 server for one test, ended when it is dropped.
struct Server(Child);

impl Server {
    fn start(iperf3: &Path, pod: &Namespace, port: u16) -> Result<Self> {
        let mut command = Command::new(iperf3);
        command.args(["--server", "--one-off", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self(pod.visit(|| command.spawn()).context("starting the iperf3 server")?);
        let begun = Instant::now();
        while !pod.visit(|| listening(port))? {
            if let Some(status) = server.0.try_wait()? {
                bail!("the iperf3 server in {} ended at once: {status}", pod.name());
            }
            if begun.elapsed() > LISTENING {
                bail!("the iperf3 server in {} did not listen within {LISTENING:?}", pod.name());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, after its one test.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether somebody listens on `port` in the calling thread's namespace (proc_pid_net(5)). To connect
/// instead would use up the server's one test.
fn listening(port: u16) -> Result<bool> {
    const LISTEN: &str = "0A";
    let port = format!(":{port:04X}");
    let mut sockets = String::new();
    for table in ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"] {
        sockets += &std::fs::read_to_string(table).unwrap_or_default();
    }
    Ok(sockets.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&port)) && words.nth(1) == Some(LISTEN)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::TargetName;

    #[test]
    fn the_receivers_rate_is_read_and_an_error_is_passed_on() {
        let address = "10.96.0.11:80".parse().unwrap();
        let report = r#"{"end": {"sum_sent": {"bits_per_second": 2}, "sum_received": {"bits_per_second": 1.5e9}}}"#;
        assert_eq!(received(report, address).unwrap(), 1.5e9);
        let error = received(r#"{"error": "unable to connect"}"#, address).unwrap_err();
        assert_eq!(error.to_string(), "iperf3 to 10.96.0.11:80: unable to connect");
    }

    #[test]
    fn part_of_a_second_is_a_whole_one_to_iperf3() {
        let traffic = Duration::from_millis(1500);
        let words = |target| {
            let plan = Plan { traffic, ..Plan::example(target) };
            arguments("10.96.0.11:80".parse().unwrap(), &plan).join(" ")
        };
        assert_eq!(words(TargetName::Host), "--client 10.96.0.11 --port 80 --time 2 --json");
        assert_eq!(words(TargetName::Exact), "--client 10.96.0.11 --port 80 --bytes 64M --json");
    }
}
