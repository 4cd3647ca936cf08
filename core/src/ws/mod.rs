//! RFC 6455 frames without I/O, for both ends of a WebSocket.
//!
//! ```text
//!   bytes of the socket, in any pieces                 events that borrow those bytes
//!  ────────────────────────────────────▶ ┌────────┐  ──────────────────────────────────▶
//!                                        │ Reader │    Data, Ping, Pong, Close
//!                                        └────────┘
//!   ◀─── head ── Header::encode            ◀─── payload, masked in place ── Mask::apply
//! ```
//!
//! A frame may be longer than memory: its payload comes and goes in pieces, and is unmasked where it
//! is. What is here knows frames and messages; the opening handshake, the order of the closing one,
//! the answer to a ping, and how long a message may be are for who has the socket.

mod close;
mod error;
mod header;
mod mask;
mod opcode;
mod reader;

pub use close::{MAX_CONTROL_PAYLOAD, encode_close};
pub use error::Error;
pub use header::{Header, HeaderBytes, MAX_HEADER, MAX_PAYLOAD};
pub use mask::Mask;
pub use opcode::Opcode;
pub use reader::{Event, Reader};
