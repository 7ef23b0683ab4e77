//! The clock of this process's run: how messages print quantities.

use lab_core::metric::Unit;
use lab_core::units;
use lab_core::vocabulary::Clock;
use std::sync::OnceLock;
use std::time::Duration;

static CLOCK: OnceLock<Clock> = OnceLock::new();

/// Sets the clock. Only the first call has an effect. The default is the wall clock.
pub(crate) fn set(clock: Clock) {
    let _ = CLOCK.set(clock);
}

pub(crate) fn human(unit: Unit, value: f64) -> String {
    units::human(unit, CLOCK.get().copied().unwrap_or(Clock::Wall), value)
}

pub(crate) fn spell(time: Duration) -> String {
    human(Unit::Ns, ns(time))
}

/// A duration as a sample, in nanoseconds.
pub(crate) fn ns(time: Duration) -> f64 {
    time.as_nanos() as f64
}
