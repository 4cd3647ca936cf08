//! What a WebSocket message has for its call, or a part of one, where a long one comes in parts.

use std::ops::Range;

use grpc_websocket_core::Code;
use grpc_websocket_core::call::Event;
use grpc_websocket_core::mux::CallId;

use crate::driver::receiving::Slices;

/// A part of a block of metadata, then slices of messages, then a part of another block, each at a place
/// of the WebSocket message. All of it goes to the call at once: a request or an answer that comes whole
/// is found to be so.
#[derive(Default)]
pub(super) struct News {
    pub(super) call: Option<CallId>,
    pub(super) block: Range<usize>,
    /// The block of the initial metadata ends with this part.
    pub(super) is_metadata: bool,
    pub(super) slices: Slices,
    /// Of an answer's trailers, if there was something before them.
    pub(super) last_block: Range<usize>,
    /// The trailers are complete, and the call is over.
    pub(super) code: Option<Code>,
}

impl News {
    /// Takes an event that ends at `end` of the WebSocket message; whether it is one of these.
    pub(super) fn take(&mut self, call: CallId, event: &Event<'_>, end: usize) -> bool {
        let is_taken = match event {
            Event::Metadata(piece) => {
                let block = match self.is_begun() {
                    true => &mut self.last_block,
                    false => &mut self.block,
                };
                if block.end == 0 {
                    block.start = end - piece.payload.len();
                }
                block.end = end;
                true
            }
            Event::InitialMetadata => {
                self.is_metadata = true;
                true
            }
            Event::Trailers(code) => {
                self.code = Some(*code);
                true
            }
            event => self.slices.take(event, end),
        };
        if is_taken {
            self.call = Some(call);
        }
        is_taken
    }

    /// Whether an answer begins with it, or goes on: what follows are trailers.
    pub(super) fn is_begun(&self) -> bool {
        self.is_metadata || !self.slices.is_empty()
    }
}
