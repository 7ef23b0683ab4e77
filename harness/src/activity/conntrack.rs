//! A conntrack table that others' connections fill, and that may be limited.
//!
//! The entries are of established connections that both sides have used. Only such are kept by a table that is full: one
//! that nobody answered makes room for a new connection (`early_drop` in the kernel's `nf_conntrack_core.c`).
//!
//! The limit, `nf_conntrack_max`, is the kernel's: what it counts against it is each network namespace's own table. So it is
//! set in guests only, whose kernel is the lab's.

use super::{Beside, Course};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::meter::drops::Drops;
use crate::meter::kernel_log::KernelLog;
use crate::probe::reading::Reading;
use crate::tool::place::within;
use crate::tool::{Ending, refusal};
use guests::init;
use lab_core::cell::Conntrack;
use lab_core::foreign::short;
use lab_core::layout::Tool;
use lab_core::metric::Metric;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

/// The table's limit.
const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
/// How many entries it has.
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
/// Time to fill the table, or to empty it.
const LIMIT: Duration = Duration::from_secs(300);
/// For how long an entry stays, in seconds: longer than any probe.
const STAYS: u32 = 86_400;
/// Ports from which the entries' connections come.
const PORTS: u32 = 60_000;

pub(super) struct Filling(pub(super) Conntrack);

impl Beside for Filling {
    fn run(&self, lab: &dyn Lab, course: &Course) -> Result<Vec<Reading>, CellError> {
        let Self(Conntrack { entries, max }) = *self;
        // Without a limit of its own, a table has room for its entries, and for as many more.
        let room = || Ok::<_, CellError>((in_node(lab, || number(MAX))? < entries).then_some(2 * entries));
        let max = max.map_or_else(room, |max| Ok(Some(max)))?;
        let before = max.map(|max| limit(lab, max)).transpose()?;
        let told = self.fill(lab, entries).and_then(|()| {
            let (drops, log) = (in_node(lab, Drops::read)?, KernelLog::follow());
            course.begin();
            while course.wait_until(Instant::now() + LIMIT) {}
            let drops = in_node(lab, Drops::read)?.since(drops);
            let said = match drops.dropped {
                0 => String::new(),
                _ => said(log),
            };
            let count = |metric, count: u64| Reading::new(metric, vec![count as f64]);
            Ok(vec![
                Reading { said, ..count(Metric::ConntrackDropped, drops.dropped) },
                count(Metric::ConntrackEvicted, drops.evicted),
            ])
        });
        let emptied = if entries > 0 { call(lab, "empty", &["-F"], "") } else { Ok(()) };
        let restored = before.map_or(Ok(()), |before| fs::write(MAX, before.to_string()).map_err(unset));
        let told = told?;
        emptied?;
        restored?;
        Ok(told)
    }
}

impl Filling {
    /// Puts the entries into the table, and checks that they are in it.
    fn fill(&self, lab: &dyn Lab, entries: u32) -> Result<(), CellError> {
        // What the lab's own connections left would have places that are others'.
        call(lab, "empty", &["-F"], "")?;
        if entries == 0 {
            return Ok(());
        }
        // The tool reads "-" as /dev/stdin, which a guest does not have.
        call(lab, "fill", &["--load-file", "/proc/self/fd/0"], &listed(entries))?;
        let count = in_node(lab, || number(COUNT))?;
        if count < entries - entries / 100 {
            return Err(CellError::Failed(format!("conntrack was to have {entries} entries, and has {count}")));
        }
        Ok(())
    }
}

/// Sets the table's limit, and returns what it was.
///
/// # Errors
/// `Skipped` where the kernel is the machine's, unless it has just this limit.
fn limit(lab: &dyn Lab, max: u32) -> Result<u32, CellError> {
    let before = in_node(lab, || number(MAX))?;
    if before == max {
        return Ok(before);
    }
    if !init::is_asked_for() {
        return Err(CellError::Skipped(format!(
            "nf_conntrack_max is {before} for all of this machine, and is left alone; run with --target exact, where it is the \
             guest's"
        )));
    }
    // A kernel may have one for each network namespace, below that of the first one.
    fs::write(MAX, max.to_string()).map_err(unset)?;
    let now = in_node(lab, || {
        let _ = fs::write(MAX, max.to_string());
        number(MAX)
    })?;
    if now != max {
        return Err(CellError::Failed(format!("nf_conntrack_max was set to {max}, and is {now} in the node")));
    }
    Ok(before)
}

fn unset(error: std::io::Error) -> CellError {
    CellError::Failed(format!("nf_conntrack_max cannot be set: {error}"))
}

fn in_node<T: Send>(lab: &dyn Lab, read: impl FnMut() -> Result<T, CellError> + Send) -> Result<T, CellError> {
    within(lab.node(), read)
}

fn number(file: &str) -> Result<u32, CellError> {
    let text = fs::read_to_string(file)
        .map_err(|error| CellError::Skipped(format!("the kernel tracks no connections here: {file}: {error}")))?;
    text.trim().parse().map_err(|_| CellError::Failed(format!("{file} has \"{}\"", short(&text, 40))))
}

fn call(lab: &dyn Lab, what: &str, args: &[&str], stdin: &str) -> Result<(), CellError> {
    let args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
    let run = lab.call(Tool::Conntrack, &args, stdin.as_bytes(), LIMIT)?;
    match run.ending {
        Ending::Exited(0) => Ok(()),
        Ending::Interrupted => Err(CellError::Interrupted),
        Ending::Exited(_) => match refusal::lacking(&run.stderr) {
            Some(words) => Err(CellError::Skipped(format!("the kernel lacks what conntrack asks it for: \"{words}\""))),
            None => run.through(&format!("conntrack, called to {what} the table,")).map(drop),
        },
        _ => run.through(&format!("conntrack, called to {what} the table,")).map(drop),
    }
}

/// So many entries, as `conntrack --load-file` reads them: of TCP connections between addresses of nobody (RFC 2544).
fn listed(entries: u32) -> String {
    let mut text = String::new();
    for entry in 0..entries {
        let (from, to) = (1024 + entry % PORTS, 1 + entry / PORTS);
        let _ = writeln!(
            text,
            "-I -t {STAYS} -u SEEN_REPLY,ASSURED -s 198.18.0.1 -d 198.19.0.1 -r 198.19.0.1 -q 198.18.0.1 -p tcp --sport {from} \
             --dport {to} --reply-port-src {to} --reply-port-dst {from} --state ESTABLISHED"
        );
    }
    text
}

/// What the kernel's log says of packets that were dropped.
fn said(log: Option<KernelLog>) -> String {
    let Some(log) = log else { return "the kernel's log cannot be read here".to_owned() };
    match log.lines_with("nf_conntrack").as_slice() {
        [] => "the kernel's log says nothing of it".to_owned(),
        [line] => format!("the kernel's log: \"{line}\""),
        [.., line] => format!("the kernel's log, last: \"{line}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn entries_differ_and_are_no_more_than_asked_for() {
        let listed = listed(130_000);
        assert_eq!(listed.lines().count(), 130_000);
        assert_eq!(listed.lines().collect::<BTreeSet<_>>().len(), 130_000);
        assert!(listed.lines().all(|line| line.contains("-u SEEN_REPLY,ASSURED")));
    }
}
