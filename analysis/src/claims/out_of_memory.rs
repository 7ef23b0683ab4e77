//! At how many Services memory runs out.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::{Evidence, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::{Metric, Unit};
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};

pub(super) const IPTABLES: Claim = Claim {
    id: "iptables-out-of-memory",
    says: "iptables runs out of memory at 15,000 Services, where IPVS does not",
    source: "huawei-memory",
    judge: iptables,
};

/// Where it is said to run out.
const AT: u32 = 15_000;
/// How a record begins to say that memory was not enough.
const ENOUGH: &str = "MiB are not enough";

fn limited(cell: &Cell) -> bool {
    cell.activity.memory.is_some() && cell.probe == ProbeName::SyncFull
}

/// What fits and what does not.
struct Reach {
    /// The most Services that were loaded.
    fits: Option<u32>,
    /// The fewest for which memory was not enough, and what was said.
    breaks: Option<(u32, String)>,
}

impl Reach {
    fn of(line: &Line) -> Self {
        let fits = line.taken.iter().filter(|taken| taken.gathered.outcome == Outcome::Measured);
        let breaks = line.taken.iter().find(|taken| taken.said().contains(ENOUGH));
        Self {
            fits: fits.map(|taken| taken.services()).max(),
            breaks: breaks.map(|taken| (taken.services(), taken.said().to_owned())),
        }
    }

    /// Whether memory is enough for [`AT`]; `None` where that was not tried.
    fn holds(&self) -> Option<bool> {
        match (self.fits, &self.breaks) {
            (Some(fits), _) if fits >= AT => Some(true),
            (_, Some((breaks, _))) if *breaks <= AT => Some(false),
            _ => None,
        }
    }
}

fn iptables(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::SyncFull, limited);
    if !lines.iter().any(|line| line.taken.iter().any(|taken| is_iptables(taken.cell()))) {
        return None;
    }
    let (mut votes, mut figures, mut breaks) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        let reach = Reach::of(line);
        if let Some(fits) = reach.fits {
            let what = format!("most Services loaded of {}", line.name);
            let measure = Measure::Of(Unit::Count, line.clock);
            figures.push(Figure { what, estimate: Estimate::exact(fits.into()), measure });
        }
        breaks.extend(reach.breaks.as_ref().map(|(at, said)| format!("{} at {}: {said}", line.name, services_of(*at))));
        if line.taken.iter().any(|taken| is_iptables(taken.cell())) {
            let within =
                |line: &Line| (line.run, line.contender.activity.memory, line.contender.kernel, line.endpoints);
            let ipvs = |other: &&Line| within(other) == within(line) && other.contender.backend == BackendName::Ipvs;
            let ipvs = lines.iter().find(ipvs).and_then(|ipvs| Reach::of(ipvs).holds());
            let holds = match (reach.holds(), ipvs) {
                (Some(true), _) | (Some(false), Some(false)) => Some(false),
                (Some(false), Some(true)) => Some(true),
                _ => None,
            };
            votes.cast(&line.name, holds);
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "No limit of memory was tried with both at 15,000 Services.",
        _ if breaks.is_empty() => "Nothing ran out of memory.",
        _ => "",
    };
    let breaks: Vec<&str> = breaks.iter().map(|one| short(one)).collect();
    let how = if breaks.is_empty() {
        String::new()
    } else {
        format!("Where memory ran out, and how: {}.", breaks.join("; "))
    };
    // Without anything that fits there is no figure, and so no verdict.
    let verdict = if figures.is_empty() { Verdict::CannotBeTold } else { votes.verdict() };
    Some(Finding::new(verdict, figures).say(votes.sentence()).say(says).say(how))
}

/// The beginning of what was said: a guest's console is long.
fn short(said: &str) -> &str {
    let end = said.find("; see it with").or_else(|| said.find("; the last lines")).unwrap_or(said.len());
    &said[..end]
}
