//! Virtual machines with a chosen kernel: what is put together for them to boot.

pub(crate) mod initramfs;
