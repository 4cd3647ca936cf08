//! What ends a connection, and what keeps a call from being made.

use super::budget::Budget;
use crate::error::{Blame, CloseCode, SendError};
use crate::wire::mux::HeaderError;
use crate::wire::status::Code;

/// Why a connection is over. The machine repeats it for ever (SPEC.md#errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The header of a frame.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A WebSocket message shorter than a header, a control frame of a wrong length, or one with an
    /// id that its type does not have.
    #[error("a malformed frame")]
    Malformed,
    /// A DATA frame over [`Config::max_frame`](super::Config::max_frame).
    #[error("a frame is longer than MAX_FRAME")]
    FrameTooLong,
    /// SETTINGS that are not the first frame, or come again, or are out of range.
    #[error("SETTINGS are missing, repeated or out of range")]
    Settings,
    /// A call that may not be opened under its id, or a frame for one that never was.
    #[error("a frame for an id that no call has had")]
    Id,
    /// More bytes than the credit, or credit beyond 2^31 - 1, or none.
    #[error("the rules of credit were broken")]
    Credit,
    /// A GOAWAY with a higher id than the one before, or with that of a call of its sender.
    #[error("a GOAWAY with an id that it cannot have")]
    GoAway,
    /// A WebSocket text message.
    #[error("a WebSocket text message came, gRPC needs binary ones")]
    TextMessage,
    /// Frames that cost work and bring nothing.
    #[error("too many frames that bring nothing")]
    Flood(Budget),
    /// The peer's SETTINGS did not come in
    /// [`Limits::metadata_timeout`](crate::Limits::metadata_timeout).
    #[error("the SETTINGS did not arrive in time")]
    SettingsTimeout,
    /// Nothing came after a PING.
    #[error("the peer is silent")]
    KeepaliveTimeout,
}

impl ConnectionError {
    /// Who is to blame.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Flood(_) | Self::FrameTooLong => Blame::Resource,
            _ => Blame::Peer,
        }
    }

    /// The status of the calls that this error ends.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Flood(_) | Self::FrameTooLong => Code::ResourceExhausted,
            Self::SettingsTimeout | Self::KeepaliveTimeout => Code::Unavailable,
            _ => Code::Internal,
        }
    }

    /// How the WebSocket is closed because of it, after the GOAWAY (SPEC.md#close-codes).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooLong => CloseCode::TooBig,
            Self::TextMessage => CloseCode::Unsupported,
            Self::Flood(_) | Self::SettingsTimeout | Self::KeepaliveTimeout => CloseCode::Policy,
            _ => CloseCode::Protocol,
        }
    }

    /// What the GOAWAY says; nothing without the feature `texts`.
    #[must_use]
    pub const fn text(self) -> &'static str {
        if !cfg!(feature = "texts") {
            return "";
        }
        match self {
            Self::Header(HeaderError::UnknownType) => "a frame of an unknown type",
            Self::Header(HeaderError::ReservedFlags) => "reserved flags are set",
            Self::Header(HeaderError::ReservedId) => "the reserved bit of an id is set",
            Self::Malformed => "a malformed frame",
            Self::FrameTooLong => "a frame is longer than MAX_FRAME",
            Self::Settings => "SETTINGS are missing, repeated or out of range",
            Self::Id => "a frame for an id that no call has had",
            Self::Credit => "the rules of credit were broken",
            Self::GoAway => "a GOAWAY with an id that it cannot have",
            Self::TextMessage => "a WebSocket text message came",
            Self::Flood(budget) => budget.text(),
            Self::SettingsTimeout => "the SETTINGS did not arrive in time",
            Self::KeepaliveTimeout => "the peer is silent",
        }
    }
}

/// Why a call cannot be made; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The SETTINGS of both sides have to pass first: write what `poll_transmit` has, and wait for
    /// [`Event::Ready`](super::Event::Ready).
    #[error("the peer's SETTINGS have not come")]
    NotReady,
    /// One side takes no more calls. Make it on another connection.
    #[error("the connection is going away")]
    GoingAway,
    /// As many calls are open as the peer takes. Try again when one has ended.
    #[error("as many calls are open as the peer takes")]
    TooManyCalls,
    /// This side's call table is full. Try again when a call has ended.
    #[error("the call table is full")]
    TableFull,
    /// All 2^30 ids are used. Make it on another connection.
    #[error("no id is left")]
    IdsExhausted,
    /// The connection is over. Make it on another.
    #[error("the connection is over")]
    Closed,
    /// What is to be sent with it.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl OpenError {
    /// Who is to blame.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Send(error) => error.blame(),
            Self::GoingAway | Self::Closed => Blame::Peer,
            Self::NotReady => Blame::Misuse,
            Self::TooManyCalls | Self::TableFull | Self::IdsExhausted => Blame::Resource,
        }
    }
}
