//! Somebody else who uses the node's tools, as a CNI plugin does. An `iptables-legacy` that writes takes one lock, `/run/xtables.lock`.
//!
//! Calls follow one another, each after a pause as long as itself, so that the node's own syncs get their turn. Every other
//! call of `iptables-legacy` does not wait for the lock (no `-w`): it is refused where the lock is held, and says so.
//! `iptables-nft` and `nft` take no such lock, and neither does `iptables-save`: all their calls are alike.

use super::{Beside, Course};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::probe::reading::Reading;
use crate::process::clock::ns;
use crate::tool::{Ending, ToolRun};
use lab_core::cell::Writer;
use lab_core::layout::Tool;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;
use std::time::{Duration, Instant};

/// The least pause between two calls.
const PAUSE: Duration = Duration::from_millis(20);
/// Time for one call.
const LIMIT: Duration = Duration::from_secs(300);
/// The chain, and nft's table, that are its own.
const OWN: &str = "SVCLAB-WRITER";
/// How iptables ends that found the lock held (`RESOURCE_PROBLEM`).
const REFUSED: i32 = 4;

pub(super) struct Writing(pub(super) Writer);

impl Beside for Writing {
    fn writes(&self) -> bool {
        true
    }

    fn run(&self, lab: &dyn Lab, course: &Course) -> Result<Vec<Reading>, CellError> {
        let calls = Calls::of(self.0, lab.backend());
        let caller = Caller { lab, calls: &calls, takes_lock: self.0.takes_xtables_lock(lab.backend()) };
        caller.must(&calls.prepare)?;
        course.begin();
        let written = caller.write(course);
        caller.must(&calls.clean_up)?;
        written
    }
}

/// One call of a tool.
struct Call {
    tool: Tool,
    args: Vec<String>,
    stdin: String,
}

impl Call {
    fn of(tool: Tool, line: &str) -> Self {
        Self { tool, args: line.split(' ').map(str::to_owned).collect(), stdin: String::new() }
    }

    /// The same, not waiting for the lock.
    fn at_once(&self) -> Self {
        let args = self.args.iter().filter(|word| *word != "-w").cloned().collect();
        Self { tool: self.tool, args, stdin: self.stdin.clone() }
    }
}

/// The calls of a writer.
struct Calls {
    prepare: Vec<Call>,
    /// The one that is measured.
    call: Call,
    /// What takes it back. It is not measured.
    undo: Vec<Call>,
    clean_up: Vec<Call>,
}

impl Calls {
    fn of(writer: Writer, backend: BackendName) -> Self {
        if backend == BackendName::Nftables { Self::of_nft(writer) } else { Self::of_iptables(writer) }
    }

    fn of_iptables(writer: Writer) -> Self {
        let (iptables, rule) = (Tool::Iptables, "-d 192.0.2.1/32 -j RETURN");
        let own = Call::of(iptables, &format!("-w -t filter -N {OWN}"));
        let gone = ["-F", "-X"].map(|what| Call::of(iptables, &format!("-w -t filter {what} {OWN}"))).into();
        match writer {
            Writer::Append => Self {
                prepare: vec![own],
                call: Call::of(iptables, &format!("-w -t filter -A {OWN} {rule}")),
                undo: vec![Call::of(iptables, &format!("-w -t filter -F {OWN}"))],
                clean_up: gone,
            },
            Writer::Save => Self {
                prepare: Vec::new(),
                call: Call::of(Tool::IptablesSave, "-t nat"),
                undo: Vec::new(),
                clean_up: Vec::new(),
            },
            Writer::Restore => {
                let stdin = format!("*filter\n:{OWN} - [0:0]\n-A {OWN} {rule}\nCOMMIT\n");
                let call = Call { stdin, ..Call::of(Tool::IptablesRestore, "-w --noflush") };
                Self { prepare: vec![own], call, undo: Vec::new(), clean_up: gone }
            }
        }
    }

    fn of_nft(writer: Writer) -> Self {
        let (nft, table) = (Tool::Nft, format!("ip {OWN}"));
        let prepare =
            vec![Call::of(nft, &format!("add table {table}")), Call::of(nft, &format!("add chain {table} own"))];
        let clean_up = vec![Call::of(nft, &format!("delete table {table}"))];
        let rule = format!("rule {table} own ip daddr 192.0.2.1 return");
        let undo = vec![Call::of(nft, &format!("flush chain {table} own"))];
        let call = match writer {
            Writer::Append => Call::of(nft, &format!("add {rule}")),
            Writer::Save => Call::of(nft, "list ruleset"),
            Writer::Restore => Call { stdin: format!("add {rule}\n"), ..Call::of(nft, "-f -") },
        };
        Self { prepare, call, undo, clean_up }
    }
}

struct Caller<'a> {
    lab: &'a dyn Lab,
    calls: &'a Calls,
    /// Whether they take the xtables lock.
    takes_lock: bool,
}

impl Caller<'_> {
    fn write(&self, course: &Course) -> Result<Vec<Reading>, CellError> {
        let call = &self.calls.call;
        let (mut walls, mut tried, mut refused, mut told) = (Vec::new(), 0, 0, String::new());
        for number in 0_usize.. {
            let run = if number.is_multiple_of(2) || !self.takes_lock {
                let run = self.must_be(call)?;
                walls.push(ns(run.wall));
                run
            } else {
                let run = self.make(&call.at_once())?;
                tried += 1;
                match run.ending {
                    Ending::Exited(0) => {}
                    Ending::Exited(REFUSED) => {
                        refused += 1;
                        run.stderr.trim().clone_into(&mut told);
                    }
                    _ => return Err(failed(call, &run)),
                }
                run
            };
            if run.ending == Ending::Exited(0) {
                self.must(&self.calls.undo)?;
            }
            if !course.wait_until(Instant::now() + run.wall.max(PAUSE)) {
                break;
            }
        }
        let count = |metric, count: u32| Reading::new(metric, vec![f64::from(count)]);
        let mut readings = vec![Reading::new(Metric::WriterCall, walls)];
        if self.takes_lock {
            let refused = Reading { said: told, ..count(Metric::WriterRefused, refused) };
            readings.extend([count(Metric::WriterTried, tried), refused]);
        }
        Ok(readings)
    }

    fn make(&self, call: &Call) -> Result<ToolRun, CellError> {
        let run = self.lab.call(call.tool, &call.args, call.stdin.as_bytes(), LIMIT)?;
        if run.ending == Ending::Interrupted { Err(CellError::Interrupted) } else { Ok(run) }
    }

    fn must_be(&self, call: &Call) -> Result<ToolRun, CellError> {
        let run = self.make(call)?;
        if run.ending == Ending::Exited(0) { Ok(run) } else { Err(failed(call, &run)) }
    }

    fn must(&self, calls: &[Call]) -> Result<(), CellError> {
        calls.iter().try_for_each(|call| self.must_be(call).map(drop))
    }
}

fn failed(call: &Call, run: &ToolRun) -> CellError {
    let said = run.stderr.trim();
    CellError::Failed(format!("the writer's {:?} {} failed: {said}", call.tool, call.args.join(" ")))
}
