//! Makes the visits of one boot, with another guest if one is lost.

use super::image::{Counter, Image};
use super::job::{Progress, Work};
use super::{Fleet, Notice, entropy, patience, profile};
use crate::process::interrupt;
use crate::run::unmeasured;
use crate::self_test::fault::Faults;
use anyhow::Result;
use guests::mark::Accounts;
use guests::profile::{Total, Totals, Watch};
use guests::{CONSOLE, Job, Message, Silence};
use lab_core::cell::{Cell, Interned, Source, Variant};
use lab_core::dataset::{CellRecord, Split, Splits};
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::{BackendName, Clock, Outcome, ProbeName};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Instructions in a second of real time that an emulated guest executes at least.
const SLOWEST: f64 = 10e6;
/// How many guests may be lost before the remaining visits fail.
const LOST: u32 = 2;

/// Makes the visits of one boot.
pub(super) struct Keeper<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) plan: &'a Plan,
    pub(super) clock: Clock,
    pub(super) words: &'a mpsc::Sender<Notice>,
    pub(super) stop: &'a AtomicBool,
}

/// What the silence of a guest means for the visits that are left.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Stopped,
    /// Its own limit of memory was too little for it.
    TooSmall(String),
    /// No guest with this limit boots. Others may.
    NoneOfThese(String),
    /// No guest of this kernel boots.
    NoneAtAll(String),
    /// Another one may make the rest.
    Lost(String),
}

impl Fate {
    /// Of a guest that is `limited` to a memory of its visits' own, or has that of all guests.
    fn of(silence: Silence, limited: bool) -> Self {
        match silence {
            Silence::Stopped => Self::Stopped,
            Silence::Lost(how) | Silence::NotUp(how) if limited && ran_out(&how) => Self::TooSmall(how),
            Silence::NotUp(how) if limited => Self::NoneOfThese(how),
            Silence::NotUp(how) => Self::NoneAtAll(how),
            Silence::Lost(how) => Self::Lost(how),
        }
    }
}

/// Whether the guest itself says, in what it was lost by, that its memory ran out. QEMU says so of the machine's.
fn ran_out(how: &str) -> bool {
    const WORDS: &[&str] = &["ut of memory", "on memory", "Initramfs unpacking failed", "allocate memory"];
    let own = how.split_once(CONSOLE).map_or(how, |(_, console)| console);
    WORDS.iter().any(|words| own.contains(words))
}

impl Keeper<'_> {
    pub(super) fn run(&self, boot: Vec<Visit>) -> Result<()> {
        let mut left = VecDeque::new();
        for visit in boot {
            match self.fleet.image(&visit.cell).check(visit.cell.variant.backend) {
                Ok(()) => left.push_back(visit),
                Err(missing) => {
                    self.report(visit, vec![unmeasured(self.plan, &visit, Outcome::Skipped, &missing.to_string())])
                }
            }
        }
        let mut lost = 0;
        while let Some(image) = self.image(&left)
            && !self.stop.load(Ordering::Relaxed)
        {
            if let Some(how) = image.dead.get() {
                for visit in left.drain(..) {
                    self.report(visit, vec![unmeasured(self.plan, &visit, Outcome::Failed, how)]);
                }
                break;
            }
            let Err(silence) = self.start_for(image, &mut left)? else { return Ok(()) };
            let limited = left.front().is_some_and(|visit| visit.cell.activity.memory.is_some());
            let how = match Fate::of(silence, limited) {
                Fate::Stopped => return Ok(()),
                Fate::TooSmall(how) => {
                    let memory = self.memory(&left);
                    let reason = format!(
                        "{memory} MiB are not enough for a guest with these Services: its memory ran out; {how}"
                    );
                    for visit in left.drain(..) {
                        self.report(visit, vec![unmeasured(self.plan, &visit, Outcome::OverBudget, &reason)]);
                    }
                    break;
                }
                Fate::NoneOfThese(how) => {
                    for visit in left.drain(..) {
                        self.report(visit, vec![unmeasured(self.plan, &visit, Outcome::Failed, &how)]);
                    }
                    break;
                }
                Fate::NoneAtAll(how) => {
                    let _ = image.dead.set(how);
                    continue;
                }
                Fate::Lost(how) => how,
            };
            lost += 1;
            // The visit in which the guest was lost. In the end all that are left: guests must not be started for ever.
            let given_up = if lost < LOST { 1 } else { left.len() };
            for visit in left.drain(..given_up) {
                self.report(visit, vec![unmeasured(self.plan, &visit, Outcome::Failed, &how)]);
            }
        }
        Ok(())
    }

    /// What the guest for the visits in `left` boots, which are all of one kernel; `None` where none are left.
    fn image(&self, left: &VecDeque<Visit>) -> Option<&Image> {
        left.front().map(|visit| self.fleet.image(&visit.cell))
    }

    /// The memory of the guest for the visits in `left`, in MiB: their limit, if they have one.
    fn memory(&self, left: &VecDeque<Visit>) -> u32 {
        left.front().and_then(|visit| visit.cell.activity.memory).unwrap_or(self.plan.memory)
    }

    /// Starts a guest for the visits in `left`, and removes those that it makes.
    fn start_for(&self, image: &Image, left: &mut VecDeque<Visit>) -> Result<Result<(), Silence>> {
        let counter = &image.counter;
        let watch = counter.watch()?;
        let mut totals = watch.as_ref().map(Watch::totals).transpose()?;
        let mut accounted: Vec<(Visit, Vec<(Metric, Accounts)>)> = Vec::new();
        let mut guest = self.fleet.start(image, &self.job(image, left)?, self.memory(left), watch.as_ref())?;
        let stop = || interrupt::requested() || self.stop.load(Ordering::Relaxed);
        loop {
            match guest.next(self.patience(), &stop) {
                Ok(Message::Ready) => self.say(Notice::Booted(guest.age())),
                Ok(Message::Work(Progress::CellStarted(visit))) => {
                    self.say(Notice::Started(on(visit, image.kernel)));
                }
                Ok(Message::Work(Progress::CellEnded { visit, mut records, accounts })) => {
                    let visit = on(visit, image.kernel);
                    records.iter_mut().for_each(|record| record.cell = visit.cell);
                    left.retain(|other| *other != visit);
                    if let Some(totals) = &mut totals {
                        split(&mut records, &accounts, totals)?;
                    }
                    accounted.push((visit, profile::of_samples(&records, &accounts)));
                    self.report(visit, records);
                }
                // A guest that is profiled still has to send its symbols.
                Ok(Message::Done) if !matches!(counter, Counter::Functions(_)) => return Ok(Ok(())),
                Ok(Message::Done) => {}
                Ok(Message::Symbols { text }) => {
                    if let (Counter::Functions(profiler), Some(watch)) = (counter, &watch) {
                        let executed = profiler.executed(watch, &text)?;
                        self.say(Notice::Profiled(profile::entries(&executed, &accounted)));
                    }
                    return Ok(Ok(()));
                }
                // Guests of a run do not run programs.
                Ok(Message::Up | Message::Line { .. } | Message::Exited { .. }) => {}
                Ok(Message::Broken { reason }) => return Ok(Err(Silence::Lost(reason))),
                Err(silence) => return Ok(Err(silence)),
            }
        }
    }

    fn job(&self, image: &Image, left: &VecDeque<Visit>) -> Result<Job<Work>> {
        let visits: Vec<Visit> = left.iter().copied().collect();
        let mut modules: Vec<String> = Vec::new();
        let backends: BTreeSet<BackendName> = visits.iter().map(|visit| visit.cell.variant.backend).collect();
        for backend in backends {
            let listed = image.modules(backend).map_err(|missing| anyhow::anyhow!("{missing}"))?;
            modules.extend(listed.iter().filter(|file| !modules.contains(file)).cloned().collect::<Vec<_>>());
        }
        let cleans = |visit: &Visit| {
            let Cell { activity, probe, cluster, .. } = visit.cell;
            // Only Services of UDP have entries that a sync removes.
            activity.conntrack.is_some() || probe == ProbeName::UdpStale || cluster.source != Source::default()
        };
        if visits.iter().any(cleans) {
            let more = image.modules_of_conntrack().iter();
            modules.extend(more.filter(|file| !modules.contains(file)).cloned().collect::<Vec<_>>());
        }
        if visits.iter().any(|visit| visit.cell.probe == ProbeName::BindDummy) {
            let dummies = image.modules_of_dummies();
            modules.extend(dummies.iter().filter(|file| !modules.contains(file)).cloned().collect::<Vec<_>>());
        }
        let replica = visits.first().map_or(0, |visit| visit.replica);
        let faults = Faults::of(self.plan, &visits).with_modules(image.modules_of_rules());
        // The guest is not told what its kernel is called: the name's length would change what it counts.
        let visits = visits.into_iter().map(|visit| on(visit, None)).collect();
        let plan = Plan { cells: Vec::new(), slowdowns: Vec::new(), ..self.plan.clone() };
        let work = Work::Visits { plan: Box::new(plan), visits, faults, clock: self.clock };
        Ok(Job { work, modules, entropy: entropy(self.plan.seed, replica) })
    }

    /// Real time in which a guest must send a message. One that counts instructions sees to it by its own clock, if it still
    /// can.
    fn patience(&self) -> Duration {
        let slowdown = if self.clock == Clock::Instructions { 1e9 / SLOWEST } else { 1.0 };
        patience(self.plan.budget.mul_f64(slowdown))
    }

    fn report(&self, visit: Visit, records: Vec<CellRecord>) {
        self.say(Notice::CellEnded(visit, records));
    }

    /// Nobody listens after the run's end. Then `stop` is set.
    fn say(&self, word: Notice) {
        let _ = self.words.send(word);
    }
}

/// The same visit, of a cell of `kernel`.
fn on(visit: Visit, kernel: Option<Interned>) -> Visit {
    let cell = visit.cell;
    Visit { cell: Cell { variant: Variant { kernel, ..cell.variant }, ..cell }, ..visit }
}

/// Says of each of the `records` where the time of its samples went, if the plugin saw every one of them.
fn split(records: &mut [CellRecord], accounts: &[Vec<Accounts>], totals: &mut Totals) -> Result<()> {
    for (record, accounts) in records.iter_mut().zip(accounts) {
        let mut splits = Vec::new();
        for &accounts in accounts {
            let Some(total) = totals.on(accounts)? else { break };
            let Total { user, kernel, entries, waited } = total;
            splits.push(Split { user, kernel, entries, waited });
        }
        if splits.len() == record.samples.len() {
            record.split = Splits(splits);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(qemu: &str, console: &str) -> String {
        format!("the guest ended, QEMU with exit status: 1{qemu}; {CONSOLE}{console}")
    }

    #[test]
    fn only_the_guest_s_own_words_say_that_its_memory_ran_out() {
        let killed = how("", "Out of memory: Killed process 1 | Kernel panic");
        assert_eq!(Fate::of(Silence::Lost(killed.clone()), true), Fate::TooSmall(killed.clone()));
        assert_eq!(Fate::of(Silence::Lost(killed.clone()), false), Fate::Lost(killed));
        // The machine's memory, of which a smaller guest would take less.
        let machine = how("; QEMU said: cannot set up guest memory 'pc.ram': Cannot allocate memory", "nothing");
        assert_eq!(Fate::of(Silence::Lost(machine.clone()), true), Fate::Lost(machine));
        let told = "loading a module: Cannot allocate memory".to_owned();
        assert_eq!(Fate::of(Silence::Lost(told.clone()), true), Fate::TooSmall(told));
    }

    #[test]
    fn a_small_guest_that_does_not_boot_says_nothing_of_larger_ones() {
        let silent = how("", "nothing");
        assert_eq!(Fate::of(Silence::NotUp(silent.clone()), true), Fate::NoneOfThese(silent.clone()));
        assert_eq!(Fate::of(Silence::NotUp(silent.clone()), false), Fate::NoneAtAll(silent));
        assert_eq!(Fate::of(Silence::Stopped, true), Fate::Stopped);
    }
}
