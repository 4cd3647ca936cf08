//! The calls take turns at the socket; what the core has to say goes before them.

use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{CallId, ConnectionError, MAX_CONTROL_FRAME, Side};
use grpc_websocket_core::{CloseCode, Code, SendError};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Mux;
use crate::driver::link::Link;
use crate::driver::{End, Turn};
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Lets a call wait for its turn, if it has something to send.
    pub(super) fn queue(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(id) {
            call.queue(id, &mut self.sending);
        }
    }

    /// Looks at the next call that was woken; whether there was one.
    pub(super) fn poll_woken(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready(id) = self.woken.poll_next(cx) else {
            return false;
        };
        self.poll(id);
        true
    }

    /// Takes what a call has.
    pub(super) fn poll(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(id) {
            call.output.borrow();
            call.poll(&mut self.written);
            call.queue(id, &mut self.sending);
            call.output.give_back();
            let granted = call.take_consumed(&mut self.windows);
            self.grant(id, granted);
        }
    }

    /// Sends a frame of the call whose turn it is; whether there was one, and room.
    pub(super) fn send_next<W: WebSocket>(&mut self, link: &mut Link<W>) -> bool {
        if link.is_full() {
            return false;
        }
        let Some(id) = self.sending.pop_front() else {
            return false;
        };
        self.send(link, id);
        true
    }

    /// Sends a frame of a call.
    pub(super) fn send<W: WebSocket>(&mut self, link: &mut Link<W>, id: CallId) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.is_queued = false;
        if let Some(status) = call.output.take_reset() {
            return self.reset(link, id, &status);
        }
        let front = call.output.front();
        match self.connection.send(id, &front.slices, front.ends) {
            Ok(None) => return,
            Ok(Some(segment)) => call.output.send(&segment, link),
            Err(error) => return self.reset(link, id, &misuse(error)),
        }
        if !call.output.is_empty() {
            return call.queue(id, &mut self.sending);
        }
        call.output.give_back();
        if !call.output.is_over() || self.connection.contains(id) {
            if call.has_more() {
                self.woken.wake(&call.waker);
            }
            return;
        }
        if let Some(call) = self.remove(id) {
            self.woken.take_back(call.waker);
        }
    }

    /// Ends a call without trailers.
    fn reset<W: WebSocket>(&mut self, link: &mut Link<W>, id: CallId, status: &CallStatus) {
        if let Some(call) = self.remove(id) {
            call.fail(status.clone().into(), false);
        }
        if let Ok(segment) = self.connection.reset(id, status.code(), status.message()) {
            let len = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
            let text = status.message().as_bytes();
            link.queue_copy(segment.head(), text.get(..len).unwrap_or(text));
        }
    }

    /// Writes what the core has to say, as far as there is room.
    pub(super) fn transmit<W: WebSocket>(&mut self, link: &mut Link<W>) {
        while link.has_room_for_control() && self.transmit_one(link) {}
    }

    fn transmit_one<W: WebSocket>(&mut self, link: &mut Link<W>) -> bool {
        let mut frame = [0; MAX_CONTROL_FRAME];
        let len = self.connection.poll_transmit(&mut frame);
        if let Some(len) = len {
            link.queue_copy(&[], &frame[..len]);
        }
        len.is_some()
    }

    /// Ends the connection for what the peer did; the GOAWAY says what.
    pub(super) fn fail<W: WebSocket>(
        &mut self,
        link: &mut Link<W>,
        error: ConnectionError,
    ) -> Turn {
        self.close(link, error.close_code())
    }

    pub(super) fn close<W: WebSocket>(&mut self, link: &mut Link<W>, code: CloseCode) -> Turn {
        while self.transmit_one(link) {}
        Err(End::Closing(code))
    }

    /// Ends a connection that takes no more calls with its last one; one that nobody uses takes no
    /// more.
    pub(super) fn look_for_end<W: WebSocket>(&mut self, link: &mut Link<W>) -> Turn {
        let is_unused = self.orders.is_none() && self.connection.side() == Side::Dialer;
        if is_unused && !self.connection.is_going_away() {
            self.connection.go_away(Code::Ok, "");
            self.transmit(link);
        }
        if self.is_done() {
            return self.close(link, CloseCode::GoingAway);
        }
        Ok(())
    }
}

/// The status of a call whose bytes the core does not take.
pub(super) fn misuse(error: SendError) -> CallStatus {
    let code = match error {
        SendError::Frame(
            DeframeError::MessageTooLong { .. } | DeframeError::MetadataTooLong { .. },
        ) => Code::ResourceExhausted,
        _ => Code::Internal,
    };
    CallStatus::new(code, error.to_string())
}
