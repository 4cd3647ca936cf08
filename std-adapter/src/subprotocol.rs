//! What is spoken on a WebSocket.

use grpc_websocket_core::{mux, single};

/// By which WebSocket subprotocol a call came: in the extensions of its request. Calls over HTTP
/// have none.
///
/// ```
/// use grpc_websocket_tokio::Subprotocol;
///
/// fn came_by_websocket(request: &tonic::Request<()>) -> bool {
///     request.extensions().get::<Subprotocol>().is_some()
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subprotocol {
    /// `grpc-websockets`: one call.
    Single,
    /// `grpc-mux.v1`: many calls.
    Mux,
}

impl Subprotocol {
    /// The best one first.
    pub(crate) const ALL: [Self; 2] = [Self::Mux, Self::Single];

    /// Its name in `Sec-WebSocket-Protocol`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => single::SUBPROTOCOL,
            Self::Mux => mux::SUBPROTOCOL,
        }
    }
}
