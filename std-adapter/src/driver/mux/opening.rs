//! Making calls: a call is polled for what it has at once, so that a unary call is one DATA frame
//! with OPEN and END.

use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::mux::OpenError;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Mux;
use super::call::{Call, Role, push_request, take_parts};
use super::caller::Order;
use super::output::Output;
use super::sending::misuse;
use crate::client::head::write_mux_block;
use crate::driver::link::Link;
use crate::driver::made::Made;
use crate::metadata::BlockWriter;
use crate::websocket::socket::WebSocket;

/// A call that is to be made.
pub(super) struct Opening {
    made: Made,
    place: OwnedSemaphorePermit,
    deadline: Option<Instant>,
    /// What it sends first.
    output: Output,
}

impl Opening {
    /// `written`: as [`Mux`] has it.
    fn new(
        order: Order,
        max_metadata_len: u32,
        written: &mut BlockWriter,
        cx: &mut Context<'_>,
    ) -> Self {
        let Order { outgoing, place } = order;
        let deadline = outgoing.deadline;
        let mut made = Made::new(outgoing, max_metadata_len);
        let mut output = Output::default();
        output.borrow();
        if let Some(head) = made.head() {
            write_mux_block(head, deadline, written);
            output.copy(written.frame());
        }
        take_parts(&mut output, |output| {
            made.poll_request(cx)
                .map(|part| push_request(&mut made, output, part))
        });
        Self {
            made,
            place,
            deadline,
            output,
        }
    }

    /// It was not made.
    pub(super) fn fail(&mut self, why: Status) {
        self.made.fail(why, true);
    }
}

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Makes the next call; whether there was one, and room.
    pub(super) fn open_next<W: WebSocket>(
        &mut self,
        link: &mut Link<W>,
        cx: &mut Context<'_>,
    ) -> bool {
        if link.is_full() {
            return false;
        }
        let waiting = self.waiting.pop_front();
        match waiting.or_else(|| self.next_opening(cx)) {
            Some(opening) => self.open(link, opening),
            None => false,
        }
    }

    fn next_opening(&mut self, cx: &mut Context<'_>) -> Option<Opening> {
        let max_len = self.connection.config().limits.max_metadata_len;
        while let Some(orders) = &mut self.orders {
            match orders.poll_next(cx) {
                Poll::Ready(Some(order)) if order.outgoing.answer.is_closed() => {}
                Poll::Ready(Some(order)) => {
                    return Some(Opening::new(*order, max_len, &mut self.written, cx));
                }
                Poll::Ready(None) => self.orders = None,
                Poll::Pending => return None,
            }
        }
        None
    }

    fn open<W: WebSocket>(&mut self, link: &mut Link<W>, mut opening: Opening) -> bool {
        if opening.output.take_reset().is_some() {
            // It failed before it began.
            return true;
        }
        let front = opening.output.front();
        match self.connection.open(link.now(), &front.slices, front.ends) {
            Ok((id, segment)) => {
                opening.output.send(&segment, link);
                let deadline = opening.deadline.map(|at| link.time_of(at));
                // It is open: there is nothing else to be told.
                let _ = self.connection.set_deadline(id, deadline);
                let role = Role::Client {
                    made: opening.made,
                    _place: opening.place,
                };
                let mut call = Call::new(self.woken.waker(id), role, opening.output);
                self.woken.wake(&call.waker);
                call.queue(id, &mut self.sending);
                call.output.give_back();
                self.calls.insert(id, Box::new(call));
            }
            Err(OpenError::TooManyCalls | OpenError::TableFull | OpenError::NotReady) => {
                self.waiting.push_front(opening);
                return false;
            }
            Err(OpenError::Send(error)) => opening.made.fail(misuse(error).into(), false),
            Err(error) => {
                let why = Status::unavailable(error.to_string());
                self.refuse_orders(why.clone());
                opening.fail(why);
            }
        }
        true
    }
}
