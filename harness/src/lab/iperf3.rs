//! iperf3 between two pods: its server, and one stream to it.

use super::{Amount, Stream};
use crate::cell_error::{CellError, Missing};
use crate::tool::place::{Place, within};
use crate::tool::{self, Runner, ToolRun};
use anyhow::{Context, Result, bail};
use netns_topology::Namespace;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "iperf3";

/// Time for the server to listen.
const LISTENING: Duration = Duration::from_secs(5);

/// Whether it is installed.
pub(crate) fn check() -> Result<(), Missing> {
    tool::origin::find(NAME).map(drop).ok_or_else(|| Missing {
        why: "iperf3 is not installed".to_owned(),
        remedy: "install it with ci/setup".to_owned(),
    })
}

/// A server for one stream, and the client of it.
pub(crate) struct Iperf3<'a> {
    pub(crate) runner: &'static dyn Runner,
    pub(crate) client: &'a dyn Place,
    /// Where the client sends.
    pub(crate) address: SocketAddr,
    _server: Server,
}

impl<'a> Iperf3<'a> {
    /// Starts the server in `pod`, on `port`.
    pub(crate) fn start(
        runner: &'static dyn Runner,
        client: &'a dyn Place,
        address: SocketAddr,
        pod: &Namespace,
        port: u16,
    ) -> Result<Self> {
        Ok(Self { runner, client, address, _server: Server::start(pod, port)? })
    }
}

impl Stream for Iperf3<'_> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn send(&self, amount: Amount, limit: Duration) -> Result<ToolRun, CellError> {
        let args = arguments(self.address, amount);
        Ok(within(self.client, || self.runner.run(NAME, &args, b"", limit))?)
    }
}

fn arguments(to: SocketAddr, amount: Amount) -> Vec<String> {
    let (option, amount) = match amount {
        Amount::Time(time) => ("--time", time.as_millis().div_ceil(1000).to_string()),
        Amount::Mebibytes(amount) => ("--bytes", format!("{amount}M")),
    };
    let words = ["--client", &to.ip().to_string(), "--port", &to.port().to_string(), option, &amount, "--json"];
    words.iter().map(|&word| word.to_owned()).collect()
}

/// An iperf3 server for one test. It is killed when this is dropped.
struct Server(Child);

impl Server {
    fn start(pod: &Namespace, port: u16) -> Result<Self> {
        let place = tool::origin::find(NAME).context("iperf3 is not installed; run ci/setup")?;
        let mut command = Command::new(place.file);
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
        // It may have ended already, after its one test.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a socket listens on `port` in the calling thread's namespace (proc_pid_net(5)). A connection would use up the
/// server's one test.
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

    #[test]
    fn part_of_a_second_is_a_whole_one_to_iperf3() {
        let words = |amount| arguments("10.96.0.11:80".parse().unwrap(), amount).join(" ");
        let time = Amount::Time(Duration::from_millis(1500));
        assert_eq!(words(time), "--client 10.96.0.11 --port 80 --time 2 --json");
        assert_eq!(words(Amount::Mebibytes(64)), "--client 10.96.0.11 --port 80 --bytes 64M --json");
    }
}
