//! How often something happened of how many times, and how often it may be in truth.

use lab_core::stats::CONFIDENCE;
use std::fmt;

/// A count of hits among trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// How often it happened.
    pub hits: u32,
    /// How often it could have.
    pub trials: u32,
}

impl Rate {
    /// Counts one more trial.
    pub fn add(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.trials += 1;
    }

    /// The share of hits; `None` without trials.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        (self.trials > 0).then(|| f64::from(self.hits) / f64::from(self.trials))
    }

    /// The interval of true rates that would not make what was seen an accident: at either end, what was seen or something
    /// further off would come about in half of what [`CONFIDENCE`] leaves. `None` without trials.
    ///
    /// Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial" (1934). It
    /// takes trials to be independent.
    #[must_use]
    pub fn interval(self) -> Option<(f64, f64)> {
        let Self { hits, trials } = self;
        let tail = (1.0 - CONFIDENCE) / 2.0;
        (trials > 0).then(|| {
            // At the lower end so many hits or more are rare; at the upper end, so many or fewer.
            let low = if hits == 0 { 0.0 } else { bisect(|rate| 1.0 - at_most(hits - 1, trials, rate) < tail) };
            let high = if hits == trials { 1.0 } else { bisect(|rate| at_most(hits, trials, rate) >= tail) };
            (low, high)
        })
    }
}

/// As people read it: `0 of 190 (0 % to 1.9 %)`.
impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}", self.hits, self.trials)?;
        let Some((low, high)) = self.interval() else { return Ok(()) };
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        write!(out, " ({} % to {} %)", percent(low), percent(high))
    }
}

/// The chance of at most `hits` in `trials`, each a hit at `rate`.
fn at_most(hits: u32, trials: u32, rate: f64) -> f64 {
    if rate <= 0.0 {
        return 1.0;
    }
    if rate >= 1.0 {
        return f64::from(u8::from(hits >= trials));
    }
    // By logarithms: the chance of none at all may be smaller than any number.
    let mut log = f64::from(trials) * (-rate).ln_1p();
    let mut sum = log.exp();
    for hit in 1..=hits {
        log += (f64::from(trials - hit + 1) / f64::from(hit)).ln() + rate.ln() - (-rate).ln_1p();
        sum += log.exp();
    }
    sum.min(1.0)
}

/// Where between 0 and 1 `below` ends to hold.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // As many halvings as a double has bits.
    for _ in 0..53 {
        let middle = (low + high) / 2.0;
        if below(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From R: `binom.test(hits, trials)$conf.int`.
    #[test]
    fn intervals_are_those_of_clopper_and_pearson() {
        let cases = [
            (0, 100, 0.0, 0.036_216_693),
            (1, 100, 0.000_253_146, 0.054_459_385),
            (95, 100, 0.887_165_060, 0.983_568_085),
            (100, 100, 0.963_783_307, 1.0),
            (5, 10, 0.187_086_028, 0.812_913_972),
        ];
        for (hits, trials, low, high) in cases {
            let interval = Rate { hits, trials }.interval().unwrap();
            assert!((interval.0 - low).abs() < 1e-6 && (interval.1 - high).abs() < 1e-6, "{hits}: {interval:?}");
        }
        assert_eq!(Rate::default().interval(), None);
    }

    #[test]
    fn many_trials_do_not_vanish_below_the_smallest_number() {
        let (low, high) = Rate { hits: 50_000, trials: 100_000 }.interval().unwrap();
        assert!((low - 0.4969).abs() < 1e-4 && (high - 0.5031).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn a_rate_is_read_with_its_interval() {
        let mut rate = Rate::default();
        (0..100).for_each(|trial| rate.add(trial == 7));
        assert_eq!(rate.to_string(), "1 of 100 (0 % to 5.4 %)");
        assert_eq!(rate.share(), Some(0.01));
    }
}
