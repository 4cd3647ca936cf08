//! The sending direction of a call.

use super::Role;
use super::state::{State, Step};
use crate::deframe::Deframer;
use crate::error::SendError;
use crate::limits::Limits;
use crate::wire::mux::Header;
use crate::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};

/// One WebSocket binary message to write: `head`, then `payload_len` bytes of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Segment {
    head: [u8; PREFIX_LEN + 1],
    head_len: u8,
    payload_len: u32,
}

impl Segment {
    pub(crate) const fn new(control: Option<u8>, prefix: Option<Prefix>, payload_len: u32) -> Self {
        let encoded = match prefix {
            Some(prefix) => prefix.encode(),
            None => [0; PREFIX_LEN],
        };
        let [a, b, c, d, e] = encoded;
        let (head, head_len) = match (control, prefix) {
            (Some(control), Some(_)) => ([control, a, b, c, d, e], 6),
            (Some(control), None) => ([control, 0, 0, 0, 0, 0], 1),
            (None, Some(_)) => ([a, b, c, d, e, 0], 5),
            (None, None) => ([0; PREFIX_LEN + 1], 0),
        };
        Self {
            head,
            head_len,
            payload_len,
        }
    }

    /// A frame of `grpc-mux.v1`, with the code of a RESET.
    pub(crate) const fn frame(header: Header, code: Option<u8>, payload_len: u32) -> Self {
        let [a, b, c, d, e] = header.encode();
        let (code, head_len) = match code {
            Some(code) => (code, 6),
            None => (0, 5),
        };
        Self {
            head: [a, b, c, d, e, code],
            head_len,
            payload_len,
        }
    }

    /// The bytes to write before the payload; at most six.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.head
            .get(..usize::from(self.head_len))
            .unwrap_or_default()
    }

    /// How many bytes of the payload belong to this WebSocket message.
    #[must_use]
    pub const fn payload_len(&self) -> u32 {
        self.payload_len
    }
}

/// Keeps the order of what is sent, and cuts it into WebSocket messages.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    role: Role,
    state: State,
    /// The byte before the data of each WebSocket message, if the subprotocol has one.
    control: Option<u8>,
    /// The longest WebSocket message, if messages are cut.
    max_websocket_message: Option<u32>,
    /// What is still to come of the payload given to [`Sender::message`].
    remaining: u32,
    /// Follows the frames given to [`Sender::forward`].
    deframer: Deframer,
}

impl Sender {
    pub(crate) const fn new(
        role: Role,
        control: Option<u8>,
        max_websocket_message: Option<u32>,
    ) -> Self {
        // How long a message may be is the receiver's to say.
        let limits = Limits::DEFAULT.with_max_message_len(u32::MAX);
        Self {
            role,
            state: State::Idle,
            control,
            max_websocket_message,
            remaining: 0,
            deframer: Deframer::new(limits),
        }
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// Moves on by a step that needs no bytes of this crate, or whose bytes the caller makes.
    pub(crate) fn advance(&mut self, step: Step) -> Result<(), SendError> {
        let allowed = step != Step::Message || self.state == State::Open;
        let next = self.state.after(self.role, step).filter(|_| allowed);
        let next = next.ok_or(SendError::OutOfOrder)?;
        if !self.is_at_boundary() {
            return Err(SendError::FrameOpen);
        }
        self.state = next;
        Ok(())
    }

    /// Begins a message of `len` bytes.
    pub(crate) fn message(&mut self, compressed: bool, len: u32) -> Result<Segment, SendError> {
        self.advance(Step::Message)?;
        self.remaining = len;
        let kind = FrameKind::Message { compressed };
        Ok(self.cut(Some(Prefix { kind, len })))
    }

    /// The next WebSocket message of the message begun; `None` when it is complete.
    pub(crate) fn resume(&mut self) -> Option<Segment> {
        (self.remaining > 0).then(|| self.cut(None))
    }

    /// Takes as many bytes of `framed` as fit one WebSocket message: a slice of the stream of
    /// prefixed messages, cut anywhere.
    pub(crate) fn forward(&mut self, framed: &[u8]) -> Result<Segment, SendError> {
        if self.state != State::Open {
            return Err(SendError::OutOfOrder);
        }
        if self.remaining > 0 {
            return Err(SendError::FrameOpen);
        }
        let len = self
            .room(0)
            .min(u32::try_from(framed.len()).unwrap_or(u32::MAX));
        let take = usize::try_from(len).unwrap_or(usize::MAX);
        let mut input = framed.get(..take).unwrap_or(framed);
        // On a copy, for nothing changes when the bytes are refused.
        let mut deframer = self.deframer.clone();
        while let Some((kind, piece)) = deframer.next(&mut input)? {
            if kind == FrameKind::Metadata {
                return Err(SendError::OutOfOrder);
            }
            if piece.end {
                deframer.next_messages(&mut input);
            }
        }
        self.deframer = deframer;
        Ok(Segment::new(self.control, None, len))
    }

    /// Nothing more is sent, not even the rest of a message begun.
    pub(crate) const fn close(&mut self) {
        self.state = State::Closed;
        self.remaining = 0;
    }

    /// Whether the frames sent are all complete.
    pub(crate) const fn is_at_boundary(&self) -> bool {
        self.remaining == 0 && self.deframer.is_at_boundary()
    }

    /// The payload bytes that fit one WebSocket message beside a prefix of that length.
    fn room(&self, prefix_len: u32) -> u32 {
        let control = u32::from(self.control.is_some());
        self.max_websocket_message.map_or(u32::MAX, |max| {
            max.saturating_sub(control).saturating_sub(prefix_len)
        })
    }

    fn cut(&mut self, prefix: Option<Prefix>) -> Segment {
        let prefix_len = if prefix.is_some() { 5 } else { 0 };
        let payload_len = self.remaining.min(self.room(prefix_len));
        self.remaining = self.remaining.saturating_sub(payload_len);
        Segment::new(self.control, prefix, payload_len)
    }
}
