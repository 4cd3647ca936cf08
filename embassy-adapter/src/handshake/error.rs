//! Why there is no WebSocket.

use embedded_io_async::ErrorKind;
use grpc_websocket_core::{Blame, Code};

use super::refusal::Refusal;

/// Why a handshake failed. The connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The transport failed.
    #[error("the connection failed in the handshake: {0:?}")]
    Io(ErrorKind),
    /// The peer ended the connection in the middle.
    #[error("the connection ended in the handshake")]
    Closed,
    /// The lines that are needed do not fit the buffer, or the head is longer than 8 KiB.
    #[error("the head of the HTTP message is too long")]
    HeadTooLong,
    /// At a client: what came is not the answer of an HTTP/1.1 server.
    #[error("what came is not HTTP/1.1")]
    Malformed,
    /// At a client: the [`Upgrade`](super::Upgrade) cannot be sent, for a part of it would break the
    /// request or replace what the handshake sends itself, or it offers no subprotocol.
    #[error("the request for the WebSocket cannot be sent as it is")]
    InvalidRequest,
    /// At a client: the server answered with this status instead of 101.
    #[error("the server answered {0} instead of opening a WebSocket")]
    Refused(u16),
    /// At a client: a 101 that switches to another protocol.
    #[error("the server switches to another protocol than WebSocket")]
    NotWebSocket,
    /// At a client: a 101 that does not answer the key, as a cache's.
    #[error("the server does not answer the key of the handshake")]
    WrongAccept,
    /// At a client: the server uses an extension that was not offered.
    #[error("the server uses an extension that was not offered")]
    Extension,
    /// At a client: the server did not choose one of the subprotocols that were offered.
    #[error("the server takes no subprotocol that was offered")]
    Subprotocol,
    /// At a server: the request was answered with an error.
    #[error("the request for a WebSocket was refused: {0}")]
    Rejected(Refusal),
}

impl HandshakeError {
    /// Who is to blame; `None` is the network.
    #[must_use]
    pub const fn blame(self) -> Option<Blame> {
        match self {
            Self::Io(_) | Self::Closed => None,
            Self::HeadTooLong => Some(Blame::Resource),
            Self::InvalidRequest => Some(Blame::Misuse),
            Self::Rejected(refusal) => Some(refusal.blame()),
            _ => Some(Blame::Peer),
        }
    }

    /// The status of the calls that waited for the WebSocket.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Io(_) | Self::Closed => Code::Unavailable,
            Self::HeadTooLong => Code::ResourceExhausted,
            Self::Refused(status) => Code::from_http_status(status),
            Self::Subprotocol => Code::Unimplemented,
            _ => Code::Internal,
        }
    }

    /// Whether another subprotocol may be answered otherwise. A client may then connect again and
    /// offer the other one; after all other errors the same would happen again, or worse
    /// (SPEC.md#handshake).
    #[must_use]
    pub const fn is_about_subprotocol(self) -> bool {
        matches!(
            self,
            Self::Subprotocol | Self::Refused(400 | 404 | 405 | 415 | 426 | 501)
        )
    }
}
