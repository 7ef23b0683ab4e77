//! What the items of a module import and name.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Macro, Meta, Path, UseTree};

/// One name of a `use` declaration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The path as it is written; `self` at its end is left out.
    pub(crate) path: Vec<String>,
    /// What it is called here; `None` for `*`, which imports everything.
    pub(crate) name: Option<String>,
}

/// The imports of `items`, and the other paths in them.
pub(crate) fn of(items: &[Item]) -> (Vec<Import>, Vec<Vec<String>>) {
    let mut found = Found::default();
    items.iter().for_each(|item| found.visit_item(item));
    // `pub(crate)` has a path, too, that names nothing.
    found.paths.retain(|path| path.iter().any(|name| !matches!(name.as_str(), "crate" | "self" | "super")));
    (found.imports, found.paths)
}

/// Whether what has these attributes is compiled for tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

#[derive(Default)]
struct Found {
    imports: Vec<Import>,
    paths: Vec<Vec<String>>,
}

impl<'a> Visit<'a> for Found {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.add(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'a Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a Macro) {
        visit::visit_macro(self, called);
        self.scan(called.tokens.clone());
    }
}

impl Found {
    fn add(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        let import = |path: &[String], name: Option<String>| Import { path: path.to_vec(), name };
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.imports.push(import(before, before.last().cloned()));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.imports.push(import(&[before.as_slice(), std::slice::from_ref(&name)].concat(), Some(name)));
            }
            UseTree::Rename(name) => {
                let mut path = before.clone();
                path.extend((name.ident != "self").then(|| name.ident.to_string()));
                self.imports.push(import(&path, Some(name.rename.to_string())));
            }
            UseTree::Glob(_) => self.imports.push(import(before, None)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add(tree, before)),
        }
    }

    /// The paths among the tokens that a macro is given, which are not parsed.
    fn scan(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 => path.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.paths.push(std::mem::replace(&mut path, vec![ident.to_string()]));
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.paths.push(std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.paths.push(path);
    }
}
