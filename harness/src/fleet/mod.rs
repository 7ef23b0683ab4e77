//! The guests of a run: one for each of the plan's boots, several at a time. A lost guest is started again. Those of a kernel
//! share an image.

pub(crate) mod alone;
pub(crate) mod image;
pub(crate) mod job;
mod keeper;
pub(crate) mod kvm;
mod profile;

use crate::process::cores;
use crate::process::interrupt;
use crate::run::event::{Event, Listener};
use crate::self_test::fault::Faults;
use crate::session::spec::{Guests, Profiling};
use crate::session::{Ground, Ran};
use anyhow::Result;
use guests::kernel::Kernel;
use guests::profile::{Plugin, Watch};
use guests::tools::Toolset;
use guests::{Engine, Guest, Initramfs, Job, Machine, Message, Missing, Program, kernel, qemu, tool, tools};
use image::Image;
use job::{Progress, Work};
use keeper::Keeper;
use lab_core::cell::{Cell, Interned};
use lab_core::dataset::{CellRecord, Header};
use lab_core::kube_proxy::KubeProxy;
use lab_core::plan::{Plan, Visit};
use lab_core::profile::Entry;
use lab_core::vocabulary::{Clock, TargetName};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// Real time that a guest may take to boot, and for work between its cells.
const AROUND: Duration = Duration::from_secs(300);

/// Time in which a guest must end a cell of a run with this `budget`: enough for a measured load, another load and the cell.
pub(crate) fn patience(budget: Duration) -> Duration {
    AROUND + 5 * budget
}

/// Guests with the same tools, on one or several kernels.
pub(crate) struct Fleet {
    /// One for each kernel, in the order of the scenario.
    images: Vec<Image>,
    toolset: Option<Toolset>,
    engine: Engine,
    jobs: usize,
}

/// What a keeper reports to the run.
enum Notice {
    Booted(Duration),
    Started(Visit),
    CellEnded(Visit, Vec<CellRecord>),
    Profiled(Vec<Entry>),
    Broken(anyhow::Error),
}

impl Fleet {
    /// Finds everything that guests of up to `memory` MiB need, and fetches kernel and tools if need be. Guests also have
    /// these `kube_proxies`.
    ///
    /// # Errors
    /// What is missing, and the remedy.
    pub(crate) fn ready(
        guests: &Guests,
        engine: Engine,
        memory: u32,
        kube_proxies: &[KubeProxy],
    ) -> Result<Self, Missing> {
        qemu::find()?;
        let plugin = match (guests.profiling, engine) {
            (Profiling::On, _) => Some(Plugin::find()?),
            // Samples are the same without it.
            (Profiling::Off, Engine::Counted) => Plugin::find().ok(),
            (Profiling::Off, Engine::Kvm | Engine::Emulated) => None,
        };
        let room = room_for(memory)?;
        let asked = guests.kernels().into_iter();
        let kernels = asked.map(|(name, asked)| Ok((name, kernel::resolve(asked, &interrupt::requested)?)));
        let kernels: Vec<(Option<Interned>, Kernel)> = kernels.collect::<Result<_, Missing>>()?;
        let toolset = guests.tools.as_deref().map(|tools| tools::resolve(tools, &interrupt::requested)).transpose()?;
        let unmade = |error: anyhow::Error| {
            error.downcast::<Missing>().unwrap_or_else(|error| Missing {
                why: format!("the guests' initramfs cannot be made: {error:#}"),
                remedy: "run ci/setup, which installs its programs".to_owned(),
            })
        };
        let build = |kernel| {
            Image::build(kernel, toolset.as_ref(), plugin.clone(), guests.profiling, kube_proxies).map_err(unmade)
        };
        let images = kernels.into_iter().map(build).collect::<Result<_, Missing>>()?;
        let jobs = guests.jobs.map_or_else(cores::count, |jobs| jobs as usize).min(room);
        Ok(Self { images, toolset, engine, jobs })
    }

    /// What a guest for `cell` boots.
    fn image(&self, cell: &Cell) -> &Image {
        let named = self.images.iter().find(|image| image.kernel == cell.variant.kernel);
        // A run's kernels are those of its cells.
        named.unwrap_or_else(|| self.any())
    }

    /// What a guest boots that is for no cell.
    fn any(&self) -> &Image {
        self.images.first().expect("there is a kernel, though it be the default one")
    }

    /// Whether a guest with `memory` MiB boots within `limit`.
    pub(crate) fn comes_up(&self, memory: u32, limit: Duration) -> bool {
        let plan = Plan::example(TargetName::Vm);
        let faults = Faults::of(&plan, &[]);
        let work = Work::Visits { plan: Box::new(plan), visits: Vec::new(), faults, clock: Clock::Wall };
        let job = Job { work, modules: Vec::new(), entropy: entropy(0, 0) };
        let message =
            self.start(self.any(), &job, memory, None).map(|mut guest| guest.next(limit, &interrupt::requested));
        matches!(message, Ok(Ok(Message::Ready)))
    }

    /// Starts a guest for `program`, with the modules of all backends loaded.
    fn start_alone(&self, program: Program, memory: u32) -> Result<Guest<Progress>> {
        let (work, modules) = (Work::Program(program), self.any().all_modules());
        self.start(self.any(), &Job { work, modules, entropy: entropy(0, 0) }, memory, None)
    }

    fn start(&self, image: &Image, job: &Job<Work>, memory: u32, watch: Option<&Watch>) -> Result<Guest<Progress>> {
        let mut files = Initramfs::default();
        if let Work::Program(program) = &job.work {
            files.program(&program.file)?;
        }
        image.base.start(job, files, &Machine { engine: self.engine, memory, watch })
    }

    /// What the dataset's header says about the guests.
    pub(crate) fn ground(&self, plan: &Plan) -> Ground {
        let engine = match self.engine {
            Engine::Kvm => "kvm",
            Engine::Emulated => "tcg",
            Engine::Counted => "tcg, counting instructions",
        };
        let facts = [
            ("memory_mib", Some(plan.memory.to_string())),
            ("cpus", Some("1".to_owned())),
            ("qemu", tool::version(qemu::PROGRAM)),
            ("engine", Some(engine.to_owned())),
            ("split", self.any().counter.is_counting().then(|| "QEMU's plugin".to_owned())),
            ("jobs", Some(self.jobs.to_string())),
        ];
        let facts = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact));
        let guest = facts.chain(self.kernel_facts()).filter_map(|(name, fact)| Some((name, fact?))).collect();
        Ground { guest, toolset: self.toolset.clone() }
    }

    /// The facts of the only kernel; or those of each, and before them what all of them are called.
    fn kernel_facts(&self) -> Vec<(String, Option<String>)> {
        let of = |image: &Image| {
            let kernel = image.base.kernel();
            [
                ("kernel", Some(kernel.release.clone())),
                ("kernel_name", Some(kernel.name.clone())),
                ("kernel_package", kernel.package.clone()),
                ("kernel_sha256", Some(kernel.sha256.clone())),
                ("initramfs_sha256", Some(image.base.sha256().to_owned())),
            ]
        };
        let [release, name] = ["kernel", "kernel_name"].map(|called| {
            let each = self.images.iter().flat_map(|image| of(image).into_iter().filter(|(name, _)| *name == called));
            (called.to_owned(), Some(each.filter_map(|(_, fact)| fact).collect::<Vec<_>>().join(", ")))
        });
        let each = self.images.iter().flat_map(|image| {
            of(image).into_iter().map(|(name, fact)| match image.kernel {
                Some(kernel) => (Header::kernel_fact(name, kernel), fact),
                None => (name.to_owned(), fact),
            })
        });
        [release, name].into_iter().chain(each).collect()
    }

    /// Makes visits of `plan`, those of each boot in a guest of their own.
    pub(crate) fn run(
        &self,
        plan: &Plan,
        mut boots: Vec<Vec<Visit>>,
        clock: Clock,
        listener: &mut dyn Listener,
    ) -> Result<Ran> {
        // The longest first, so that no core is busy alone at the end. Results do not depend on the order.
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
                        if let Err(error) = keeper.run(boot) {
                            let _ = words.send(Notice::Broken(error));
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

/// Passes on the keepers' notices until all keepers are done.
fn report(heard: &mpsc::Receiver<Notice>, listener: &mut dyn Listener) -> Result<Ran> {
    let mut ran = Ran::default();
    for word in heard {
        match word {
            Notice::Booted(took) => ran.boots.push(took),
            Notice::Started(visit) => listener.hear(Event::CellStarted(&visit))?,
            Notice::CellEnded(visit, records) => {
                listener.hear(Event::CellEnded { visit: &visit, records: &records, accounts: &[] })?
            }
            Notice::Profiled(entries) => listener.hear(Event::Profiled(&entries))?,
            Notice::Broken(error) => return Err(error),
        }
    }
    ran.interrupted = interrupt::requested();
    Ok(ran)
}

/// The source of all randomness in a guest: the same for every guest of a replica.
fn entropy(seed: u64, replica: u32) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(replica));
    let mut bytes = vec![0; 64];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The memory of the largest guest of `plan`, in MiB: a cell may have more than the others.
pub(crate) fn largest(plan: &Plan) -> u32 {
    plan.cells.iter().filter_map(|cell| cell.activity.memory).fold(plan.memory, u32::max)
}

/// How many guests with `memory` MiB each this machine has room for.
fn room_for(memory: u32) -> Result<usize, Missing> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    // If the kernel does not say, QEMU will fail.
    let Some(mib) = available.map(|kib| kib / 1024) else { return Ok(usize::MAX) };
    match mib / u64::from(memory) {
        0 => Err(Missing {
            why: format!("a guest has {memory} MiB of memory, and this machine has {mib} MiB to spare"),
            remedy: "close other programs, or take smaller guests with --memory (numbers depend on it)".to_owned(),
        }),
        room => Ok(usize::try_from(room).unwrap_or(usize::MAX)),
    }
}
