//! What generated stubs are made of: calls whose messages have types.
//!
//! `grpc-websocket-build` generates clients that make their calls by [`Calls`], and servers that are a
//! [`Service`]. Nothing here is needed for calls made by hand.

mod buffer;
mod client;
#[cfg(feature = "micropb")]
mod map;
mod server;

pub use buffer::{Buffer, MIN_BUFFER, buffer_len, longest};
pub use client::{Calls, Receiver, Sender, Upload};
pub use embassy_time::Duration;
#[cfg(feature = "micropb")]
pub use map::decode_map_entry;
pub use server::{Either, Requests, Responses, Service, unary};
