//! A hundred draws from each of several laws: how often the intervals hold the truth.

use super::synthetic::{Draws, Noise, SIZES};
use lab_core::capacity::{Capacity, Quantile, Question, Relation, answer, crossovers};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Clock, ProbeName};
use std::fmt::Write;

const DRAWS: u32 = 30;

/// As on the host: a tenth between samples and rounds of a cell, a few percent for all cells of a round.
const HOST: Noise = Noise { within: 0.10, between: 0.10, drift: 0.03 };

struct Truth {
    name: &'static str,
    shape: Option<&'static str>,
    law: fn(f64) -> f64,
    /// Limits, and the sizes at which the law breaks them.
    limit: f64,
    breaks: f64,
}

const TRUTHS: [Truth; 7] = [
    Truth { name: "constant", shape: Some("constant"), law: |_| 5e6, limit: 1e7, breaks: f64::INFINITY },
    Truth { name: "logarithmic", shape: Some("logarithmic"), law: |n| 2e6 + 1e6 * n.ln(), limit: 9e6, breaks: 1096.6 },
    Truth { name: "linear", shape: Some("linear"), law: |n| 3e6 + 2e4 * n, limit: 4.3e7, breaks: 2000.0 },
    Truth { name: "linear, beyond", shape: Some("linear"), law: |n| 3e6 + 2e4 * n, limit: 1.63e8, breaks: 8000.0 },
    Truth { name: "quadratic", shape: Some("quadratic"), law: |n| 5e6 + 1e4 * n + 20.0 * n * n, limit: 2.15e8, breaks: 3000.0 },
    Truth { name: "gentle", shape: Some("linear"), law: |n| 5e7 + 5e3 * n, limit: 6.75e7, breaks: 3500.0 },
    Truth {
        name: "changes",
        shape: None,
        law: |n| 3e6 + 2e4 * n + 40.0 * (n - 1000.0).max(0.0).powi(2),
        limit: 2.23e8,
        breaks: 3000.0,
    },
];

fn question(limit: f64) -> Question {
    let mut objective: lab_core::capacity::Objective = "sync_change=1s".parse().unwrap();
    objective.limit = limit;
    Question { objectives: vec![objective], headroom: 0.0, sizes: vec![4000, 9000], endpoints: None, extrapolate: false }
}

#[test]
fn sweep() {
    let mut text = String::new();
    for noise in [HOST, Noise { within: 0.1, between: 0.2, drift: 0.0 }, Noise { within: 0.03, between: 0.02, drift: 0.0 }, Noise { within: 0.0, between: 0.0, drift: 0.0 }] {
    for samples in [1] {
        for truth in &TRUTHS {
            let (mut size, mut named, mut value, mut beyond, mut width) = (0, 0, 0, 0, Vec::new());
            let mut wide = Vec::new();
            for seed in 0..DRAWS {
                let mut draws = Draws::new(seed.into(), Clock::Wall);
                draws.measure(BackendName::Nftables, ProbeName::SyncChange, &SIZES, samples, noise, truth.law);
                let answer = answer(&draws.dataset, &question(truth.limit), None).unwrap();
                let variant = &answer.variants[0];
                let curve = variant.parts[0].fitted.as_ref().unwrap().curve.as_ref().unwrap();
                named += u32::from(Some(curve.law().shape.to_string().as_str()) == truth.shape);
                size += u32::from(match variant.capacity {
                    Capacity::UpTo { low, high, .. } => {
                        width.push(high.map_or(99.0, f64::from) / f64::from(low.max(1)));
                        f64::from(low) <= truth.breaks && high.is_none_or(|high| truth.breaks <= f64::from(high) + 1.0)
                    }
                    Capacity::Throughout { services, low, .. } => {
                        truth.breaks >= f64::from(services) || low.is_some_and(|low| f64::from(low) <= truth.breaks)
                    }
                    Capacity::Unknown { .. } => false,
                });
                let holds = |at: f64| {
                    let estimate = curve.at(at);
                    estimate.low <= (truth.law)(at) && (truth.law)(at) <= estimate.high
                };
                value += u32::from(holds(4000.0));
                beyond += u32::from(holds(9000.0));
                let estimate = curve.at(9000.0);
                wide.push(estimate.high / estimate.low);
            }
            width.sort_by(f64::total_cmp);
            wide.sort_by(f64::total_cmp);
            let mid = |w: &Vec<f64>| w.get(w.len() / 2).copied().unwrap_or(0.0);
            writeln!(text, "{noise:?} {samples} {:15} named {named:3} size {size:3} (×{:.2}) value@4000 {value:3} value@9000 {beyond:3} (×{:.2})", truth.name, mid(&width), mid(&wide)).unwrap();
        }
    }
    }
    panic!("\n{text}");
}
