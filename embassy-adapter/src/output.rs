//! What waits to be written: whole WebSocket frames, masked where they have to be.
//!
//! A frame is put here at once and complete, so no future that is dropped leaves half of one.

use grpc_websocket_core::ws::{Header, MAX_HEADER, Mask, Opcode};

use crate::parts::Parts;
use crate::random::Random;
use crate::ring::Ring;

/// Up to `N` bytes of frames.
#[derive(Debug)]
pub(crate) struct Output<const N: usize> {
    ring: Ring<N>,
    /// Where keys come from, at the end that masks.
    keys: Option<Random>,
}

impl<const N: usize> Output<N> {
    pub(crate) const fn new() -> Self {
        Self {
            ring: Ring::new(),
            keys: None,
        }
    }

    /// For a new WebSocket.
    pub(crate) const fn begin(&mut self, keys: Option<Random>) {
        self.ring.clear();
        self.keys = keys;
    }

    /// The longest payload of a frame that there is room for.
    pub(crate) const fn room(&self) -> usize {
        self.ring.room().saturating_sub(MAX_HEADER)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Puts a whole frame, if there is [room](Self::room).
    pub(crate) fn put(&mut self, opcode: Opcode, head: &[u8], payload: &Parts<'_>) {
        let len = payload.len().saturating_add(head.len());
        if len > self.room() {
            return;
        }
        let mut header = Header::new(opcode, true, u64::try_from(len).unwrap_or(u64::MAX));
        let mut mask = None;
        if let Some(keys) = &mut self.keys {
            let key = keys.next();
            header = header.masked(key);
            mask = Some(Mask::new(key));
        }
        self.ring.push(header.encode().as_slice());
        for part in core::iter::once(&head).chain(payload.as_slices()) {
            self.ring.push_changed(part, |bytes| {
                if let Some(mask) = &mut mask {
                    mask.apply(bytes);
                }
            });
        }
    }

    /// Takes bytes to be written; how many.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> usize {
        self.ring.pop(out)
    }
}
