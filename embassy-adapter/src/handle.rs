//! A hold on a call's place.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};

use grpc_websocket_core::Code;

use crate::parts::Parts;
use crate::shared::{Frame, FrameRead, Kind, Shared};
use crate::status::{ANSWERED, Failure, Status};

/// A hold on a call's place. Its drop gives the call up, unless it is [done](Self::done).
#[derive(Debug)]
pub(crate) struct Handle<'a, const N: usize, const W: usize, const T: usize> {
    shared: &'a Shared<N, W, T>,
    lane: usize,
    /// What the peer is told if this is dropped before it is done.
    on_drop: Option<Code>,
    /// Nobody reads the call while this sends.
    is_alone: bool,
}

impl<'a, const N: usize, const W: usize, const T: usize> Handle<'a, N, W, T> {
    pub(crate) fn new(shared: &'a Shared<N, W, T>, lane: usize, on_drop: Option<Code>) -> Self {
        shared.with((), |inner| {
            if let Some(lane) = inner.lane(lane) {
                lane.handles = lane.handles.saturating_add(1);
            }
        });
        Self {
            shared,
            lane,
            on_drop,
            is_alone: false,
        }
    }

    /// Another hold on the same call.
    pub(crate) fn share(&self, on_drop: Option<Code>) -> Self {
        Self::new(self.shared, self.lane, on_drop)
    }

    /// Nobody reads the call while this sends: that fails when the peer can go on only when it is read.
    pub(crate) const fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// The call is over as far as this hold is concerned.
    pub(crate) const fn done(&mut self) {
        self.on_drop = None;
    }

    /// Ends the call now.
    pub(crate) fn give_up(&self, code: Code) {
        self.shared.with((), |inner| inner.give_up(self.lane, code));
    }

    /// The status of a call that the peer's RESET has ended, if it has a text.
    pub(crate) fn status(&self, failure: Failure) -> Option<Status> {
        self.shared
            .with(None, |inner| inner.status(self.lane, failure))
    }

    /// Ends the call in the middle of a frame that is read.
    pub(crate) fn break_off(&self, code: Code) {
        self.shared
            .with((), |inner| inner.break_off(self.lane, code));
    }

    pub(crate) fn set_deadline(&self, deadline: Option<grpc_websocket_core::Instant>) {
        self.shared
            .with((), |inner| inner.set_deadline(self.lane, deadline));
    }

    /// Sends what is left of the parts. Dropping the future in the middle of them ends the call.
    pub(crate) const fn send<'h, 'p>(
        &'h mut self,
        kind: Kind,
        parts: Parts<'p>,
        sent: usize,
        end: bool,
    ) -> Sending<'h, 'a, 'p, N, W, T> {
        Sending {
            handle: self,
            kind,
            parts,
            end,
            sent,
            is_midway: sent > 0,
        }
    }

    /// Reads the next frame into the buffer. A block is cut if it is longer; a message that is longer
    /// ends the call. Dropping the future in the middle of a frame that is longer than half a window
    /// ends the call; otherwise nothing is lost.
    pub(crate) const fn read_frame<'h>(
        &'h mut self,
        buffer: &'h mut [u8],
    ) -> Reading<'h, 'a, N, W, T> {
        self.read_on(buffer, true)
    }

    /// The same, but of a message that is not wanted whole only the prefix is taken.
    pub(crate) const fn read_on<'h>(
        &'h mut self,
        buffer: &'h mut [u8],
        whole: bool,
    ) -> Reading<'h, 'a, N, W, T> {
        Reading {
            handle: self,
            buffer,
            whole,
            frame: FrameRead::NEW,
        }
    }

    /// Reads bytes of the frame that was begun; 0 at its end. Nothing is lost when it is dropped.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> impl Future<Output = Result<usize, Failure>> {
        poll_fn(|cx| {
            self.shared
                .poll(|inner| inner.poll_read(cx, self.lane, out))
        })
    }

    /// Waits until the call is over without trailers.
    pub(crate) fn closed(&mut self) -> impl Future<Output = Failure> {
        poll_fn(|cx| {
            let in_use = Poll::Ready(Failure::of(Code::Internal));
            self.shared
                .with(in_use, |inner| inner.poll_closed(cx, self.lane))
        })
    }

    /// The status, if the trailers were read.
    pub(crate) fn trailers(&mut self) -> Option<Code> {
        let (lane, none) = (self.lane, None);
        self.shared
            .with(none, |inner| inner.lane(lane)?.is_at_trailers())
    }
}

impl<const N: usize, const W: usize, const T: usize> Drop for Handle<'_, N, W, T> {
    fn drop(&mut self) {
        if let Some(code) = self.on_drop {
            self.give_up(code);
        }
        self.shared.with((), |inner| inner.let_go(self.lane));
    }
}

/// Bytes on their way. Its drop in the middle of them ends the call.
#[must_use = "it does nothing by itself"]
pub(crate) struct Sending<'h, 'a, 'p, const N: usize, const W: usize, const T: usize> {
    handle: &'h mut Handle<'a, N, W, T>,
    kind: Kind,
    parts: Parts<'p>,
    end: bool,
    sent: usize,
    is_midway: bool,
}

// Not the future of an `async fn`: that is one more state machine around this one.
impl<const N: usize, const W: usize, const T: usize> Future for Sending<'_, '_, '_, N, W, T> {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (lane, is_alone) = (self.handle.lane, self.handle.is_alone);
        let (kind, end) = (self.kind, self.end);
        let all = self.parts.len();
        let mut ended = !end;
        while self.sent < all || !ended {
            let from = (&self.parts, self.sent);
            let sent =
                self.handle
                    .shared
                    .poll(|inner| match inner.poll_send(cx, lane, kind, from, end) {
                        Poll::Pending if is_alone && inner.is_full(lane) => {
                            Poll::Ready(Err(ANSWERED))
                        }
                        sent => sent,
                    });
            let Poll::Ready(sent) = sent else {
                return Poll::Pending;
            };
            // What cannot be sent was not dropped: there may be an answer to read.
            self.is_midway = sent.is_ok();
            if sent == Err(ANSWERED) {
                self.handle.done();
            }
            self.sent = self.sent.saturating_add(sent?);
            ended |= self.sent >= all;
        }
        self.is_midway = false;
        Poll::Ready(Ok(()))
    }
}

impl<const N: usize, const W: usize, const T: usize> Drop for Sending<'_, '_, '_, N, W, T> {
    fn drop(&mut self) {
        if self.is_midway {
            self.handle.give_up(Code::Cancelled);
        }
    }
}

/// A frame on its way. Its drop in the middle of one that does not wait as a whole ends the call.
#[must_use = "it does nothing by itself"]
pub(crate) struct Reading<'h, 'a, const N: usize, const W: usize, const T: usize> {
    handle: &'h mut Handle<'a, N, W, T>,
    buffer: &'h mut [u8],
    whole: bool,
    frame: FrameRead,
}

impl<const N: usize, const W: usize, const T: usize> Future for Reading<'_, '_, N, W, T> {
    type Output = Result<Frame, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let lane = this.handle.lane;
        let read = this
            .handle
            .shared
            .poll(|inner| inner.poll_frame(cx, lane, &mut this.frame, this.buffer, this.whole));
        if let Poll::Ready(Ok(Frame::Trailers(..))) = &read {
            this.handle.done();
        }
        read
    }
}

impl<const N: usize, const W: usize, const T: usize> Drop for Reading<'_, '_, N, W, T> {
    fn drop(&mut self) {
        if self.frame.is_midway::<W>() {
            self.handle.break_off(Code::Cancelled);
        }
    }
}
