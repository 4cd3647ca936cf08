//! What a peer does against RFC 6455.

use core::fmt;

use crate::error::{Blame, CloseCode};

/// Why what a peer sent cannot be read on. The reader repeats it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// A bit for an extension that was not negotiated.
    ReservedBits,
    /// An opcode that means nothing.
    UnknownOpcode,
    /// A control frame without `fin`.
    FragmentedControl,
    /// A control frame of more than 125 bytes.
    LongControl,
    /// A frame from a client that is not masked, or one from a server that is.
    Masking,
    /// A length in more bytes than it needs.
    LengthNotMinimal,
    /// A length of 2^63 bytes or more.
    LengthOutOfRange,
    /// A continuation while no message is begun.
    NothingToContinue,
    /// A new message inside of another.
    MessageInMessage,
    /// A Close with half a code.
    CloseOfOneByte,
    /// A code that a Close may not have.
    InvalidCloseCode,
    /// A Close whose reason is not UTF-8.
    CloseReason,
}

impl Error {
    /// Who is to blame: the peer, always.
    #[must_use]
    pub const fn blame(self) -> Blame {
        Blame::Peer
    }

    /// How the WebSocket is closed because of it (RFC 6455 section 7.1.7).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::CloseReason => CloseCode::InvalidData,
            _ => CloseCode::Protocol,
        }
    }

    /// What the Close says.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved bits of a frame are set",
            Self::UnknownOpcode => "a frame of an unknown opcode",
            Self::FragmentedControl => "a control frame is fragmented",
            Self::LongControl => "a control frame is too long",
            Self::Masking => "a frame is masked that must not be, or the other way",
            Self::LengthNotMinimal => "the length of a frame has more bytes than it needs",
            Self::LengthOutOfRange => "the length of a frame is out of range",
            Self::NothingToContinue => "a continuation of no message",
            Self::MessageInMessage => "a message begins inside of another",
            Self::CloseOfOneByte => "a close frame of one byte",
            Self::InvalidCloseCode => "a close frame with a code that it cannot have",
            Self::CloseReason => "the reason of a close frame is not UTF-8",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}
