//! The request's half of a call: its messages on their way to the handler.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use grpc_websocket_core::Event;

use crate::body::BodySender;
use crate::gather::Gather;

/// What the connection keeps of a request once the service was called.
pub(super) struct Requesting {
    body: BodySender,
    gather: Gather,
    /// How many bytes were consumed before the handler took them.
    ahead: usize,
}

impl Requesting {
    pub(super) fn new(body: BodySender) -> Self {
        Self {
            body,
            gather: Gather::default(),
            ahead: 0,
        }
    }

    /// Gives the slices of a WebSocket message to the handler.
    pub(super) fn push(&mut self, slices: &Slices, message: &Bytes) {
        let slice = message.slice(message.len() - slices.framed..);
        if !slice.is_empty()
            && let Some(ready) = self.gather.push(slice, slices.complete)
        {
            self.body.send(ready);
        }
        if slices.half_closed {
            self.body.finish();
        }
    }

    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.body.poll_ready(cx)
    }

    /// From now on `waker`, if there is one, is told once when the handler takes something.
    pub(super) fn watch(&self, waker: Option<Waker>) {
        self.body.watch(waker);
    }

    /// How many bytes more there is room for since the last time: as many as the handler took. What
    /// is held for it has room of its own.
    pub(super) fn take_consumed(&mut self) -> usize {
        let (taken, held) = (self.body.take_taken(), self.gather.held_len());
        let of_taken = taken.saturating_sub(self.ahead);
        self.ahead = self.ahead.saturating_sub(taken);
        let of_held = held.saturating_sub(self.ahead);
        self.ahead += of_held;
        of_taken + of_held
    }
}

/// What one WebSocket message has for the handler: slices of gRPC messages, all at its end.
#[derive(Default)]
pub(super) struct Slices {
    framed: usize,
    /// How much of `framed` is up to the end of a message.
    complete: usize,
    half_closed: bool,
}

impl Slices {
    /// Takes an event that is for the handler; whether it was one.
    pub(super) fn take(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Message { piece, .. } => {
                self.framed += piece.framed.len();
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
    use crate::body::{self, RequestBody};

    /// Takes all that is there; how much it was.
    fn read(body: &mut RequestBody) -> usize {
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
        let (sender, mut body) = body::channel();
        let mut request = Requesting::new(sender);
        let (mut consumed, mut taken) = (0, 0);
        for n in 1..=SLICES {
            let slices = Slices {
                framed: slice_len,
                complete: if n == SLICES { slice_len } else { 0 },
                half_closed: false,
            };
            request.push(&slices, &Bytes::from(vec![0; slice_len]));
            consumed += request.take_consumed();
            if n % interval == 0 {
                taken += read(&mut body);
                consumed += request.take_consumed();
            }
            let case = format!("{slice_len} bytes, read after {interval}");
            let held = request.gather.held_len();
            assert!(consumed >= taken + held, "nobody waits for these, {case}");
            assert!(consumed <= taken + 64 * 1024, "these wait, {case}");
        }
        taken += read(&mut body);
        consumed += request.take_consumed();
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
