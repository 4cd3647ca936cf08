//! Where in the peer's frames the next byte belongs.

use super::id::CallId;
use crate::wire::mux::{FrameType, HEADER_LEN, Header};

/// The frame being read, and the few bytes of it that are kept.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) position: Position,
    /// A header, or the part of a control frame that must be whole to be understood.
    pub(super) scratch: Scratch,
}

/// See [`Reading`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Header,
    Data(DataFrame),
    Control {
        header: Header,
        /// How many bytes of the payload were read.
        taken: u32,
    },
    /// In a frame that is dropped, of which so much more may come.
    Skip {
        left: u32,
    },
}

/// A DATA frame of a call that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DataFrame {
    pub(super) call: CallId,
    /// The call's place in the table, as long as it is there.
    pub(super) position: usize,
    pub(super) open: bool,
    pub(super) end: bool,
    /// How many more bytes the frame may have.
    pub(super) left: u32,
    /// How many bytes it had.
    pub(super) taken: u32,
    /// A message or a block ended in it.
    pub(super) completed: bool,
}

impl Reading {
    pub(super) const fn new() -> Self {
        Self {
            position: Position::Header,
            scratch: Scratch::new(),
        }
    }

    /// Takes bytes for the header off the front of `input`; the header once it is whole.
    pub(super) fn take_header(&mut self, input: &mut &[u8]) -> Option<[u8; HEADER_LEN]> {
        // Most headers come whole. A device does with the loop, for it is there anyway.
        if cfg!(not(target_os = "none"))
            && self.scratch.is_empty()
            && let Some((header, rest)) = input.split_first_chunk()
            && let Some(bytes) = self.scratch.bytes.first_chunk_mut()
        {
            // It is left as the loop leaves it: a state does not tell how its bytes came.
            *bytes = *header;
            *input = rest;
            return Some(*header);
        }
        self.scratch.fill(input, HEADER_LEN);
        let [a, b, c, d, e, ..] = self.scratch.take(HEADER_LEN)?;
        Some([a, b, c, d, e])
    }
}

/// Up to eight bytes that arrive in pieces.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
    bytes: [u8; 8],
    filled: u8,
}

impl Scratch {
    const fn new() -> Self {
        Self {
            bytes: [0; 8],
            filled: 0,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Takes bytes off the front of `input` until there are `len`, at most eight.
    pub(super) fn fill(&mut self, input: &mut &[u8], len: usize) {
        let wanted = self.bytes.iter_mut().take(len);
        for slot in wanted.skip(usize::from(self.filled)) {
            let Some((&byte, rest)) = input.split_first() else {
                return;
            };
            *slot = byte;
            self.filled = self.filled.saturating_add(1);
            *input = rest;
        }
    }

    /// The bytes if there are exactly `len`; then it is empty again.
    pub(super) fn take(&mut self, len: usize) -> Option<[u8; 8]> {
        if usize::from(self.filled) != len {
            return None;
        }
        self.filled = 0;
        Some(self.bytes)
    }
}

/// How many bytes of a control frame's payload are to be whole before they are understood.
pub(super) const fn unit(kind: FrameType) -> usize {
    match kind {
        FrameType::Window => 4,
        FrameType::Ping { .. } => 8,
        FrameType::Settings => crate::wire::mux::SETTING_LEN,
        _ => 1,
    }
}
