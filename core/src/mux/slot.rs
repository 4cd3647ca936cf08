//! What a connection knows of one call.

use super::id::{CallId, Side};
use super::lifecycle::{Lifecycle, Step};
use super::send::Sending;
use crate::call::state::State;
use crate::call::{Receiver, Role};
use crate::time::Deadline;
use crate::wire::status::Code;

/// What the request block begins with (SPEC.md#request).
const PATH_FIELD: &[u8] = b":path:";

/// A message of no bytes, on the wire.
const SMALLEST_MESSAGE: u32 = 5;

/// Something else came.
const NO_PATH: u8 = u8::MAX;

/// One call of a connection, for a [`CallTable`](super::CallTable) to keep. It holds state and no
/// payload.
#[derive(Debug, Clone)]
pub struct Slot {
    call: CallId,
    /// This side's role.
    pub(super) role: Role,
    pub(super) state: Lifecycle,
    pub(super) receiver: Receiver,
    pub(super) sending: Sending,
    /// How many bytes the peer may still send.
    pub(super) granted: u32,
    /// How many bytes were consumed and are not granted again yet.
    pub(super) owed: u32,
    /// DATA frames of the block of metadata that is being read.
    pub(super) fragments: u32,
    /// How many bytes of [`PATH_FIELD`] the request block began with, or [`NO_PATH`].
    path: u8,
    pub(super) deadline: Deadline,
    /// What the RESET that is due says: not a pair, which would have bytes of no use.
    pub(super) reset_code: Code,
    pub(super) reset_text: &'static str,
    /// A call that is to be refused, since this one's place is still taken.
    pub(super) refusal: Option<CallId>,
}

impl Slot {
    pub(super) const fn new(call: CallId, role: Role, window: u32, credit: u32) -> Self {
        let sender = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Self {
            call,
            role,
            state: Lifecycle::Open,
            receiver: Receiver::new(sender),
            sending: Sending::new(role, credit),
            granted: window,
            owed: 0,
            fragments: 0,
            path: 0,
            deadline: Deadline::NEVER,
            reset_code: Code::Ok,
            reset_text: "",
            refusal: None,
        }
    }

    /// The call's id, by which a table finds it.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.call
    }

    /// Whether `side` made the call.
    pub(super) fn is_of(&self, side: Side) -> bool {
        self.call.opener() == side
    }

    /// Moves on if the table of transitions allows it; whether it did.
    pub(super) fn advance(&mut self, step: Step) -> bool {
        match self.state.after(self.role, step) {
            Some(state) => {
                self.state = state;
                true
            }
            None => false,
        }
    }

    /// Says what the RESET that is due says.
    pub(super) const fn set_reset(&mut self, code: Code, text: &'static str) {
        (self.reset_code, self.reset_text) = (code, text);
    }

    /// Whether it is over, and has room to keep the refusal of another.
    pub(super) const fn can_refuse(&self) -> bool {
        !self.state.is_live() && self.refusal.is_none()
    }

    /// Whether nothing is to be known of it any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.state == Lifecycle::Closed && self.refusal.is_none()
    }

    /// Whether the peer may send more than it has sent.
    pub(super) fn is_receiving(&self) -> bool {
        self.state.is_live() && self.receiver.state() != State::Closed
    }

    /// Whether the initial metadata of a call that is answered here is still to come.
    pub(super) fn awaits_metadata(&self) -> bool {
        self.role == Role::Server && self.receiver.state() == State::Idle
    }

    /// The application has consumed up to `bytes` of what it was given.
    pub(super) fn consume(&mut self, window: u32, bytes: u32) {
        let waiting = window
            .saturating_sub(self.granted)
            .saturating_sub(self.owed);
        self.owed = self.owed.saturating_add(bytes.min(waiting));
    }

    /// Whether a WINDOW is due: half a window was consumed (SPEC.md#credit).
    pub(super) fn owes_window(&self, window: u32) -> bool {
        let half = window.saturating_sub(window >> 1);
        self.is_receiving() && self.owed >= half
    }

    /// Looks at a part of the request block for the field that it begins with.
    pub(super) fn look_for_path(&mut self, part: &[u8]) {
        let expected = PATH_FIELD.iter().skip(usize::from(self.path));
        for (expected, byte) in expected.zip(part) {
            let is_next = expected == byte;
            self.path = if is_next {
                self.path.saturating_add(1)
            } else {
                NO_PATH
            };
            if !is_next {
                return;
            }
        }
    }

    /// Whether the request block began with `:path`.
    pub(super) fn has_path(&self) -> bool {
        usize::from(self.path) == PATH_FIELD.len()
    }

    /// How many frames the peer may still have on its way when the call ends now.
    pub(super) fn on_its_way(&self) -> u32 {
        if self.receiver.state() == State::Closed {
            return 2;
        }
        // None of them brings less than the prefix of an empty message.
        (self.granted / SMALLEST_MESSAGE).saturating_add(2)
    }
}
