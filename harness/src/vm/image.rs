//! What guests of a run boot from: the kernel, and the initramfs up to a guest's own errand.

use super::errand::{Errand, PLACE, Task};
use super::initramfs::{Initramfs, tools};
use super::kernel::{Kernel, Module};
use super::profile::Binaries;
use super::qemu::Boot;
use crate::backend::{self, BACKENDS};
use crate::cell_error::Missing;
use crate::planting;
use crate::targets::Profiling;
use anyhow::{Context, Result};
use lab_core::vocabulary::BackendName;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Modules that every guest needs: the wires between node and pods.
const WIRES: &[&str] = &["veth"];

/// A kernel and the initramfs that goes with it. It does not depend on the plan, or the plan's choice of backends would
/// change where things lie in a guest's memory.
pub(super) struct Image {
    pub(super) kernel: Kernel,
    pub(super) boot: Boot,
    initramfs: Vec<u8>,
    pub(super) sha256: String,
    /// The files of each backend's modules, in the order in which they are loaded; or what it lacks.
    modules: BTreeMap<BackendName, Result<Vec<String>, Missing>>,
    /// What is in it, for who counts its instructions by function.
    pub(super) binaries: Option<Binaries>,
    /// Those of the modules that planted rules need, as far as this kernel has them.
    modules_of_rules: Vec<String>,
}

impl Image {
    /// Puts together what guests of `kernel` need.
    pub(super) fn build(kernel: Kernel, profiling: Profiling) -> Result<Self> {
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
                backend::check_tools(*backend)?;
                Ok(put(listed))
            });
            modules.insert(backend.name(), listed);
        }
        let modules_of_rules = put(kernel.load_order(planting::MODULES).unwrap_or_default());
        let files: Vec<String> =
            order.iter().enumerate().map(|(place, module)| format!("/modules/{place:03}-{}.ko", module.name)).collect();
        let file = |place: usize| files[place].clone();
        let modules = modules
            .into_iter()
            .map(|(backend, listed)| (backend, listed.map(|places| places.into_iter().map(file).collect())))
            .collect();
        let modules_of_rules = modules_of_rules.into_iter().map(file).collect();

        let mut initramfs = Initramfs::base();
        let programs = tools::ALL.iter().copied().filter(|&program| crate::tool::find(program).is_some());
        tools::add_tools(&mut initramfs, &programs.collect::<Vec<_>>())
            .map_err(|missing| anyhow::anyhow!("{missing}"))?;
        initramfs.init().context("putting svclab itself into the guests' initramfs")?;
        let contents: Vec<(&str, &[u8])> =
            order.iter().map(|module| (module.name.as_str(), module.bytes.as_slice())).collect();
        initramfs.modules(&contents);
        let image = initramfs.write()?;
        let binaries = (profiling == Profiling::On).then(|| Binaries::of(&initramfs));
        let boot = kernel.unpacked().map_or_else(|| Boot::Packed(kernel.vmlinuz.clone()), Boot::Unpacked);
        Ok(Self { kernel, boot, initramfs: image.bytes, sha256: image.sha256, modules, modules_of_rules, binaries })
    }

    /// What `backend` lacks in a guest.
    pub(super) fn check(&self, backend: BackendName) -> Result<(), Missing> {
        self.modules(backend).map(drop).map_err(Clone::clone)
    }

    /// The files of `backend`'s modules.
    pub(super) fn modules(&self, backend: BackendName) -> Result<&[String], &Missing> {
        let listed = self.modules.get(&backend).expect("every backend of the registry was looked at");
        listed.as_deref()
    }

    /// The files of the modules that planted rules need, which are loaded when there are such rules.
    pub(super) fn modules_of_rules(&self) -> &[String] {
        &self.modules_of_rules
    }

    /// The files of all modules that there are, in the order in which they are loaded.
    pub(super) fn all_modules(&self) -> Vec<String> {
        let files: BTreeSet<&String> = self.modules.values().flatten().flatten().collect();
        files.into_iter().cloned().collect()
    }

    /// The part of the initramfs that brings a guest its `errand`; it follows the other.
    pub(super) fn errand(&self, errand: &Errand) -> Result<Vec<u8>> {
        let mut own = Initramfs::default();
        if let Task::Program(program) = &errand.task {
            own.program(&program.file)?;
        }
        own.file(PLACE, 0o644, serde_json::to_vec(errand).context("writing a guest's errand")?);
        Ok(own.write()?.bytes)
    }

    pub(super) fn initramfs(&self) -> &[u8] {
        &self.initramfs
    }
}
