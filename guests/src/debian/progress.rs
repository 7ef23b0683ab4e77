//! A fetch's progress on standard error: a bar on a terminal, plain lines elsewhere.

use super::suite::Suite;
use indicatif::{BinaryBytes, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(100);

pub(super) struct Steps {
    suite: Suite,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// For a fetch from `suite`, on standard error.
    pub(super) fn on_stderr(suite: Suite) -> Self {
        let bar = stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(bar) = &bar {
            bar.enable_steady_tick(EVERY);
        }
        Self { suite, bar }
    }

    /// Begins the next step.
    pub(super) fn begin(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{}: {what}", self.suite)),
            None => eprintln!("{}: {what}", self.suite),
        }
    }

    /// Does `work`, a step of `total` bytes. `done` counts the bytes so far.
    pub(super) fn count<T>(
        &self,
        what: &str,
        total: u64,
        done: impl Fn() -> u64 + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        let Some(bar) = &self.bar else {
            self.begin(&format!("{what} ({})", BinaryBytes(total)));
            return work();
        };
        self.begin(what);
        bar.set_length(total);
        bar.reset_eta();
        bar.set_style(style("{spinner} {bar:20} {bytes}/{total_bytes}, {eta} left  {msg}"));
        let result = std::thread::scope(|scope| {
            let (ended, watched) = channel::<()>();
            scope.spawn(move || {
                while watched.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    bar.set_position(done());
                }
            });
            let result = work();
            drop(ended);
            result
        });
        bar.set_style(style("{spinner} {msg}"));
        result
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates in this file are well-formed")
}
