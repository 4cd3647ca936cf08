//! What a WebSocket message has for its call, or a part of one, where a long one comes in parts.

use std::ops::Range;

use grpc_websocket_core::call::Event;
use grpc_websocket_core::mux::CallId;

use crate::driver::receiving::Slices;

/// A part of a block of metadata, then slices of messages, each at a place of the WebSocket message.
/// All of it goes to the call at once: a call that comes whole is found to be so.
#[derive(Default)]
pub(super) struct News {
    pub(super) call: Option<CallId>,
    pub(super) block: Range<usize>,
    /// The block of the initial metadata ends with this part.
    pub(super) is_metadata: bool,
    pub(super) slices: Slices,
}

impl News {
    /// Takes an event that ends at `end` of the WebSocket message; whether it goes on with what was
    /// taken before.
    pub(super) fn take(&mut self, call: CallId, event: &Event<'_>, end: usize) -> bool {
        let is_taken = match event {
            Event::Metadata(_) | Event::InitialMetadata if self.is_metadata => false,
            Event::Metadata(_) | Event::InitialMetadata if !self.slices.is_empty() => false,
            Event::Metadata(piece) => {
                if self.block.is_empty() {
                    self.block = end - piece.payload.len()..end;
                }
                self.block.end = end;
                true
            }
            Event::InitialMetadata => {
                self.is_metadata = true;
                true
            }
            event => self.slices.take(event, end),
        };
        if is_taken {
            self.call = Some(call);
        }
        is_taken
    }
}
