//! A running kube-proxy: started, watched, put to sleep between operations, ended.

use super::config::Told;
use super::folder::Folder;
use super::metrics::Metrics;
use super::usage::Tools;
use super::watch::Watch;
use super::{log, usage};
use crate::backend::Backend;
use crate::cell_error::CellError;
use crate::process::{clock, interrupt};
use crate::tool::buffers;
use crate::tool::launcher::privileged;
use crate::tool::place::{Place, within};
use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often kube-proxy syncs at most (`minSyncPeriod`), and some time for it to see that it may.
const BETWEEN_SYNCS: Duration = Duration::from_millis(1100);
/// So long nothing happens at least before it counts as quiet.
const QUIET: Duration = Duration::from_millis(300);
/// How often to look whether it is.
const GLANCE: Duration = Duration::from_millis(100);
/// How long to wait at most for a report of its tools before its metrics are asked.
const NEWS: Duration = Duration::from_millis(250);
/// How often to look after it while nothing happens.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often to look whether it has ended.
const MOMENT: Duration = Duration::from_millis(10);
/// How long to wait for a sync that it may not make.
const PERHAPS: Duration = Duration::from_millis(1500);
/// Its verbosity: that of most clusters.
const VERBOSITY: &str = "-v=2";

/// A kube-proxy, killed when this is dropped.
pub(super) struct Process {
    child: Child,
    version: String,
    folder: Folder,
    watch: Watch,
    /// How much of the log has been dealt with.
    read: u64,
}

/// What it cost so far, beside time.
#[derive(Debug, Clone)]
pub(super) struct Spent {
    /// CPU time of its own; `None` where the kernel does not tell.
    pub(super) own: Option<Duration>,
    pub(super) tools: Tools,
    /// How often each tool was started.
    pub(super) runs: BTreeMap<String, u64>,
}

impl Spent {
    /// What was spent since `earlier`.
    pub(super) fn since(self, earlier: &Self) -> Self {
        let own = self.own.zip(earlier.own).map(|(own, earlier)| own.saturating_sub(earlier));
        let started = |tool: &String| earlier.runs.get(tool).copied().unwrap_or_default();
        let runs = self.runs.into_iter().map(|(tool, count)| (started(&tool), tool, count));
        let runs = runs.map(|(before, tool, count)| (tool, count - before)).collect();
        Self { own, tools: self.tools.since(earlier.tools), runs }
    }
}

impl Process {
    /// Starts it in `node`, with the API server at `server`.
    pub(super) fn start(
        told: &Told<'_>,
        backend: &dyn Backend,
        node: &dyn Place,
        server: SocketAddr,
    ) -> Result<Self, CellError> {
        let folder = Folder::make(told, backend, server)?;
        let watch = Watch::new(&folder.tools(), &folder.log())?;
        let child = within(node, || spawn(&folder, &["--config"]))?;
        Ok(Self { child, version: told.binary.version.clone(), folder, watch, read: 0 })
    }

    /// Its metrics, once it answers.
    pub(super) fn metrics(node: &dyn Place) -> Option<Metrics> {
        within(node, || Metrics::read().ok())
    }

    /// Waits until its metrics are `so`, until `deadline` at most.
    ///
    /// # Errors
    /// `Failed` with the end of its log, if it ended or its syncs fail; `OverBudget` at the deadline.
    pub(super) fn wait(
        &mut self,
        node: &dyn Place,
        deadline: Instant,
        what: &str,
        so: impl Fn(&Metrics) -> bool,
    ) -> Result<Metrics, CellError> {
        let begun = Instant::now();
        let before = Self::metrics(node).unwrap_or_default();
        loop {
            if let Some(metrics) = Self::metrics(node) {
                if so(&metrics) {
                    return Ok(metrics);
                }
                // It tries again and again. Twice is enough to know.
                if metrics.count() >= before.count() + 2 && metrics.last() == before.last() {
                    return Err(self.failed("its syncs fail"));
                }
            }
            self.check()?;
            if Instant::now() >= deadline {
                let spent = clock::spell(begun.elapsed());
                return Err(CellError::OverBudget(format!("kube-proxy {} {what} after {spent}", self.version)));
            }
            self.news(deadline)?;
        }
    }

    /// Waits until a tool ended or the log grew, or for a moment.
    fn news(&mut self, deadline: Instant) -> Result<()> {
        let until = deadline.min(Instant::now() + NEWS);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || (self.watch.wait(left)? && self.watch.is_quiet()) {
                return Ok(());
            }
        }
    }

    /// Waits until nothing happens any more, and it may sync at once when something does.
    ///
    /// Between its tools a sync computes, and nothing shows that it goes on. That takes less than the whole of a sync: so
    /// long nothing may happen.
    pub(super) fn settle(&mut self, node: &dyn Place, deadline: Instant) -> Result<Metrics, CellError> {
        let (mut since, mut count) = (Instant::now(), None);
        loop {
            self.check()?;
            let metrics = Self::metrics(node).unwrap_or_default();
            let news = self.watch.look()?;
            if news || !self.watch.is_quiet() || count != Some(metrics.count()) {
                (since, count) = (Instant::now(), Some(metrics.count()));
            }
            let apart = now().checked_sub(metrics.last()).is_some_and(|since| since >= BETWEEN_SYNCS);
            if apart && since.elapsed() >= metrics.longest().max(QUIET) {
                return Ok(metrics);
            }
            if Instant::now() >= deadline {
                return Err(CellError::OverBudget(format!("kube-proxy {} does not come to rest", self.version)));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits for the sync that it may make because of endpoints without a Service.
    pub(super) fn syncs_for_nothing(&mut self, node: &dyn Place) -> Result<(), CellError> {
        let moment = now();
        let deadline = Instant::now() + PERHAPS;
        match self.wait(node, deadline, "did not sync", |metrics| metrics.synced_since(moment, &[])) {
            Ok(_) | Err(CellError::OverBudget(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets it be for `time`.
    pub(super) fn rest(&mut self, time: Duration) -> Result<(), CellError> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.check()?;
            std::thread::sleep(end.saturating_duration_since(Instant::now()).min(LOOK));
        }
        Ok(())
    }

    /// Whether it still runs, and nobody asked the lab to stop.
    fn check(&mut self) -> Result<(), CellError> {
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        match self.child.try_wait().context("looking after kube-proxy")? {
            None => Ok(()),
            Some(status) => Err(self.failed(&format!("it ended by itself ({status})"))),
        }
    }

    /// What went wrong, with the end of its log.
    pub(super) fn failed(&self, what: &str) -> CellError {
        let words = log::last_words(&self.folder.log(), self.read);
        CellError::Failed(format!("kube-proxy {}: {what}; {words}", self.version))
    }

    /// What it spent so far.
    pub(super) fn spent(&mut self) -> Result<Spent> {
        self.watch.look()?;
        self.read = log::length(&self.folder.log());
        let pid = self.pid();
        let tools = usage::of_tools(pid).unwrap_or_default();
        Ok(Spent { own: usage::own(pid), tools, runs: self.watch.runs().clone() })
    }

    /// Its largest resident memory so far, in bytes.
    pub(super) fn memory(&self) -> Option<u64> {
        usage::memory(self.pid())
    }

    /// Puts it to sleep: a kube-proxy whose node nobody looks at would sync once a period, and disturb what is measured
    /// elsewhere.
    pub(super) fn sleep(&self) {
        let _ = kill(self.pid(), Signal::SIGSTOP);
    }

    /// Wakes it up.
    pub(super) fn wake(&self) {
        let _ = kill(self.pid(), Signal::SIGCONT);
    }

    /// Ends it as the kubelet does, and has it remove what it installed if `cleaned`.
    pub(super) fn end(mut self, node: &dyn Place, cleaned: bool, limit: Duration) -> Result<(), CellError> {
        kill(self.pid(), Signal::SIGTERM).context("ending kube-proxy")?;
        // One that does not end when it is asked to is killed by the drop.
        ended(&mut self.child, FAREWELL)?;
        if cleaned { self.clean(node, limit) } else { Ok(()) }
    }

    fn clean(&mut self, node: &dyn Place, limit: Duration) -> Result<(), CellError> {
        self.read = log::length(&self.folder.log());
        let mut cleaning = within(node, || spawn(&self.folder, &["--cleanup", "--config"]))?;
        match ended(&mut cleaning, limit)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failed(&format!("--cleanup: {status}"))),
            None => {
                let _ = cleaning.kill();
                let _ = cleaning.wait();
                Err(CellError::OverBudget("kube-proxy --cleanup did not end".to_owned()))
            }
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How `child` ended within `limit`; `None` if it did not, or the lab was asked to stop.
fn ended(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        let status = child.try_wait().context("waiting for kube-proxy")?;
        if status.is_some() || Instant::now() >= deadline || interrupt::requested() {
            return Ok(status);
        }
        std::thread::sleep(MOMENT);
    }
}

/// Starts kube-proxy in the calling thread's namespace, with its configuration after `args`.
fn spawn(folder: &Folder, args: &[&str]) -> Result<Child> {
    let log = OpenOptions::new().append(true).open(folder.log())?;
    let mut command = Command::new(&folder.program);
    command.args(args).arg(folder.config()).arg(VERBOSITY);
    command.env_clear().env("PATH", folder.path());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let (ours, theirs) =
        if privileged() { (None, None) } else { UnixStream::pair().map(|(a, b)| (Some(a), Some(b)))? };
    let root = folder.root.clone();
    // When the lab ends, its PID namespace does, and with it kube-proxy.
    // SAFETY: nothing of it allocates in a way that a fork of a threaded process forbids: system calls on what was made
    // before.
    unsafe {
        command.pre_exec(move || {
            crate::tool::origin::enter(root.as_os_str())?;
            theirs.as_ref().map_or(Ok(()), buffers::divert)
        });
    }
    let child = command.spawn().with_context(|| format!("starting {}", folder.program.display()))?;
    if let Some(ours) = ours {
        buffers::answer_all(&ours).context("arranging for larger buffers")?;
    }
    Ok(child)
}

/// The time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
