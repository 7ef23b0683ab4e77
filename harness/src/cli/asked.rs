//! The cluster of `capacity --cluster`: counted, and as how many of a run's Services it counts.

use super::{base, cluster};
use crate::backend::Options;
use crate::lab::node;
use analysis::capacity::{Equivalent, MOST_SERVICES};
use anyhow::{Context, Result, bail, ensure};
use kube_dump::{Dump, Input, Spread};
use lab_core::cell::{Cell, ClusterSpec, Load, Variant};
use lab_core::cluster::{Base, Cluster, Demand, Dispatch};
use lab_core::dataset::Dataset;
use lab_core::layout::Installed;
use lab_core::plan::Plan;
use lab_core::vocabulary::BackendName;
use reports::capacity::{Census, Likeness, Trait};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The most endpoints of a cluster that is made to see what the run's Services ask for.
const MOST_ENDPOINTS: u32 = 400_000;

/// A cluster that is asked about.
pub(crate) struct Asked {
    files: String,
    dump: Dump,
    /// Its Services, for a run that was of them.
    base: Arc<Base>,
    demand: Demand,
    growth: f64,
}

impl Asked {
    /// Reads the cluster in `files`, to grow by `growth`.
    ///
    /// # Errors
    /// When it cannot be read, or asks nothing of kube-proxy.
    pub(crate) fn read(files: &[PathBuf], growth: f64) -> Result<Self> {
        let inputs = cluster::inputs(files).context("--cluster")?;
        let dump = Dump::read(&inputs).context("--cluster")?;
        cluster::say(&dump);
        Self::of(files, &inputs, dump, growth)
    }

    /// The cluster `dump`, which was read from `files` with these `inputs`.
    ///
    /// # Errors
    /// When it asks nothing of kube-proxy.
    pub(crate) fn of(files: &[PathBuf], inputs: &[Input], dump: Dump, growth: f64) -> Result<Self> {
        let shown = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" --cluster ");
        let demand = Demand::of(&dump.cluster);
        ensure!(
            demand.ports() > 0,
            "--cluster {shown}: no Service in it has a cluster IP, so kube-proxy has nothing to do"
        );
        let base = base::of(files, inputs, &dump, None).context("--cluster")?;
        Ok(Self { files: shown, dump, base, demand, growth })
    }

    /// As how many Services of the run `dataset` the cluster counts, for each of its variants.
    ///
    /// # Errors
    /// When it has grown beyond everything that is answered.
    pub(crate) fn equivalents(&self, dataset: &Dataset) -> Result<Vec<Equivalent>> {
        let plan = &dataset.header.plan;
        let cells = dataset.cells.iter().map(|record| record.cell).chain(plan.cells.iter().copied());
        let of = |cell: Cell| Load { cluster: ClusterSpec { services: 1, ..cell.cluster }, ..cell.guest_load() };
        let loads: BTreeSet<Load> = cells.filter(|cell| cell.variant.backend != BackendName::Direct).map(of).collect();
        let mut equivalents: Vec<Equivalent> = Vec::new();
        for load in loads {
            let Some(equivalent) = self.equivalent(&load, plan)? else { continue };
            // The ways of a backend install the same.
            if !equivalents.contains(&equivalent) {
                equivalents.push(equivalent);
            }
        }
        Ok(equivalents)
    }

    /// `None` where the run's own cluster is not here to be compared with.
    fn equivalent(&self, load: &Load, plan: &Plan) -> Result<Option<Equivalent>> {
        let Some(layout) = Options::of(load, plan).layout() else { return Ok(None) };
        let Some((small, large)) = self.run_clusters(load.cluster, plan) else { return Ok(None) };
        let size = |cluster: &Cluster| cluster.services.len() as f64;
        let installed = |cluster: &Cluster| weight(&layout.installed(cluster));
        let each = |of: &dyn Fn(&Cluster) -> f64| (of(&large) - of(&small)) / (size(&large) - size(&small));
        // The run's figure is a straight line over its Services; the cluster lies somewhere on it.
        let services = |asked: f64, fixed: f64, each: f64| {
            let services = ((asked - fixed) / each).max(1.0) * self.growth;
            if services > f64::from(MOST_SERVICES) {
                bail!("--growth: {services:.0} Services are too many; answers go up to {MOST_SERVICES}");
            }
            Ok(services.ceil() as u32)
        };
        let entries = |cluster: &Cluster| Demand::of(cluster).total() as f64;
        let by_entries = services(self.demand.total() as f64, 0.0, each(&entries))?;
        let (objects, own) = (each(&installed), installed(&small));
        let fixed = own - objects * size(&small);
        let by_installed = match self.dump.has_endpoints() {
            true => Some(services(installed(&self.dump.cluster), fixed, objects)?),
            false => None,
        };
        let Load { cluster, variant, .. } = *load;
        Ok(Some(Equivalent {
            backend: variant.backend,
            layout: variant.layout,
            settings: variant.settings,
            source: cluster.source,
            endpoints: cluster.endpoints,
            entries: by_entries,
            installed: by_installed,
        }))
    }

    /// What is to be said of the cluster beside the run `dataset`, of which the answer is about so many `endpoints`.
    pub(crate) fn census(&self, dataset: &Dataset, endpoints: u32) -> Census {
        let Self { files, dump, demand, growth, .. } = self;
        let plan = &dataset.header.plan;
        let cells = dataset.cells.iter().map(|record| record.cell).chain(plan.cells.iter().copied());
        let of_run = cells.map(|cell| cell.cluster).find(|cluster| cluster.endpoints == endpoints);
        let run = of_run.and_then(|cluster| self.run_clusters(cluster, plan)).map(|(_, large)| Demand::of(&large));
        let mut not_simulated: Vec<(String, usize)> =
            dump.features().iter().map(|(feature, count)| (feature.to_string(), *count)).collect();
        not_simulated.extend(dump.passed_over.iter().map(|(kind, count)| (format!("objects of kind {kind}"), *count)));
        let protocols = ["TCP", "UDP", "SCTP"].into_iter().zip(demand.protocols).filter(|(_, count)| *count > 0);
        let spread = Spread::of(demand.endpoints.iter().copied()).filter(|_| dump.has_endpoints());
        let spread = spread.map(|Spread { median, p90, max, total }| [median, p90, max, total]);
        Census {
            file: files.clone(),
            services: dump.cluster.services.len(),
            entries: Dispatch::ALL
                .into_iter()
                .zip(demand.entries)
                .map(|(kind, all)| (kind.name().to_owned(), all))
                .collect(),
            protocols: protocols.map(|(protocol, count)| (protocol.to_owned(), count)).collect(),
            growth: *growth,
            endpoints: spread,
            shape: run.map(|run| likeness(demand, &run, dump.has_endpoints())).unwrap_or_default(),
            scenario: plan.scenario.clone(),
            not_simulated,
        }
    }

    /// Two clusters such as the run's, of different sizes; `None` if it was of Services that are not here.
    fn run_clusters(&self, spec: ClusterSpec, plan: &Plan) -> Option<(Cluster, Cluster)> {
        let base = (spec.source == self.base.source).then(|| Arc::clone(&self.base));
        let plan = Plan { base: base.or_else(|| plan.base.clone()), cells: Vec::new(), ..plan.clone() };
        let most = (MOST_ENDPOINTS / spec.endpoints.max(1)).clamp(4, 1000);
        let made = |services| {
            let cluster = ClusterSpec { services, ..spec };
            let load = Load { cluster, variant: Variant::usual(BackendName::Direct), only: None, memory: None };
            node::cluster(&load, &plan).ok().map(|(_, cluster)| cluster)
        };
        Some((made(most / 2)?, made(most)?))
    }
}

/// Everything that is installed, whatever it is.
fn weight(installed: &Installed) -> f64 {
    let Installed { rules, chains, set_elements, virtual_servers, real_servers, addresses } = *installed;
    (rules + chains + set_elements + virtual_servers + real_servers + addresses) as f64
}

/// What the two are like, each trait beside the other's.
fn likeness(cluster: &Demand, run: &Demand, endpoints: bool) -> Vec<Likeness> {
    let mean = Likeness {
        what: "endpoints a port".to_owned(),
        unit: Trait::Mean,
        cluster: cluster.mean_endpoints(),
        run: run.mean_endpoints(),
    };
    let shares = cluster.shape().into_iter().zip(run.shape()).map(|((what, cluster), (_, run))| Likeness {
        what: what.to_owned(),
        unit: Trait::Share,
        cluster,
        run,
    });
    let known = |trait_: &Likeness| endpoints || !trait_.what.contains("endpoints");
    [mean].into_iter().chain(shares).filter(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::dataset::Header;
    use lab_core::vocabulary::{LayoutName, TargetName};

    fn asked(text: &str, growth: f64) -> Asked {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cluster.json");
        std::fs::write(&file, text).unwrap();
        Asked::read(&[file], growth).unwrap()
    }

    fn run(endpoints: u32) -> Dataset {
        let backends = vec![BackendName::IptablesLegacy, BackendName::Nftables, BackendName::Direct];
        let axes = Axes { services: vec![100, 1000], endpoints: vec![endpoints], backends, ..Axes::default() };
        let header = Header::example(Plan { cells: axes.expand(), ..Plan::example(TargetName::Host) });
        Dataset { header, cells: Vec::new(), end: None }
    }

    /// A Service and its slice with so many endpoints.
    fn service(name: &str, spec: &str, endpoints: usize) -> String {
        let addresses: Vec<String> =
            (0..endpoints).map(|at| format!(r#"{{"addresses":["10.42.{}.{}"]}}"#, at / 250, at % 250 + 1)).collect();
        format!(
            r#"{{"kind":"Service","apiVersion":"v1","metadata":{{"namespace":"d","name":"{name}"}},"spec":{spec}}},
               {{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","addressType":"IPv4",
                 "metadata":{{"namespace":"d","name":"{name}-a","labels":{{"kubernetes.io/service-name":"{name}"}}}},
                 "ports":[{{"name":"","port":80,"protocol":"TCP"}}],"endpoints":[{}]}}"#,
            addresses.join(",")
        )
    }

    fn list(items: &[String]) -> String {
        format!(r#"{{"kind":"List","apiVersion":"v1","items":[{}]}}"#, items.join(","))
    }

    fn plain(count: usize, endpoints: usize) -> String {
        let one = |at: usize| {
            let ip = format!("10.43.{}.{}", at / 250, at % 250 + 1);
            let spec =
                format!(r#"{{"clusterIP":"{ip}","clusterIPs":["{ip}"],"ports":[{{"port":80,"protocol":"TCP"}}]}}"#);
            service(&format!("s{at}"), &spec, endpoints)
        };
        list(&(0..count).map(one).collect::<Vec<_>>())
    }

    #[test]
    fn a_cluster_like_the_run_s_counts_as_many_services_as_it_has() {
        let found = asked(&plain(40, 2), 1.0).equivalents(&run(2)).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        for Equivalent { entries, installed, .. } in found {
            assert_eq!((entries, installed), (40, Some(40)));
        }
        let grown = asked(&plain(40, 2), 3.0).equivalents(&run(2)).unwrap();
        assert_eq!((grown[0].entries, grown[0].installed), (120, Some(120)));
    }

    #[test]
    fn more_endpoints_count_for_programming_and_not_for_the_first_packet() {
        let found = asked(&plain(40, 20), 1.0).equivalents(&run(2)).unwrap();
        let legacy = found.iter().find(|one| one.backend == BackendName::IptablesLegacy).unwrap();
        assert_eq!(legacy.layout, LayoutName::of(BackendName::IptablesLegacy)[0]);
        // Rules and chains: 2 + 3E and 1 + E of a Service each.
        assert_eq!((legacy.entries, legacy.installed), (40, Some(40 * (2 + 60 + 1 + 20) / (2 + 6 + 1 + 2) + 1)));
        let census = asked(&plain(40, 20), 1.0).census(&run(2), 2);
        assert_eq!((census.shape[0].cluster, census.shape[0].run), (20.0, 2.0));
    }

    #[test]
    fn every_way_to_a_port_is_an_entry() {
        let spec = r#"{"type":"LoadBalancer","clusterIP":"10.43.0.9","clusterIPs":["10.43.0.9"],
            "externalIPs":["192.0.2.7"],"ports":[{"port":80,"nodePort":30080,"protocol":"TCP"}]}"#;
        let found = asked(&list(&[service("web", spec, 2)]), 1.0).equivalents(&run(2)).unwrap();
        assert!(found.iter().all(|one| one.entries == 3 && one.installed > Some(1)), "{found:?}");
    }

    #[test]
    fn without_endpoints_in_the_dump_programming_is_not_known() {
        let text = plain(4, 0).replace("EndpointSlice", "ConfigMap");
        let asked = asked(&text, 1.0);
        assert!(asked.equivalents(&run(2)).unwrap().iter().all(|one| one.entries == 4 && one.installed.is_none()));
        let census = asked.census(&run(2), 2);
        assert!(census.endpoints.is_none() && census.shape.iter().all(|one| !one.what.contains("endpoints")));
    }
}
