//! The receiving half of a call: its messages on their way to their reader, who is a handler, or
//! whoever made the call.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use grpc_websocket_core::Event;
use http::HeaderMap;
use tonic::Status;

use crate::body::{self, BodySender, ReceivedBody};
use crate::chunks::COPIED_LEN;
use crate::gather::Gather;

/// What the connection keeps of a body that comes.
pub(super) struct Receiving {
    body: BodySender,
    gather: Gather,
    /// How many bytes were consumed before the reader took them.
    ahead: usize,
}

impl Receiving {
    /// And the body for its reader.
    pub(super) fn new() -> (Self, ReceivedBody) {
        let (sender, body) = body::channel();
        let receiving = Self {
            body: sender,
            gather: Gather::default(),
            ahead: 0,
        };
        (receiving, body)
    }

    /// Gives the slices of a WebSocket message to the reader.
    pub(super) fn push(&mut self, slices: &Slices, message: &Bytes) {
        let range = slices.start..slices.start + slices.framed;
        if slices.is_complete() && range.len() < COPIED_LEN && self.gather.is_at_boundary() {
            self.body.copy(&message[range]);
        } else if !range.is_empty() {
            let slice = message.slice(range);
            self.body.send(self.gather.push(slice, slices.complete));
        }
        if slices.half_closed {
            self.body.finish(None);
        }
    }

    /// The last of an answer: whole messages, if there are any, and trailers.
    pub(super) fn end(&mut self, messages: Bytes, trailers: HeaderMap) {
        if !messages.is_empty() {
            let complete = messages.len();
            self.body.send(self.gather.push(messages, complete));
        }
        self.body.finish(Some(trailers));
    }

    /// No more comes, for this reason.
    pub(super) fn fail(&self, status: Status) {
        self.body.fail(status);
    }

    /// Whether the reader left before the end.
    pub(super) fn is_abandoned(&self) -> bool {
        self.body.is_abandoned()
    }

    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.body.poll_ready(cx)
    }

    /// From now on `waker`, if there is one, is told once when the reader takes something.
    pub(super) fn watch(&self, waker: Option<Waker>) {
        self.body.watch(waker);
    }

    /// For how many bytes more there is room since the last time: as many as the reader took. What
    /// is held for it has room of its own.
    pub(super) fn take_consumed(&mut self) -> Consumed {
        let ((taken, keeps_up), held) = (self.body.take_taken(), self.gather.held_len());
        let of_taken = taken.saturating_sub(self.ahead);
        self.ahead = self.ahead.saturating_sub(taken);
        let of_held = held.saturating_sub(self.ahead);
        self.ahead += of_held;
        Consumed {
            bytes: of_taken + of_held,
            taken,
            keeps_up,
        }
    }
}

/// What the reader of a body did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Consumed {
    /// For how many bytes more there is room.
    pub(super) bytes: usize,
    /// How many it took.
    pub(super) taken: usize,
    /// It took all that there was.
    pub(super) keeps_up: bool,
}

/// What one WebSocket message has for the reader: slices of gRPC messages, one after the other.
#[derive(Default)]
pub(super) struct Slices {
    /// Where in the WebSocket message they begin.
    start: usize,
    framed: usize,
    /// How much of `framed` is up to the end of a message.
    complete: usize,
    half_closed: bool,
}

impl Slices {
    pub(super) fn is_empty(&self) -> bool {
        self.framed == 0
    }

    /// Whether they end where a message does.
    pub(super) fn is_complete(&self) -> bool {
        self.framed > 0 && self.complete == self.framed
    }

    /// Whole messages follow, in so many bytes.
    pub(super) fn extend(&mut self, bytes: usize) {
        self.framed += bytes;
        self.complete = self.framed;
    }

    /// All messages of a call, if they are: the call was half-closed behind them, and the last one
    /// is complete.
    pub(super) fn whole(&self, message: &Bytes) -> Option<Bytes> {
        let is_whole = self.half_closed && self.complete == self.framed;
        is_whole.then(|| self.cut(message))
    }

    /// The slices, to be kept. Short ones are copied, for they would keep the block alive they were read
    /// in.
    pub(super) fn cut(&self, message: &Bytes) -> Bytes {
        let range = self.start..self.start + self.framed;
        match self.framed {
            ..COPIED_LEN => Bytes::copy_from_slice(&message[range]),
            _ => message.slice(range),
        }
    }

    /// Takes an event that is for the reader, and ends at `end` of the WebSocket message; whether it
    /// was one.
    pub(super) fn take(&mut self, event: &Event<'_>, end: usize) -> bool {
        match event {
            Event::Message { piece, .. } => {
                self.framed += piece.framed.len();
                self.start = end - self.framed;
                if piece.end {
                    self.complete = self.framed;
                }
            }
            Event::HalfClosed => self.half_closed = true,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use http_body::Body as _;

    use super::*;

    /// Takes all that is there; how much it was.
    fn read(body: &mut ReceivedBody) -> usize {
        let mut taken = 0;
        let cx = &mut Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(cx) {
            taken += frame.into_data().unwrap().len();
        }
        taken
    }

    /// Passes a message on in slices to a handler that reads after every `interval`th.
    fn pass_on(slice_len: usize, interval: usize) {
        const SLICES: usize = 200;
        let (mut request, mut body) = Receiving::new();
        let (mut consumed, mut taken) = (0, 0);
        for n in 1..=SLICES {
            let slices = Slices {
                start: 0,
                framed: slice_len,
                complete: if n == SLICES { slice_len } else { 0 },
                half_closed: false,
            };
            request.push(&slices, &Bytes::from(vec![0; slice_len]));
            consumed += request.take_consumed().bytes;
            if n % interval == 0 {
                taken += read(&mut body);
                consumed += request.take_consumed().bytes;
            }
            let case = format!("{slice_len} bytes, read after {interval}");
            let held = request.gather.held_len();
            assert!(consumed >= taken + held, "nobody waits for these, {case}");
            assert!(consumed <= taken + 64 * 1024, "these wait, {case}");
        }
        taken += read(&mut body);
        consumed += request.take_consumed().bytes;
        assert_eq!((taken, consumed), (SLICES * slice_len, SLICES * slice_len));
    }

    #[test]
    fn consumed_is_what_the_handler_took_and_what_is_held_for_it() {
        for slice_len in [1, 1000, 16 * 1024, 100_000] {
            for interval in [1, 3, 10, usize::MAX] {
                pass_on(slice_len, interval);
            }
        }
    }
}
