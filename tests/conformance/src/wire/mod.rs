//! Bytes on the wire: requests and servers that break the rules as their cases say, and a client of
//! `grpc-websockets` that shares no code with ours.

mod block;
mod frames;
mod per_message;
mod raw;
pub mod scripted;
mod single;

pub(crate) use per_message::{compress_some, map_messages};
pub(crate) use raw::raw_call;
pub use single::SingleClient;

/// What carries gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// HTTP/2, as every gRPC does.
    Http2,
    /// A WebSocket for each call: `grpc-websockets`.
    Single,
    /// A WebSocket for all calls: `grpc-mux.v1`.
    Mux,
}

impl Carrier {
    /// The name of the WebSocket subprotocol.
    ///
    /// # Panics
    /// HTTP/2 has none.
    #[must_use]
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Http2 => panic!("HTTP/2 has no subprotocol"),
            Self::Single => "grpc-websockets",
            Self::Mux => "grpc-mux.v1",
        }
    }
}
