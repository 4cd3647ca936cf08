//! A hold on a call's place.

use core::future::poll_fn;
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
    pub(crate) async fn send(
        &mut self,
        kind: Kind,
        parts: Parts<'_>,
        sent: usize,
        end: bool,
    ) -> Result<(), Failure> {
        let mut sending = Sending {
            handle: self,
            sent,
            is_midway: sent > 0,
        };
        poll_fn(|cx| sending.poll(cx, kind, &parts, end)).await
    }

    /// Reads the next frame into the buffer. A block is cut if it is longer; a message that is longer
    /// ends the call. Dropping the future in the middle of a frame that is longer than half a window
    /// ends the call; otherwise nothing is lost.
    pub(crate) async fn read_frame(&mut self, buffer: &mut [u8]) -> Result<Frame, Failure> {
        self.read_on(buffer, true).await
    }

    /// The same, but of a message that is not wanted whole only the prefix is taken.
    pub(crate) async fn read_on(
        &mut self,
        buffer: &mut [u8],
        whole: bool,
    ) -> Result<Frame, Failure> {
        let mut reading = Reading {
            handle: self,
            frame: FrameRead::NEW,
        };
        poll_fn(|cx| reading.poll(cx, buffer, whole)).await
    }

    /// Reads bytes of the frame that was begun; 0 at its end. Nothing is lost when it is dropped.
    pub(crate) async fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        poll_fn(|cx| {
            self.shared
                .poll(|inner| inner.poll_read(cx, self.lane, out))
        })
        .await
    }

    /// Waits until the call is over without trailers.
    pub(crate) async fn closed(&mut self) -> Failure {
        poll_fn(|cx| {
            let in_use = Poll::Ready(Failure::of(Code::Internal));
            self.shared
                .with(in_use, |inner| inner.poll_closed(cx, self.lane))
        })
        .await
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
struct Sending<'h, 'a, const N: usize, const W: usize, const T: usize> {
    handle: &'h mut Handle<'a, N, W, T>,
    sent: usize,
    is_midway: bool,
}

impl<const N: usize, const W: usize, const T: usize> Sending<'_, '_, N, W, T> {
    fn poll(
        &mut self,
        cx: &Context<'_>,
        kind: Kind,
        parts: &Parts<'_>,
        end: bool,
    ) -> Poll<Result<(), Failure>> {
        let (lane, is_alone) = (self.handle.lane, self.handle.is_alone);
        let all = parts.len();
        let mut ended = !end;
        while self.sent < all || !ended {
            let from = (parts, self.sent);
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

impl<const N: usize, const W: usize, const T: usize> Drop for Sending<'_, '_, N, W, T> {
    fn drop(&mut self) {
        if self.is_midway {
            self.handle.give_up(Code::Cancelled);
        }
    }
}

/// A frame on its way. Its drop in the middle of one that does not wait as a whole ends the call.
struct Reading<'h, 'a, const N: usize, const W: usize, const T: usize> {
    handle: &'h mut Handle<'a, N, W, T>,
    frame: FrameRead,
}

impl<const N: usize, const W: usize, const T: usize> Reading<'_, '_, N, W, T> {
    fn poll(
        &mut self,
        cx: &Context<'_>,
        buffer: &mut [u8],
        whole: bool,
    ) -> Poll<Result<Frame, Failure>> {
        let (lane, frame) = (self.handle.lane, &mut self.frame);
        let read = self
            .handle
            .shared
            .poll(|inner| inner.poll_frame(cx, lane, frame, buffer, whole));
        if let Poll::Ready(Ok(Frame::Trailers(..))) = &read {
            self.handle.done();
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
