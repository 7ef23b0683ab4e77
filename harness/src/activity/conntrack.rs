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
        let limit = max.map(|max| limit(lab, max)).transpose()?;
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
        let restored = limit.flatten().map_or(Ok(()), Limit::restore);
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

/// Sets the table's limit; `None` where it is just this already.
///
/// # Errors
/// `Skipped` where the kernel is the machine's, unless it has just this limit.
fn limit(lab: &dyn Lab, max: u32) -> Result<Option<Limit<'_>>, CellError> {
    let before = in_node(lab, || number(MAX))?;
    if before == max {
        return Ok(None);
    }
    if !init::is_asked_for() {
        return Err(CellError::Skipped(format!(
            "nf_conntrack_max is {before} for all of this machine, and is left alone; run with --target exact, where it is the \
             guest's"
        )));
    }
    let everywhere = Limit::of(vec![Box::new(First), Box::new(InNode(lab))])?;
    everywhere.set(max)?;
    let now = in_node(lab, || number(MAX))?;
    if now != max {
        return Err(CellError::Failed(format!("nf_conntrack_max was set to {max}, and is {now} in the node")));
    }
    Ok(Some(everywhere))
}

/// Where a limit of tables is, as a number that is read and written.
trait Holder {
    fn read(&self) -> Result<u32, CellError>;
    fn write(&self, max: u32) -> Result<(), CellError>;
}

/// The first network namespace's, which bounds that of all others.
struct First;

impl Holder for First {
    fn read(&self) -> Result<u32, CellError> {
        number(MAX)
    }

    fn write(&self, max: u32) -> Result<(), CellError> {
        fs::write(MAX, max.to_string()).map_err(unset)
    }
}

/// The node's, where the kernel has one for each network namespace.
struct InNode<'a>(&'a dyn Lab);

impl Holder for InNode<'_> {
    fn read(&self) -> Result<u32, CellError> {
        in_node(self.0, || number(MAX))
    }

    fn write(&self, max: u32) -> Result<(), CellError> {
        in_node(self.0, || {
            // Most kernels let only the first namespace write it, which was done.
            let _ = fs::write(MAX, max.to_string());
            Ok(())
        })
    }
}

/// A limit wherever it is held. It is what it was again when this is dropped.
struct Limit<'a> {
    /// With what each had before.
    holders: Vec<(Box<dyn Holder + 'a>, u32)>,
}

impl<'a> Limit<'a> {
    fn of(holders: Vec<Box<dyn Holder + 'a>>) -> Result<Self, CellError> {
        let read = |holder: Box<dyn Holder + 'a>| holder.read().map(|before| (holder, before));
        Ok(Self { holders: holders.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    fn set(&self, max: u32) -> Result<(), CellError> {
        self.holders.iter().try_for_each(|(holder, _)| holder.write(max))
    }

    /// Like dropping it, and says what could not be restored.
    fn restore(mut self) -> Result<(), CellError> {
        self.put_back()
    }

    /// Tries all of them, and returns the first error.
    fn put_back(&mut self) -> Result<(), CellError> {
        let written: Vec<_> = self.holders.drain(..).map(|(holder, before)| holder.write(before)).collect();
        written.into_iter().collect()
    }
}

impl Drop for Limit<'_> {
    fn drop(&mut self) {
        let _ = self.put_back();
    }
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
    let Some(lines) = log.lines_with("nf_conntrack") else {
        return "the kernel's log cannot be read any more".to_owned();
    };
    match lines.as_slice() {
        [] => "the kernel's log says nothing of it".to_owned(),
        [line] => format!("the kernel's log: \"{line}\""),
        [.., line] => format!("the kernel's log, last: \"{line}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::BTreeSet;

    /// A limit that is only a number, and refuses what is below 10.
    impl Holder for &Cell<u32> {
        fn read(&self) -> Result<u32, CellError> {
            Ok(self.get())
        }

        fn write(&self, max: u32) -> Result<(), CellError> {
            if max < 10 {
                return Err(CellError::Failed(format!("{max} is too few")));
            }
            self.set(max);
            Ok(())
        }
    }

    #[test]
    fn a_limit_is_what_it_was_everywhere_however_the_cell_ends() {
        let (first, node) = (Cell::new(5000), Cell::new(4000));
        let of = || Limit::of(vec![Box::new(&first), Box::new(&node)]).unwrap();
        let limit = of();
        limit.set(17).unwrap();
        assert_eq!([first.get(), node.get()], [17, 17]);
        drop(limit);
        assert_eq!([first.get(), node.get()], [5000, 4000]);
        let limit = of();
        limit.set(17).unwrap();
        assert_eq!(limit.restore(), Ok(()));
        assert_eq!([first.get(), node.get()], [5000, 4000]);
    }

    #[test]
    fn one_that_cannot_be_restored_is_told_and_does_not_keep_the_others() {
        let (first, node) = (Cell::new(3), Cell::new(4000));
        let limit = Limit::of(vec![Box::new(&first), Box::new(&node)]).unwrap();
        limit.set(17).unwrap();
        assert_eq!(limit.restore(), Err(CellError::Failed("3 is too few".to_owned())));
        assert_eq!([first.get(), node.get()], [17, 4000]);
    }

    #[test]
    fn entries_differ_and_are_no_more_than_asked_for() {
        let listed = listed(130_000);
        assert_eq!(listed.lines().count(), 130_000);
        assert_eq!(listed.lines().collect::<BTreeSet<_>>().len(), 130_000);
        assert!(listed.lines().all(|line| line.contains("-u SEEN_REPLY,ASSURED")));
    }
}
