//! How a server says no.

use grpc_websocket_core::Blame;

/// Why a request for a WebSocket was refused, and with which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.why())]
#[non_exhaustive]
pub enum Refusal {
    /// 431: the lines that are needed do not fit the buffer, or the head is longer than 8 KiB.
    HeadTooLong,
    /// 400: not a request of HTTP.
    Malformed,
    /// 405: not a GET.
    Method,
    /// 505: HTTP/1.0, say.
    HttpVersion,
    /// 426: the request is not for a WebSocket.
    NotWebSocket,
    /// 426: another version of the WebSocket protocol than 13.
    WebSocketVersion,
    /// 400: no host, or several.
    Host,
    /// 403: a web page of this origin may not connect.
    Origin,
    /// 400: the Connection header does not list `Upgrade`.
    Connection,
    /// 400: the key is not 16 bytes in base64.
    Key,
    /// 400: no subprotocol is offered that is spoken here.
    Subprotocol,
    /// 414: the path does not fit its place.
    PathTooLong,
}

impl Refusal {
    /// Who is to blame.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::HeadTooLong | Self::PathTooLong => Blame::Resource,
            _ => Blame::Peer,
        }
    }

    /// The answer, in pieces.
    pub(super) const fn answer(self) -> [&'static [u8]; 5] {
        [
            b"HTTP/1.1 ",
            self.status().as_bytes(),
            b"\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n",
            self.why().as_bytes(),
            b"\n",
        ]
    }

    /// The status, with the fields that belong to it.
    const fn status(self) -> &'static str {
        match self {
            Self::HeadTooLong => "431 Request Header Fields Too Large",
            Self::Method => "405 Method Not Allowed\r\nAllow: GET",
            Self::HttpVersion => "505 HTTP Version Not Supported",
            Self::NotWebSocket | Self::WebSocketVersion => {
                "426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
            }
            Self::Origin => "403 Forbidden",
            Self::PathTooLong => "414 URI Too Long",
            Self::Malformed | Self::Host | Self::Connection | Self::Key | Self::Subprotocol => {
                "400 Bad Request"
            }
        }
    }

    const fn why(self) -> &'static str {
        match self {
            Self::HeadTooLong => "the head of the request is too long",
            Self::Malformed => "this is no request of HTTP",
            Self::Method => "a WebSocket is opened with GET",
            Self::HttpVersion => "HTTP/1.1 is needed",
            Self::NotWebSocket => "only WebSockets are served here",
            Self::WebSocketVersion => "WebSocket version 13 is needed",
            Self::Host => "one Host header is needed",
            Self::Origin => "this origin may not connect",
            Self::Connection => "the Connection header lacks `Upgrade`",
            Self::Key => "Sec-WebSocket-Key is not 16 bytes in base64",
            Self::Subprotocol => "no subprotocol of gRPC that is spoken here is offered",
            Self::PathTooLong => "the path is too long",
        }
    }
}
