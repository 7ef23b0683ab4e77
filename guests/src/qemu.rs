//! QEMU's command line, and its process: it never outlives this one.

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
use std::process::{Child, ChildStdout, Command, Stdio};

/// The emulator.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// What executes the guest's instructions, and what its clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The machine's own processor; the clock is the wall's.
    Kvm,
    /// Emulation; the clock is the wall's.
    Emulated,
    /// Emulation; the clock counts instructions, and skips idle time.
    Counted,
}

/// The machine that a guest has.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// What executes its instructions.
    pub engine: Engine,
    /// Its memory, in MiB.
    pub memory: u32,
    /// What counts its instructions by function, if anything does.
    pub watch: Option<&'a Watch>,
}

/// What a guest starts from.
#[derive(Debug)]
pub(super) enum Boot {
    /// A bzImage, which unpacks itself.
    Packed(PathBuf),
    /// An ELF image with a PVH entry.
    Unpacked(Vec<u8>),
}

/// What every guest's kernel is told. Nothing may differ between two starts, be random, or depend on the host's time:
/// no address space randomisation, no randomness from the processor, no watchdog that a host under load sets off.
///
/// The rest saves instructions of the start: calibrations, self-tests. Under emulation a processor's cycle is a
/// nanosecond.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet panic=-1 norandmaps nokaslr mitigations=off random.trust_cpu=off \
                                random.trust_bootloader=off nowatchdog rcupdate.rcu_cpu_stall_suppress=1 tsc=reliable \
                                tsc_early_khz=1000000 lpj=4000000 noapictimer percpu_alloc=page cryptomgr.notests -- agent";

/// Neither RDRAND nor RDSEED, whatever QEMU's default model has.
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
}

impl Qemu {
    /// Starts a guest, whose initramfs has parts that follow one another. What it writes to the debug port comes out of the
    /// returned pipe.
    ///
    /// The process dies with the calling thread.
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
        let watch =
            machine.watch.map(|watch| (watch.plugin.as_raw_fd(), watch.counts.as_raw_fd(), watch.wanted.byte()));
        let watching = watch.into_iter().flat_map(|(plugin, counts, _)| [plugin, counts]);
        let handed_on: Vec<i32> =
            [image, log].into_iter().chain(unpacked.as_ref().map(AsRawFd::as_raw_fd)).chain(watching).collect();
        // Both the guest and QEMU itself write to it.
        let complaints = File::options().append(true).open(format!("/proc/self/fd/{log}"))?;
        let mut command = Command::new(program);
        command.args(["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-nic", "none", "-smp", "1"]);
        command.args(engine(machine.engine)).args(["-m", &machine.memory.to_string()]);
        command.arg("-kernel").arg(kernel);
        command.args(["-initrd", &format!("/proc/self/fd/{image}"), "-append", KERNEL_ARGUMENTS]);
        command.args(["-chardev", "stdio,id=messages,signal=off"]);
        let read = watch.map_or(String::new(), |(_, _, wanted)| format!(",readback={wanted}"));
        command.args(["-device", &format!("isa-debugcon,iobase={:#x},chardev=messages{read}", port::NUMBER)]);
        if let Some((plugin, counts, _)) = watch {
            command.args(["-plugin", &format!("file=/proc/self/fd/{plugin},out=/proc/self/fd/{counts}")]);
        }
        command.args(["-chardev", &format!("file,id=console,path=/proc/self/fd/{log},append=on")]);
        command.args(["-serial", "chardev:console"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(complaints));
        // In a group of its own, so that a Ctrl-C is this program's to act upon.
        command.process_group(0);
        let parent = nix::unistd::getpid();
        // SAFETY: fcntl, prctl and getppid are safe to call between fork and exec, and the descriptors are open there.
        unsafe {
            command.pre_exec(move || {
                for &inherited in &handed_on {
                    Errno::result(libc::fcntl(inherited, libc::F_SETFD, 0))?;
                }
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                // It may have died before the line above.
                if nix::unistd::getppid() == parent { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) }
            });
        }
        let mut process = command.spawn().with_context(|| format!("starting {PROGRAM}"))?;
        let messages = process.stdout.take().context("QEMU has a standard output")?;
        Ok((Self { process, console }, messages))
    }

    /// Its process, for `/proc`.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Everything on the guest's console so far, and QEMU's own complaints.
    pub(super) fn console(&self) -> String {
        let mut bytes = Vec::new();
        // A second descriptor on the same file would share its offset with QEMU's; this path opens it anew.
        let opened = File::open(format!("/proc/self/fd/{}", self.console.as_raw_fd()));
        let read = opened.and_then(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)
        });
        match read {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(its console could not be read: {error})"),
        }
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
