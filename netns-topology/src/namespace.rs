//! A network namespace as a thread that lives in it.
//!
//! What runs in a namespace is a job that its thread is given. Sockets, child processes and threads that a job makes
//! stay in the namespace; a socket can leave the job and be used from anywhere.
//!
//! Of the kernel's files, those below /proc/sys/net and /proc/thread-self/net show the namespace of the thread that
//! opens them. /proc/net shows the main thread's, and /sys/class/net that of whoever mounted it.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::{self, File};
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

/// Where iproute2 looks for namespaces by name.
const NAMES: &str = "/run/netns";

/// A network namespace of its own, with `lo` up and nothing else.
///
/// It ends when this value is dropped, unless a socket or a process is still in it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    fd: OwnedFd,
    persisted: OnceLock<Persisted>,
    resident: Option<Resident>,
}

/// The thread that lives in a namespace, and the way to it.
#[derive(Debug)]
struct Resident {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Namespace {
    /// Makes a namespace; `name` is for messages and for its thread, and need not be unique.
    ///
    /// # Errors
    /// When the kernel refuses the thread or the namespace.
    pub fn create(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let (tell, made) = mpsc::channel();
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                let fd = settle();
                let settled = fd.is_ok();
                if tell.send(fd).is_ok() && settled {
                    inbox.into_iter().for_each(|job| job());
                }
            })
            .with_context(|| format!("start a thread for the namespace {name}"))?;
        let fd =
            made.recv().context("the thread ended early")?.with_context(|| format!("make the namespace {name}"))?;
        Ok(Self { name, fd, persisted: OnceLock::new(), resident: Some(Resident { jobs, thread }) })
    }

    /// The name it was created with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A descriptor of the namespace, as `setns` and netlink take it.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Runs `job` in the namespace's thread and gives its result; a panic in it comes through to the caller.
    ///
    /// Jobs run one at a time. A job must not wait for another one of the same namespace.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, outcome) = mpsc::channel();
        let job = move || {
            // It cannot fail: the caller waits below.
            let _ = tell.send(catch_unwind(AssertUnwindSafe(job)));
        };
        let resident = self.resident.as_ref().expect("only drop takes the resident");
        resident.jobs.send(Box::new(job)).expect("the thread serves jobs until the channel closes");
        let outcome = outcome.recv().expect("the thread runs every job to its end");
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `job`, which may borrow, in a thread of its own that visits the namespace; a panic comes through.
    ///
    /// Costs the start of a thread. Visitors run beside each other and beside [`run`](Self::run).
    ///
    /// # Panics
    /// When the kernel does not let a thread enter a namespace that this process has made.
    pub fn visit<T: Send>(&self, job: impl FnOnce() -> T + Send) -> T {
        let visitor = || {
            setns(self.fd(), CloneFlags::CLONE_NEWNET).expect("enter a namespace of one's own");
            job()
        };
        thread::scope(|scope| scope.spawn(visitor).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Gives the namespace a `handle` that `ip netns exec` and `nsenter --net=/run/netns/…` find, until it is dropped,
    /// and returns its path. Only for within a sandbox, whose /run is its own. A second call changes nothing.
    ///
    /// # Errors
    /// When the handle is taken or cannot be mounted.
    pub fn persist(&self, handle: &str) -> Result<PathBuf> {
        if let Some(Persisted(path)) = self.persisted.get() {
            return Ok(path.clone());
        }
        let path = Path::new(NAMES).join(handle);
        fs::create_dir_all(NAMES).with_context(|| format!("make {NAMES}"))?;
        File::create_new(&path).with_context(|| format!("make {}", path.display()))?;
        // From here on dropping it takes the name away again, also if the mount fails.
        let Persisted(path) = self.persisted.get_or_init(|| Persisted(path));
        let namespace = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        mount(Some(namespace.as_str()), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .with_context(|| format!("mount the namespace on {}", path.display()))?;
        Ok(path.clone())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(Resident { jobs, thread }) = self.resident.take() {
            drop(jobs);
            // Jobs catch their panics, so there is nothing to learn from how it ended.
            let _ = thread.join();
        }
    }
}

/// A name in [`NAMES`].
#[derive(Debug)]
struct Persisted(PathBuf);

impl Drop for Persisted {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
        let _ = fs::remove_file(&self.0);
    }
}

/// Moves the calling thread into a new namespace with `lo` up and gives its descriptor.
fn settle() -> Result<OwnedFd> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    raise_loopback().context("bring lo up")?;
    Ok(File::open("/proc/thread-self/ns/net").context("open /proc/thread-self/ns/net")?.into())
}

/// Brings `lo` up in the calling thread's namespace.
///
/// By ioctl, because a netlink connection costs more than the rest of making a namespace.
pub fn raise_loopback() -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0").context("open a socket")?;
    // SAFETY: an ifreq is plain data, for which all zeroes are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING)?;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result).map(drop).context("set the flags of lo")
}
