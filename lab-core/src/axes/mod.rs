//! A scenario's axes, and the cells that they expand to.

use crate::cell::{Activity, Cell, ClusterSpec, Interned, Settings, Source, Variant};
use crate::cluster::{AddressPlan, Base, OverCapacity, Repeated, Supply};
use crate::kube_proxy::KubeProxy;
use crate::vocabulary::{
    Access, BackendName, Forwarding, LayoutName, Mix, Origin, Position, ProbeName, Scheduler, Way, Word,
};
use std::sync::Arc;

/// The values whose combinations are the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes {
    /// The numbers of Services.
    pub services: Vec<u32>,
    /// Endpoints a Service; one number where the Services of a base are repeated, which has its own.
    pub endpoints: Vec<u32>,
    /// What the Services are like. Uniform ones are of the type that each access takes.
    pub mix: Mix,
    /// The Services that clusters repeat, in place of the mix.
    pub base: Option<Arc<Base>>,
    /// The backends.
    pub backends: Vec<BackendName>,
    /// Whose rules are installed; empty for each backend's default. See [`LayoutName::among`].
    pub layouts: Vec<LayoutName>,
    /// Whether the lab itself programs nodes.
    pub lab: bool,
    /// The kube-proxy binaries that program nodes in its place, or beside it.
    pub kube_proxies: Vec<KubeProxy>,
    /// The kernels that guests boot, by name; empty for one that is none of the cells' coordinates.
    pub kernels: Vec<Interned>,
    /// How changes are applied. A backend that has none of these ways takes its first one.
    pub ways: Vec<Way>,
    /// How IPVS picks a real server.
    pub schedulers: Vec<Scheduler>,
    /// How IPVS hands packets on.
    pub forwardings: Vec<Forwarding>,
    /// What is asked.
    pub probes: Vec<ProbeName>,
    /// As what Services are dialled.
    pub accesses: Vec<Access>,
    /// Where they are dialled from.
    pub origins: Vec<Origin>,
    /// Which Services are asked, by probes that ask one; `None` for each probe's own.
    pub positions: Option<Vec<Position>>,
    /// What runs beside probes.
    pub activities: Vec<Activity>,
}

/// Every backend, with kube-proxy's ipvs mode beside the cheapest way to program IPVS. There are no sizes yet.
impl Default for Axes {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            endpoints: vec![2],
            mix: Mix::Uniform,
            base: None,
            backends: BackendName::ALL.to_vec(),
            layouts: Vec::new(),
            lab: true,
            kube_proxies: Vec::new(),
            kernels: Vec::new(),
            ways: vec![Way::KubeProxy, Way::Batched],
            schedulers: vec![Scheduler::RoundRobin],
            forwardings: vec![Forwarding::Masquerading],
            probes: ProbeName::usual(),
            accesses: vec![Access::ClusterIp],
            origins: vec![Origin::Pod],
            positions: None,
            activities: vec![Activity::default()],
        }
    }
}

impl Axes {
    /// Every cell once, sizes outermost and positions innermost.
    ///
    /// A probe that programs the node has no cell for `direct`. A probe that does not program it has cells in one way
    /// only, since the installed rules are the same. An activity has cells only where it can run. If two positions are the same Service, there is one cell: `first`
    /// comes before `last`, and `last` before `middle`. What cannot be reached has no cell.
    #[must_use]
    pub fn expand(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &services in &self.services {
            let clusters: Vec<_> = match &self.base {
                Some(base) => vec![(base.spec(services), self.accesses.clone())],
                None => {
                    let of = |&endpoints: &u32| self.mixes().into_iter().map(move |mix| (endpoints, mix));
                    let clusters = self.endpoints.iter().flat_map(of);
                    clusters.map(|(endpoints, mix)| self.cluster(services, endpoints, mix)).collect()
                }
            };
            for (cluster, accesses) in clusters {
                for &backend in &self.backends {
                    self.expand_backend(cluster, &accesses, backend, &mut cells);
                }
            }
        }
        cells
    }

    /// A cluster of `mix`, and as what its Services are dialled.
    fn cluster(&self, services: u32, endpoints: u32, mix: Mix) -> (ClusterSpec, Vec<Access>) {
        let cluster = ClusterSpec { services, endpoints, source: Source::Generated(mix) };
        let accesses = self.accesses.iter().copied().filter(|&access| self.mix.reached_by(access) == mix);
        (cluster, accesses.collect())
    }

    /// The mixes of the clusters: one or, of uniform Services, one for each access.
    fn mixes(&self) -> Vec<Mix> {
        let mut mixes: Vec<Mix> = Vec::new();
        for mix in self.accesses.iter().map(|&access| self.mix.reached_by(access)) {
            if !mixes.contains(&mix) {
                mixes.push(mix);
            }
        }
        mixes
    }

    /// Whether there are addresses for clusters of `services`.
    ///
    /// # Errors
    /// If there are not, for one of the mixes.
    pub fn check(&self, services: u32) -> Result<(), OverCapacity> {
        if let Some(base) = &self.base {
            return Repeated::of(Arc::clone(base)).check(services);
        }
        let of = |&endpoints: &u32| self.mixes().into_iter().map(move |mix| AddressPlan::new(endpoints).of(mix));
        self.endpoints.iter().flat_map(of).try_for_each(|plan| plan.check(services))
    }

    /// What no cell could be: an access that no Service of the mix offers, or that is impossible from every place.
    #[must_use]
    pub fn unreached(&self) -> Option<String> {
        let unreached = |&access: &Access| {
            let mix = self.mix.reached_by(access);
            let (offers, what) = match &self.base {
                Some(base) => (base.offers(access), base.source.name()),
                None => (mix.offers(access), mix.name()),
            };
            if !offers {
                return Some(format!("no Service of {what} is reached by {access} and TCP"));
            }
            let &from = self.origins.first()?;
            let nowhere = self.origins.iter().all(|&from| access.impossible(from).is_some());
            nowhere.then(|| format!("{access} {}: {}", from.phrase(), access.impossible(from).unwrap_or_default()))
        };
        // Without a probe that dials a Service of the mix, it does not matter how they are reached.
        let dials = |&probe: &ProbeName| !positions(probe, 1, self.positions.as_deref()).is_empty();
        self.probes.iter().any(dials).then(|| self.accesses.iter().find_map(unreached)).flatten()
    }

    /// The combinations of access and origin that are not asked, and why.
    pub fn impossible(&self) -> impl Iterator<Item = (Access, Origin, &'static str)> {
        let every = self.accesses.iter().flat_map(|&access| self.origins.iter().map(move |&from| (access, from)));
        every.filter_map(|(access, from)| Some((access, from, access.impossible(from)?)))
    }

    fn expand_backend(&self, cluster: ClusterSpec, accesses: &[Access], backend: BackendName, cells: &mut Vec<Cell>) {
        let dialled = accesses.iter().flat_map(|&access| self.origins.iter().map(move |&from| (access, from)));
        let dialled: Vec<_> = dialled.filter(|(access, from)| access.impossible(*from).is_none()).collect();
        for variant in self.variants(backend) {
            for probe in self.probes.iter().copied().filter(|probe| is_asked(*probe, variant)) {
                for way in self.ways(variant, probe) {
                    let positions = positions(probe, cluster.services, self.positions.as_deref());
                    for activity in self.activities(backend, probe) {
                        let variant = Variant { way, ..variant };
                        let cell = Cell { activity, ..Cell::new(cluster, variant, probe, None) };
                        if positions.is_empty() {
                            cells.push(cell);
                        }
                        for &(access, from) in &dialled {
                            let asked = |&position: &Position| Cell { position: Some(position), access, from, ..cell };
                            cells.extend(positions.iter().map(asked));
                        }
                    }
                }
            }
        }
    }

    /// What carries traffic with `backend`, but for the ways to program it, on each kernel.
    fn variants(&self, backend: BackendName) -> Vec<Variant> {
        let variants = self.variants_of_one_kernel(backend);
        if self.kernels.is_empty() {
            return variants;
        }
        let on = |variant: Variant| self.kernels.iter().map(move |&kernel| Variant { kernel: Some(kernel), ..variant });
        variants.into_iter().flat_map(on).collect()
    }

    /// First what the lab programs itself.
    fn variants_of_one_kernel(&self, backend: BackendName) -> Vec<Variant> {
        let mut variants = Vec::new();
        if self.lab || backend == BackendName::Direct {
            for layout in LayoutName::among(backend, &self.layouts) {
                let with = |settings| Variant { layout, settings, ..Variant::usual(backend) };
                variants.extend(self.settings(backend).into_iter().map(with));
            }
        }
        if backend != BackendName::Direct {
            // kube-proxy knows no other forwarding.
            let known = |settings: &Settings| settings.forwarding.is_none_or(|one| one == Forwarding::Masquerading);
            for settings in self.settings(backend).into_iter().filter(known) {
                variants.extend(self.kube_proxies.iter().map(|binary| Variant {
                    layout: binary.layout(backend),
                    driver: binary.driver(),
                    settings,
                    ..Variant::usual(backend)
                }));
            }
        }
        variants
    }

    /// What can run beside `probe` of `backend`, each once.
    fn activities(&self, backend: BackendName, probe: ProbeName) -> Vec<Activity> {
        let mut activities = Vec::new();
        for activity in self.activities.iter().filter_map(|activity| activity.beside(backend, probe)) {
            if !activities.contains(&activity) {
                activities.push(activity);
            }
        }
        activities
    }

    /// The ways in which `probe` has cells.
    fn ways(&self, variant: Variant, probe: ProbeName) -> Vec<Way> {
        let known = Way::of(variant.backend);
        if variant.driver.is_kube_proxy() {
            return vec![known[0]];
        }
        if !probe.programs() {
            // The fastest way to load.
            return vec![if variant.backend == BackendName::Ipvs { Way::Batched } else { known[0] }];
        }
        let mut ways: Vec<Way> = self.ways.iter().copied().filter(|way| known.contains(way)).collect();
        if ways.is_empty() {
            ways.push(known[0]);
        }
        ways
    }

    /// Every combination of the settings of `backend`.
    fn settings(&self, backend: BackendName) -> Vec<Settings> {
        if backend != BackendName::Ipvs {
            return vec![Settings::default()];
        }
        let with = |&scheduler: &Scheduler| {
            let settings =
                move |&forwarding: &Forwarding| Settings { scheduler: Some(scheduler), forwarding: Some(forwarding) };
            self.forwardings.iter().map(settings)
        };
        self.schedulers.iter().flat_map(with).collect()
    }
}

/// Whether `probe` has cells with `variant`.
fn is_asked(probe: ProbeName, variant: Variant) -> bool {
    match () {
        () if variant.backend == BackendName::Direct => !probe.programs(),
        () if variant.driver.is_kube_proxy() => probe.is_of_kube_proxy(),
        () => probe.is_of_lab(),
    }
}

/// The positions that `probe` asks among `services` if it may ask `wanted`; none if it asks no single Service. Each Service is
/// asked once: where several positions are the same one, the first counts, then the last.
fn positions(probe: ProbeName, services: u32, wanted: Option<&[Position]>) -> Vec<Position> {
    let usual: &[Position] = match probe {
        ProbeName::Connect => &Position::USUAL,
        ProbeName::ConnectionsPerSecond | ProbeName::Bandwidth | ProbeName::OpenLoop => {
            &[Position::First, Position::Last]
        }
        ProbeName::Spread | ProbeName::Affinity => &[Position::First],
        _ => return Vec::new(),
    };
    let asked = wanted.unwrap_or(usual);
    let weight = |position: Position| match position {
        Position::First => 0,
        Position::Last => 1,
        Position::Middle => 2,
        Position::Quarter | Position::ThreeQuarters => 3,
    };
    let shadowed = |position: Position| {
        let same = asked.iter().filter(|other| other.index(services) == position.index(services));
        same.copied().any(|other| (weight(other), other) < (weight(position), position))
    };
    asked.iter().copied().filter(|&position| !shadowed(position)).collect()
}

#[cfg(test)]
mod tests;
