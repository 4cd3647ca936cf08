//! What the peer did, but for the slices of messages.

use bytes::Bytes;
use grpc_websocket_core::mux::{CallId, End, Event, MAX_CONTROL_FRAME};
use grpc_websocket_core::{Code, Instant, call as core_call};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Mux;
use super::call::{Call, Role};
use super::caller::takes_no_calls;
use super::output::Output;
use crate::server::request::Head;
use crate::status::CallStatus;

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn take_event(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Ready(settings) => self.peer_takes(settings.max_streams),
            Event::Opened(id) => {
                let call = Call::new(self.woken.waker(id), Role::server(), Output::default());
                self.calls.insert(id, call);
            }
            Event::Call { call, event } => self.take_call_event(call, event, now),
            Event::Credit(id) => self.queue(id),
            Event::ResetText { text, .. } => self.text.extend_from_slice(text),
            Event::GoAwayText(text) => self.keep_farewell(text),
            Event::Ended { call, end } => self.call_ended(call, end),
            Event::GoAway(code) => {
                let why = self.why_over(code_of_loss(code));
                self.refuse_orders(why);
            }
            _ => {}
        }
    }

    /// The peer takes so many calls at a time.
    fn peer_takes(&mut self, calls: u32) {
        if calls == 0 && self.connection.config().max_calls == 0 {
            // Good for nothing.
            self.refuse_orders(takes_no_calls());
        } else if let Some(orders) = &self.orders {
            orders.open(calls);
        }
        let welcome = self.welcome.take();
        if let Some((caller, welcome)) = welcome.filter(|_| calls > 0) {
            self.welcomed = Some(welcome(caller));
        }
    }

    /// A peer may send GOAWAY again and again: the texts that are kept are no longer than one.
    fn keep_farewell(&mut self, text: &[u8]) {
        let room = MAX_CONTROL_FRAME.saturating_sub(self.farewell.len());
        self.farewell.extend(text.iter().take(room));
    }

    fn take_call_event(&mut self, id: CallId, event: core_call::Event<'_>, now: Instant) {
        match event {
            core_call::Event::Metadata(piece) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.block.extend_from_slice(piece.payload);
                }
            }
            core_call::Event::InitialMetadata => self.metadata_came(id, now),
            core_call::Event::Trailers(code) => {
                if let Some(mut call) = self.calls.remove(&id) {
                    let block = std::mem::take(&mut call.block);
                    if let Some(made) = call.made() {
                        made.finish(code, &block);
                    }
                }
            }
            core_call::Event::DeadlineExceeded => {
                let status = CallStatus::new(Code::DeadlineExceeded, "the deadline passed");
                self.end_call(id, status);
            }
            _ => {}
        }
    }

    /// The initial metadata is complete: calls the service, or begins the answer.
    fn metadata_came(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let block = std::mem::take(&mut call.block);
        let Some(made) = call.made() else {
            return self.start(id, &block, now);
        };
        if let Err(status) = made.respond(&block) {
            let code = CallStatus::new(Code::Internal, status.message());
            made.fail(status, false);
            call.output.reset(code);
        }
        // From now on its body is watched.
        call.wake();
        self.queue(id);
    }

    fn start(&mut self, id: CallId, block: &[u8], now: Instant) {
        let max_len = self.connection.config().limits.max_metadata_len;
        match Head::read_with_path(&self.upgrade, block, max_len) {
            Ok(head) => {
                let deadline = head.timeout.and_then(|timeout| now.checked_add(timeout));
                // Only a call that is over has none.
                let _ = self.connection.set_deadline(id, deadline);
                if let Some(call) = self.calls.get_mut(&id) {
                    call.start(self.service.clone(), head);
                }
            }
            Err(status) => self.end_call(id, status),
        }
    }

    /// A call is over without trailers.
    fn call_ended(&mut self, id: CallId, end: End) {
        let text = std::mem::take(&mut self.text);
        if let Some(call) = self.calls.remove(&id) {
            let is_unprocessed = matches!(end, End::Reset { refused: true, .. });
            call.fail(status_of(end, &text).into(), is_unprocessed);
        }
        // Its handler is stopped, so its place is free.
        self.connection.release(id);
    }

    /// Ends a call that is answered here with a status that is not the service's.
    pub(super) fn end_call(&mut self, id: CallId, status: CallStatus) {
        let credit = self.connection.credit(id);
        if let Some(call) = self.calls.get_mut(&id) {
            call.end(status, credit);
            self.queue(id);
        }
    }
}

/// The status of a call that ended so. `text`: what the peer said about it.
fn status_of(end: End, text: &[u8]) -> CallStatus {
    let message = match end {
        End::Failed(error) => error.to_string(),
        End::DeadlineExceeded => "the deadline passed".to_owned(),
        End::Reset { refused: true, .. } if text.is_empty() => {
            "the peer refused the call".to_owned()
        }
        _ => String::from_utf8_lossy(text).into_owned(),
    };
    CallStatus::new(end.code(), message)
}

/// A peer that goes away for no fault is not there for calls.
fn code_of_loss(code: Code) -> Code {
    match code {
        Code::Ok => Code::Unavailable,
        code => code,
    }
}
