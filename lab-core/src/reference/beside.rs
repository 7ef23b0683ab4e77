//! Reads `measured-beside.yaml`: which measured figures correspond to a published series.

use super::{Measured, Pair, Reference};
use crate::metric::Metric;
use crate::vocabulary::{BackendName, Position, ProbeName, Quantile, Word};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPair {
    reference: String,
    published: Option<String>,
    measured: Vec<WrittenMeasured>,
    because: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMeasured {
    backend: BackendName,
    metric: Metric,
    probe: Option<ProbeName>,
    position: Option<Position>,
    #[serde(default)]
    quantile: Quantile,
}

/// `references`, each with its pairs in `text`.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read(text: &str, mut references: Vec<Reference>) -> Result<Vec<Reference>, Vec<String>> {
    let written: Vec<WrittenPair> = serde_saphyr::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut problems = Vec::new();
    for pair in written {
        let Some(reference) = references.iter_mut().find(|reference| reference.id == pair.reference) else {
            problems.push(format!("there is no reference {}", pair.reference));
            continue;
        };
        let id = &reference.id;
        if let Some(key) = pair.published.as_deref().filter(|key| reference.series(key).is_none()) {
            problems.push(format!("{id}: there is no series {key}"));
        }
        let measured = pair.measured.into_iter().filter_map(|written| measured(written, id, &mut problems)).collect();
        let because = pair.because.map(|text| text.trim().to_owned());
        reference.pairs.push(Pair { published: pair.published, measured, because });
    }
    if problems.is_empty() { Ok(references) } else { Err(problems) }
}

fn measured(written: WrittenMeasured, id: &str, problems: &mut Vec<String>) -> Option<Measured> {
    let WrittenMeasured { backend, metric, probe, position, quantile } = written;
    let Some(probe) = probe.or_else(|| ProbeName::ALL.iter().copied().find(|&probe| Metric::of(probe) == metric))
    else {
        problems.push(format!("{id}: {metric} needs the probe that it is taken with"));
        return None;
    };
    Some(Measured { backend, metric, probe, position, quantile })
}
