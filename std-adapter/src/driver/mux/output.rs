//! What a call has to send and the peer has not room for yet.

use bytes::Bytes;
use grpc_websocket_core::Segment;
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};

use crate::chunks::Chunks;
use crate::driver::link::Link;
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

/// The most bytes of one call that are sent before the next call's turn.
const TURN_LEN: usize = 16 * 1024;

/// From how many chunks one DATA frame is made at most: more than the three of a unary answer.
const MAX_CHUNKS: usize = 8;

/// A block of metadata without fields.
const EMPTY_BLOCK: [u8; PREFIX_LEN] = Prefix {
    kind: FrameKind::Metadata,
    len: 0,
}
.encode();

/// The parts of a request or an answer, in their order; or what ends the call in their place.
#[derive(Default)]
pub(super) struct Output {
    parts: Chunks,
    ended: bool,
    /// The end is sent.
    end_sent: bool,
    /// Initial metadata of no fields is to be said, unless a message says that the answer begins.
    owes_metadata: bool,
    reset: Option<CallStatus>,
}

/// The front of an output.
pub(super) struct Front<'o> {
    /// One after the other; the last ones may be empty.
    pub(super) slices: [&'o [u8]; MAX_CHUNKS],
    /// Nothing follows.
    pub(super) ends: bool,
}

impl Output {
    pub(super) fn push(&mut self, part: Bytes) {
        self.owes_metadata = false;
        self.parts.push(part);
    }

    /// Adds a copy of a part.
    pub(super) fn copy(&mut self, part: &[u8]) {
        self.owes_metadata = false;
        self.parts.copy(part);
    }

    /// An answer begins with metadata of no fields, which need not be said if more comes at once
    /// (SPEC.md#response).
    pub(super) fn owe_metadata(&mut self) {
        self.owes_metadata = true;
    }

    /// Nothing more comes now.
    pub(super) fn say_metadata(&mut self) {
        if self.owes_metadata {
            self.copy(&EMPTY_BLOCK);
        }
    }

    /// Takes memory for short parts, if it has none.
    pub(super) fn borrow(&mut self) {
        self.parts.borrow();
    }

    /// Gives it back, if nothing is in it.
    pub(super) fn give_back(&mut self) {
        self.parts.give_back();
    }

    /// Nothing follows what was pushed.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Sends a RESET in place of what is left.
    pub(super) fn reset(&mut self, status: CallStatus) {
        *self = Self {
            reset: Some(status),
            ..Self::default()
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        let end_waits = self.ended && !self.end_sent;
        self.parts.is_empty() && self.reset.is_none() && !end_waits
    }

    /// Whether there is enough for a turn.
    pub(super) fn is_enough(&self) -> bool {
        self.parts.len() >= TURN_LEN || self.ended || self.reset.is_some()
    }

    pub(super) fn take_reset(&mut self) -> Option<CallStatus> {
        self.reset.take()
    }

    /// Whether all of it is sent, its end too.
    pub(super) fn is_over(&self) -> bool {
        self.end_sent
    }

    /// What is to be sent in one turn.
    pub(super) fn front(&self) -> Front<'_> {
        let mut slices = [&[][..]; MAX_CHUNKS];
        let mut len = 0;
        for (slice, chunk) in slices.iter_mut().zip(self.parts.iter()) {
            *slice = &chunk[..chunk.len().min(TURN_LEN - len)];
            len += slice.len();
        }
        let ends = self.ended && len == self.parts.len();
        Front { slices, ends }
    }

    /// Queues the WebSocket message of a segment, whose payload is taken off the front.
    pub(super) fn send<W: WebSocket>(&mut self, segment: &Segment, link: &mut Link<W>) {
        let len = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
        let len = len.min(self.parts.len());
        link.queue_parts(segment.head(), &mut self.parts, len);
        self.end_sent = self.ended && self.parts.is_empty();
    }
}
