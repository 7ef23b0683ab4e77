//! The server, asked by hand over HTTP.

mod client;
mod protocol;
mod round_trip;
mod watch;
