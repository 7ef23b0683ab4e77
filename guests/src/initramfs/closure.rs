//! A program's libraries and their libraries, found in ld.so's order: breadth first, each name once.

use super::elf::{self, Kind, Needs};
use super::loader::Folders;
use anyhow::{Context, Result, bail};
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Finds libraries, and caches what it has read: a hundred plugins need the same C library.
pub(super) struct Finder {
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
    pub(super) fn new(folders: Folders) -> Self {
        Self { folders, read: HashMap::new() }
    }

    pub(super) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// What is loaded with `file`, a program or a library.
    pub(super) fn closure(&mut self, file: &Path) -> Result<Closure> {
        // ld.so takes $ORIGIN from the program's real place, not from the link that was called.
        let file = fs::canonicalize(file).with_context(|| format!("finding {}", file.display()))?;
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
                let found = self.find(name, needs.kind, &first).with_context(|| format!("for {}", path.display()))?;
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
        for place in places.into_iter().filter(|place| place.is_file()) {
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
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let needs = Rc::new(elf::read(&bytes).with_context(|| format!("reading {}", path.display()))?);
        self.read.insert(path.to_owned(), Rc::clone(&needs));
        Ok(needs)
    }
}

/// The folders of a DT_RPATH or DT_RUNPATH in `file`.
fn folders_named(list: Option<&str>, file: &Path) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let folders = list.into_iter().flat_map(|list| list.split(':')).filter(|folder| !folder.is_empty());
    folders.map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into()).collect()
}
