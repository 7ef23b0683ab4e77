//! The check finds a loop that is planted, and no other.

use loops::{Loop, Modules, loops};
use std::fs;
use std::path::Path;

/// The loops of a crate of `files`, each with its text.
fn loops_of(files: &[(&str, &str)]) -> Vec<Loop> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut found = loops(&Modules::read(&folder.path().join("lib.rs")).unwrap());
    let shorten = |path: &mut std::path::PathBuf| *path = path.strip_prefix(folder.path()).unwrap().to_owned();
    for one in &mut found {
        one.files.iter_mut().for_each(shorten);
        one.edges.iter_mut().for_each(|edge| [&mut edge.from, &mut edge.to].into_iter().for_each(shorten));
    }
    found
}

#[test]
fn two_files_that_import_each_other_are_named_with_what_ties_them() {
    let found = loops_of(&[
        ("lib.rs", "mod plan; mod slowdown; mod units;"),
        ("plan.rs", "use crate::slowdown::Slowdown; pub struct Cell(Slowdown);"),
        ("slowdown.rs", "use crate::{plan::{self, Cell}, units}; pub struct Slowdown; fn f(_: plan::Plan, _: Cell) {}"),
        ("units.rs", ""),
    ]);
    let text =
        "2 files import each other:\n  plan.rs -> slowdown.rs: Slowdown\n  slowdown.rs -> plan.rs: Cell, Plan, plan\n";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
}

#[test]
fn a_loop_through_a_re_export_or_a_macro_is_found() {
    let found = loops_of(&[
        ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("a.rs", "pub struct A; fn f() -> String { format!(\"{}\", crate::b::name()) }"),
        ("b.rs", "pub fn name() -> u32 { super::c::C::NUMBER }"),
        ("c.rs", "use crate::A; pub struct C(A);"),
    ]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].files, ["a.rs", "b.rs", "c.rs"].map(Path::new));
}

#[test]
fn a_module_and_its_children_and_tests_are_no_loop() {
    let found = loops_of(&[
        ("lib.rs", "mod probe; mod lab;"),
        ("lab.rs", "#[cfg(test)] mod tests { use crate::probe::Probe; }"),
        ("probe/mod.rs", "mod connect; pub trait Probe {} pub const ALL: [&dyn Probe; 1] = [&connect::Connect];"),
        ("probe/connect.rs", "use super::Probe; use crate::lab; pub struct Connect; impl Probe for Connect {}"),
    ]);
    assert_eq!(found, []);
}

#[test]
fn a_modules_grandchild_that_uses_it_is_in_a_loop_with_what_it_uses() {
    let found = loops_of(&[
        ("lib.rs", "mod gate;"),
        ("gate/mod.rs", "mod policy; pub struct Gate(policy::reader::Read);"),
        ("gate/policy/mod.rs", "pub mod reader;"),
        ("gate/policy/reader.rs", "use crate::gate::Gate; pub struct Read;"),
    ]);
    assert_eq!(found.len(), 1);
}
