//! The receiving direction of a call.

use super::Role;
use super::event::Event;
use super::state::{State, Step};
use crate::deframe::{DeframeError, Frames, Piece};
use crate::error::RecvError;
use crate::limits::Limits;
use crate::wire::prefix::FrameKind;
use crate::wire::scan::BlockScanner;
use crate::wire::status::Code;

/// Reads a peer's stream of frames into events. Constant memory, and constant time for each call
/// but for the metadata bytes, which are each looked at once.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    /// Who sends in this direction.
    sender: Role,
    state: State,
    frames: Frames,
    scanner: BlockScanner,
    /// A block is complete, its event not yet given.
    block_ended: bool,
}

impl Receiver {
    pub(crate) const fn new(sender: Role) -> Self {
        Self {
            sender,
            state: State::Idle,
            frames: Frames::new(),
            scanner: BlockScanner::new(),
            block_ended: false,
        }
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// No frame is begun and none awaits its event.
    pub(crate) const fn is_at_boundary(&self) -> bool {
        self.frames.is_at_boundary() && !self.block_ended
    }

    /// A block of metadata is begun and not complete.
    pub(crate) fn is_in_metadata(&self) -> bool {
        self.frames.begun() == Some(FrameKind::Metadata)
    }

    /// Takes the next event off the front of `input`, a slice of the byte stream.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn recv<'i>(
        &mut self,
        limits: &Limits,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'i>>, RecvError> {
        if self.block_ended {
            return self.end_block().map(Some);
        }
        if self.state == State::Closed {
            // Some proxies add an empty block after a Trailers-Only answer; the status stands.
            *input = &[];
            return Ok(None);
        }
        self.check_order(input)?;
        match self.frames.next(limits, input)? {
            None => Ok(None),
            Some((FrameKind::Metadata, piece)) => self.recv_block(limits, piece).map(Some),
            Some((FrameKind::Message { compressed }, piece)) => {
                if piece.start.is_some() {
                    self.advance(Step::Message)?;
                }
                Ok(Some(Event::Message { compressed, piece }))
            }
        }
    }

    /// Takes the whole messages off the front of `input` that follow another, as by
    /// [`Deframer::next_messages`](crate::deframe::Deframer::next_messages).
    pub(crate) fn recv_messages<'i>(&mut self, limits: &Limits, input: &mut &'i [u8]) -> &'i [u8] {
        match self.state {
            State::Open if !self.block_ended => self.frames.next_messages(limits, input),
            _ => &[],
        }
    }

    /// The event of a block that is complete, if there is one.
    pub(crate) fn pending_event(&mut self) -> Result<Option<Event<'static>>, RecvError> {
        if self.block_ended {
            self.end_block().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The client ends its messages.
    pub(crate) fn half_close(&mut self) -> Result<(), RecvError> {
        if !self.is_at_boundary() {
            return Err(RecvError::Truncated);
        }
        self.advance(Step::HalfClose)
    }

    /// Nothing more is read.
    pub(crate) const fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Takes a piece of a block, which may come without a prefix: its end is told by `piece`.
    pub(crate) fn recv_block<'i>(
        &mut self,
        limits: &Limits,
        piece: Piece<'i>,
    ) -> Result<Event<'i>, RecvError> {
        let max = limits.max_metadata_len;
        let mut rest = piece.payload;
        while !rest.is_empty() {
            self.scanner.push(&mut rest)?;
            if self.scanner.size() > max {
                return Err(DeframeError::MetadataTooLong { max }.into());
            }
        }
        self.block_ended = piece.end;
        Ok(Event::Metadata(piece))
    }

    /// A client sends one block, and before its messages. Another is known by the first byte of its
    /// prefix, so that what is wrong with it does not depend on how much of it is there.
    fn check_order(&self, input: &[u8]) -> Result<(), RecvError> {
        let flags = input.first().filter(|_| self.frames.is_at_boundary());
        let kind = flags.map(|&flags| FrameKind::from_flags(flags));
        let past_block = self.sender == Role::Client && self.state != State::Idle;
        if past_block && kind == Some(Ok(FrameKind::Metadata)) {
            return Err(RecvError::OutOfOrder);
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<Event<'static>, RecvError> {
        self.block_ended = false;
        self.scanner.finish()?;
        let status = self.scanner.status();
        self.scanner = BlockScanner::new();
        // A server's first block is its trailers if it holds the status: Trailers-Only. Any later
        // block is its trailers, with or without one.
        if self.sender == Role::Server && (status.is_some() || self.state == State::Open) {
            self.advance(Step::Trailers)?;
            return Ok(Event::Trailers(status.unwrap_or(Code::Unknown)));
        }
        self.advance(Step::Metadata)?;
        Ok(Event::InitialMetadata)
    }

    fn advance(&mut self, step: Step) -> Result<(), RecvError> {
        self.state = self
            .state
            .after(self.sender, step)
            .ok_or(RecvError::OutOfOrder)?;
        Ok(())
    }
}
