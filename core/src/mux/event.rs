//! What arrives.

use super::id::CallId;
use crate::call;
use crate::error::RecvError;
use crate::wire::mux::Settings;
use crate::wire::status::Code;

/// What the peer did. Borrows the input it was read from.
///
/// Each call ends once. At the side that made it: by [`Trailers`](call::Event::Trailers), by
/// [`Event::Ended`], by its own `reset`, or by `poll_lost`. At the side that answers it: by the
/// END it sent or its own `reset` or `refuse`, by [`Event::Ended`], or by `poll_lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// The peer's SETTINGS came: calls may be made.
    Ready(Settings),
    /// The peer made a call. Its metadata follows.
    Opened(CallId),
    /// Something of a call's stream.
    Call {
        /// The call.
        call: CallId,
        /// What it is. [`DeadlineExceeded`](call::Event::DeadlineExceeded) comes only at the side
        /// that answers, which then answers so.
        event: call::Event<'i>,
    },
    /// More of this call may be sent.
    Credit(CallId),
    /// A part of the text of the RESET that ends a call; [`Event::Ended`] follows. UTF-8, cut
    /// anywhere.
    ResetText {
        /// The call.
        call: CallId,
        /// The part.
        text: &'i [u8],
    },
    /// The call is over without trailers. The side that answered it owes a `release`.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        end: End,
    },
    /// A part of the text of the peer's GOAWAY; [`Event::GoAway`] follows.
    GoAwayText(&'i [u8]),
    /// The peer takes no more calls. Those it did not process end with [`End::Reset`], refused.
    GoAway(Code),
    /// There was no call for [`Config::idle_timeout`](super::Config::idle_timeout).
    Idle,
}

/// How a call ended without trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The peer reset it: at the side that answers a cancellation, at the other the call's status.
    Reset {
        /// The code it gave.
        code: Code,
        /// The call was not processed: it is safe to make it again.
        refused: bool,
    },
    /// The peer broke the rules within this call, which is reset. Other calls go on.
    Failed(RecvError),
    /// At the side that made the call: its deadline passed, and it is reset.
    DeadlineExceeded,
}

impl End {
    /// The call's status.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Reset { code, .. } => code,
            Self::Failed(error) => error.code(),
            Self::DeadlineExceeded => Code::DeadlineExceeded,
        }
    }
}
