//! Runs programs in guests: a chosen kernel in QEMU, an initramfs made of this machine's files, and a clock that can
//! count instructions, so that the same guest does the same to the last instruction every time.
//!
//! ```text
//!   kernel ──┐
//!            ├──► Image ── start(Job, Machine) ──► Guest ── next() ──► Message
//!   files  ──┘                                       │ runs
//!                                                    └─ init: the calling program once more, as the first process
//! ```
//!
//! What a guest works on is the caller's: its [`Job`] carries any value that serde writes, and [`Message::Work`] brings
//! back any other.

mod debian;
mod guest;
mod image;
pub mod init;
pub mod initramfs;
pub mod kernel;
pub mod mark;
mod message;
mod missing;
pub mod named;
mod port;
pub mod profile;
pub mod qemu;
mod root;
mod stop;
pub mod tool;
pub mod tools;
pub mod untrusted;

pub use debian::{Again, Suite};
pub use guest::{CONSOLE, Guest, Silence};
pub use image::Image;
pub use initramfs::Initramfs;
pub use message::{Job, Message, Program, Stream};
pub use missing::Missing;
pub use port::Port;
pub use qemu::{Engine, Machine};
pub use stop::Stop;
