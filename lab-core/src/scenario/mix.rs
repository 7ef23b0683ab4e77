//! The keys `mix` and `cluster`: what the Services of a scenario's clusters are like.

use super::MOST_ENDPOINTS;
use crate::axes::Axes;
use crate::cluster::{Counts, Shape, Share};
use crate::document::{Entry, Reader, Value};
use crate::foreign::quoted;
use crate::vocabulary::{Mix, Unknown, Word};
use std::sync::Arc;

/// The keys of a described mix.
const KEYS: &[&str] = &[
    "node-port",
    "load-balancer",
    "external-ip",
    "source-ranges",
    "local-policy",
    "affinity",
    "udp",
    "without-endpoints",
    "dual-stack",
    "ipv6",
    "ports",
    "endpoints",
    "seed",
];
/// The keys of a distribution by quantiles.
const QUANTILES: [&str; 3] = ["median", "p90", "max"];
/// The most ports that a described Service has.
const MOST_PORTS: u32 = 100;
/// The largest weight.
const MOST_WEIGHT: u32 = 1_000_000;
/// The name of a mix that a scenario describes itself.
const DESCRIBED: &str = "described";

/// The mix called `name`, for axes whose Services have `endpoints` where the mix does not say how many.
///
/// # Errors
/// If there is none. The error names those there are.
pub fn choose_mix(name: &str, axes: &mut Axes) -> Result<(), Unknown> {
    if name == Shape::REALISTIC {
        axes.base = Some(Arc::new(Shape::realistic().base(name)));
        return Ok(());
    }
    let names = || Mix::ALL.iter().map(|mix| mix.name()).chain([Shape::REALISTIC]);
    let mix = Mix::ALL.iter().find(|mix| mix.name() == name).ok_or_else(|| Unknown::new("mix", name, names()))?;
    (axes.mix, axes.base) = (*mix, None);
    Ok(())
}

impl Reader<'_> {
    /// A mix by its name, or described.
    pub(super) fn mix(&mut self, entry: &Entry, axes: &mut Axes) {
        match &entry.node.value {
            Value::Text(name) => {
                if let Err(unknown) = choose_mix(name, axes) {
                    self.problem(entry.node.line, format!("mix: {unknown}"));
                }
            }
            Value::Map(entries) => {
                self.known(entries, KEYS);
                if axes.endpoints.len() > 1 {
                    let several =
                        "mix: endpoints has several numbers, and a mix that is described is one; say one number";
                    self.problem(entry.line, several.to_owned());
                }
                let endpoints = axes.endpoints.first().copied().unwrap_or(1);
                if let Some(shape) = self.shape(entry, entries, endpoints) {
                    axes.base = Some(Arc::new(shape.base(DESCRIBED)));
                }
            }
            _ => self.wrong(entry, "the name of a mix, or a mapping that describes one"),
        }
    }

    fn shape(&mut self, mix: &Entry, entries: &[Entry], endpoints: u32) -> Option<Shape> {
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let mut shape = Shape { endpoints: Counts::constant(endpoints), ..Shape::default() };
        let shares = [
            ("node-port", &mut shape.node_port),
            ("load-balancer", &mut shape.load_balancer),
            ("external-ip", &mut shape.external_ip),
            ("source-ranges", &mut shape.source_ranges),
            ("local-policy", &mut shape.local_policy),
            ("affinity", &mut shape.affinity),
            ("udp", &mut shape.udp),
            ("without-endpoints", &mut shape.without_endpoints),
            ("dual-stack", &mut shape.dual_stack),
            ("ipv6", &mut shape.ipv6),
        ];
        let mut good = true;
        for (key, share) in shares {
            match find(key).map(|entry| self.share(entry)) {
                Some(Some(read)) => *share = read,
                Some(None) => good = false,
                None => {}
            }
        }
        for (key, most, counts) in
            [("ports", MOST_PORTS, &mut shape.ports), ("endpoints", MOST_ENDPOINTS, &mut shape.endpoints)]
        {
            match find(key).map(|entry| self.counts(entry, most)) {
                Some(Some(read)) => *counts = read,
                Some(None) => good = false,
                None => {}
            }
        }
        if let Some(seed) = find("seed") {
            shape.seed = self.count(seed, &(0..=u32::MAX))?.into();
        }
        for (one, other, sum) in [
            ("node-port", "load-balancer", shape.node_port.0 + shape.load_balancer.0),
            ("dual-stack", "ipv6", shape.dual_stack.0 + shape.ipv6.0),
        ] {
            if sum > 1000 {
                self.problem(mix.line, format!("mix: {one} and {other} are more than 100% together"));
                good = false;
            }
        }
        good.then_some(shape)
    }

    /// A share such as `10%` or `0.5%`.
    fn share(&mut self, entry: &Entry) -> Option<Share> {
        if let Value::Text(text) = &entry.node.value
            && let Some(percent) = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok())
            && (0.0..=100.0).contains(&percent)
            && (percent * 10.0 - (percent * 10.0).round()).abs() < 1e-6
        {
            return Some(Share((percent * 10.0).round() as u32));
        }
        self.wrong(entry, "a share from 0% to 100%, in steps of 0.1%");
        None
    }

    /// A number, a mapping of values to weights, or one of quantiles.
    fn counts(&mut self, entry: &Entry, most: u32) -> Option<Counts> {
        let least = u32::from(entry.key == "ports");
        let allowed = format!(
            "a whole number from {least} to {most}, a mapping of such numbers to weights, or median, p90 and max"
        );
        match &entry.node.value {
            Value::Integer(_) => self.count(entry, &(least..=most)).map(Counts::constant),
            Value::Map(entries) if entries.iter().any(|entry| QUANTILES.contains(&entry.key.as_str())) => {
                self.quantiles(entry, entries, most)
            }
            Value::Map(entries) if !entries.is_empty() => {
                let mut values = Vec::new();
                for Entry { key, node, line } in entries {
                    match key.parse::<u32>() {
                        Ok(value) if (least..=most).contains(&value) => {
                            values.push((value, self.whole(&entry.key, node, &(0..=MOST_WEIGHT))?));
                        }
                        _ => {
                            self.problem(
                                *line,
                                format!("{}: found {key}; it takes {allowed}", entry.key, key = quoted(key)),
                            );
                            return None;
                        }
                    }
                }
                if values.iter().all(|(_, weight)| *weight == 0) {
                    self.problem(entry.line, format!("{}: every weight is 0", entry.key));
                    return None;
                }
                Some(Counts::Weighted(values))
            }
            _ => {
                self.wrong(entry, &allowed);
                None
            }
        }
    }

    fn quantiles(&mut self, entry: &Entry, entries: &[Entry], most: u32) -> Option<Counts> {
        self.known(entries, &QUANTILES);
        let mut read = [1; 3];
        for (place, key) in QUANTILES.into_iter().enumerate() {
            let Some(given) = entries.iter().find(|entry| entry.key == key) else {
                self.problem(entry.line, format!("{}: {key} is missing; it takes median, p90 and max", entry.key));
                return None;
            };
            // Each is at least the one before.
            let least = if place == 0 { 1 } else { read[place - 1] };
            read[place] = self.count(given, &(least..=most))?;
        }
        let [median, p90, max] = read;
        Some(Counts::Quantiles { median, p90, max })
    }

    /// The files of a cluster: one or several.
    pub(super) fn cluster(&mut self, entry: &Entry) -> Option<Vec<String>> {
        let allowed = "a file with a cluster, or a list of files";
        let mut files = Vec::new();
        for item in self.list(entry, "files with a cluster")? {
            match &item.value {
                Value::Text(file) if !file.trim().is_empty() => files.push(file.clone()),
                _ => self.wrong_value("cluster", item, allowed),
            }
        }
        Some(files)
    }
}
