//! Whether KVM works here: tried once with a short boot, and cached.
//!
//! It is not enough that /dev/kvm opens. On some machines it does, and guests hang.

use super::Fleet;
use crate::process::interrupt;
use crate::session::spec::Guests;
use guests::kernel::Found;
use guests::{Engine, Missing, kernel, qemu, tool};
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

/// Checks that guests run on KVM here.
///
/// # Errors
/// Why they do not, and the remedy.
pub(crate) fn check(guests: &Guests) -> Result<(), Missing> {
    openable()?;
    let here = remembered_as();
    judged(recall(&here), || tried(guests, &here))
}

/// Like [`check`], but fetches no kernel for the trial.
///
/// # Errors
/// Also when KVM was not tried, and there is no kernel yet to try it with.
pub(crate) fn usable(guests: &Guests) -> Result<(), Missing> {
    openable()?;
    let here = remembered_as();
    judged(recall(&here), || match kernel::find(guests.first_kernel())? {
        Found::Here(_) => tried(guests, &here),
        Found::ToFetch(suite) => Err(Missing {
            why: format!("KVM was not tried here yet, and its trial boots a kernel: {suite} is not fetched"),
            remedy: format!("fetch it with: svclab fetch kernel {suite}; or run with --target vm, which fetches it"),
        }),
    })
}

/// What an earlier trial says: `false` if there was none yet.
pub(crate) fn recalled() -> Result<bool, Missing> {
    openable()?;
    match recall(&remembered_as()) {
        Some(false) => Err(useless()),
        tried => Ok(tried.is_some()),
    }
}

/// What follows from an earlier trial or, without one, from a new one.
fn judged(recalled: Option<bool>, trial: impl FnOnce() -> Result<bool, Missing>) -> Result<(), Missing> {
    let works = recalled.map_or_else(trial, Ok)?;
    if works { Ok(()) } else { Err(useless()) }
}

/// Whether a guest boots on KVM, for the machine that is called `here`.
fn tried(guests: &Guests, here: &str) -> Result<bool, Missing> {
    let works = Fleet::ready(guests, Engine::Kvm, TRIAL_MEMORY, &[])?.comes_up(TRIAL_MEMORY, TRIAL);
    // An interrupted trial says nothing.
    if !interrupt::requested() {
        remember(here, works);
    }
    Ok(works)
}

fn openable() -> Result<(), Missing> {
    let opened = File::options().read(true).write(true).open("/dev/kvm");
    opened.map(drop).map_err(|error| Missing {
        why: format!("/dev/kvm cannot be opened: {error}"),
        remedy: "turn on virtualisation, or join the group kvm: sudo usermod -aG kvm $USER".to_owned(),
    })
}

/// How long the trial's guest may take to boot. It takes a second or two.
const TRIAL: Duration = Duration::from_secs(20);
/// Memory of the trial's guest, in MiB.
const TRIAL_MEMORY: u32 = 512;

fn useless() -> Missing {
    Missing {
        why: "/dev/kvm opens, but a test guest on it did not boot".to_owned(),
        remedy: format!(
            "guests are emulated instead; to try again after a change to the machine, remove {}",
            place().display()
        ),
    }
}

/// The properties of the machine that the answer depends on.
fn remembered_as() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let qemu = tool::version(qemu::PROGRAM).unwrap_or_default();
    format!("{} with {qemu}", release.trim())
}

fn place() -> PathBuf {
    kernel::cache_folder().unwrap_or_default().join("kvm")
}

fn recall(here: &str) -> Option<bool> {
    let text = fs::read_to_string(place()).ok()?;
    match text.trim_end().split_once('\n')? {
        (known, "works") if known == here => Some(true),
        (known, "hangs") if known == here => Some(false),
        _ => None,
    }
}

fn remember(here: &str, works: bool) {
    // Without a cache the trial is repeated next time.
    let answer = format!("{here}\n{}\n", if works { "works" } else { "hangs" });
    if let Ok(folder) = kernel::cache_folder() {
        let _ = fs::create_dir_all(folder).and_then(|()| fs::write(place(), answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_trial_is_believed_and_not_repeated() {
        let again = || unreachable!("tried again");
        assert_eq!(judged(Some(true), again), Ok(()));
        assert_eq!(judged(Some(false), again), Err(useless()));
    }

    #[test]
    fn without_one_a_new_trial_decides() {
        assert_eq!(judged(None, || Ok(true)), Ok(()));
        assert_eq!(judged(None, || Ok(false)), Err(useless()));
        let untried = Missing { why: "no kernel".to_owned(), remedy: "fetch it".to_owned() };
        assert_eq!(judged(None, || Err(untried.clone())), Err(untried));
    }
}
