//! The life of a call on its WebSocket, as one side sees it (SPEC.md#call-states).
//!
//! [`TRANSITIONS`] is the table; the diagram in SPEC.md is made from it. What the streams inside
//! of a call may carry is the table in [`call::state`](crate::call::state).

use crate::call::Role;

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// Not made yet.
    Idle,
    /// Both directions are open.
    Open,
    /// The client's direction is over.
    HalfClosed,
    /// Over, the RESET that says so is still to be written, and the application has yet to let go.
    Failed,
    /// Over, the RESET that says so is still to be written.
    Resetting,
    /// Over; its handler may still be at work.
    Held,
    /// Over and forgotten.
    Closed,
}

/// What moves a call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The client's first DATA frame, with OPEN.
    Open,
    /// The client's END.
    HalfClose,
    /// The server's END, after its trailers.
    Finish,
    /// The application resets the call.
    Reset,
    /// The peer's RESET.
    PeerReset,
    /// The peer broke the rules of the call, or its time is over.
    Fail,
    /// The RESET after [`Step::Fail`] is written.
    ResetSent,
    /// The application has let go of a call that it answered.
    Release,
}

use Lifecycle::{Closed, Failed, HalfClosed, Held, Idle, Open, Resetting};

/// All transitions: this side's role in the call, from where, by what, to where. A step that is not
/// here changes nothing: what asks for it is an error or is ignored, as SPEC.md says.
pub const TRANSITIONS: [(Role, Lifecycle, Step, Lifecycle); 28] = [
    (Role::Client, Idle, Step::Open, Open),
    (Role::Client, Open, Step::HalfClose, HalfClosed),
    (Role::Client, Open, Step::Finish, Closed),
    (Role::Client, Open, Step::Reset, Closed),
    (Role::Client, Open, Step::PeerReset, Closed),
    (Role::Client, Open, Step::Fail, Resetting),
    (Role::Client, HalfClosed, Step::Finish, Closed),
    (Role::Client, HalfClosed, Step::Reset, Closed),
    (Role::Client, HalfClosed, Step::PeerReset, Closed),
    (Role::Client, HalfClosed, Step::Fail, Resetting),
    (Role::Client, Resetting, Step::ResetSent, Closed),
    (Role::Client, Resetting, Step::PeerReset, Closed),
    (Role::Server, Idle, Step::Open, Open),
    (Role::Server, Open, Step::HalfClose, HalfClosed),
    (Role::Server, Open, Step::Finish, Closed),
    (Role::Server, Open, Step::Reset, Closed),
    (Role::Server, Open, Step::PeerReset, Held),
    (Role::Server, Open, Step::Fail, Failed),
    (Role::Server, HalfClosed, Step::Finish, Closed),
    (Role::Server, HalfClosed, Step::Reset, Closed),
    (Role::Server, HalfClosed, Step::PeerReset, Held),
    (Role::Server, HalfClosed, Step::Fail, Failed),
    (Role::Server, Failed, Step::ResetSent, Held),
    (Role::Server, Failed, Step::PeerReset, Held),
    (Role::Server, Failed, Step::Release, Resetting),
    (Role::Server, Resetting, Step::ResetSent, Closed),
    (Role::Server, Resetting, Step::PeerReset, Closed),
    (Role::Server, Held, Step::Release, Closed),
];

impl Lifecycle {
    /// The state after `step` at a side of that role; `None` if the step is not allowed.
    #[must_use]
    pub fn after(self, role: Role, step: Step) -> Option<Self> {
        TRANSITIONS
            .iter()
            .find(|&&(of, from, by, _)| (of, from, by) == (role, self, step))
            .map(|&(_, _, _, to)| to)
    }

    /// Whether the call goes on.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosed)
    }

    /// Whether a RESET is to be written.
    #[must_use]
    pub const fn owes_reset(self) -> bool {
        matches!(self, Self::Failed | Self::Resetting)
    }
}
