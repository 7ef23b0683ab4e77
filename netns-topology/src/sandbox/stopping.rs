//! The signals that ask a process to stop, as it was started to take them.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::mem::MaybeUninit;

/// The signals that ask a process to stop.
pub const STOPPING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Those of [`STOPPING`] that this process does not ignore.
///
/// `nohup` starts a process that ignores SIGHUP, and a shell without job control one that ignores SIGINT when it is put into
/// the background. What starts it that way wants it to go on.
pub fn heeded() -> impl Iterator<Item = i32> {
    STOPPING.into_iter().filter(|&signal| !is_ignored(signal))
}

fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: sigaction without a new action only writes the present one, into a place that is large enough for it.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: sigaction has succeeded, so it has written all of it.
    asked == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_heeded_unless_the_process_ignores_it() {
        // SAFETY: ignoring a signal and back again runs no code. nextest gives each test a process of its own.
        let handle = |how| unsafe { libc::signal(SIGHUP, how) };
        assert!(heeded().any(|signal| signal == SIGHUP));
        handle(libc::SIG_IGN);
        assert!(heeded().all(|signal| signal != SIGHUP) && heeded().any(|signal| signal == SIGTERM));
        handle(libc::SIG_DFL);
    }
}
