//! One cost in words: what the largest size costs each backend, and how that grew from the smallest.
//!
//! Never more than the data say: where intervals overlap, or where there is none, no difference is claimed. Counted
//! instructions have no interval and need none.

use crate::prose::{capitalise, list, services_of, spoken};
use crate::results::clock::Between;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results, Row};
use analysis::summary::Figures;
use lab_core::metric::{Better, Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, Word};

/// What is asked first of any run; what else there is only stands in where these were not asked.
const FIRST: [ProbeName; 2] = [ProbeName::SyncChange, ProbeName::Connect];

/// So many contenders are told one by one; of more the best and the worst.
const TOLD: usize = 6;

/// A paragraph for each of the two costs that tell most; none where nothing was measured.
pub(super) fn paragraphs(results: &Results) -> Vec<String> {
    let mut paragraphs: Vec<String> = FIRST.iter().filter_map(|probe| paragraph(results, *probe)).collect();
    if paragraphs.is_empty() {
        let others = ProbeName::ALL.iter().filter_map(|probe| paragraph(results, *probe));
        paragraphs.extend(others.take(FIRST.len()));
    }
    paragraphs
}

/// What `probe`'s own metric says, at the last Service that it asks, where it asks some; `None` when it was never measured.
fn paragraph(results: &Results, probe: ProbeName) -> Option<String> {
    let series = Series { results, probe, metric: Metric::of(probe) };
    let sizes: Vec<u32> = results.sizes().into_iter().filter(|size| !series.at(*size).is_empty()).collect();
    let (&smallest, &largest) = (sizes.first()?, sizes.last()?);
    let measured = series.at(largest);
    let mut sentences = vec![series.figures(largest, &measured)];
    sentences.extend(series.comparison(&measured));
    if smallest < largest {
        sentences.extend(series.growth(smallest, largest));
    }
    sentences.extend(series.absent(largest));
    Some(sentences.join(" "))
}

/// One metric over the sizes.
struct Series<'a> {
    results: &'a Results<'a>,
    probe: ProbeName,
    metric: Metric,
}

impl<'a> Series<'a> {
    /// What there is of `variant` at `services`.
    fn find(&self, variant: VariantRun, services: u32) -> Found<'_> {
        self.results.at(variant, services, None, (self.probe, self.farthest()), self.metric)
    }

    fn name(&self, variant: VariantRun) -> String {
        self.results.name(variant, self.probe)
    }

    /// The last of the positions that it asks, if it asks any.
    fn farthest(&self) -> Option<Position> {
        let rows = self.results.rows.iter().filter(|row| row.cell.probe == self.probe);
        rows.filter_map(|row| row.cell.position).max()
    }

    /// The variants that were measured at `services`, the best first.
    fn at(&self, services: u32) -> Vec<(VariantRun, Figures)> {
        let mut measured: Vec<(VariantRun, Figures)> = Vec::new();
        for variant in self.results.variants(self.probe) {
            let figures = self.find(variant, services).figures();
            measured.extend(figures.map(|figures| (variant, figures)));
        }
        measured.sort_by(|(_, one), (_, other)| one.p50.total_cmp(&other.p50));
        if self.metric.better() == Better::Higher {
            measured.reverse();
        }
        measured
    }

    /// `sync_change, …: at 10,000 Services, the median is 1.20 ms with nftables and 30.4 ms with iptables-nft.`
    fn figures(&self, services: u32, measured: &[(VariantRun, Figures)]) -> String {
        let asked = self.farthest().filter(|_| services > 1);
        let asked = asked.map(|position| format!(", asked at the {position} one")).unwrap_or_default();
        let figure = |(variant, figures): &(VariantRun, Figures)| {
            let ratio = figures.ratio_to_direct.filter(|_| variant.backend != BackendName::Direct);
            let ratio = ratio.map(|ratio| format!(" ({} direct)", units::ratio(ratio))).unwrap_or_default();
            format!("{} with {}{ratio}", self.results.human(self.metric, figures.p50), self.name(*variant))
        };
        let figures = match measured {
            [best, between @ .., worst] if measured.len() > TOLD => {
                format!("from {} to {}; {} are between them", figure(best), figure(worst), between.len())
            }
            all => list(&all.iter().map(figure).collect::<Vec<_>>()),
        };
        let (at, meaning) = (services_at(services), self.metric.meaning());
        let what = match self.results.clock() {
            Clock::Wall => "the median is",
            Clock::WallEmulated => "the emulated median is",
            Clock::Instructions => "it takes",
        };
        let what = if self.metric.unit() == Unit::Ns || what != "it takes" { what } else { "it is" };
        format!("{}, {meaning}: {at}{asked}, {what} {figures}.", self.metric)
    }

    /// How the backends stand to each other, without `direct`.
    fn comparison(&self, measured: &[(VariantRun, Figures)]) -> Option<String> {
        let ranked: Vec<&(VariantRun, Figures)> =
            measured.iter().filter(|(variant, _)| variant.backend != BackendName::Direct).collect();
        let (best, worst) = (ranked.first()?, ranked.last()?);
        if ranked.len() < 2 || self.metric.better() == Better::Neither {
            return None;
        }
        let alike: Vec<String> = ranked
            .windows(2)
            .filter(|pair| self.results.between(&pair[0].1, &pair[1].1) == Between::Alike)
            .map(|pair| format!("{} and {}", self.name(pair[0].0), self.name(pair[1].0)))
            .collect();
        if !self.results.differ(&best.1, &worst.1) {
            let names: Vec<String> = ranked.iter().map(|(variant, _)| self.name(*variant)).collect();
            let names = if names.len() > TOLD { "them".to_owned() } else { list(&names) };
            return Some(match self.results.between(&best.1, &worst.1) {
                Between::Unknown => {
                    format!("Between {names} no difference is claimed: there are too few samples to say.")
                }
                _ if self.results.is_exact() => format!("There is no difference between {names} that would show."),
                _ => format!("There is no difference between {names}: the intervals overlap."),
            });
        }
        let (first, last) = (self.name(best.0), self.name(worst.0));
        let mut sentence = match (self.metric.better(), ratio(worst.1.p50, best.1.p50)) {
            (Better::Higher, _) => match ratio(best.1.p50, worst.1.p50) {
                Some(ratio) => format!("{first} reaches {} what {last} does", units::ratio(ratio)),
                None => format!("{first} is ahead of {last}"),
            },
            (_, Some(ratio)) => format!("{last} needs {} what {first} does", units::ratio(ratio)),
            (_, None) => format!("{last} needs more than {first}"),
        };
        if !alike.is_empty() && ranked.len() <= TOLD {
            sentence = format!("{sentence}; no difference between {}", alike.join(", nor between "));
        }
        Some(sentence + ".")
    }

    /// What became of each backend's figure from the smallest size to the largest.
    fn growth(&self, smallest: u32, largest: u32) -> Option<String> {
        let before = self.at(smallest);
        let (mut grown, mut same, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let after = self.at(largest);
        let few = after.len() <= TOLD;
        for (variant, after) in after {
            let Some((_, before)) = before.iter().find(|(other, _)| *other == variant) else { continue };
            match (self.results.between(before, &after), ratio(after.p50, before.p50)) {
                (Between::Different, Some(ratio)) => grown.push((ratio, self.name(variant))),
                (Between::Alike, _) => same.push(self.name(variant)),
                // From nothing there is no ratio.
                (Between::Different, None) => {}
                (Between::Unknown, _) => unknown.push(self.name(variant)),
            }
        }
        let whose = |names: &[String]| if few { list(names) } else { format!("{} of them", names.len()) };
        let mut parts = Vec::new();
        if !grown.is_empty() && few {
            let each = grown.iter().map(|(ratio, name)| format!("{} with {name}", units::ratio(*ratio)));
            parts.push(format!("that is {}", list(&each.collect::<Vec<_>>())));
        } else if !grown.is_empty() {
            let ratios = || grown.iter().map(|(ratio, _)| *ratio);
            let ends = [ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max)];
            let [least, most] = ends.map(units::ratio);
            parts.push(format!("that is {least} to {most} with {} of them", grown.len()));
        }
        if !same.is_empty() {
            parts.push(format!("no difference is seen with {}", whose(&same)));
        }
        if !unknown.is_empty() {
            parts.push(format!("there are too few samples to say with {}", whose(&unknown)));
        }
        (!parts.is_empty()).then(|| format!("Against {}, {}.", services_of(&[smallest]), parts.join("; ")))
    }

    /// What has no figure at `largest`, or was planned beyond it.
    fn absent(&self, largest: u32) -> Option<String> {
        let mut parts = Vec::new();
        for variant in self.results.variants(self.probe) {
            if let Found::Own(row) = self.find(variant, largest)
                && row.outcome != Outcome::Measured
            {
                parts.push(format!("{} was not measured there: {}", self.name(variant), spoken(row.outcome)));
            }
        }
        if parts.len() > TOLD {
            parts = vec![format!("{} others were not measured there", parts.len())];
        }
        let asked = |row: &&Row| row.cell.probe == self.probe && row.cell.cluster.services > largest;
        if let Some(beyond) = self.results.rows.iter().filter(asked).map(|row| row.cell.cluster.services).max() {
            parts.push(format!("none was measured {}", services_at(beyond)));
        }
        (!parts.is_empty()).then(|| format!("{}.", capitalise(&parts.join("; "))))
    }
}

/// `value` against `base`; `None` when that is no number.
fn ratio(value: f64, base: f64) -> Option<f64> {
    let ratio = value / base;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

fn services_at(services: u32) -> String {
    format!("at {}", services_of(&[services]))
}
