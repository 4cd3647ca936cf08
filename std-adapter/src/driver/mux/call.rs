//! One call of many.

use std::sync::Arc;
use std::task::{Context, Poll, Wake as _, Waker};

use bytes::{Bytes, BytesMut};
use grpc_websocket_core::{CloseCode, Code};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::output::Output;
use super::woken::CallWaker;
use crate::body;
use crate::driver::answering::{Answering, Part};
use crate::driver::requesting::{Requesting, Slices};
use crate::request::Head;
use crate::response::ContentType;
use crate::status::CallStatus;

/// How many parts a service is asked for in one turn.
const PARTS_PER_TURN: usize = 64;

/// See the module.
pub(super) struct Call<S: Service<Request<Body>>, B> {
    waker: Arc<CallWaker>,
    /// The client's header block, until it is complete.
    pub(super) block: BytesMut,
    // Before the request: a handler is stopped before its body fails.
    answering: Answering<S, B>,
    request: Option<Requesting>,
    pub(super) output: Output,
    /// It waits for its turn to send. If not, and there is something to send, it waits for credit.
    pub(super) is_queued: bool,
}

impl<S, B> Call<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(waker: Arc<CallWaker>) -> Self {
        Self {
            waker,
            block: BytesMut::new(),
            answering: Answering::new(ContentType::Grpc),
            request: None,
            output: Output::default(),
            is_queued: false,
        }
    }

    /// Calls the service.
    pub(super) fn start(&mut self, service: S, head: Head) {
        let (sender, body) = body::channel();
        self.request = Some(Requesting::new(sender));
        self.answering.call(service, head.with_body(body));
        self.wake();
    }

    /// Looks at the call again soon.
    pub(super) fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Gives what a WebSocket message has to the handler; how many bytes more there is room for.
    pub(super) fn receive(&mut self, slices: &Slices, message: &Bytes) -> usize {
        let Some(request) = &mut self.request else {
            return 0;
        };
        request.push(slices, message);
        request.take_consumed()
    }

    /// Takes what the handler has, once it was woken; how many bytes more there is room for.
    pub(super) fn poll(&mut self) -> usize {
        let waker = self.waker.reset();
        // What it takes while it is asked needs no wake.
        self.watch(None);
        self.poll_answer(&mut Context::from_waker(&waker));
        self.watch(Some(waker));
        self.request.as_mut().map_or(0, Requesting::take_consumed)
    }

    fn watch(&self, waker: Option<Waker>) {
        if let Some(request) = &self.request {
            request.watch(waker);
        }
    }

    /// Takes the handler's answer, until there is as much of it as is sent in a turn. The call is
    /// looked at again when all of that is sent.
    fn poll_answer(&mut self, cx: &mut Context<'_>) {
        for _ in 0..PARTS_PER_TURN {
            if self.output.is_enough() {
                return;
            }
            match self.answering.poll_part(cx) {
                Poll::Pending => return,
                Poll::Ready(part) => self.push(part),
            }
        }
        cx.waker().wake_by_ref();
    }

    fn push(&mut self, part: Part) {
        match part {
            Part::Metadata(block) => self.output.push(block.into_frame()),
            Part::Messages(messages) => self.output.push(messages),
            Part::Trailers(block, _) if !self.answering.is_cut() => {
                self.output.push(block.into_frame());
                self.output.end();
            }
            Part::Trailers(..) => {
                let message = "the service failed inside a message";
                self.output.reset(CallStatus::new(Code::Internal, message));
            }
            Part::Held => {}
        }
    }

    /// Ends the call with a status that is not the service's: by trailers if they can go out at
    /// once, else by a RESET. Its handler is stopped.
    pub(super) fn end(&mut self, status: CallStatus, credit: u32) {
        let can_end = self.output.is_empty() && !self.answering.is_cut();
        self.request = None;
        match self.answering.end(&status, CloseCode::Normal) {
            Part::Trailers(block, close_code) if can_end && block.frame_len() <= credit => {
                self.push(Part::Trailers(block, close_code));
            }
            _ => self.output.reset(status),
        }
    }
}
