//! How calls travel.

/// How a call travels, or is to travel.
///
/// In a request's extensions it asks for one of them, where the [`Endpoint`](crate::Endpoint) has both;
/// in a response's extensions it says which it was.
///
/// ```
/// use grpc_websocket_tokio::Transport;
/// # fn example<T>(message: T) {
/// let mut request = tonic::Request::new(message);
/// request.extensions_mut().insert(Transport::WebSocket);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// gRPC's own: HTTP/2.
    Http2,
    /// A WebSocket, with either subprotocol.
    WebSocket,
}

/// Which ways an [`Endpoint`](crate::Endpoint) tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transports {
    /// HTTP/2 first, and WebSocket where something on the way lets no HTTP/2 through. A call may ask
    /// for either by [`Transport`]. What `http` and `https` URIs mean.
    Auto,
    /// WebSocket alone: what `ws` and `wss` URIs mean.
    WebSocket,
    /// HTTP/2 alone.
    Http2,
}

/// Which WebSocket subprotocols an [`Endpoint`](crate::Endpoint) offers, one at a time, for servers are
/// in use that refuse a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Subprotocols {
    /// `grpc-mux.v1`, and `grpc-websockets` where the server does not take that.
    #[default]
    Any,
    /// `grpc-mux.v1`: all calls on one WebSocket.
    Mux,
    /// `grpc-websockets`: each call on a WebSocket of its own.
    Single,
}
