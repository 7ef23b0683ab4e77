//! Turns a YAML document into a scenario, and finds every problem on the way.

use super::{
    AFFINITY, BUDGET, CHURN, DIALS, INSTRUCTIONS, MEMORY, MOST_ENDPOINTS, Part, RATE, REPLICAS, ROUNDS, Scenario,
    TRAFFIC, parse_duration, parse_instructions,
};
use crate::axes::Axes;
use crate::document::{Entry, Node, Reader, Value};
use crate::foreign::quoted;
use crate::plan::USUAL_RATE;
use crate::proxy_config::ProxyConfig;
use crate::reference;
use crate::vocabulary::{BackendName, LayoutName, ProbeName, TargetName, Unknown, Word};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The keys of a scenario, in the order in which `scenarios/README.md` documents them.
const KEYS: &[&str] = &[
    "name",
    "question",
    "about",
    "target",
    "backends",
    "require",
    "kernel",
    "kernels",
    "tools",
    "layout",
    "services",
    "endpoints",
    "mix",
    "cluster",
    "affinity",
    "probes",
    "access",
    "from",
    "positions",
    "activity",
    "parts",
    "way",
    "scheduler",
    "forwarding",
    "kube-proxy",
    "rounds",
    "replicas",
    "budget",
    "instructions",
    "dials",
    "traffic",
    "churn",
    "rate",
    "memory",
    "references",
];

/// What a key was called before, which is still read.
const OLD_AFFINITY: &str = "persistence";

/// The most characters of a name, as in Kubernetes.
const LONGEST_NAME: usize = 63;

/// The keys of a part.
const PART_KEYS: &[&str] = &["services", "probes"];

impl Reader<'_> {
    pub(super) fn scenario(&mut self, node: &Node, text: &str) -> Option<Scenario> {
        let Value::Map(entries) = &node.value else {
            let found = self.found(node);
            self.problem(node.line.max(1), format!("found {found}; a scenario is a mapping of: {}", KEYS.join(", ")));
            return None;
        };
        self.top = entries.first().map_or(1, |entry| entry.line);
        self.known(entries.iter().filter(|entry| entry.key != OLD_AFFINITY), KEYS);
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);

        let name = self.required(find("name"), "name", Self::name);
        let question = self.required(find("question"), "question", Self::text);
        let about = find("about").map_or(Some(String::new()), |entry| self.text(entry));
        let target = find("target").map_or(Some(None), |entry| self.target(entry));
        let mut axes = Axes::default();
        if let Some(entry) = find("endpoints") {
            axes.endpoints = self.endpoints(entry);
        }
        if let Some(entry) = find("mix") {
            self.mix(entry, &mut axes);
        }
        let cluster = find("cluster").map_or(Some(Vec::new()), |entry| self.cluster(entry));
        if let Some(entry) = find("cluster") {
            for key in ["mix", "endpoints"].into_iter().filter(|key| find(key).is_some()) {
                self.problem(entry.line, format!("cluster: it says what Services are like, and so does {key}"));
            }
        }
        self.axis(find("backends"), &mut axes.backends);
        let require = self.require(find("require"), &axes);
        let guests = self.guests(find("kernel"), find("tools"));
        axes.kernels = self.kernels(find("kernels"), find("kernel"));
        self.layouts(find("layout"), &mut axes);
        self.axis(find("way"), &mut axes.ways);
        self.axis(find("scheduler"), &mut axes.schedulers);
        self.axis(find("forwarding"), &mut axes.forwardings);
        self.axis(find("access"), &mut axes.accesses);
        self.axis(find("from"), &mut axes.origins);
        axes.positions = find("positions").and_then(|entry| self.words(entry));
        if let Some(activities) = find("activity").and_then(|entry| self.activities(entry)) {
            axes.activities = activities;
        }
        if let Some(entry) = find("access").or_else(|| find("from"))
            && find("cluster").is_none()
            && let Some(unreached) = axes.unreached()
        {
            self.problem(entry.line, format!("access: {unreached}"));
        }
        let own_size = find("cluster").is_some();
        let parts = self.parts(&find, &axes, own_size);
        let rounds = find("rounds").map_or(Some(5), |entry| self.count(entry, &ROUNDS));
        let replicas = find("replicas").map_or(Some(1), |entry| self.count(entry, &REPLICAS));
        let budget = find("budget").map_or(Some(Duration::from_secs(60)), |entry| self.duration(entry, &BUDGET));
        let instructions = find("instructions").map_or(Some(20_000_000_000), |entry| self.instructions(entry));
        let dials = find("dials").map_or(Some(200), |entry| self.count(entry, &DIALS));
        let traffic = find("traffic").map_or(Some(Duration::from_secs(1)), |entry| self.duration(entry, &TRAFFIC));
        let churn = find("churn").map_or(Some(Duration::from_secs(10)), |entry| self.duration(entry, &CHURN));
        let rate = find("rate").map_or(Some(USUAL_RATE), |entry| self.rate(entry, &RATE));
        let affinity = self.affinity(find("affinity"), find(OLD_AFFINITY));
        let proxy = find("kube-proxy").map_or(Some(ProxyConfig::default()), |entry| self.proxy(entry));
        let memory = find("memory").map_or(Some(4096), |entry| self.count(entry, &MEMORY));
        let references = find("references").map_or(Some(Vec::new()), |entry| self.references(entry));

        Some(Scenario {
            name: name?,
            question: question?,
            about: about?,
            target: target?,
            guests: guests?,
            require,
            axes,
            cluster: cluster?,
            parts: parts?,
            rounds: rounds?,
            replicas: replicas?,
            budget: budget?,
            instructions: instructions?,
            dials: dials?,
            traffic: traffic?,
            churn: churn?,
            rate: rate?,
            affinity: affinity?,
            proxy: proxy?,
            memory: memory?,
            references: references?,
            text: text.to_owned(),
        })
    }

    /// Takes the words of `entry`, when it is there, in place of `axis`.
    fn axis<W: Word>(&mut self, entry: Option<&Entry>, axis: &mut Vec<W>) {
        if let Some(words) = entry.and_then(|entry| self.words(entry)) {
            *axis = words;
        }
    }

    /// The backends without which the run fails: some of those that are compared.
    fn require(&mut self, entry: Option<&Entry>, axes: &Axes) -> Vec<BackendName> {
        let Some(entry) = entry else { return Vec::new() };
        let require: Vec<BackendName> = self.words(entry).unwrap_or_default();
        for backend in require.iter().filter(|backend| !axes.backends.contains(backend)) {
            self.problem(entry.line, format!("require: {backend} is none of the backends of this scenario"));
        }
        require
    }

    /// The releases. Each backend must have one of them, or an earlier one.
    fn layouts(&mut self, entry: Option<&Entry>, axes: &mut Axes) {
        let Some(entry) = entry else { return };
        for item in self.list(entry, "layouts, such as kube-proxy-1.36").unwrap_or_default() {
            match &item.value {
                Value::Text(name) => match LayoutName::choose(name) {
                    Ok(layout) if axes.layouts.contains(&layout) => {
                        self.problem(item.line, format!("layout: {} stands in it twice", quoted(name)));
                    }
                    Ok(layout) => axes.layouts.push(layout),
                    Err(unknown) => self.problem(item.line, format!("layout: {unknown}")),
                },
                _ => self.wrong_value("layout", item, "the names of layouts, such as kube-proxy-1.36"),
            }
        }
        for &backend in &axes.backends {
            if !axes.layouts.is_empty() && LayoutName::among(backend, &axes.layouts).is_empty() {
                let known: Vec<&str> = LayoutName::of(backend).iter().map(|layout| layout.name()).collect();
                self.problem(entry.line, format!("layout: {backend} has {} and none before", known.join(", ")));
            }
        }
    }

    /// The parts; a scenario without that key is a single one.
    fn parts<'a>(
        &mut self,
        find: &dyn Fn(&str) -> Option<&'a Entry>,
        axes: &Axes,
        own_size: bool,
    ) -> Option<Vec<Part>> {
        let Some(parts) = find("parts") else {
            return self
                .part(find, "a scenario needs name, question, and services or parts", self.top, axes, own_size)
                .map(|part| vec![part]);
        };
        for key in PART_KEYS {
            if let Some(entry) = find(key) {
                self.problem(entry.line, format!("{key}: it stands in the parts, or there are no parts"));
            }
        }
        let items = self.list(parts, "parts")?;
        let mut read = Vec::new();
        for item in items {
            let Value::Map(entries) = &item.value else {
                self.wrong_value("parts", item, &format!("mappings of: {}", PART_KEYS.join(", ")));
                continue;
            };
            self.known(entries, PART_KEYS);
            let find = |key: &str| entries.iter().find(|entry| entry.key == key);
            read.extend(self.part(&find, "a part needs services", item.line, axes, own_size));
        }
        Some(read)
    }

    fn part<'a>(
        &mut self,
        find: &dyn Fn(&str) -> Option<&'a Entry>,
        needs: &str,
        line: u64,
        axes: &Axes,
        own_size: bool,
    ) -> Option<Part> {
        let probes = find("probes").map_or(Some(ProbeName::usual()), |entry| self.words(entry));
        let services = match find("services") {
            Some(entry) => self.services(entry, axes),
            // As many as the cluster has.
            None if own_size => Some(Vec::new()),
            None => {
                self.problem(line, format!("services: missing; {needs}"));
                None
            }
        };
        Some(Part { services: services?, probes: probes? })
    }

    /// Session affinity, by its name or by its old one.
    fn affinity(&mut self, entry: Option<&Entry>, old: Option<&Entry>) -> Option<Option<Duration>> {
        if let (Some(_), Some(old)) = (entry, old) {
            self.problem(old.line, format!("{OLD_AFFINITY}: it is the old name of affinity, which stands here, too"));
        }
        entry.or(old).map_or(Some(None), |entry| self.duration(entry, &AFFINITY).map(Some))
    }

    fn instructions(&mut self, entry: &Entry) -> Option<u64> {
        let found = match &entry.node.value {
            Value::Integer(count) => u64::try_from(*count).ok(),
            Value::Text(text) => parse_instructions(text).ok(),
            _ => None,
        };
        let found = found.filter(|count| INSTRUCTIONS.contains(count));
        if found.is_none() {
            self.wrong(entry, "a number of instructions, such as 60G, from 1G to 100000G");
        }
        found
    }

    fn references(&mut self, entry: &Entry) -> Option<Vec<String>> {
        let items = self.list(entry, "ids of published figures")?;
        let mut ids = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(id) if reference::find(id).is_some() => ids.push(id.clone()),
                Value::Text(id) => {
                    let unknown = Unknown::new("reference", id, reference::all().iter().map(|known| known.id.as_str()));
                    self.problem(item.line, format!("references: {unknown}"));
                }
                _ => self.wrong_value(&entry.key, item, "ids of published figures"),
            }
        }
        Some(ids)
    }

    fn required<T>(
        &mut self,
        entry: Option<&Entry>,
        key: &str,
        read: impl FnOnce(&mut Self, &Entry) -> Option<T>,
    ) -> Option<T> {
        if entry.is_none() {
            self.problem(self.top, format!("{key}: missing; a scenario needs name, question, and services or parts"));
        }
        entry.and_then(|entry| read(self, entry))
    }

    /// A name that a folder can be called after.
    pub fn name(&mut self, entry: &Entry) -> Option<String> {
        let name = self.text(entry)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.chars().all(plain) && name.len() <= LONGEST_NAME {
            return Some(name);
        }
        let allowed = format!(
            "lower-case letters, digits and dashes, {LONGEST_NAME} at most: it becomes part of a folder's name"
        );
        self.wrong(entry, &allowed);
        None
    }

    fn target(&mut self, entry: &Entry) -> Option<Option<TargetName>> {
        match &entry.node.value {
            Value::Text(name) if name == "auto" => Some(None),
            Value::Text(name) => match TargetName::find(name) {
                Ok(target) => Some(Some(target)),
                Err(unknown) => {
                    self.problem(entry.node.line, format!("target: {unknown}, or auto"));
                    None
                }
            },
            _ => {
                self.wrong(entry, "auto or the name of a target");
                None
            }
        }
    }

    pub(super) fn duration(&mut self, entry: &Entry, range: &RangeInclusive<Duration>) -> Option<Duration> {
        if let Value::Text(text) = &entry.node.value
            && let Ok(duration) = parse_duration(text)
            && range.contains(&duration)
        {
            return Some(duration);
        }
        let allowed = format!("a time with its unit, such as 90s or 2m, from {:?} to {:?}", range.start(), range.end());
        self.wrong(entry, &allowed);
        None
    }

    /// Numbers of endpoints: one of them, or a list.
    fn endpoints(&mut self, entry: &Entry) -> Vec<u32> {
        let mut counts = Vec::new();
        for item in self.list(entry, "numbers of endpoints").unwrap_or_default() {
            let Some(count) = self.whole(&entry.key, item, &(0..=MOST_ENDPOINTS)) else { continue };
            if counts.contains(&count) {
                self.problem(item.line, format!("endpoints: {count} stands in it twice"));
            }
            counts.push(count);
        }
        counts
    }

    fn services(&mut self, entry: &Entry, axes: &Axes) -> Option<Vec<u32>> {
        let items = self.list(entry, "numbers of Services")?;
        let mut counts = Vec::new();
        for item in items {
            let Some(count) = self.whole(&entry.key, item, &(1..=u32::MAX)) else { continue };
            if counts.contains(&count) {
                self.problem(item.line, format!("{}: {count} stands in it twice", entry.key));
            } else if let Err(full) = axes.check(count) {
                self.problem(item.line, format!("{}: {full}", entry.key));
            }
            counts.push(count);
        }
        Some(counts)
    }
}
