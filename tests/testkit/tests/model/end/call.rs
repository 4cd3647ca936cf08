//! What the model knows of one call at one end.

use super::{MAX_FRAME, WINDOW};
use crate::plan_of;
use grpc_websocket_core::Instant;
use grpc_websocket_core::call::Role;
use grpc_websocket_testkit::plan::CallPlan;
use grpc_websocket_testkit::stream::{Follower, Stream};

pub(super) struct Call {
    pub(super) role: Role,
    pub(super) state: State,
    pub(super) plan: CallPlan,
    pub(super) sent: u32,
    pub(super) credit: u32,
    pub(super) has_half_closed: bool,
    pub(super) follower: Follower,
    /// Bytes that the peer may still send.
    pub(super) granted: u32,
    /// Bytes of messages that the application has not consumed.
    pub(super) held: u32,
    /// Bytes that are consumed and not granted again.
    pub(super) owed: u32,
    pub(super) peer_half_closed: bool,
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live,
    /// Over, with a RESET to be written.
    Resetting,
    /// Over, to be released.
    Held,
}

impl Call {
    pub(super) fn new(role: Role, id: u32) -> Self {
        Self {
            role,
            state: State::Live,
            plan: plan_of(id),
            sent: 0,
            credit: WINDOW,
            has_half_closed: false,
            follower: Follower::default(),
            granted: WINDOW,
            held: 0,
            owed: 0,
            peer_half_closed: false,
            deadline: None,
        }
    }

    pub(super) fn sends(&self) -> &Stream {
        match self.role {
            Role::Client => &self.plan.request,
            Role::Server => &self.plan.response,
        }
    }

    pub(super) fn receives(&self) -> &Stream {
        match self.role {
            Role::Client => &self.plan.response,
            Role::Server => &self.plan.request,
        }
    }

    pub(super) fn owes_window(&self) -> bool {
        let is_receiving = self.state == State::Live && !self.peer_half_closed;
        is_receiving && self.owed >= WINDOW / 2
    }

    /// What of `len` bytes can be sent.
    pub(super) fn may_send(&self, len: usize) -> u32 {
        u32::try_from(len).unwrap().min(self.credit).min(MAX_FRAME)
    }
}
