//! What an instruction takes: one rate for all of them, or one for those of processes and another for the kernel's.

use super::series::{Executed, Figure};
use lab_core::metric::{Metric, Unit};
use lab_core::stats::size;
use lab_core::vocabulary::BackendName;
use std::collections::BTreeMap;

/// What makes a time of a counted figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rates {
    /// A figure is multiplied by it: nanoseconds an instruction for durations, waiting included.
    One(f64),
    /// Nanoseconds an instruction of a process, and of the kernel. What was waited is not made time.
    Two {
        /// Of a process.
        user: f64,
        /// Of the kernel.
        kernel: f64,
    },
}

/// A cell that an exact and a timed run both measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shared {
    pub(super) counted: Figure,
    /// The timed run's figure.
    pub(super) taken: f64,
}

/// The cells of each backend.
pub(super) type Cells = BTreeMap<BackendName, Vec<Shared>>;

/// How finely the share of the two rates is looked for.
const STEPS: u32 = 400;

/// Whether `metric` can have two rates: it is the time of something programmed. A connection's instructions are nearly all
/// the kernel's, on both of its ends.
pub(super) fn may_be_two(metric: Metric) -> bool {
    metric.unit() == Unit::Ns && ![Metric::Connect, Metric::FirstByte].contains(&metric)
}

impl Rates {
    /// The rates of `cells`, each backend counting the same, without that of one backend.
    ///
    /// Of two rates, the share of the one in the other is what leaves the least squares of logarithms. Where the cells do not
    /// tell it, they come out alike.
    pub(super) fn fit(cells: &Cells, two: bool, without: Option<BackendName>) -> Self {
        let over = |unit: &dyn Fn(&Shared) -> f64| mean_and_spread(cells, without, unit);
        if !two {
            return Self::One(over(&|shared| shared.counted.value).0.exp());
        }
        let shares = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
        let mut shares: Vec<f64> = shares.collect();
        shares.sort_by(|one, other| (one - 0.5).abs().total_cmp(&(other - 0.5).abs()));
        let mut best = (f64::INFINITY, 0.5, 0.0);
        for share in shares {
            let (mean, spread) = over(&|shared| units(shared.counted.executed, share));
            if spread < 0.999 * best.0 - 1e-12 {
                best = (spread, share, mean);
            }
        }
        let (_, share, mean) = best;
        Self::Two { user: mean.exp() * share, kernel: mean.exp() * (1.0 - share) }
    }

    /// The time of `figure`.
    #[must_use]
    pub fn time(self, figure: &Figure) -> f64 {
        match self {
            Self::One(rate) => rate * figure.value,
            Self::Two { user, kernel } => {
                let Executed { user: own, kernel: kernels } = figure.executed.unwrap_or_default();
                user * own + kernel * kernels
            }
        }
    }
}

/// The instructions, those of processes weighed by `share` and the kernel's by the rest.
fn units(executed: Option<Executed>, share: f64) -> f64 {
    let Executed { user, kernel } = executed.unwrap_or_default();
    // What was counted is more than nothing, and so has a logarithm.
    (share * user + (1.0 - share) * kernel).max(f64::MIN_POSITIVE)
}

/// Of the logarithms of time against `unit`: the mean over backends of their cells' mean, and of their mean square about
/// it.
fn mean_and_spread(cells: &Cells, without: Option<BackendName>, unit: &dyn Fn(&Shared) -> f64) -> (f64, f64) {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / size(values.len());
    let kept = cells.iter().filter(|(backend, _)| Some(**backend) != without);
    let ratios: Vec<Vec<f64>> =
        kept.map(|(_, cells)| cells.iter().map(|shared| (shared.taken / unit(shared)).ln()).collect()).collect();
    let middle = mean(&ratios.iter().map(|ratios| mean(ratios)).collect::<Vec<_>>());
    let square = |ratios: &Vec<f64>| mean(&ratios.iter().map(|ratio| (ratio - middle).powi(2)).collect::<Vec<_>>());
    (middle, mean(&ratios.iter().map(square).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(user: f64, kernel: f64, waited: f64, taken: f64) -> Shared {
        let executed = Some(Executed { user, kernel });
        let value = user + kernel + waited;
        Shared { counted: Figure { services: 1, value, variance: 0.0, samples: 1, passes: 1, executed }, taken }
    }

    #[test]
    fn two_rates_are_found_again_whatever_was_waited() {
        let of = |user: f64, kernel: f64, waited| shared(user, kernel, waited, 0.3 * user + 0.9 * kernel);
        let cells = Cells::from([
            (BackendName::IptablesLegacy, vec![of(1e6, 4e6, 0.0), of(2e8, 1e8, 5e9)]),
            (BackendName::Nftables, vec![of(7e6, 1e6, 1e6), of(9e8, 2e8, 0.0)]),
        ]);
        for without in [None, Some(BackendName::Nftables)] {
            let Rates::Two { user, kernel } = Rates::fit(&cells, true, without) else { panic!() };
            assert!((user / 0.3 - 1.0).abs() < 0.01 && (kernel / 0.9 - 1.0).abs() < 0.01, "{user} {kernel}");
        }
        let rates = Rates::fit(&cells, true, None);
        for shared in cells.values().flatten() {
            assert!((rates.time(&shared.counted) / shared.taken - 1.0).abs() < 0.01);
        }
        let Rates::One(rate) = Rates::fit(&cells, false, None) else { panic!() };
        assert!(rate < 0.6, "with what was waited, {rate}");
    }

    #[test]
    fn where_nothing_tells_them_apart_they_are_alike() {
        let cells = Cells::from([
            (BackendName::IptablesLegacy, vec![shared(1e6, 1e6, 0.0, 1e6)]),
            (BackendName::Nftables, vec![shared(3e6, 3e6, 0.0, 3e6)]),
        ]);
        assert_eq!(Rates::fit(&cells, true, None), Rates::Two { user: 0.5, kernel: 0.5 });
    }
}
