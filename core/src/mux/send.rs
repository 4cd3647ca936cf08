//! The sending direction of a call: order, credit, and the cut into DATA frames.

use super::id::CallId;
use crate::call::Role;
use crate::call::Segment;
use crate::call::state::{State, Step};
use crate::deframe::Frames;
use crate::error::SendError;
use crate::limits::Limits;
use crate::wire::mux::{FrameType, Header, Settings};
use crate::wire::prefix::FrameKind;

/// Follows a call's stream of gRPC-Web frames on its way out.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) credit: u32,
    role: Role,
    state: State,
    frames: Frames,
    /// The last frame of the stream was a block of metadata.
    block_last: bool,
    /// Whether the first DATA frame is still to be made.
    unsaid: bool,
}

impl Sending {
    pub(super) const fn new(role: Role, credit: u32) -> Self {
        Self {
            credit,
            role,
            state: State::Idle,
            frames: Frames::new(),
            block_last: false,
            unsaid: matches!(role, Role::Client),
        }
    }

    /// Whether a client has half-closed. A server's call is over with its last frame.
    pub(super) fn is_half_closed(&self) -> bool {
        self.role == Role::Client && self.state == State::Closed
    }

    /// Makes the next DATA frame out of the front of `parts`, and whether it has END. `None`: no
    /// byte can be sent now.
    pub(super) fn next(
        &mut self,
        call: CallId,
        peer: &Settings,
        parts: &[&[u8]],
        end: bool,
    ) -> Result<Option<(Segment, bool)>, SendError> {
        let total = parts
            .iter()
            .fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let take = total.min(self.credit).min(peer.max_frame);
        let ends = end && take == total;
        // On a copy, for nothing changes when the bytes are refused.
        let mut next = self.clone();
        next.follow(&limits_of(peer), parts, take)?;
        if ends {
            next.end()?;
        } else if next.is_over() {
            // Only the frame with the last byte of the trailers can have the END.
            return Err(SendError::OutOfOrder);
        }
        if take == 0 && !ends {
            return Ok(None);
        }
        next.credit = self.credit.saturating_sub(take);
        let open = core::mem::take(&mut next.unsaid);
        *self = next;
        let kind = FrameType::Data { open, end: ends };
        let header = Header {
            kind,
            id: call.get(),
        };
        Ok(Some((Segment::frame(header, None, take), ends)))
    }

    /// Reads the first `take` bytes of `parts`.
    fn follow(&mut self, limits: &Limits, parts: &[&[u8]], take: u32) -> Result<(), SendError> {
        let mut left = usize::try_from(take).unwrap_or(usize::MAX);
        for part in parts {
            let mut input = part.get(..left.min(part.len())).unwrap_or_default();
            left = left.saturating_sub(input.len());
            while let Some((kind, piece)) = self.frames.next(limits, &mut input)? {
                if piece.start.is_some() {
                    self.begin(kind)?;
                }
                if piece.end && kind != FrameKind::Metadata {
                    // Those that follow change nothing.
                    self.frames.next_messages(limits, &mut input);
                }
            }
        }
        Ok(())
    }

    /// A gRPC-Web frame begins.
    fn begin(&mut self, kind: FrameKind) -> Result<(), SendError> {
        let step = match (kind, self.role, self.state) {
            // A server's second block is its trailers; a client has none, and the table says so.
            (FrameKind::Metadata, Role::Server, State::Open) => Step::Trailers,
            (FrameKind::Metadata, ..) => Step::Metadata,
            (FrameKind::Message { .. }, ..) => Step::Message,
        };
        self.block_last = kind == FrameKind::Metadata;
        self.advance(step)
    }

    /// The stream ends here.
    fn end(&mut self) -> Result<(), SendError> {
        if !self.frames.is_at_boundary() {
            return Err(SendError::FrameOpen);
        }
        match (self.role, self.state) {
            (Role::Client, _) => self.advance(Step::HalfClose),
            (Role::Server, State::Closed) => Ok(()),
            // The only block is the trailers: Trailers-Only.
            (Role::Server, State::Open) if self.block_last => self.advance(Step::Trailers),
            (Role::Server, _) => Err(SendError::OutOfOrder),
        }
    }

    /// Whether a server's trailers are complete.
    fn is_over(&self) -> bool {
        self.role == Role::Server && self.state == State::Closed && self.frames.is_at_boundary()
    }

    fn advance(&mut self, step: Step) -> Result<(), SendError> {
        let next = self.state.after(self.role, step);
        self.state = next.ok_or(SendError::OutOfOrder)?;
        Ok(())
    }
}

/// What the peer takes of one call.
fn limits_of(peer: &Settings) -> Limits {
    let max_message_len = match peer.max_message {
        0 => u32::MAX,
        said => said,
    };
    Limits::DEFAULT
        .with_max_message_len(max_message_len)
        .with_max_metadata_len(peer.max_header)
}
