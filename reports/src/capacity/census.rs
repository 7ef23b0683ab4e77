//! A cluster that a question is about, counted, and beside what the run measured.

use crate::prose::list;
use crate::report::Point;
use analysis::capacity::{Answer, Verdict};
use lab_core::{shell, units};
use serde::Serialize;

/// What a dump of a cluster asks of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Census {
    /// The dump's file, or its files.
    pub file: String,
    /// Services, whatever their type.
    pub services: usize,
    /// Where packets are dispatched, by kind: in IPv4 and in IPv6.
    pub entries: Vec<(String, [usize; 2])>,
    /// The ports on cluster IPs by protocol, by name.
    pub protocols: Vec<(String, usize)>,
    /// How much it is to grow.
    pub growth: f64,
    /// Endpoints behind each port: the median, what nine of ten have at most, the largest, all together. `None` if the dump
    /// does not say which there are.
    pub endpoints: Option<[usize; 4]>,
    /// What the cluster and the run's Services are like, each as a number of both.
    pub shape: Vec<Likeness>,
    /// The scenario that the run was of.
    pub scenario: String,
    /// What is there and not in the measured run, in words, and how often.
    pub not_simulated: Vec<(String, usize)>,
}

/// One trait of a cluster beside the run's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Likeness {
    /// What it is: `node ports`.
    pub what: String,
    /// The unit of both numbers.
    pub unit: Trait,
    /// In the cluster.
    pub cluster: f64,
    /// In the run.
    pub run: f64,
}

/// What a trait is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    /// A number of things.
    Mean,
    /// A share, from 0 to 1.
    Share,
}

impl Likeness {
    /// Whether the two are as good as the same: within a tenth, or within two of a hundred.
    fn is_same(&self) -> bool {
        match self.unit {
            Trait::Mean => (self.cluster / self.run).max(self.run / self.cluster) <= 1.1 || self.cluster == self.run,
            Trait::Share => (self.cluster - self.run).abs() <= 0.02,
        }
    }

    fn words(&self) -> String {
        let number = |value: f64| match self.unit {
            Trait::Mean => format!("{value:.1}"),
            Trait::Share => format!("{:.0} %", 100.0 * value),
        };
        format!("{} {}, where the run has {}", self.what, number(self.cluster), number(self.run))
    }
}

impl Census {
    /// What is to be said of it beside `answer`.
    pub(super) fn points(&self, answer: &Answer) -> Vec<Point> {
        let mut points = vec![Point::new("The cluster", self.counted())];
        let unlike: Vec<String> = self.shape.iter().filter(|trait_| !trait_.is_same()).map(Likeness::words).collect();
        if !unlike.is_empty() {
            points.push(Point::new("Its shape is not the run's", format!("{}.", unlike.join("; "))));
        }
        if !self.not_simulated.is_empty() {
            let feature = |(what, count): &(String, usize)| format!("{what} ({})", number(*count));
            let features = list(&self.not_simulated.iter().map(feature).collect::<Vec<_>>());
            points.push(Point::new("In the cluster, and not in the measured run", format!("{features}.")));
        }
        let told = |variant: &analysis::capacity::VariantAnswer| {
            matches!(variant.at_cluster, Some(Verdict::Holds | Verdict::Breaks))
        };
        if !unlike.is_empty() || !answer.variants.iter().all(told) {
            points.push(Point::new("To measure this very cluster", self.command()));
        }
        points
    }

    fn counted(&self) -> String {
        let spread = match self.endpoints {
            Some([median, p90, max, total]) => format!(
                "Endpoints behind a port: {median} in the median, {p90} or fewer behind nine of ten, {max} at most; {} in all.",
                number(total)
            ),
            None => "There are no EndpointSlices in it, so that nothing is known of endpoints, nor of what programming them \
                     costs."
                .to_owned(),
        };
        let kinds: Vec<String> = self.entries.iter().filter(|(_, families)| *families != [0, 0]).map(entries).collect();
        let protocols: Vec<String> =
            self.protocols.iter().map(|(what, count)| format!("{} {what}", number(*count))).collect();
        let all: usize = self.entries.iter().flat_map(|(_, families)| families).sum();
        let grown = if (self.growth - 1.0).abs() < f64::EPSILON {
            String::new()
        } else {
            format!(" It is asked about grown {}.", units::ratio(self.growth))
        };
        format!(
            "{} has {}. Packets are dispatched at {}: {} ({}). {spread}{grown}",
            self.file,
            units::counted(self.services as u64, "Service"),
            units::counted(all as u64, "place"),
            list(&kinds),
            list(&protocols)
        )
    }

    /// The command that would measure it.
    fn command(&self) -> String {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "Services"
        )]
        let grown = (self.services as f64 * self.growth).ceil() as u64;
        let grown = if self.growth > 1.0 { format!(" --services {grown}") } else { String::new() };
        format!(
            "svclab scenario {} --cluster {}{grown}. What is said of it here is said of as many of the run's Services as ask \
             as much.",
            self.scenario,
            shell::word(&self.file)
        )
    }
}

/// `4,900 ports of cluster IPs (100 of them in IPv6)`.
fn entries((what, [v4, v6]): &(String, [usize; 2])) -> String {
    let ipv6 = match (v4, v6) {
        (_, 0) => String::new(),
        (0, _) => " in IPv6".to_owned(),
        (_, v6) => format!(" ({} of them in IPv6)", number(*v6)),
    };
    format!("{} {what}{ipv6}", number(v4 + v6))
}

fn number(count: usize) -> String {
    units::count(count as u64)
}
