//! The modules of a crate, each with its file, its imports and the paths that it names.

use crate::paths::{self, Import, is_test};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

/// A module's path within its crate; empty for the root.
pub(crate) type ModulePath = Vec<String>;

/// A module: a file, or a part of one between braces.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// Its `use` declarations, a name each.
    pub(crate) imports: Vec<Import>,
    /// The other paths in it, such as `super::clock::caution`.
    pub(crate) paths: Vec<Vec<String>>,
}

/// All modules of a crate.
#[derive(Debug)]
pub struct Modules {
    pub(crate) all: BTreeMap<ModulePath, Module>,
}

impl Modules {
    /// Reads the crate whose root is the file `root`, such as `src/lib.rs`.
    ///
    /// # Errors
    /// When a file cannot be read or parsed, or a module has no file.
    pub fn read(root: &Path) -> Result<Self> {
        let mut modules = Self { all: BTreeMap::new() };
        let folder = root.parent().context("a crate's root lies in a folder")?;
        modules.read_file(Vec::new(), root.to_owned(), folder)?;
        Ok(modules)
    }

    /// Reads the module `path` from `file`; the files of its children are in `folder`.
    fn read_file(&mut self, path: ModulePath, file: PathBuf, folder: &Path) -> Result<()> {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("parse {}", file.display()))?;
        self.read_items(path, file, folder, parsed.items)
    }

    fn read_items(&mut self, path: ModulePath, file: PathBuf, folder: &Path, items: Vec<Item>) -> Result<()> {
        let (children, own): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| matches!(item, Item::Mod(_)));
        let (imports, paths) = paths::of(&own);
        ensure!(
            self.all.insert(path.clone(), Module { file: file.clone(), imports, paths }).is_none(),
            "{}: the module {} is there twice",
            file.display(),
            path.join("::")
        );
        for item in children {
            let Item::Mod(ItemMod { attrs, ident, content, .. }) = item else { continue };
            if is_test(&attrs) {
                continue;
            }
            let name = ident.to_string();
            let child = [path.clone(), vec![name.clone()]].concat();
            let inner = folder.join(&name);
            match (content, path_attribute(&attrs)) {
                (Some((_, items)), _) => self.read_items(child, file.clone(), &inner, items)?,
                (None, Some(elsewhere)) => {
                    let elsewhere = file.with_file_name(elsewhere);
                    let beside = elsewhere.parent().unwrap_or(folder).to_owned();
                    self.read_file(child, elsewhere, &beside)?;
                }
                (None, None) => {
                    let found = [folder.join(format!("{name}.rs")), inner.join("mod.rs")];
                    let found = found.into_iter().find(|file| file.is_file());
                    let found = found.with_context(|| format!("{}: no file of mod {name}", file.display()))?;
                    self.read_file(child, found, &inner)?;
                }
            }
        }
        Ok(())
    }
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(file), .. }) => Some(file.value()),
            _ => None,
        },
        _ => None,
    })
}
