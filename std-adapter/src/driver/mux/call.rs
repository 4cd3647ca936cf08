//! One call of many.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use grpc_websocket_core::mux::CallId;
use grpc_websocket_core::{CloseCode, Code};
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::Full;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::output::Output;
use super::windows::{Window, Windows};
use super::woken::CallWaker;
use crate::driver::answering::{Answering, Part};
use crate::driver::made::{Made, RequestPart};
use crate::driver::receiving::{Receiving, Slices};
use crate::metadata::BlockWriter;
use crate::server::request::Head;
use crate::server::response::ContentType;
use crate::status::CallStatus;

/// How many parts the application is asked for in one turn.
const PARTS_PER_TURN: usize = 64;

/// See the module.
pub(super) struct Call<S: Service<Request<Body>>, B> {
    pub(super) waker: Arc<CallWaker>,
    /// The peer's header block, until it is complete.
    block: BytesMut,
    pub(super) role: Role<S, B>,
    pub(super) output: Output,
    /// How much of its stream the peer may send ahead.
    pub(super) window: Window,
    taken: Taken,
    /// It waits for its turn to send. If not, and there is something to send, it waits for credit.
    pub(super) is_queued: bool,
}

/// Who made the call.
pub(super) enum Role<S: Service<Request<Body>>, B> {
    /// The peer: it is answered here.
    Server {
        // Before the request: a handler is stopped before its body fails.
        answering: Answering<S, B>,
        request: Option<Receiving>,
    },
    /// This side.
    Client {
        made: Made,
        _place: OwnedSemaphorePermit,
    },
}

impl<S, B> Role<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
{
    pub(super) fn server() -> Self {
        Self::Server {
            answering: Answering::new(ContentType::Grpc),
            request: None,
        }
    }
}

impl<S, B> Call<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(waker: Arc<CallWaker>, role: Role<S, B>, output: Output) -> Self {
        Self {
            waker,
            block: BytesMut::new(),
            role,
            output,
            window: Window::default(),
            taken: Taken::All,
            is_queued: false,
        }
    }

    /// Keeps a part of a block of metadata.
    pub(super) fn keep_block(&mut self, part: &[u8]) {
        self.block.extend_from_slice(part);
    }

    /// The block of metadata whose last part is `last`.
    pub(super) fn take_block<'b>(&mut self, last: &'b [u8]) -> Cow<'b, [u8]> {
        if self.block.is_empty() {
            return Cow::Borrowed(last);
        }
        self.block.extend_from_slice(last);
        Cow::Owned(std::mem::take(&mut self.block).into())
    }

    /// Calls the service, with what a WebSocket message has of the messages.
    pub(super) fn start(&mut self, service: S, head: Head, slices: &Slices, message: &Bytes) {
        let Role::Server { answering, request } = &mut self.role else {
            return;
        };
        let body = match slices.whole(message) {
            Some(messages) => Body::new(Full::new(messages)),
            None => {
                let (mut receiving, body) = Receiving::new();
                receiving.push(slices, message);
                *request = Some(receiving);
                Body::new(body)
            }
        };
        answering.call(service, head.with_body(body));
    }

    /// Whether all messages of a call that is answered here are with its handler.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.role, Role::Server { request: None, .. })
    }

    /// The call that was made here, if this is one.
    pub(super) fn made(&mut self) -> Option<&mut Made> {
        match &mut self.role {
            Role::Client { made, .. } => Some(made),
            Role::Server { .. } => None,
        }
    }

    /// Gives slices of messages to their reader; whether it began to read with them.
    pub(super) fn receive(&mut self, slices: &Slices, message: &Bytes) -> bool {
        match &mut self.role {
            Role::Server { request, .. } => {
                if let Some(request) = request {
                    request.push(slices, message);
                }
                false
            }
            Role::Client { made, .. } => made.push(slices, message),
        }
    }

    /// For how many bytes more the peer may send since the last time.
    pub(super) fn take_consumed(&mut self, windows: &mut Windows) -> usize {
        let consumed = match &mut self.role {
            Role::Server { request, .. } => request.as_mut().map(Receiving::take_consumed),
            Role::Client { made, .. } => Some(made.take_consumed()),
        };
        consumed.map_or(0, |consumed| self.window.after(consumed, windows))
    }

    /// Takes what the application has, once it was woken. Blocks are written in `block`.
    pub(super) fn poll(&mut self, block: &mut BlockWriter) {
        let waker = self.waker.reset();
        // What it takes while it is asked needs no wake.
        self.watch(None);
        let cx = &mut Context::from_waker(&waker);
        self.poll_parts(cx, block);
        self.watch(Some(&waker));
        self.look_for_cancel(cx);
    }

    fn watch(&self, waker: Option<&Waker>) {
        match &self.role {
            Role::Server { request, .. } => {
                if let Some(request) = request {
                    request.watch(waker.cloned());
                }
            }
            Role::Client { made, .. } => made.watch(waker.cloned()),
        }
    }

    /// Takes what is to be sent.
    fn poll_parts(&mut self, cx: &mut Context<'_>, block: &mut BlockWriter) {
        let Self { role, output, .. } = self;
        self.taken = take_parts(output, |output| role.poll_part(output, cx, block));
        if self.taken == Taken::Part {
            cx.waker().wake_by_ref();
        }
        output.say_metadata();
    }

    /// Whether the application is to be asked for more once all that was taken is sent.
    pub(super) fn has_more(&self) -> bool {
        self.taken == Taken::Enough
    }

    /// Waits for a turn to send, if there is something to send.
    pub(super) fn queue(&mut self, id: CallId, sending: &mut VecDeque<CallId>) {
        if !self.is_queued && !self.output.is_empty() {
            self.is_queued = true;
            sending.push_back(id);
        }
    }

    /// Cancels a call that was made here, and whose answer is no longer wanted.
    fn look_for_cancel(&mut self, cx: &mut Context<'_>) {
        if let Role::Client { made, .. } = &mut self.role
            && made.poll_abandoned(cx).is_ready()
        {
            self.output.reset(CallStatus::new(Code::Cancelled, ""));
        }
    }

    /// Ends a call that is answered here with a status that is not the service's: by trailers if they
    /// can go out at once, else by a RESET. Its handler is stopped.
    pub(super) fn end(&mut self, status: CallStatus, credit: u32, block: &mut BlockWriter) {
        let Role::Server { answering, request } = &mut self.role else {
            return;
        };
        let can_end = self.output.is_empty() && !answering.is_cut();
        *request = None;
        let part = answering.end(&status, CloseCode::Normal, block);
        if can_end && block.frame_len() <= credit {
            push_answer(answering, &mut self.output, part, block);
        } else {
            self.output.reset(status);
        }
    }

    /// The call is over, for a reason that is neither the caller's nor the handler's.
    pub(super) fn fail(mut self, status: Status, is_unprocessed: bool) {
        if let Some(made) = self.made() {
            made.fail(status, is_unprocessed);
        }
    }
}

impl<S, B> Role<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn poll_part(
        &mut self,
        output: &mut Output,
        cx: &mut Context<'_>,
        block: &mut BlockWriter,
    ) -> Poll<()> {
        match self {
            Self::Server { answering, .. } => answering
                .poll_part(cx, block)
                .map(|part| push_answer(answering, output, part, block)),
            Self::Client { made, .. } => made
                .poll_request(cx)
                .map(|part| push_request(made, output, part)),
        }
    }
}

/// What was taken of what the application has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// All there is; it says when there is more.
    All,
    /// As much as is sent in a turn.
    Enough,
    /// As much as others wait for.
    Part,
}

/// Takes parts until there is as much as is sent in a turn, or there are no more now.
pub(super) fn take_parts(
    output: &mut Output,
    mut poll_part: impl FnMut(&mut Output) -> Poll<()>,
) -> Taken {
    for _ in 0..PARTS_PER_TURN {
        if output.is_enough() {
            return Taken::Enough;
        }
        if poll_part(output).is_pending() {
            return Taken::All;
        }
    }
    Taken::Part
}

/// Adds a part of an answer to what is sent.
fn push_answer<S: Service<Request<Body>>, B>(
    answering: &Answering<S, B>,
    output: &mut Output,
    part: Part,
    block: &mut BlockWriter,
) {
    match part {
        Part::Metadata if block.is_empty() => output.owe_metadata(),
        Part::Metadata => output.copy(block.frame()),
        Part::Messages(messages) => messages.for_each(|slice| output.push(slice)),
        Part::Trailers(_) if !answering.is_cut() => {
            output.copy(block.frame());
            output.end();
        }
        Part::Trailers(..) => {
            let message = "the service failed inside a message";
            output.reset(CallStatus::new(Code::Internal, message));
        }
    }
}

/// Adds a part of a request to what is sent.
pub(super) fn push_request(made: &mut Made, output: &mut Output, part: RequestPart) {
    match part {
        RequestPart::Messages(messages) => output.push(messages),
        RequestPart::HalfClose => output.end(),
        RequestPart::Failed(status) => {
            output.reset(CallStatus::new(Code::Cancelled, "the client failed"));
            made.fail(status, false);
        }
    }
}
