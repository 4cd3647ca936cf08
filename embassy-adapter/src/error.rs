//! Why a connection ended.

use embedded_io_async::ErrorKind;
use grpc_websocket_core::mux::ConnectionError;
use grpc_websocket_core::{RecvError, ws};

use crate::handshake::HandshakeError;

/// Why a connection ended. Its calls have their statuses already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The WebSocket was not opened.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The handshake took longer than [`Config::handshake_timeout`](crate::Config).
    #[error("the handshake took too long")]
    Timeout,
    /// The transport failed.
    #[error("the transport failed: {0:?}")]
    Transport(ErrorKind),
    /// The peer closed the WebSocket, with that code, or its connection without one.
    #[error("the peer closed the connection")]
    Closed(Option<u16>),
    /// The peer broke RFC 6455.
    #[error(transparent)]
    WebSocket(#[from] ws::Error),
    /// The peer broke `grpc-mux.v1`, or is silent.
    #[error(transparent)]
    Mux(#[from] ConnectionError),
    /// The peer broke the only call of a WebSocket.
    #[error(transparent)]
    Call(#[from] RecvError),
}
