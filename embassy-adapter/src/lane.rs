//! The place of a call: what came for it and is not read yet, and who waits for what.

use grpc_websocket_core::call::Event;
use grpc_websocket_core::mux::CallId;
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};
use grpc_websocket_core::{Code, deframe::Piece};

use crate::ring::Ring;
use crate::signal::Signal;

/// Who has a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Nobody,
    /// A call made here.
    Client,
    /// A call that came, and waits for who answers it.
    Incoming,
    /// A call that is being answered.
    Server,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Ended {
    /// It goes on. All zeros, so that a static with it takes no flash.
    No,
    /// With the status of the server's trailers.
    Trailers(Code),
    /// Otherwise.
    Lost(Code),
}

/// A place for a call: up to `W` bytes of its stream of gRPC-Web frames.
#[derive(Debug)]
pub(crate) struct Lane<const W: usize> {
    pub(crate) owner: Owner,
    /// How many handles there are.
    pub(crate) handles: u8,
    /// It is a call of the WebSocket that is open.
    pub(crate) is_current: bool,
    /// While the connection knows it, in `grpc-mux.v1`.
    pub(crate) call: Option<CallId>,
    ring: Ring<W>,
    /// How many of its last bytes are no frames, but the text of the RESET that ended the call.
    text: u8,
    /// How much of the frame that is being read is not read yet.
    left: u32,
    /// The initial metadata is complete.
    pub(crate) has_metadata: bool,
    /// The client sends no more.
    is_half_closed: bool,
    ended: Ended,
    pub(crate) reader: Signal,
    pub(crate) writer: Signal,
}

/// What a lane has next for who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// A frame with so many bytes of payload.
    Frame(Prefix),
    /// Nothing comes any more: the client sends no more, or the trailers are read.
    End,
    /// The call is over without trailers.
    Lost(Code),
    /// Nothing yet.
    Nothing,
}

impl<const W: usize> Lane<W> {
    pub(crate) const NEW: Self = Self {
        owner: Owner::Nobody,
        handles: 0,
        is_current: false,
        call: None,
        ring: Ring::new(),
        text: 0,
        left: 0,
        has_metadata: false,
        is_half_closed: false,
        ended: Ended::No,
        reader: Signal::NEW,
        writer: Signal::NEW,
    };

    /// Begins another call.
    pub(crate) fn begin(&mut self, owner: Owner, call: Option<CallId>) {
        // Not as a whole: that would write the window once for each call.
        self.ring.clear();
        self.text = 0;
        self.owner = owner;
        self.handles = 0;
        self.is_current = true;
        self.call = call;
        self.left = 0;
        self.has_metadata = false;
        self.is_half_closed = false;
        self.ended = Ended::No;
    }

    pub(crate) const fn room(&self) -> usize {
        self.ring.room()
    }

    /// Whether a call goes on, so that more of it may come or go.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.ended, Ended::No)
    }

    /// The status of a call that ended without trailers.
    pub(crate) const fn lost(&self) -> Option<Code> {
        match self.ended {
            Ended::Lost(code) => Some(code),
            Ended::No | Ended::Trailers(_) => None,
        }
    }

    /// Something came. There is room for it: the peer keeps to the window, or is not read further.
    pub(crate) fn receive(&mut self, event: &Event<'_>) {
        match event {
            Event::Metadata(piece) | Event::Message { piece, .. } => {
                self.ring.push(piece.framed);
            }
            Event::InitialMetadata => self.has_metadata = true,
            Event::HalfClosed => self.is_half_closed = true,
            Event::Trailers(code) => {
                self.ended = Ended::Trailers(*code);
                self.writer.wake();
            }
            _ => {}
        }
        if self.room() == 0 {
            // Who sends may be who has to read.
            self.writer.wake();
        }
        self.reader.wake();
    }

    /// Begins a block that comes without a prefix and without its path. The prefix's length is set
    /// when the block is complete.
    pub(crate) fn receive_path(&mut self, path: &str) {
        self.ring.push(&[0; PREFIX_LEN]);
        for part in [":path: ", path, "\r\n"] {
            self.ring.push(part.as_bytes());
        }
    }

    /// A piece of that block.
    pub(crate) fn receive_bare(&mut self, piece: &Piece<'_>) {
        self.ring.push(piece.payload);
        if piece.end {
            let len = self.ring.len().saturating_sub(PREFIX_LEN);
            let prefix = Prefix {
                kind: FrameKind::Metadata,
                len: u32::try_from(len).unwrap_or(u32::MAX),
            };
            self.ring.patch(0, &prefix.encode());
        }
    }

    /// A part of the text of the RESET that ends the call, of which what there is room for is kept.
    pub(crate) fn receive_text(&mut self, text: &[u8]) {
        // No RESET has more than 119.
        let pushed = u8::try_from(self.ring.push(text)).unwrap_or(u8::MAX);
        self.text = self.text.saturating_add(pushed);
    }

    /// That text, or as much of it as there is room for; how much.
    pub(crate) fn text(&self, out: &mut [u8]) -> usize {
        let text = (self.frames()..).map_while(|offset| self.ring.peek(offset));
        let copied = out.iter_mut().zip(text);
        copied.map(|(place, byte)| *place = byte).count()
    }

    /// The call is over without trailers.
    pub(crate) fn fail(&mut self, code: Code) {
        if self.is_live() {
            self.ended = Ended::Lost(code);
        }
        self.reader.wake();
        self.writer.wake();
    }

    /// The rest of a frame cannot be had, and nothing behind it.
    pub(crate) fn break_off(&mut self, code: Code) {
        self.ring.skip(self.frames());
        self.left = 0;
        if self.lost().is_none() {
            self.ended = Ended::Lost(code);
        }
    }

    /// What can be read.
    pub(crate) fn front(&self) -> Front {
        if let Some(prefix) = self.prefix() {
            return Front::Frame(prefix);
        }
        match self.lost() {
            Some(code) => Front::Lost(code),
            None if self.is_half_closed || self.is_read() => Front::End,
            None => Front::Nothing,
        }
    }

    /// Whether so many bytes are there.
    pub(crate) fn has(&self, count: usize) -> bool {
        self.frames() >= count
    }

    /// How many bytes of frames wait.
    fn frames(&self) -> usize {
        self.ring.len().saturating_sub(self.text.into())
    }

    /// Takes the prefix off the frame in front.
    pub(crate) fn begin_frame(&mut self, prefix: Prefix) {
        self.ring.skip(PREFIX_LEN);
        self.left = prefix.len;
    }

    /// How much of the frame that is being read is not read yet.
    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    /// Takes bytes of the frame that is being read.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = out.len().min(left).min(self.frames());
        let count = self.ring.pop(out.get_mut(..most).unwrap_or_default());
        self.read_on(count);
        count
    }

    /// Drops bytes of the frame that is being read; how many.
    pub(crate) fn drop_read(&mut self) -> usize {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = self.frames().min(left);
        self.ring.skip(count);
        self.read_on(count);
        count
    }

    /// The status, when the block that was just read is the trailers.
    pub(crate) fn is_at_trailers(&self) -> Option<Code> {
        match self.ended {
            Ended::Trailers(code) if self.ring.is_empty() => Some(code),
            _ => None,
        }
    }

    /// Whether the trailers are read.
    fn is_read(&self) -> bool {
        self.is_at_trailers().is_some()
    }

    fn read_on(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(count);
    }

    fn prefix(&self) -> Option<Prefix> {
        if !self.has(PREFIX_LEN) {
            return None;
        }
        let mut bytes = [0; PREFIX_LEN];
        for (offset, byte) in bytes.iter_mut().enumerate() {
            *byte = self.ring.peek(offset)?;
        }
        Prefix::decode(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_reset_waits_behind_what_came_before_it() {
        let mut lane = Lane::<16>::NEW;
        lane.ring.push(b"\0\0\0\0\x02ab\0\0");
        lane.receive_text(b"no ");
        lane.receive_text(b"more, and longer");
        lane.fail(Code::Aborted);
        let prefix = lane.prefix().unwrap();
        assert_eq!(lane.front(), Front::Frame(prefix));
        lane.begin_frame(prefix);
        let mut out = [0; 8];
        assert_eq!(lane.read(&mut out), 2);
        assert_eq!(&out[..2], b"ab");
        // Half a prefix is no frame.
        assert_eq!(lane.front(), Front::Lost(Code::Aborted));
        assert_eq!(lane.text(&mut out), 7);
        assert_eq!(&out[..7], b"no more");
        lane.begin(Owner::Client, None);
        assert_eq!(lane.text(&mut out), 0);
    }
}
