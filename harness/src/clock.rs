//! The clock this process measures on, which decides how its durations are spelled for people.

use lab_core::units;
use lab_core::vocabulary::Clock;
use std::sync::OnceLock;
use std::time::Duration;

static CLOCK: OnceLock<Clock> = OnceLock::new();

/// From now on durations are of `clock`. Only the first call counts; without any, it is the wall's.
pub(crate) fn set(clock: Clock) {
    let _ = CLOCK.set(clock);
}

/// `time` for people: a time, or what it is in a guest where every instruction takes a nanosecond.
pub(crate) fn spell(time: Duration) -> String {
    match CLOCK.get() {
        Some(Clock::Instructions) => format!("{} M instructions", units::count(millions(time))),
        _ if time.subsec_nanos() == 0 => format!("{} s", time.as_secs()),
        _ => units::human(lab_core::metric::Unit::Ns, time.as_nanos() as f64),
    }
}

fn millions(instructions: Duration) -> u64 {
    u64::try_from(instructions.as_nanos() / 1_000_000).unwrap_or(u64::MAX)
}
