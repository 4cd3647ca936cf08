//! Hostile-input tests: a client that can put any bytes on the wire, servers to aim it at, a server
//! that can put any bytes on the wire for our own client, and upstreams that misbehave behind the
//! gateway.
//!
//! Hostile client and server are bare TCP sockets with just enough of RFC 6455 and gRPC-Web to break
//! their rules on purpose. Everything blocks and everything has a time limit, so a test cannot hang.

pub mod calls;
mod client;
mod codec;
mod frame;
mod gateway;
pub mod grpc;
pub mod mux;
mod outcome;
pub mod polls;
pub mod server;
mod service;
mod settings;
mod target;
pub mod upstream;

pub use client::{Client, Handshake, Head};
pub use frame::{Frame, LengthForm};
pub use gateway::Gateway;
pub use outcome::{End, Outcome};
pub use server::{Accepted, HostileServer};
pub use service::{Probe, SERVICE, routes};
pub use settings::Settings;
pub use target::{Target, handshake};

use std::time::{Duration, Instant};

/// The code of a gRPC status.
pub use tonic::Code;

/// Waits until a condition holds.
///
/// # Panics
/// When it does not hold in time.
pub fn eventually(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
