//! Raw netlink: messages and sockets.

pub mod message;
mod socket;

pub use socket::{Answer, Socket, SocketError};
