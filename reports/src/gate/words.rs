//! What a judgement and a row of it come to, in words.

use super::differences;
use crate::prose::{capitalise, list};
use crate::report::Point;
use analysis::gate::{Consequence, Judged, Judgement, Verdict};
use lab_core::units;
use lab_core::vocabulary::Word;

/// Why there is nothing to judge.
pub const NOTHING_GATES: &str = "of this run's cells, the baseline has no figure that gates";

/// What it comes to, in a line.
pub(super) fn verdict(judgement: &Judgement) -> Point {
    let Some(passes) = judgement.passes() else {
        if judgement.nothing_gates() {
            return Point::new("Nothing to judge.", format!("{}.", capitalise(NOTHING_GATES)));
        }
        let told: Vec<String> = judgement.incomparable.iter().map(differences::told).collect();
        let remedies = differences::remedies(&judgement.incomparable);
        return Point::new("Not comparable.", format!("Nothing is judged: {}. {remedies}", told.join("; ")));
    };
    let tally = judgement.tally();
    let all = units::agreeing(tally.values().sum::<usize>() as u64, "figure that gates", "figures that gate");
    let counted = |(verdict, count): (&Verdict, &usize)| {
        let consequence = match verdict {
            Verdict::Missing => judgement.policy.missing,
            Verdict::Inconclusive => judgement.policy.inconclusive,
            _ => Consequence::Pass,
        };
        let consequence = if consequence == Consequence::Warn { " (warned of)" } else { "" };
        format!("{} {verdict}{consequence}", units::count(*count as u64))
    };
    let counts: Vec<String> = tally.iter().map(counted).collect();
    let head = if passes { "The gate passes." } else { "The gate fails." };
    let counts = if counts.is_empty() { "none".to_owned() } else { list(&counts) };
    let unmet: String = judgement.unmet.iter().map(|unmet| format!(" {}.", capitalise(&unmet.to_string()))).collect();
    Point::new(head, format!("Of {all}: {counts}.{unmet}"))
}

/// What a row is called with its verdict: `Regressed: nftables at 100 Services, sync_full`.
pub(super) fn heading(judged: &Judged) -> String {
    format!("{}: {}", capitalise(judged.verdict.name()), judged.compared.name)
}
