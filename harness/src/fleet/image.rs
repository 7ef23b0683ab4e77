//! What all guests of a run boot. Each gets its own job besides.

use crate::backend::{self, BACKENDS};
use crate::driver::kube_proxy::binary;
use crate::self_test::fault;
use crate::session::spec::Profiling;
use crate::tool::origin::INSTRUMENTS;
use anyhow::{Context, Result};
use guests::kernel::{Kernel, Module};
use guests::profile::{Plugin, Profiler, Watch};
use guests::tools::{self, Toolset};
use guests::{Initramfs, Missing, tool};
use lab_core::cell::Interned;
use lab_core::kube_proxy::KubeProxy;
use lab_core::vocabulary::BackendName;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;

/// Every tool that some backend calls.
pub(crate) const TOOLS: &[&str] = &[
    "iptables-legacy",
    "iptables-legacy-restore",
    "iptables-legacy-save",
    "iptables-nft",
    "iptables-nft-restore",
    "iptables-nft-save",
    "ip6tables-legacy",
    "ip6tables-legacy-restore",
    "ip6tables-legacy-save",
    "ip6tables-nft",
    "ip6tables-nft-restore",
    "ip6tables-nft-save",
    "conntrack",
    "nft",
    "ipset",
    "ipvsadm",
];

/// Modules that every guest needs, for the links between node and pods.
const WIRES: &[&str] = &["veth"];

/// What the tool `conntrack` needs. Not every backend's kernel has it loaded.
const CONNTRACK: &[&str] = &["nf_conntrack_netlink"];

/// A kernel and its initramfs. They do not depend on the plan. Otherwise the plan's backends would change the layout of
/// a guest's memory.
pub(super) struct Image {
    /// The kernel's name in the cells that it is for; `None` where they name none.
    pub(super) kernel: Option<Interned>,
    pub(super) base: guests::Image,
    /// Why guests of this kernel do not boot, once one did not: no other is waited for.
    pub(super) dead: OnceLock<String>,
    /// Counts instructions.
    pub(super) counter: Counter,
    /// The files of each backend's modules, in the order of loading; or what the backend lacks.
    modules: BTreeMap<BackendName, Result<Vec<String>, Missing>>,
    /// The modules that injected rules need, as far as this kernel has them.
    modules_of_rules: Vec<String>,
    /// What the tool `conntrack` needs, as far as this kernel has it.
    modules_of_conntrack: Vec<String>,
    /// The files of the module of dummy devices, which a probe needs that binds addresses to one.
    modules_of_dummies: Vec<String>,
}

/// What counts the instructions of an image's guests.
pub(super) enum Counter {
    /// Nothing: there is no plugin for it, or the clock shows real time.
    None,
    /// Those in processes and in the kernel.
    Totals(Plugin),
    /// Those of each function, too.
    Functions(Profiler),
}

impl Counter {
    pub(super) fn is_counting(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// What a guest is started with.
    pub(super) fn watch(&self) -> Result<Option<Watch>> {
        match self {
            Self::None => Ok(None),
            Self::Totals(plugin) => plugin.watch().map(Some),
            Self::Functions(profiler) => profiler.watch().map(Some),
        }
    }
}

impl Image {
    /// Collects what guests of `kernel` need, which cells call `name`. Their tools are those of `toolset`, or else this
    /// machine's. With a `plugin`, their instructions are counted, by function if `profiling` says so.
    pub(super) fn build(
        (name, kernel): (Option<Interned>, Kernel),
        toolset: Option<&Toolset>,
        plugin: Option<Plugin>,
        profiling: Profiling,
        kube_proxies: &[KubeProxy],
    ) -> Result<Self> {
        let mut order: Vec<Module> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut modules = BTreeMap::new();
        let mut put = |listed: Vec<Module>| -> Vec<usize> {
            let places = listed.into_iter().map(|module| {
                *places.entry(module.name.clone()).or_insert_with(|| {
                    order.push(module);
                    order.len() - 1
                })
            });
            places.collect()
        };
        for backend in BACKENDS {
            let wanted = [WIRES, backend.modules()].concat();
            let listed = kernel.load_order(&wanted).and_then(|listed| {
                backend::check_tools_in(toolset, *backend)?;
                Ok(put(listed))
            });
            modules.insert(backend.name(), listed);
        }
        let modules_of_rules = put(kernel.load_order(fault::MODULES).unwrap_or_default());
        let modules_of_conntrack = put(kernel.load_order(CONNTRACK).unwrap_or_default());
        let modules_of_dummies = put(kernel.load_order(&["dummy"]).unwrap_or_default());

        let mut initramfs = Initramfs::base();
        let wanted = match toolset {
            Some(toolset) => {
                initramfs.graft(tools::PLACE, toolset.tree(TOOLS)?);
                INSTRUMENTS.to_vec()
            }
            None => [TOOLS, INSTRUMENTS].concat(),
        };
        let programs = wanted.into_iter().filter(|program| tool::find(program).is_some());
        initramfs.tools(&programs.collect::<Vec<_>>())?;
        initramfs.init().context("putting svclab itself into the guests' initramfs")?;
        for kube_proxy in kube_proxies {
            let file = Path::new(&kube_proxy.path);
            initramfs
                .program_at(binary::in_guest(kube_proxy), file)
                .with_context(|| format!("putting the kube-proxy {} into the guests' initramfs", file.display()))?;
        }
        let files = initramfs.modules(&order);
        let file = |place: usize| files[place].clone();
        let modules = modules
            .into_iter()
            .map(|(backend, listed)| (backend, listed.map(|places| places.into_iter().map(file).collect())))
            .collect();
        let modules_of_rules = modules_of_rules.into_iter().map(file).collect();
        let modules_of_conntrack = modules_of_conntrack.into_iter().map(file).collect();
        let modules_of_dummies = modules_of_dummies.into_iter().map(file).collect();

        let base = guests::Image::new(kernel, &initramfs)?;
        let counter = match (plugin, profiling) {
            (None, _) => Counter::None,
            (Some(plugin), Profiling::Off) => Counter::Totals(plugin),
            (Some(plugin), Profiling::On) => {
                Counter::Functions(Profiler::new(plugin, &initramfs, env!("CARGO_BIN_NAME")))
            }
        };
        Ok(Self {
            kernel: name,
            base,
            dead: OnceLock::new(),
            counter,
            modules,
            modules_of_rules,
            modules_of_conntrack,
            modules_of_dummies,
        })
    }

    /// Checks that guests have what `backend` needs.
    pub(super) fn check(&self, backend: BackendName) -> Result<(), Missing> {
        self.modules(backend).map(drop).map_err(Clone::clone)
    }

    pub(super) fn modules(&self, backend: BackendName) -> Result<&[String], &Missing> {
        let listed = self.modules.get(&backend).expect("every backend of the registry has an entry");
        listed.as_deref()
    }

    /// The files of the modules that injected rules need. They are loaded only when rules are injected.
    pub(super) fn modules_of_rules(&self) -> &[String] {
        &self.modules_of_rules
    }

    /// The files of the modules that the tool `conntrack` needs. They are loaded only where it has something to do.
    pub(super) fn modules_of_conntrack(&self) -> &[String] {
        &self.modules_of_conntrack
    }

    /// The files of the modules that dummy devices need, beside those of the backends.
    pub(super) fn modules_of_dummies(&self) -> &[String] {
        &self.modules_of_dummies
    }

    /// The files of all modules, in the order of loading.
    pub(super) fn all_modules(&self) -> Vec<String> {
        let files: BTreeSet<&String> = self.modules.values().flatten().flatten().collect();
        files.into_iter().cloned().collect()
    }
}
