//! The order in which modules and what they need are loaded.

use super::modinfo::{Modinfo, plain};
use anyhow::Result;
use std::collections::BTreeSet;

/// A module, ready for finit_module(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The kernel's name for it, with `_` for every `-`.
    pub name: String,
    /// The ELF file, decompressed.
    pub bytes: Vec<u8>,
}

pub(super) trait Shelf {
    fn has(&self, name: &str) -> bool;
    /// Whether it is built into the kernel, and needs no file.
    fn is_built_in(&self, name: &str) -> bool;
    /// The file of the module `name`, which exists, and its `.modinfo`.
    fn read(&self, name: &str) -> Result<(Vec<u8>, Modinfo)>;
    /// The module with this `alias`, if there is one.
    fn provider(&self, alias: &str) -> Result<Option<String>>;
}

/// Why modules cannot be loaded.
#[derive(Debug)]
pub(super) enum Problem {
    /// The kernel lacks this module. The second module needs it; `None` if it was wanted itself.
    Lacks(String, Option<String>),
    /// This module is for a kernel of this other release.
    Foreign(String, String),
    /// The files cannot be used.
    Damaged(anyhow::Error),
}

/// The modules `wanted` of the kernel `release` and all that they need, in the order of loading, each once.
pub(super) fn load_order(shelf: &dyn Shelf, release: &str, wanted: &[&str]) -> Result<Vec<Module>, Problem> {
    let mut order = Order { shelf, release, met: BTreeSet::new(), modules: Vec::new() };
    for name in wanted {
        order.require(&plain(name), None)?;
    }
    Ok(order.modules)
}

struct Order<'a> {
    shelf: &'a dyn Shelf,
    release: &'a str,
    /// Modules that are in the order already, or being added.
    met: BTreeSet<String>,
    modules: Vec<Module>,
}

impl Order<'_> {
    fn require(&mut self, name: &str, by: Option<&str>) -> Result<(), Problem> {
        if self.shelf.is_built_in(name) || !self.met.insert(name.to_owned()) {
            return Ok(());
        }
        if !self.shelf.has(name) {
            return Err(Problem::Lacks(name.to_owned(), by.map(str::to_owned)));
        }
        let (bytes, info) = self.shelf.read(name).map_err(Problem::Damaged)?;
        if let Some(other) = info.release.filter(|release| release != self.release) {
            return Err(Problem::Foreign(name.to_owned(), other));
        }
        for other in &info.before {
            self.prefer(other, name)?;
        }
        for other in &info.depends {
            self.require(other, Some(name))?;
        }
        self.modules.push(Module { name: name.to_owned(), bytes });
        Ok(())
    }

    /// Adds a soft dependency of `by`, named by module or alias, if it exists.
    fn prefer(&mut self, name: &str, by: &str) -> Result<(), Problem> {
        if self.shelf.is_built_in(name) {
            return Ok(());
        }
        let found = if self.shelf.has(name) { Ok(Some(name.to_owned())) } else { self.shelf.provider(name) };
        found.map_err(Problem::Damaged)?.map_or(Ok(()), |module| self.require(&module, Some(by)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Modules by name: what they depend on, what they want before them, what they answer to.
    #[derive(Default)]
    struct Memory {
        modules: BTreeMap<&'static str, Modinfo>,
        built_in: Vec<&'static str>,
    }

    impl Memory {
        fn with(mut self, name: &'static str, depends: &[&str], before: &[&str], aliases: &[&str]) -> Self {
            let strings = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
            let release = Some("6.1".to_owned());
            let info =
                Modinfo { depends: strings(depends), before: strings(before), aliases: strings(aliases), release };
            self.modules.insert(name, info);
            self
        }

        fn order(&self, wanted: &[&str]) -> Vec<String> {
            load_order(self, "6.1", wanted).unwrap().into_iter().map(|module| module.name).collect()
        }
    }

    impl Shelf for Memory {
        fn has(&self, name: &str) -> bool {
            self.modules.contains_key(name)
        }

        fn is_built_in(&self, name: &str) -> bool {
            self.built_in.contains(&name)
        }

        fn read(&self, name: &str) -> Result<(Vec<u8>, Modinfo)> {
            Ok((name.as_bytes().to_vec(), self.modules[name].clone()))
        }

        fn provider(&self, alias: &str) -> Result<Option<String>> {
            let named = |info: &Modinfo| info.aliases.iter().any(|known| known == alias);
            Ok(self.modules.iter().find(|(_, info)| named(info)).map(|(name, _)| (*name).to_owned()))
        }
    }

    fn netfilter() -> Memory {
        Memory::default()
            .with("ip_vs", &["nf_conntrack", "libcrc32c"], &[], &[])
            .with("ip_vs_rr", &["ip_vs"], &[], &[])
            .with("nf_conntrack", &["nf_defrag_ipv4", "libcrc32c"], &[], &[])
            .with("nf_defrag_ipv4", &[], &[], &[])
            .with("libcrc32c", &[], &["crc32c"], &[])
            .with("crc32c_generic", &[], &[], &["crc32c"])
    }

    #[test]
    fn every_module_comes_once_and_after_what_it_needs() {
        let order = netfilter().order(&["ip_vs_rr", "ip-vs", "nf_conntrack"]);
        assert_eq!(order, ["nf_defrag_ipv4", "crc32c_generic", "libcrc32c", "nf_conntrack", "ip_vs", "ip_vs_rr"]);
    }

    #[test]
    fn what_is_built_in_is_not_loaded() {
        let mut kernel = netfilter();
        kernel.built_in = vec!["nf_conntrack", "crc32c"];
        assert_eq!(kernel.order(&["ip_vs", "nf_conntrack"]), ["libcrc32c", "ip_vs"]);
    }

    #[test]
    fn a_soft_dependency_may_be_missing_and_a_hard_one_may_not() {
        let soft = Memory::default().with("a", &[], &["nowhere"], &[]);
        assert_eq!(soft.order(&["a"]), ["a"]);
        let hard = Memory::default().with("a", &["nowhere"], &[], &[]);
        let problem = load_order(&hard, "6.1", &["a"]).unwrap_err();
        assert!(matches!(problem, Problem::Lacks(name, Some(by)) if name == "nowhere" && by == "a"));
    }

    #[test]
    fn a_wanted_module_that_is_nowhere_is_named() {
        let problem = load_order(&netfilter(), "6.1", &["ip_vs", "ip_vs_xx"]).unwrap_err();
        assert!(matches!(problem, Problem::Lacks(name, None) if name == "ip_vs_xx"));
    }

    #[test]
    fn modules_of_another_kernel_are_refused() {
        let problem = load_order(&netfilter(), "6.12", &["ip_vs"]).unwrap_err();
        assert!(matches!(problem, Problem::Foreign(name, release) if name == "ip_vs" && release == "6.1"));
    }

    #[test]
    fn modules_that_want_each_other_do_not_hang_it() {
        let circle = Memory::default().with("a", &["b"], &[], &[]).with("b", &[], &["a"], &[]);
        assert_eq!(circle.order(&["a"]), ["b", "a"]);
    }
}
