//! What is spoken on a WebSocket.

use grpc_websocket_core::{mux, single};

/// By which subprotocol calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subprotocol {
    /// `grpc-mux.v1`: many calls, in both directions.
    Mux,
    /// `grpc-websockets`: one call, of the method that the path of the upgrade names.
    Single,
}

impl Subprotocol {
    /// The best one first.
    pub const ALL: [Self; 2] = [Self::Mux, Self::Single];

    /// Its name in `Sec-WebSocket-Protocol`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mux => mux::SUBPROTOCOL,
            Self::Single => single::SUBPROTOCOL,
        }
    }
}
