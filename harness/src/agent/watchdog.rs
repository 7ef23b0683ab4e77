//! Ends a guest whose work is stuck. A guest that is idle jumps over its virtual time, but each hour of it still takes the
//! host minutes, and the host can only wait for as long as the slowest machine would need.

use guests::init;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Watches the work of a guest.
pub(super) struct Watchdog {
    heard: Arc<Mutex<Instant>>,
}

impl Watchdog {
    /// From now on, ends the guest if it is not told of any progress for `limit`, by the guest's clock.
    pub(super) fn start(limit: Duration) -> Self {
        let heard = Arc::new(Mutex::new(Instant::now()));
        let last = Arc::clone(&heard);
        std::thread::spawn(move || {
            let heard = || *last.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(left) = left(heard(), limit) {
                std::thread::sleep(left);
            }
            init::give_up(&format!("no cell ended in {limit:?} of the guest's time, so that its work is stuck"));
        });
        Self { heard }
    }

    /// There is progress.
    pub(super) fn hear(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// What is left of `limit`, if anything, since it was last `heard` that there is progress.
fn left(heard: Instant, limit: Duration) -> Option<Duration> {
    limit.checked_sub(heard.elapsed()).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_stuck_only_when_nothing_was_heard_for_the_whole_limit() {
        let limit = Duration::from_secs(3600);
        let left_of = |ago| left(Instant::now().checked_sub(ago).unwrap(), limit);
        assert!(left_of(Duration::ZERO).is_some_and(|left| left <= limit));
        assert!(left_of(limit - Duration::from_secs(60)).is_some_and(|left| left <= Duration::from_secs(60)));
        assert_eq!(left_of(limit), None);
    }
}
