//! Which file uses which, and the loops among them.

use crate::modules::{ModulePath, Modules};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// How many re-exports are followed; a crate that re-exports in a circle does not compile.
const DEEPEST: u32 = 16;

/// A file that uses another, and the names that it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The file that uses.
    pub from: PathBuf,
    /// The file that defines.
    pub to: PathBuf,
    /// What is used.
    pub names: BTreeSet<String>,
}

/// Files that import each other, and what ties them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The files.
    pub files: Vec<PathBuf>,
    /// The imports between them.
    pub edges: Vec<Edge>,
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} files import each other:", self.files.len())?;
        for Edge { from, to, names } in &self.edges {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            writeln!(f, "  {} -> {}: {}", from.display(), to.display(), names.join(", "))?;
        }
        Ok(())
    }
}

/// The loops of a crate; empty when there is none.
#[must_use]
pub fn loops(modules: &Modules) -> Vec<Loop> {
    let edges = edges(modules);
    let graph: DiGraphMap<&Path, ()> = edges.keys().map(|(from, to)| (*from, *to)).collect();
    let among = |files: &[&Path]| {
        let inside = edges.iter().filter(|((from, to), _)| files.contains(from) && files.contains(to));
        inside.map(|((from, to), names)| Edge { from: from.into(), to: to.into(), names: names.clone() }).collect()
    };
    let found = tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1).map(|mut files| {
        files.sort_unstable();
        Loop { edges: among(&files), files: files.into_iter().map(Path::to_owned).collect() }
    });
    found.collect()
}

/// What each file uses of each other one, but for a module's and those of its direct children.
fn edges(modules: &Modules) -> BTreeMap<(&Path, &Path), BTreeSet<String>> {
    // Of the modules in a file, the outermost comes first.
    let mut outermost: BTreeMap<&Path, &ModulePath> = BTreeMap::new();
    for (path, module) in &modules.all {
        outermost.entry(&module.file).or_insert(path);
    }
    let is_child = |child: &Path, parent: &Path| {
        outermost[child].split_last().is_some_and(|(_, above)| above == outermost[parent].as_slice())
    };
    let mut edges: BTreeMap<(&Path, &Path), BTreeSet<String>> = BTreeMap::new();
    for (path, module) in &modules.all {
        let imported = module.imports.iter().map(|import| &import.path);
        for used in imported.chain(&module.paths) {
            let Some((at, name)) = modules.find(path, used, 0) else { continue };
            let (from, to) = (module.file.as_path(), modules.all[&at].file.as_path());
            if from != to && !is_child(from, to) && !is_child(to, from) {
                edges.entry((from, to)).or_default().insert(name);
            }
        }
    }
    edges
}

impl Modules {
    /// The module that defines what `path` names in the module `from`, and the name; `None` outside of the crate.
    fn find(&self, from: &ModulePath, path: &[String], depth: u32) -> Option<(ModulePath, String)> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.within(&Vec::new(), rest, depth),
            "self" => self.within(from, rest, depth),
            "super" => {
                let parent = from.split_last()?.1.to_vec();
                match rest.first() {
                    Some(next) if next == "super" => self.find(&parent, rest, depth),
                    _ => self.within(&parent, rest, depth),
                }
            }
            _ if self.all.contains_key(&[from.clone(), vec![first.clone()]].concat()) => self.within(from, path, depth),
            // What an import calls so; the import itself has been followed, and so is only what comes behind it.
            name => {
                let imports = &self.all[from].imports;
                let import = imports.iter().find(|import| import.name.as_deref() == Some(name))?;
                let whole = [import.path.as_slice(), rest].concat();
                // `use x::{self}` of another crate names itself.
                (depth < DEEPEST && whole != path).then(|| self.find(from, &whole, depth + 1))?
            }
        }
    }

    /// The module that defines what `path` names in the module `at`.
    fn within(&self, at: &ModulePath, path: &[String], depth: u32) -> Option<(ModulePath, String)> {
        let Some((first, rest)) = path.split_first() else {
            return Some((at.clone(), at.last().cloned().unwrap_or_else(|| "crate".to_owned())));
        };
        let child = [at.clone(), vec![first.clone()]].concat();
        if self.all.contains_key(&child) {
            return self.within(&child, rest, depth);
        }
        let re_export = self.all.get(at)?.imports.iter().find(|import| import.name.as_ref() == Some(first));
        if let Some(import) = re_export.filter(|_| depth < DEEPEST) {
            return self.find(at, &[import.path.as_slice(), rest].concat(), depth + 1);
        }
        Some((at.clone(), first.clone()))
    }
}
