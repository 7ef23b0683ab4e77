//! QEMU's command line and its process, which never outlives this one.

use crate::missing::Missing;
use crate::port;
use crate::profile::watch::Watch;
use crate::tool::{self, memory_file};
use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The emulator.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// What executes the guest's instructions, and what the guest's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The machine's own processor, by KVM. The clock shows real time.
    Kvm,
    /// Emulation. The clock shows real time.
    Emulated,
    /// Emulation. The clock counts instructions and jumps over idle time.
    Counted,
}

/// The machine that a guest has.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// What executes its instructions.
    pub engine: Engine,
    /// Its memory, in MiB.
    pub memory: u32,
    /// What counts its instructions, if anything does.
    pub watch: Option<&'a Watch>,
}

#[derive(Debug)]
pub(super) enum Boot {
    /// A bzImage, which unpacks itself in the guest.
    Packed(PathBuf),
    /// An ELF image with a PVH entry.
    Unpacked(Vec<u8>),
}

/// The kernel's command line. Nothing may differ between two boots, be random, or depend on the host's time: no address
/// space randomisation, no randomness from the processor, no watchdog that fires when the host is busy.
///
/// The rest saves instructions at boot (calibrations, self-tests). Under emulation a processor's cycle takes a
/// nanosecond.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet panic=-1 norandmaps nokaslr mitigations=off random.trust_cpu=off \
                                random.trust_bootloader=off nowatchdog rcupdate.rcu_cpu_stall_suppress=1 tsc=reliable \
                                tsc_early_khz=1000000 lpj=4000000 noapictimer percpu_alloc=page cryptomgr.notests -- agent";

/// A model without RDRAND and RDSEED, whatever QEMU's default model has.
const PROCESSOR: &str = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt";

/// The emulator's place.
///
/// # Errors
/// When it is not installed.
pub fn find() -> Result<PathBuf, Missing> {
    tool::find(PROGRAM).ok_or_else(|| Missing {
        why: format!("{PROGRAM} is not installed"),
        remedy: "install it with ci/setup (the package qemu-system-x86)".to_owned(),
    })
}

/// A running QEMU. Dropping it ends it.
pub(super) struct Qemu {
    process: Child,
    console: File,
    /// Its standard error.
    complaints: File,
}

/// The most bytes of QEMU's words and of the console that are looked at, from their end.
const LAST: u64 = 64 << 10;
/// The most bytes of QEMU's words that are repeated.
const REPEATED: u64 = 2 << 10;

impl Qemu {
    /// Starts a guest with the parts of its initramfs in this order. The returned pipe carries what it writes to the
    /// debug port.
    ///
    /// The process ends with the calling thread.
    pub(super) fn start(machine: &Machine<'_>, kernel: &Boot, initramfs: &[&[u8]]) -> Result<(Self, ChildStdout)> {
        let program = find().map_err(|missing| anyhow::anyhow!("{missing}"))?;
        let initramfs = memory_file("initramfs", &initramfs.concat())?;
        let console = memory_file("console", b"")?;
        let (kernel, unpacked) = match kernel {
            Boot::Packed(path) => (path.clone(), None),
            Boot::Unpacked(image) => {
                let file = memory_file("kernel", image)?;
                (PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())), Some(file))
            }
        };
        let (image, log) = (initramfs.as_raw_fd(), console.as_raw_fd());
        let (watch, watching) = machine.watch.map(Watch::argument).unzip();
        let watching = watching.into_iter().flatten();
        let handed_on: Vec<i32> =
            [image, log].into_iter().chain(unpacked.as_ref().map(AsRawFd::as_raw_fd)).chain(watching).collect();
        let mut command = Command::new(program);
        command.args(["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-nic", "none", "-smp", "1"]);
        command.args(engine(machine.engine)).args(["-m", &machine.memory.to_string()]);
        command.arg("-kernel").arg(kernel);
        command.args(["-initrd", &format!("/proc/self/fd/{image}"), "-append", KERNEL_ARGUMENTS]);
        command.args(["-chardev", "stdio,id=messages,signal=off"]);
        let read = machine.watch.map_or(String::new(), |watch| format!(",readback={}", watch.wanted.byte()));
        command.args(["-device", &format!("isa-debugcon,iobase={:#x},chardev=messages{read}", port::NUMBER)]);
        if let Some(watch) = watch {
            command.args(["-plugin", &watch]);
        }
        command.args(["-chardev", &format!("file,id=console,path=/proc/self/fd/{log},append=on")]);
        command.args(["-serial", "chardev:console"]);
        // In a process group of its own: Ctrl-C is for this program to handle.
        command.process_group(0);
        let parent = nix::unistd::getpid();
        // SAFETY: fcntl, prctl and getppid are safe to call between fork and exec, and the descriptors are open there.
        unsafe {
            command.pre_exec(move || {
                for &inherited in &handed_on {
                    Errno::result(libc::fcntl(inherited, libc::F_SETFD, 0))?;
                }
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                // The parent may have died before prctl.
                if nix::unistd::getppid() == parent { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) }
            });
        }
        Self::spawn(command, console)
    }

    /// A process in QEMU's place, with an empty console.
    #[cfg(test)]
    pub(super) fn of(command: Command) -> Result<(Self, ChildStdout)> {
        Self::spawn(command, memory_file("console", b"")?)
    }

    fn spawn(mut command: Command, console: File) -> Result<(Self, ChildStdout)> {
        let complaints = memory_file("complaints", b"")?;
        let stderr = File::options().append(true).open(format!("/proc/self/fd/{}", complaints.as_raw_fd()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(stderr));
        let mut process = command.spawn().with_context(|| format!("starting {PROGRAM}"))?;
        let messages = process.stdout.take().context("QEMU has a standard output")?;
        Ok((Self { process, console, complaints }, messages))
    }

    /// How it ended, if it does within `patience`.
    pub(super) fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            match self.process.try_wait() {
                Ok(None) if begun.elapsed() < patience => std::thread::sleep(Duration::from_millis(5)),
                ended => return ended.ok().flatten(),
            }
        }
    }

    /// The process ID, for `/proc`.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What is on the guest's console so far; of a long one the end.
    pub(super) fn console(&self) -> String {
        end_of(&self.console, LAST)
    }

    /// What QEMU itself wrote to standard error; of much the end.
    pub(super) fn complaints(&self) -> String {
        end_of(&self.complaints, REPEATED)
    }
}

/// The last bytes of `file`, at most so many.
fn end_of(file: &File, most: u64) -> String {
    let mut bytes = Vec::new();
    // A duplicate of the descriptor would share QEMU's file offset. This opens the file again.
    let opened = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let read = opened.and_then(|mut file| {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        file.read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(it could not be read: {error})"),
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn engine(engine: Engine) -> Vec<&'static str> {
    match engine {
        Engine::Kvm => vec!["-accel", "kvm", "-cpu", "host"],
        Engine::Emulated => vec!["-accel", "tcg", "-cpu", PROCESSOR],
        Engine::Counted => {
            vec!["-accel", "tcg", "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-cpu", PROCESSOR]
        }
    }
}
