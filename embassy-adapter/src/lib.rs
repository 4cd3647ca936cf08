#![doc = include_str!("../README.md")]
#![no_std]
// A test that panics has failed, which is its purpose.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

#[cfg(test)]
extern crate std;

mod backoff;
mod client;
pub mod codec;
mod config;
mod error;
mod handle;
pub mod handshake;
mod lane;
mod maybe;
mod metadata;
#[cfg(feature = "embassy-net-0_9")]
pub mod net;
mod output;
mod parts;
mod random;
mod ring;
mod runner;
mod server;
mod shared;
mod signal;
mod state;
mod status;
mod stream;
pub mod stub;

pub use backoff::Backoff;
pub use client::{Call, Client, Upload};
pub use config::Config;
pub use error::Error;
pub use grpc_websocket_core::Code;
pub use metadata::Metadata;
pub use runner::Runner;
pub use server::{Incoming, Request, Server};
pub use state::State;
pub use status::{MAX_STATUS_MESSAGE, Status};
pub use stream::{Item, Receiver, Responder, Sender};

/// Includes what `grpc-websocket-build` generated of a package.
///
/// ```ignore
/// pub mod telemetry {
///     grpc_websocket_embassy::include_proto!("telemetry.v1");
/// }
/// ```
///
/// Packages that use messages of each other have to be in modules named as they are, or be included
/// all at once: see `include_file` of the builder.
#[macro_export]
macro_rules! include_proto {
    ($package:tt) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}
