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

pub use client::{Client, MAX_WEBSOCKET_MESSAGE};
pub use server::Server;

/// The name of the subprotocol in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "grpc-websockets";

/// How many WebSocket messages in a row may carry nothing (no byte, or the control byte alone)
/// before the call ends with `RESOURCE_EXHAUSTED`. Honest clients send none; a flood of them costs
/// work for each frame at no cost in bytes (the pattern of CVE-2026-84304 in grpc-go and
/// RUSTSEC-2026-0258 in h2).
pub const EMPTY_MESSAGE_BUDGET: u16 = 100;

/// A part of one WebSocket message: unmasked payload bytes, and whether the message ends with
/// them. A whole message is one fragment with `fin` set.
///
/// The machine takes from it: when `recv` returns `None`, it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'i> {
    pub(crate) bytes: &'i [u8],
    pub(crate) fin: bool,
}

impl<'i> Fragment<'i> {
    /// A whole binary message.
    #[must_use]
    pub const fn message(bytes: &'i [u8]) -> Self {
        Self { bytes, fin: true }
    }

    /// A part of a binary message that does not end it.
    #[must_use]
    pub const fn part(bytes: &'i [u8]) -> Self {
        Self { bytes, fin: false }
    }

    /// The bytes not taken yet.
    #[must_use]
    pub const fn rest(&self) -> &'i [u8] {
        self.bytes
    }

    /// Takes the end of the message, once all its bytes are taken.
    fn take_fin(&mut self) -> bool {
        self.bytes.is_empty() && core::mem::take(&mut self.fin)
    }
}

/// The control byte before the data of a client's messages.
const DATA: u8 = 0;
/// The one byte of the message that half-closes.
const HALF_CLOSE: u8 = 1;
