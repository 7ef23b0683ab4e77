//! A program's libraries and their libraries, found in ld.so's order: breadth first, each name once.

use super::elf::{self, Kind, Needs};
use super::loader::Folders;
use crate::root::Root;
use anyhow::{Context, Result, bail};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Finds libraries, and caches what it has read: a hundred plugins need the same C library.
pub(super) struct Finder {
    root: Root,
    folders: Folders,
    read: HashMap<PathBuf, Rc<Needs>>,
}

/// What is loaded with a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closure {
    pub(super) interpreter: Option<PathBuf>,
    pub(super) libraries: Vec<Library>,
}

/// One library, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// A file whose libraries are still to be found.
struct Open {
    path: PathBuf,
    /// The folders of its DT_RPATH and of its loaders' DT_RPATH.
    inherited: Vec<PathBuf>,
}

impl Finder {
    /// In `root`, with that root's libraries.
    pub(super) fn new(root: Root) -> Self {
        Self { folders: Folders::of(&root), root, read: HashMap::new() }
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    pub(super) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// What is loaded with `file`, a program or a library.
    pub(super) fn closure(&mut self, file: &Path) -> Result<Closure> {
        // ld.so takes $ORIGIN from the program's real place, not from the link that was called.
        let file = self.root.end(file)?;
        let interpreter = self.needs(&file)?.interpreter.as_ref().map(PathBuf::from);
        let loader_name = interpreter.as_deref().and_then(Path::file_name).map(|name| name.to_owned());
        let mut libraries: Vec<Library> = Vec::new();
        let mut open = VecDeque::from([Open { path: file, inherited: Vec::new() }]);
        while let Some(Open { path, inherited }) = open.pop_front() {
            let needs = self.needs(&path)?;
            let own = folders_named(needs.rpath.as_deref().filter(|_| needs.runpath.is_none()), &path);
            let inherited: Vec<_> = own.into_iter().chain(inherited).collect();
            let first = match &needs.runpath {
                Some(runpath) => folders_named(Some(runpath), &path),
                None => inherited.clone(),
            };
            for name in &needs.libraries {
                let loaded = libraries.iter().any(|library| library.name == *name);
                if loaded || loader_name.as_deref() == Some(name.as_ref()) {
                    continue;
                }
                let found = self
                    .find(name, needs.kind, &first)
                    .with_context(|| format!("for {}", self.root.outside(&path).display()))?;
                open.push_back(Open { path: found.clone(), inherited: inherited.clone() });
                libraries.push(Library { name: name.clone(), path: found });
            }
        }
        Ok(Closure { interpreter, libraries })
    }

    /// Finds the library `name`: in the folders `first`, then where ld.so always looks.
    pub(super) fn find(&mut self, name: &str, kind: Kind, first: &[PathBuf]) -> Result<PathBuf> {
        if name.contains('/') {
            return Ok(PathBuf::from(name));
        }
        let places: Vec<_> = first.iter().chain(self.folders.all()).map(|folder| folder.join(name)).collect();
        let places: Vec<_> = places.into_iter().filter(|place| self.root.is_file(place)).collect();
        for place in places {
            if self.needs(&place).is_ok_and(|needs| needs.kind == kind) {
                return Ok(place);
            }
        }
        bail!("the shared library {name} is in none of the folders that ld.so searches; install its package")
    }

    pub(super) fn needs(&mut self, path: &Path) -> Result<Rc<Needs>> {
        if let Some(needs) = self.read.get(path) {
            return Ok(Rc::clone(needs));
        }
        let bytes = self.root.read(path)?;
        let shown = self.root.outside(path);
        let needs = Rc::new(elf::read(&bytes).with_context(|| format!("reading {}", shown.display()))?);
        self.read.insert(path.to_owned(), Rc::clone(&needs));
        Ok(needs)
    }
}

/// What is loaded with a program, by its places on this machine.
pub(crate) struct Loaded {
    /// `None` for a static program.
    pub(crate) loader: Option<PathBuf>,
    /// The folders of its libraries, each once.
    pub(crate) folders: Vec<PathBuf>,
}

/// What is loaded with the program `file` of `root`.
pub(crate) fn loaded(root: &Root, file: &Path) -> Result<Loaded> {
    let closure = Finder::new(root.clone()).closure(file)?;
    let outside = |path: &Path| -> Result<PathBuf> { Ok(root.outside(&root.end(path)?)) };
    let loader = closure.interpreter.as_deref().map(outside).transpose()?;
    let mut folders: Vec<PathBuf> = Vec::new();
    for library in &closure.libraries {
        let folder = outside(library.path.parent().unwrap_or(Path::new("/")))?;
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    Ok(Loaded { loader, folders })
}

/// The folders of a DT_RPATH or DT_RUNPATH in `file`.
fn folders_named(list: Option<&str>, file: &Path) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let folders = list.into_iter().flat_map(|list| list.split(':')).filter(|folder| !folder.is_empty());
    folders.map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into()).collect()
}
