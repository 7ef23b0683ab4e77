//! The guests of a run: one for each of the plan's boots, several at a time, each started again when it is lost.

use super::errand::{Errand, News, Program, Task};
use super::guest::{Guest, Silence};
use super::image::Image;
use super::kernel;
use super::profile::{self, Profiler, Watch};
use super::qemu::{self, Engine, Machine};
use crate::cell_error::Missing;
use crate::meter::mark::Accounts;
use crate::planting::Planting;
use crate::process::interrupt;
use crate::run::event::{Event, Listener};
use crate::run::unmeasured;
use crate::session::{Ground, Ran};
use crate::targets::{Guests, Profiling};
use anyhow::Result;
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::profile::Entry;
use lab_core::vocabulary::{BackendName, Clock, Outcome, TargetName};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// Real time that a guest may take to boot, and to do what is around its cells.
pub(super) const AROUND: Duration = Duration::from_secs(300);
/// Instructions that an emulated guest executes in a second of real time, at the very least.
const SLOWEST: f64 = 10e6;
/// How often a guest is started again because it was lost, before what is left of its visits is given up.
const LOST: u32 = 2;

/// Guests that share an image.
pub(crate) struct Fleet {
    image: Image,
    engine: Engine,
    jobs: usize,
    profiler: Option<Profiler>,
}

/// What a guest's keeper tells the run.
enum Word {
    Booted(Duration),
    Started(Visit),
    CellError(Visit, Vec<CellRecord>),
    Profiled(Vec<Entry>),
    Broken(anyhow::Error),
}

impl Fleet {
    /// Looks for everything that guests need, and fetches the kernel if it is not here yet.
    ///
    /// # Errors
    /// What is missing, and the remedy.
    pub(crate) fn ready(guests: &Guests, engine: Engine, memory: u32) -> Result<Self, Missing> {
        qemu::find()?;
        let plugin = (guests.profiling == Profiling::On).then(profile::plugin).transpose()?;
        let room = room_for(memory)?;
        let kernel = kernel::resolve(guests.kernel.as_deref())?;
        let mut image = Image::build(kernel, guests.profiling).map_err(|error| Missing {
            why: format!("the guests' initramfs cannot be made: {error:#}"),
            remedy: "run ci/setup, which installs what goes into it".to_owned(),
        })?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let jobs = guests.jobs.map_or(cores, |jobs| jobs as usize).min(room);
        let profiler = plugin.zip(image.binaries.take()).map(|(plugin, binaries)| Profiler::new(plugin, binaries));
        Ok(Self { image, engine, jobs, profiler })
    }

    /// Whether a guest with `memory` MiB comes up within `limit`.
    pub(crate) fn comes_up(&self, memory: u32, limit: Duration) -> bool {
        let plan = Plan::example(TargetName::Vm);
        let planting = Planting::of(&plan, &[]);
        let task = Task::Visits { plan, visits: Vec::new(), planting };
        let errand = Errand { task, clock: Clock::Wall, modules: Vec::new(), entropy: entropy(0, 0) };
        let news = self.start(&errand, memory, None).map(|guest| guest.next(limit, &AtomicBool::new(false)));
        matches!(news, Ok(Ok(News::Ready)))
    }

    /// Starts a guest for `program` with everything loaded that some backend needs.
    pub(super) fn start_alone(&self, program: Program, memory: u32) -> Result<Guest> {
        let (task, modules) = (Task::Program(program), self.image.all_modules());
        self.start(&Errand { task, clock: Clock::Wall, modules, entropy: entropy(0, 0) }, memory, None)
    }

    fn start(&self, errand: &Errand, memory: u32, watch: Option<&Watch>) -> Result<Guest> {
        let own = self.image.errand(errand)?;
        Guest::start(&Machine {
            engine: self.engine,
            memory,
            kernel: &self.image.boot,
            initramfs: &[self.image.initramfs(), &own],
            watch,
        })
    }

    /// What a reader of the dataset needs to know of the guests.
    pub(crate) fn ground(&self, plan: &Plan) -> Ground {
        let kernel = &self.image.kernel;
        let engine = match self.engine {
            Engine::Kvm => "kvm",
            Engine::Emulated => "tcg",
            Engine::Counted => "tcg, counting instructions",
        };
        let facts = [
            ("kernel", Some(kernel.release.clone())),
            ("kernel_name", Some(kernel.name.clone())),
            ("kernel_package", kernel.package.clone()),
            ("kernel_sha256", Some(kernel.sha256.clone())),
            ("initramfs_sha256", Some(self.image.sha256.clone())),
            ("memory_mib", Some(plan.memory.to_string())),
            ("cpus", Some("1".to_owned())),
            ("qemu", crate::session::version(qemu::PROGRAM)),
            ("engine", Some(engine.to_owned())),
            ("jobs", Some(self.jobs.to_string())),
        ];
        let guest = facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))).collect();
        Ground { guest }
    }

    /// Makes the visits of `plan` in guests of their own.
    pub(crate) fn run(&self, plan: &Plan, clock: Clock, listener: &mut dyn Listener) -> Result<Ran> {
        let mut boots = plan.boots();
        // The long ones first, so that no core is left over with one at the end. What comes out does not depend on it.
        boots.sort_by_key(|boot| std::cmp::Reverse(boot.first().map(|visit| visit.cell.cluster.services)));
        let queue = Mutex::new(VecDeque::from(boots));
        let stop = AtomicBool::new(false);
        let (words, heard) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                let (queue, stop, words) = (&queue, &stop, words.clone());
                scope.spawn(move || {
                    let next = || queue.lock().ok()?.pop_front();
                    while let (false, Some(boot)) = (stop.load(Ordering::Relaxed), next()) {
                        let keeper = Keeper { fleet: self, plan, clock, words: &words, stop };
                        if let Err(error) = keeper.attend(boot) {
                            let _ = words.send(Word::Broken(error));
                        }
                    }
                });
            }
            drop(words);
            let result = report(&heard, listener);
            stop.store(true, Ordering::Relaxed);
            result
        })
    }
}

/// Passes on what the keepers tell, until the last of them is through.
fn report(heard: &mpsc::Receiver<Word>, listener: &mut dyn Listener) -> Result<Ran> {
    let mut ran = Ran::default();
    for word in heard {
        match word {
            Word::Booted(took) => ran.boots.push(took),
            Word::Started(visit) => listener.hear(Event::CellStarted(&visit))?,
            Word::CellError(visit, records) => listener.hear(Event::CellEnded { visit: &visit, records: &records })?,
            Word::Profiled(entries) => listener.hear(Event::Profiled(&entries))?,
            Word::Broken(error) => return Err(error),
        }
    }
    ran.interrupted = interrupt::requested();
    Ok(ran)
}

/// Sees the visits of one boot through.
struct Keeper<'a> {
    fleet: &'a Fleet,
    plan: &'a Plan,
    clock: Clock,
    words: &'a mpsc::Sender<Word>,
    stop: &'a AtomicBool,
}

impl Keeper<'_> {
    fn attend(&self, boot: Vec<Visit>) -> Result<()> {
        let mut left = VecDeque::new();
        for visit in boot {
            match self.fleet.image.check(visit.cell.variant.backend) {
                Ok(()) => left.push_back(visit),
                Err(missing) => {
                    self.ended(visit, vec![unmeasured(self.plan, &visit, Outcome::Skipped, &missing.to_string())])
                }
            }
        }
        let mut lost = 0;
        while !left.is_empty() && !self.stop.load(Ordering::Relaxed) {
            let Err(silence) = self.send_for(&mut left)? else { return Ok(()) };
            let Silence::Lost(how) = silence else { return Ok(()) };
            lost += 1;
            // The visit that it was lost in, or, lest guests be started for ever, all that are left.
            let given_up = if lost < LOST { 1 } else { left.len() };
            for visit in left.drain(..given_up) {
                self.ended(visit, vec![unmeasured(self.plan, &visit, Outcome::Failed, &how)]);
            }
        }
        Ok(())
    }

    /// Starts a guest for the visits that are left, and takes those that it made off them.
    fn send_for(&self, left: &mut VecDeque<Visit>) -> Result<Result<(), Silence>> {
        let watch = self.fleet.profiler.as_ref().map(Profiler::watch).transpose()?;
        let mut accounted: Vec<(Visit, Vec<(Metric, Accounts)>)> = Vec::new();
        let guest = self.fleet.start(&self.errand(left)?, self.plan.memory, watch.as_ref())?;
        loop {
            match guest.next(self.patience(), self.stop) {
                Ok(News::Ready) => self.say(Word::Booted(guest.age())),
                Ok(News::CellStarted(visit)) => self.say(Word::Started(visit)),
                Ok(News::CellEnded { visit, records }) => {
                    left.retain(|other| *other != visit);
                    self.ended(visit, records);
                }
                // One that is watched has yet to send its symbols.
                Ok(News::Done) if watch.is_none() => return Ok(Ok(())),
                Ok(News::Done) => {}
                Ok(News::Accounted { visit, accounts }) => accounted.push((visit, accounts)),
                Ok(News::Symbols { text }) => {
                    if let (Some(profiler), Some(watch)) = (&self.fleet.profiler, &watch) {
                        self.say(Word::Profiled(profiler.entries(watch, &accounted, &text)?));
                    }
                    return Ok(Ok(()));
                }
                // No guest of a run is sent for a program.
                Ok(News::Said { .. } | News::Exited { .. }) => {}
                Ok(News::Broken { reason }) => return Ok(Err(Silence::Lost(reason))),
                Err(silence) => return Ok(Err(silence)),
            }
        }
    }

    fn errand(&self, left: &VecDeque<Visit>) -> Result<Errand> {
        let visits: Vec<Visit> = left.iter().copied().collect();
        let mut modules: Vec<String> = Vec::new();
        let backends: BTreeSet<BackendName> = visits.iter().map(|visit| visit.cell.variant.backend).collect();
        for backend in backends {
            let listed = self.fleet.image.modules(backend).map_err(|missing| anyhow::anyhow!("{missing}"))?;
            modules.extend(listed.iter().filter(|file| !modules.contains(file)).cloned().collect::<Vec<_>>());
        }
        let replica = visits.first().map_or(0, |visit| visit.replica);
        let planting = Planting::of(self.plan, &visits).with_modules(self.fleet.image.modules_of_rules());
        let plan = Plan { cells: Vec::new(), slowdowns: Vec::new(), ..self.plan.clone() };
        let task = Task::Visits { plan, visits, planting };
        Ok(Errand { task, clock: self.clock, modules, entropy: entropy(self.plan.seed, replica) })
    }

    /// Real time within which a guest has news: a load, another that is not measured, and a cell.
    fn patience(&self) -> Duration {
        let budget = 5 * self.plan.budget;
        AROUND + if self.clock == Clock::Instructions { budget.mul_f64(1e9 / SLOWEST) } else { budget }
    }

    fn ended(&self, visit: Visit, records: Vec<CellRecord>) {
        self.say(Word::CellError(visit, records));
    }

    /// When nobody listens any more, the run has ended, and `stop` says so.
    fn say(&self, word: Word) {
        let _ = self.words.send(word);
    }
}

/// What everything random in a guest comes from: the same for every guest of a replica.
fn entropy(seed: u64, replica: u32) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(replica));
    let mut bytes = vec![0; 64];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// How many guests with `memory` MiB each this machine has room for.
fn room_for(memory: u32) -> Result<usize, Missing> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    // Where the kernel does not say, QEMU will.
    let Some(mib) = available.map(|kib| kib / 1024) else { return Ok(usize::MAX) };
    match mib / u64::from(memory) {
        0 => Err(Missing {
            why: format!("a guest has {memory} MiB of memory, and this machine has {mib} MiB to spare"),
            remedy: "close other programs, or take smaller guests with --memory (what is measured depends on it)"
                .to_owned(),
        }),
        room => Ok(usize::try_from(room).unwrap_or(usize::MAX)),
    }
}
