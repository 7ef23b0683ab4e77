//! The tools that kube-proxy starts, counted without a word to them: the kernel reports each start and end of a file
//! (inotify(7)). A file that is started is opened; it is closed when the last process that runs it ends.

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// Watches a folder of tools, each a file of its own, and kube-proxy's log.
pub(super) struct Watch {
    inotify: Inotify,
    log: WatchDescriptor,
    /// How often each tool was started.
    runs: BTreeMap<String, u64>,
    /// How many of them have not ended.
    running: u64,
}

impl Watch {
    /// Watches the tools in the folder `tools`, and the file `log`.
    pub(super) fn new(tools: &Path, log: &Path) -> Result<Self> {
        let watch = || -> nix::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
            inotify.add_watch(tools, AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CLOSE_NOWRITE)?;
            let log = inotify.add_watch(log, AddWatchFlags::IN_MODIFY)?;
            Ok(Self { inotify, log, runs: BTreeMap::new(), running: 0 })
        };
        watch().context("watching kube-proxy's tools with inotify")
    }

    /// Takes what was reported. Returns whether a tool ended or the log grew.
    pub(super) fn look(&mut self) -> Result<bool> {
        let mut news = false;
        loop {
            let events = match self.inotify.read_events() {
                Ok(events) => events,
                Err(nix::errno::Errno::EAGAIN) => return Ok(news),
                Err(error) => return Err(error).context("reading what inotify reports of kube-proxy's tools"),
            };
            for event in events {
                if event.wd == self.log {
                    news = true;
                    continue;
                }
                // The folder itself is opened, too, by who looks for a tool in it.
                let Some(name) = event.name.filter(|_| !event.mask.contains(AddWatchFlags::IN_ISDIR)) else { continue };
                if event.mask.contains(AddWatchFlags::IN_OPEN) {
                    *self.runs.entry(name.to_string_lossy().into_owned()).or_default() += 1;
                    self.running += 1;
                } else {
                    self.running = self.running.saturating_sub(1);
                    news = true;
                }
            }
        }
    }

    /// Waits until something is reported, for at most `limit`; then as [`look`](Self::look).
    pub(super) fn wait(&mut self, limit: Duration) -> Result<bool> {
        let mut waiting = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut waiting, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => self.look(),
            Err(error) => Err(error).context("waiting for kube-proxy's tools"),
        }
    }

    /// Whether no tool runs.
    pub(super) fn is_quiet(&self) -> bool {
        self.running == 0
    }

    /// How often each tool was started so far.
    pub(super) fn runs(&self) -> &BTreeMap<String, u64> {
        &self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn every_start_of_a_tool_is_counted_and_its_end_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("tools");
        let log = folder.path().join("log");
        fs::create_dir(&tools).unwrap();
        fs::write(&log, "").unwrap();
        fs::copy("/bin/sleep", tools.join("sleep")).unwrap();
        fs::copy("/bin/true", tools.join("true")).unwrap();
        let mut watch = Watch::new(&tools, &log).unwrap();
        for _ in 0..3 {
            assert!(Command::new(tools.join("true")).status().unwrap().success());
        }
        let mut slow = Command::new(tools.join("sleep")).arg("60").spawn().unwrap();
        assert!(watch.look().unwrap());
        assert!(!watch.is_quiet());
        slow.kill().unwrap();
        slow.wait().unwrap();
        while !watch.is_quiet() {
            watch.wait(Duration::from_secs(10)).unwrap();
        }
        assert_eq!(watch.runs().get("true"), Some(&3));
        assert_eq!(watch.runs().get("sleep"), Some(&1));
        assert!(!watch.look().unwrap());
        fs::write(&log, "more").unwrap();
        assert!(watch.look().unwrap());
    }
}
