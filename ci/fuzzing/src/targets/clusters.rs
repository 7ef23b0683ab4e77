//! What kubectl prints.

use super::Target;
use crate::seeds::{Seeds, files};
use kube_dump::{Dump, Input};

const FOLDERS: &[&str] = &["kube-dump/tests/questions", "kube-dump/tests/corpus"];

pub(super) const JSON: Target =
    Target { name: "cluster-json", seeds: || Seeds::text(files(FOLDERS, &[".json"], 100)), read };

pub(super) const YAML: Target = Target {
    name: "cluster-yaml",
    // The first one is read in parts by the mutations; a bomb is one already.
    seeds: || Seeds::text(files(FOLDERS, &[".yaml"], 100)),
    read,
};

fn read(bytes: &[u8]) {
    match Dump::read(&[Input::named("it", bytes)]) {
        Ok(dump) => {
            dump.notes.iter().for_each(|note| drop(note.to_string()));
            drop(dump.anonymous(&[1; 32]).to_json());
        }
        Err(unreadable) => drop(unreadable.to_string()),
    }
}
