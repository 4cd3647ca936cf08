//! The subprotocol `grpc-websockets`: one call on one WebSocket, the URL's path names the method.
//!
//! It is what browser clients of gRPC over WebSocket have spoken since 2018 (see PROTOCOL-WEB for
//! the frames, RFC 6455 for the WebSocket below).
//!
//! ```text
//!  client                                              server
//!    | binary: "content-type: application/grpc-web+proto\r\n.." |   the block, bare
//!    | binary: 00 | 00 00000005 hello ------------------------> |   00, then any slice of the
//!    | binary: 00 | 00 00000003 bye --------------------------> |   stream of messages
//!    | binary: 01 --------------------------------------------> |   half-close
//!    | <-------------------------- binary: 80 len "name: value" |   initial metadata, alone
//!    | <-------------------------- binary: 00 00000002 hi       |   messages, cut anywhere
//!    | <-------------------------- binary: 80 len "grpc-status" |   trailers, alone, last
//!    | <-------------------------- Close 1000                   |
//! ```
//!
//! A WebSocket Close or a lost connection before the trailers is a cancellation at the server,
//! and never a clean end at the client.
//!
//! [`Server`] and [`Client`] are machines without I/O. Their methods come in four families:
//! getters; `recv` and `handle_*`, which take what the network and the clock bring; `send_*`,
//! `forward`, `resume` and `half_close`, which take what the application does and say what to
//! write; and `poll_timeout`, to be asked after every call of the others.

mod client;
mod server;

pub use crate::fragment::Fragment;
pub use client::{Client, MAX_WEBSOCKET_MESSAGE};
pub use server::Server;

/// The name of the subprotocol in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "grpc-websockets";

/// How many WebSocket messages in a row may carry nothing (no byte, or the control byte alone)
/// before the call ends with `RESOURCE_EXHAUSTED`. Honest clients send none; a flood of them costs
/// work for each frame at no cost in bytes (the pattern of CVE-2026-84304 in grpc-go and
/// RUSTSEC-2026-0258 in h2).
pub const EMPTY_MESSAGE_BUDGET: u16 = 100;

/// How many WebSocket messages may carry less than [`TINY_MESSAGE_LEN`] bytes of data that complete no
/// gRPC message, before the call ends with `RESOURCE_EXHAUSTED`; each other message gives one back.
/// Honest clients cut only what is long (the incident is CVE-2026-84304).
pub const TINY_MESSAGE_BUDGET: u16 = 1_000;

/// See [`TINY_MESSAGE_BUDGET`].
pub const TINY_MESSAGE_LEN: u32 = 32;

/// The control byte before the data of a client's messages.
const DATA: u8 = 0;
/// The one byte of the message that half-closes.
const HALF_CLOSE: u8 = 1;
