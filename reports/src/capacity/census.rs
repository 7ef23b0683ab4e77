//! A cluster that a question is about, counted.

use crate::prose::list;
use crate::report::Point;
use lab_core::units;
use serde::Serialize;

/// What a dump of a cluster asks of a node, and the size that follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Census {
    /// The dump's file.
    pub file: String,
    /// Services, whatever their type.
    pub services: usize,
    /// Ports on cluster IPs of the family that most are of: what the lab counts as Services.
    pub ports: usize,
    /// The same by protocol, by name.
    pub protocols: Vec<(String, usize)>,
    /// How much it is to grow.
    pub growth: f64,
    /// The size that is asked about: the ports, grown.
    pub planned: u32,
    /// Endpoints behind each port: the median, what nine of ten have at most, the largest, all together. `None` if the dump
    /// does not say which there are.
    pub endpoints: Option<[usize; 4]>,
    /// What is there and not in the measured run, in words, and how often.
    pub not_simulated: Vec<(String, usize)>,
}

impl Census {
    /// What is to be said of it beside a run with `endpoints` behind each Service.
    pub(super) fn points(&self, endpoints: u32) -> Vec<Point> {
        let number = |count: usize| units::count(count as u64);
        let counted = |(what, count): &(String, usize)| format!("{} {what}", number(*count));
        let protocols = list(&self.protocols.iter().map(counted).collect::<Vec<_>>());
        let grown = if (self.growth - 1.0).abs() < f64::EPSILON {
            String::new()
        } else {
            format!(" Grown {} that is {}.", units::ratio(self.growth), units::count(self.planned.into()))
        };
        let spread = match self.endpoints {
            Some([median, p90, max, total]) => format!(
                "Endpoints behind a port: {median} in the median, {p90} or fewer behind nine of ten, {max} at most; {} in all.",
                number(total)
            ),
            None => "There are no EndpointSlices in it, so that nothing is known of endpoints.".to_owned(),
        };
        let mut points = vec![Point::new(
            "The cluster",
            format!(
                "{} has {} Services with {} ports on cluster IPs ({protocols}). A Service of the lab is one such port.\
             {grown} {spread}",
                self.file,
                number(self.services),
                number(self.ports)
            ),
        )];
        if let Some([.., total]) = self.endpoints {
            points.extend(self.other_endpoints(total, endpoints));
        }
        if !self.not_simulated.is_empty() {
            let feature = |(what, count): &(String, usize)| format!("{what} ({})", number(*count));
            let features = list(&self.not_simulated.iter().map(feature).collect::<Vec<_>>());
            points.push(Point::new("In the cluster, and not in the measured run", format!("{features}.")));
        }
        points
    }

    /// That a run with `endpoints` behind each Service says less of the cluster.
    fn other_endpoints(&self, total: usize, endpoints: u32) -> Option<Point> {
        #[allow(clippy::cast_precision_loss, reason = "counts of a cluster")]
        let mean = if self.ports == 0 { 0.0 } else { total as f64 / self.ports as f64 };
        let run = f64::from(endpoints);
        let differs = mean > 1.5 * run || mean < run / 1.5;
        differs.then(|| {
            let text = format!(
                "The cluster has {mean:.1} endpoints a port on the average, and the run {endpoints}: rules grow with both, \
                 so that programming costs {} in the cluster. Run the scenario with as many endpoints for an \
                 answer that counts them.",
                if mean > run { "more" } else { "less" }
            );
            Point::new("Other endpoints", text)
        })
    }
}
