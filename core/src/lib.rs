//! gRPC over WebSocket as state machines without I/O: the part that a microcontroller and a server
//! share.
//!
//! ```text
//!   bytes of a WebSocket message                          events that borrow those bytes
//!  ───────────────────────────────▶  ┌───────────────┐  ───────────────────────────────▶
//!                                    │ single::Server│
//!   head bytes + payload to write    │ single::Client│    metadata, messages, status
//!  ◀───────────────────────────────  └───────────────┘  ◀───────────────────────────────
//!                                      time: an argument
//! ```
//!
//! * `no_std`, no allocator, no unsafe code, no clock, no I/O. Memory is the size of the machine.
//! * Nothing panics, whatever a peer sends and in whatever order the methods are called; a linked
//!   firmware binary proves it (`tests/link`).
//! * The input is borrowed and the events borrow it, not the machine. Firmware reads them from its
//!   receive buffer, a server slices its reference-counted buffers; neither copies.
//! * On the way out the machine makes the few head bytes of a [`Segment`]; the payload stays with
//!   the caller, who writes the one after the other, or both at once.
//!
//! [`single`] is the subprotocol `grpc-websockets`, one call on each WebSocket; [`wire`] has the
//! byte-level forms, and [`deframe`] cuts a stream into its frames. [`ws`] has the frames of the
//! WebSocket below, for adapters without a library for them.

#![no_std]
// A test that panics has failed, which is its purpose.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

#[cfg(test)]
extern crate std;

pub mod call;
pub mod deframe;
mod error;
mod fragment;
mod limits;
pub mod mux;
pub mod single;
mod time;
pub mod wire;
pub mod ws;

pub use call::{Event, Role, Segment};
pub use error::{Blame, CloseCode, RecvError, SendError};
pub use fragment::Fragment;
pub use limits::Limits;
pub use time::Instant;
pub use wire::status::Code;
