//! The subprotocol `grpc-mux.v1`: many calls on one WebSocket, and either side may call. SPEC.md
//! defines it.
//!
//! ```text
//!  dialer                                              acceptor
//!    | SETTINGS --------------------------><--------------- SETTINGS |
//!    | DATA 1 OPEN END [80 len ":path: /s/m"][00 len message] -----> |   a unary call
//!    | <------------ DATA 1 END [00 len message][80 len grpc-status] |   and its answer
//!    | WINDOW, RESET, PING, GOAWAY ---------><----------------- same |
//! ```
//!
//! One WebSocket binary message is one frame. In each direction of a call the DATA frames, one
//! after the other, are the stream of gRPC-Web frames that [`single`](crate::single) has too, cut
//! at any byte and held back by credit.
//!
//! [`Connection`] is the machine, for both sides. Its memory is its own size and that of its
//! [`CallTable`]; what a peer sends can make neither grow.

mod budget;
mod config;
mod connection;
mod control;
mod error;
mod event;
mod id;
mod lifecycle;
mod reading;
mod recv;
mod send;
mod slot;
mod table;
mod timers;
mod transmit;

pub use crate::wire::mux::{MAX_CONTROL_FRAME, Settings};
pub use budget::{
    Budget, EMPTY_FRAME_BUDGET, MAX_METADATA_FRAGMENTS, PING_BUDGET, REFUSED_BUDGET, RESET_BUDGET,
    STRAY_FRAME_BUDGET, TINY_FRAME_BUDGET, TINY_FRAME_LEN, WINDOW_BUDGET,
};
pub use config::Config;
pub use connection::Connection;
pub use error::{ConnectionError, OpenError};
pub use event::{End, Event};
pub use id::{CallId, Side};
pub use lifecycle::{Lifecycle, Step, TRANSITIONS};
pub use slot::Slot;
pub use table::{CallTable, Calls, OwnCalls};

/// The name of the subprotocol in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "grpc-mux.v1";

/// How many refusals may wait to be written, beside one for each call that is over and whose place is
/// still taken. More than that is an attack (SPEC.md#abuse).
pub const MAX_PENDING_REFUSALS: usize = 4;
