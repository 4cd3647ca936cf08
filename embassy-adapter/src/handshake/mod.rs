//! The opening handshake (RFC 6455 section 4), for both ends, over any transport.
//!
//! ```text
//!  connect                                                 accept
//!    | GET /grpc HTTP/1.1, Sec-WebSocket-Key, -Protocol -----> |   else: 4xx, and no WebSocket
//!    | <------- 101, Sec-WebSocket-Accept, one -Protocol       |
//!    | frames of RFC 6455 <----------------------------------> |
//! ```
//!
//! The head of a request or an answer is read into a buffer of the caller's, a line at a time, and
//! only the lines that the handshake needs stay there: a browser's cookies may be longer than the
//! buffer. About 300 bytes are enough for browsers and for servers behind proxies. A head of more
//! than 8 KiB is refused, whatever is in it. What the peer sends right behind its head is kept.
//!
//! Neither end has a time limit of its own: the caller has, as with `embassy_time::with_timeout`
//! (10 s are usual). [`connect`] and [`accept`] are not cancel-safe: when their future is dropped,
//! or when they fail, the connection is of no more use and has to be dropped too.

mod client;
mod error;
mod fields;
mod head;
mod key;
mod origin;
mod refusal;
mod server;
mod sha1;
mod subprotocol;
mod write;

pub use client::{Upgrade, connect};
pub use error::HandshakeError;
pub use refusal::Refusal;
pub use server::{Accept, Accepted, accept};
pub use subprotocol::Subprotocol;

/// A WebSocket that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgraded {
    /// What is spoken on it.
    pub subprotocol: Subprotocol,
    /// How many bytes of WebSocket frames have come already. They are at the start of the buffer.
    pub len: usize,
}
