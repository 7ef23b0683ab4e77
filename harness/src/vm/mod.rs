//! Guests: a chosen kernel in QEMU, with this program as its init.

pub(crate) mod alone;
pub(crate) mod errand;
pub(crate) mod fleet;
mod guest;
mod image;
pub(crate) mod initramfs;
pub(crate) mod kernel;
pub(crate) mod kvm;
pub(crate) mod profile;
pub(crate) mod qemu;
