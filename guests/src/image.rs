//! What guests boot from, and starting one.

use crate::guest::Guest;
use crate::initramfs::Initramfs;
use crate::kernel::Kernel;
use crate::message::{Job, PLACE};
use crate::qemu::{Boot, Machine, Qemu};
use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kernel and the files that its guests start with.
pub struct Image {
    kernel: Kernel,
    boot: Boot,
    initramfs: Vec<u8>,
    sha256: String,
}

impl Image {
    /// Of `kernel` and `files`, among which there is an init.
    ///
    /// # Errors
    /// When a path in `files` leads through something that is no folder.
    pub fn new(kernel: Kernel, files: &Initramfs) -> Result<Self> {
        let archive = files.write()?;
        let boot = kernel.unpacked().map_or_else(|| Boot::Packed(kernel.vmlinuz.clone()), Boot::Unpacked);
        Ok(Self { kernel, boot, initramfs: archive.bytes, sha256: archive.sha256 })
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// SHA-256 of the initramfs without what a job adds, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Starts a guest for `job`, with `files` beside those of the image. Its own messages are of type `M`.
    ///
    /// The guest ends with the calling thread.
    ///
    /// # Errors
    /// When QEMU cannot be started.
    pub fn start<W: Serialize, M: DeserializeOwned + Send + 'static>(
        &self,
        job: &Job<W>,
        mut files: Initramfs,
        machine: &Machine<'_>,
    ) -> Result<Guest<M>> {
        files.file(PLACE, 0o644, serde_json::to_vec(job).context("writing a guest's job")?);
        let own = files.write()?.bytes;
        let (qemu, output) = Qemu::start(machine, &self.boot, &[&self.initramfs, &own])?;
        Ok(Guest::listen(qemu, output))
    }
}
