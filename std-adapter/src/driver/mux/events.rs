//! What the peer did, but for the slices of messages.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use grpc_websocket_core::mux::{CallId, End, Event, MAX_CONTROL_FRAME};
use grpc_websocket_core::{Code, call as core_call};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Mux;
use super::call::{Call, Role};
use super::caller::takes_no_calls;
use super::news::News;
use super::output::Output;
use crate::driver::link::Link;
use crate::driver::made::LastPart;
use crate::server::request::Head;
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn take_event(&mut self, event: Event<'_>) {
        match event {
            Event::Ready(settings) => self.peer_takes(settings.max_streams),
            Event::Opened(id) => {
                let call = Call::new(self.woken.waker(id), Role::server(), Output::default());
                self.calls.insert(id, Box::new(call));
            }
            Event::Call {
                call,
                event: core_call::Event::DeadlineExceeded,
            } => {
                let status = CallStatus::new(Code::DeadlineExceeded, "the deadline passed");
                self.end_call(call, status);
            }
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

    /// Gives what a WebSocket message has to its call.
    pub(super) fn deliver<W: WebSocket>(
        &mut self,
        link: &mut Link<W>,
        news: &News,
        message: &Bytes,
    ) {
        let Some((id, call)) = news.call.and_then(|id| Some((id, self.calls.get_mut(id)?))) else {
            return;
        };
        if let Some(code) = news.code {
            return self.finish(id, code, news, message);
        }
        let part = &message[news.block.clone()];
        if !news.is_metadata {
            call.keep_block(part);
        } else {
            let block = call.take_block(part);
            match &mut call.role {
                Role::Server { .. } => return self.start(link, id, &block, news, message),
                Role::Client { made, .. } => {
                    if let Err(status) = made.respond(&block) {
                        let code = CallStatus::new(Code::Internal, status.message());
                        made.fail(status, false);
                        call.output.reset(code);
                        call.queue(id, &mut self.sending);
                    }
                    // From now on its body is watched.
                    self.woken.wake(&call.waker);
                }
            }
        }
        if call.receive(&news.slices, message) {
            // From now on its body is watched.
            self.woken.wake(&call.waker);
        }
        call.keep_block(&message[news.last_block.clone()]);
        let granted = call.take_consumed(&mut self.windows);
        self.grant(id, granted);
    }

    /// An answer is over with what a WebSocket message has of it.
    fn finish(&mut self, id: CallId, code: Code, news: &News, message: &Bytes) {
        let Some(mut call) = self.remove(id) else {
            return;
        };
        let first = &message[news.block.clone()];
        let last = &message[news.last_block.clone()];
        let metadata = news.is_metadata.then(|| call.take_block(first));
        let trailers = match news.is_begun() {
            true => Cow::Borrowed(last),
            false => call.take_block(first),
        };
        if let Some(made) = call.made() {
            made.finish(LastPart {
                metadata: metadata.as_deref(),
                messages: news.slices.cut(message),
                trailers: &trailers,
                code,
            });
        }
        self.woken.take_back(call.waker);
    }

    /// The initial metadata of a call is complete, and what came behind it: calls the service.
    fn start<W: WebSocket>(
        &mut self,
        link: &mut Link<W>,
        id: CallId,
        block: &[u8],
        news: &News,
        message: &Bytes,
    ) {
        let max_len = self.connection.config().limits.max_metadata_len;
        let head = match Head::read_with_path(&self.upgrade, block, max_len) {
            Ok(head) => head,
            Err(status) => return self.end_call(id, status),
        };
        if let Some(timeout) = head.timeout {
            // Only a call that is over has none.
            let _ = self
                .connection
                .set_deadline(id, link.now().checked_add(timeout));
        }
        // Whose time is over already is ended for that, before its handler can say otherwise.
        let has_time = head.timeout != Some(Duration::ZERO);
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.start(self.service.clone(), head, &news.slices, message);
        if call.is_whole() && has_time {
            return self.answer_at_once(link, id);
        }
        self.woken.wake(&call.waker);
        if !call.is_whole() {
            let granted = call.window.begin(&mut self.windows);
            let granted = granted + call.take_consumed(&mut self.windows);
            self.grant(id, granted);
        }
    }

    /// Asks a call for its answer as soon as its request is there, and before the next one is read: most
    /// have it at once, and the next call takes the memory that this one had.
    fn answer_at_once<W: WebSocket>(&mut self, link: &mut Link<W>, id: CallId) {
        self.poll(id);
        self.transmit(link);
        self.send_next(link);
    }

    /// The peer may send so many bytes more of a call.
    pub(super) fn grant(&mut self, id: CallId, bytes: usize) {
        if bytes > 0 {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.connection.grant(id, bytes);
        }
    }

    /// A call is over without trailers.
    fn call_ended(&mut self, id: CallId, end: End) {
        let text = std::mem::take(&mut self.text);
        if let Some(call) = self.remove(id) {
            let is_unprocessed = matches!(end, End::Reset { refused: true, .. });
            call.fail(status_of(end, &text).into(), is_unprocessed);
        }
        // Its handler is stopped, so its place is free.
        self.connection.release(id);
    }

    /// Ends a call that is answered here with a status that is not the service's.
    pub(super) fn end_call(&mut self, id: CallId, status: CallStatus) {
        let credit = self.connection.credit(id);
        if let Some(call) = self.calls.get_mut(id) {
            call.end(status, credit, &mut self.written);
            call.queue(id, &mut self.sending);
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
