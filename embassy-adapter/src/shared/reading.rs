//! What the application reads.

use core::task::{Context, Poll, ready};

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};

use super::{Inner, Protocol};
use crate::lane::{Front, Lane};
use crate::status::{Failure, MAX_STATUS_MESSAGE, Status, TOO_SHORT};

/// What was read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frame {
    /// So many bytes of metadata.
    Metadata(usize),
    /// A message of so many bytes.
    Message(usize),
    /// The status, and so many bytes of metadata.
    Trailers(Code, usize),
    /// The client sends no more, or the trailers were read before.
    End,
}

/// How much of a frame was read.
#[derive(Debug)]
pub(crate) struct FrameRead {
    /// Of one that was begun.
    prefix: Option<Prefix>,
    len: usize,
}

impl FrameRead {
    /// Nothing yet.
    pub(crate) const NEW: Self = Self {
        prefix: None,
        len: 0,
    };

    /// Whether a part of it is gone that nobody has.
    pub(crate) fn is_midway<const W: usize>(&self) -> bool {
        self.prefix.is_some_and(|prefix| !is_whole::<W>(prefix))
    }
}

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    /// Reads the next frame into the buffer. A block is cut if it is longer; a message that is longer
    /// ends the call. Of a message that is not wanted whole only the prefix is taken.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
        frame: &mut FrameRead,
        buffer: &mut [u8],
        whole: bool,
    ) -> Poll<Result<Frame, Failure>> {
        loop {
            let Some(prefix) = frame.prefix else {
                let Some(prefix) = ready!(self.poll_prefix(cx, lane))? else {
                    return Poll::Ready(Ok(Frame::End));
                };
                let room = if whole { buffer.len() } else { usize::MAX };
                self.check_message(lane, prefix, room)?;
                if !whole && prefix.kind != FrameKind::Metadata {
                    return Poll::Ready(Ok(Frame::Message(to_usize(prefix.len))));
                }
                frame.prefix = Some(prefix);
                continue;
            };
            let rest = buffer.get_mut(frame.len..).unwrap_or_default();
            let is_full = rest.is_empty();
            let count = ready!(match is_full {
                true => self.poll_drop(cx, lane),
                false => self.poll_read(cx, lane, rest),
            })?;
            if count == 0 {
                frame.prefix = None;
                return Poll::Ready(Ok(self.read_frame(lane, prefix, frame.len)));
            }
            if !is_full {
                frame.len = frame.len.saturating_add(count);
            }
        }
    }

    fn read_frame(&self, lane: usize, prefix: Prefix, len: usize) -> Frame {
        if prefix.kind != FrameKind::Metadata {
            return Frame::Message(len);
        }
        match self.lanes.get(lane).and_then(Lane::is_at_trailers) {
            None => Frame::Metadata(len),
            Some(code) => Frame::Trailers(code, len),
        }
    }

    /// Ends the call because of a message that is longer than what there is room for, or compressed.
    fn check_message(&mut self, lane: usize, prefix: Prefix, room: usize) -> Result<(), Failure> {
        let failure = match prefix.kind {
            FrameKind::Message { compressed: true } => {
                Failure::new(Code::Unimplemented, "the message is compressed")
            }
            FrameKind::Message { .. } if to_usize(prefix.len) > room => TOO_SHORT,
            _ => return Ok(()),
        };
        self.break_off(lane, failure.code);
        Err(failure)
    }

    /// The prefix of the next frame, which is taken off; `None` at the end of the stream. A frame of
    /// up to half a window is there as a whole then.
    fn poll_prefix(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
    ) -> Poll<Result<Option<Prefix>, Failure>> {
        // What was begun and not read to its end is passed over.
        while self.lanes.get(lane).is_some_and(|place| place.left() > 0) {
            ready!(self.poll_drop(cx, lane))?;
        }
        let Some(place) = self.lanes.get_mut(lane) else {
            return Poll::Ready(Err(Failure::of(Code::Internal)));
        };
        let prefix = match place.front() {
            Front::Frame(prefix) if place.has(awaited::<W>(prefix)) => prefix,
            Front::Frame(_) if place.lost().is_some() => return lost(place.lost()),
            Front::Lost(code) => return lost(Some(code)),
            Front::End => return Poll::Ready(Ok(None)),
            Front::Frame(_) | Front::Nothing => {
                place.reader.register(cx);
                return Poll::Pending;
            }
        };
        place.begin_frame(prefix);
        self.consume(lane, PREFIX_LEN);
        Poll::Ready(Ok(Some(prefix)))
    }

    /// Takes bytes of the frame that was begun: how many; 0 at its end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
        out: &mut [u8],
    ) -> Poll<Result<usize, Failure>> {
        self.poll_taken(cx, lane, |place| place.read(out))
    }

    /// Drops bytes of the frame that was begun: how many; 0 at its end.
    pub(crate) fn poll_drop(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
    ) -> Poll<Result<usize, Failure>> {
        self.poll_taken(cx, lane, Lane::drop_read)
    }

    /// Whether the peer can send no more of a call before something is read.
    pub(crate) fn is_full(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(|lane| lane.room() == 0)
    }

    /// The status of a call that cannot be read on, if the peer's RESET has a text for it.
    pub(crate) fn status(&self, lane: usize, failure: Failure) -> Option<Status> {
        let mut text = [0; MAX_STATUS_MESSAGE];
        let place = self.lanes.get(lane)?;
        // What is wrong at this end has a text of its own.
        place.lost().filter(|code| *code == failure.code)?;
        let len = place.text(&mut text);
        let text = text.get(..len).filter(|text| !text.is_empty())?;
        Some(Status::of_text(failure.code, text))
    }

    /// Ready with the status of a call that is over without trailers.
    pub(crate) fn poll_closed(&mut self, cx: &Context<'_>, lane: usize) -> Poll<Failure> {
        let Some(place) = self.lanes.get_mut(lane) else {
            return Poll::Ready(Failure::of(Code::Internal));
        };
        if let Some(code) = place.lost() {
            return Poll::Ready(Failure::of(code));
        }
        place.writer.register(cx);
        Poll::Pending
    }

    fn poll_taken(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
        take: impl FnOnce(&mut Lane<W>) -> usize,
    ) -> Poll<Result<usize, Failure>> {
        let Some(place) = self.lanes.get_mut(lane) else {
            return Poll::Ready(Err(Failure::of(Code::Internal)));
        };
        if place.left() == 0 {
            return Poll::Ready(Ok(0));
        }
        let taken = take(place);
        if taken > 0 {
            self.consume(lane, taken);
            return Poll::Ready(Ok(taken));
        }
        if place.lost().is_some() {
            return lost(place.lost());
        }
        place.reader.register(cx);
        Poll::Pending
    }

    /// The application has taken bytes: the peer may send as many more.
    fn consume(&mut self, lane: usize, bytes: usize) {
        let call = self.lanes.get(lane).and_then(|lane| lane.call);
        match (&mut self.protocol, call) {
            (Protocol::Mux(connection), Some(call)) => {
                connection.consume(call, u32::try_from(bytes).unwrap_or(u32::MAX));
                self.pump();
            }
            // It is read on.
            _ => self.runner.wake(),
        }
    }
}

/// How much of a frame is waited for, so that it can be taken at once: the peer may send half a window
/// at any time, and no more before something is taken.
fn awaited<const W: usize>(prefix: Prefix) -> usize {
    let whole = to_usize(prefix.len).saturating_add(PREFIX_LEN);
    if whole <= W >> 1 { whole } else { PREFIX_LEN }
}

/// Whether a frame is taken at once.
fn is_whole<const W: usize>(prefix: Prefix) -> bool {
    awaited::<W>(prefix) > PREFIX_LEN || prefix.len == 0
}

fn lost<R>(code: Option<Code>) -> Poll<Result<R, Failure>> {
    Poll::Ready(Err(Failure::of(code.unwrap_or(Code::Unavailable))))
}

fn to_usize(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
