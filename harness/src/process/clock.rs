//! The clock of this process's run, which decides how quantities are spelled for people.

use lab_core::metric::Unit;
use lab_core::units;
use lab_core::vocabulary::Clock;
use std::sync::OnceLock;
use std::time::Duration;

static CLOCK: OnceLock<Clock> = OnceLock::new();

/// From now on durations are of `clock`. Only the first call counts; without any, it is the wall's.
pub(crate) fn set(clock: Clock) {
    let _ = CLOCK.set(clock);
}

/// `value` for people.
pub(crate) fn human(unit: Unit, value: f64) -> String {
    units::human(unit, CLOCK.get().copied().unwrap_or(Clock::Wall), value)
}

/// `time` for people.
pub(crate) fn spell(time: Duration) -> String {
    human(Unit::Ns, time.as_nanos() as f64)
}
