//! Errors that say who is to blame, what the call's status is, and how the WebSocket is closed.

use crate::deframe::DeframeError;
use crate::wire::metadata::MalformedBlock;
use crate::wire::status::Code;

/// Who has to change something for an error to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The other side sent something it must not.
    Peer,
    /// A limit was reached; a smaller request, or a higher limit, would have passed.
    Resource,
    /// The caller of this crate did something out of order.
    Misuse,
}

/// WebSocket close codes (RFC 6455 section 7.4.1) that this crate sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The call is over, its status is in the trailers.
    Normal = 1000,
    /// This side shuts down, or has no more use for the WebSocket.
    GoingAway = 1001,
    /// The peer broke the protocol.
    Protocol = 1002,
    /// A text message came; gRPC is binary.
    Unsupported = 1003,
    /// What came is not in the form that it has to have, as text that is not UTF-8.
    InvalidData = 1007,
    /// The peer cost too much.
    Policy = 1008,
    /// A message or metadata block was over its limit.
    TooBig = 1009,
    /// This side failed.
    Internal = 1011,
}

impl CloseCode {
    /// The number on the wire.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a fieldless repr(u16) enum, read as its number"
    )]
    pub const fn value(self) -> u16 {
        self as u16
    }
}

/// Why what a peer sent cannot be taken. It ends the call; the machine repeats it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// A frame's flags or length.
    #[error(transparent)]
    Frame(#[from] DeframeError),
    /// A metadata block outside the grammar.
    #[error(transparent)]
    Metadata(#[from] MalformedBlock),
    /// A frame that the state of the call does not allow, as a second block of initial metadata.
    #[error("a frame came out of order")]
    OutOfOrder,
    /// The stream ended inside a frame (never a clean end).
    #[error("the stream ended inside a message")]
    Truncated,
    /// A WebSocket text message.
    #[error("a WebSocket text message came, gRPC needs binary ones")]
    TextMessage,
    /// More than [`EMPTY_MESSAGE_BUDGET`](crate::single::EMPTY_MESSAGE_BUDGET) WebSocket messages
    /// in a row that carried nothing.
    #[error("too many empty WebSocket messages")]
    EmptyMessages,
    /// More than [`TINY_MESSAGE_BUDGET`](crate::single::TINY_MESSAGE_BUDGET) WebSocket messages that
    /// carried next to nothing.
    #[error("too many tiny WebSocket messages")]
    TinyMessages,
    /// A request block of `grpc-mux.v1` that does not begin with `:path`.
    #[error("the request does not begin with :path")]
    NoPath,
    /// A server ended its direction of a call without trailers.
    #[error("the answer ended without trailers")]
    NoTrailers,
    /// The initial metadata was not complete in
    /// [`Limits::metadata_timeout`](crate::Limits::metadata_timeout).
    #[error("the initial metadata did not arrive in time")]
    MetadataTimeout,
}

impl RecvError {
    /// Who is to blame.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self.code() {
            Code::ResourceExhausted => Blame::Resource,
            _ => Blame::Peer,
        }
    }

    /// The status of the call that this error ends.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Frame(
                DeframeError::MessageTooLong { .. } | DeframeError::MetadataTooLong { .. },
            )
            | Self::EmptyMessages
            | Self::TinyMessages => Code::ResourceExhausted,
            Self::MetadataTimeout => Code::DeadlineExceeded,
            _ => Code::Internal,
        }
    }

    /// What the RESET of a call says that this error ends; nothing without the feature `texts`.
    pub(crate) const fn text(self) -> &'static str {
        if !cfg!(feature = "texts") {
            return "";
        }
        match self {
            Self::Frame(DeframeError::Prefix(_)) => "reserved flags of a gRPC frame are set",
            Self::Frame(DeframeError::MessageTooLong { .. }) => "a message is too long",
            Self::Frame(DeframeError::MetadataTooLong { .. }) => "metadata is too large",
            Self::Metadata(_) => "malformed metadata",
            Self::OutOfOrder => "a frame came out of order",
            Self::Truncated => "the stream ended inside a message",
            Self::NoPath => "the request does not begin with :path",
            Self::NoTrailers => "the answer ended without trailers",
            Self::MetadataTimeout => "the initial metadata did not arrive in time",
            Self::TextMessage | Self::EmptyMessages | Self::TinyMessages => "not gRPC",
        }
    }

    /// How the WebSocket is closed because of it, after the trailers if any can be sent.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Frame(
                DeframeError::MessageTooLong { .. } | DeframeError::MetadataTooLong { .. },
            ) => CloseCode::TooBig,
            Self::TextMessage => CloseCode::Unsupported,
            Self::EmptyMessages | Self::TinyMessages | Self::MetadataTimeout => CloseCode::Policy,
            _ => CloseCode::Protocol,
        }
    }
}

/// Why a frame cannot be sent; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The state of the call does not allow it: a message before the metadata, anything after the
    /// trailers or the half-close.
    #[error("this cannot be sent in the present state of the call")]
    OutOfOrder,
    /// The payload of the frame before is not complete.
    #[error("the frame before is not complete")]
    FrameOpen,
    /// There is no such call, or it is over.
    #[error("there is no such call, or it is over")]
    UnknownCall,
    /// The bytes to send are not gRPC frames, or one is longer than the peer takes.
    #[error(transparent)]
    Frame(#[from] DeframeError),
    /// Metadata that must fit one WebSocket message does not.
    #[error("metadata of {len} bytes does not fit one WebSocket message of {max} bytes")]
    MetadataTooLong {
        /// The length of the block.
        len: u32,
        /// What would fit.
        max: u32,
    },
}

impl SendError {
    /// Who is to blame.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::MetadataTooLong { .. }
            | Self::Frame(
                DeframeError::MessageTooLong { .. } | DeframeError::MetadataTooLong { .. },
            ) => Blame::Resource,
            _ => Blame::Misuse,
        }
    }
}
