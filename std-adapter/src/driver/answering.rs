//! The answer's half of a call: what the service makes, as the parts of gRPC's answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::wire::prefix::FrameKind;
use grpc_websocket_core::{CloseCode, Code, Limits, SendError};
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use tonic::body::Body;
use tower::util::Oneshot;
use tower::{BoxError, Service, ServiceExt};

use crate::gather::Gather;
use crate::metadata::BlockWriter;
use crate::response::{Answer, ContentType, missing_status, trailers_block};
use crate::status::CallStatus;

/// A part of an answer, in their order: `Metadata`, any number of `Messages`, `Trailers`.
pub(super) enum Part {
    Metadata(BlockWriter),
    /// A slice of the stream of messages.
    Messages(Bytes),
    /// The last part. The code is for a WebSocket that has one call.
    Trailers(BlockWriter, CloseCode),
    /// Nothing to be sent before more comes.
    Held,
}

/// How far the service is.
pub(super) struct Answering<S: Service<Request<Body>>, B> {
    stage: Stage<S, B>,
    content_type: ContentType,
    /// The metadata was given, so that trailers are no Trailers-Only answer.
    begun: bool,
    frames: Deframer,
    gather: Gather,
}

enum Stage<S: Service<Request<Body>>, B> {
    NotCalled,
    Called(Pin<Box<Oneshot<S, Request<Body>>>>),
    Streaming(Pin<Box<B>>),
    Over,
}

impl<S: Service<Request<Body>>, B> Answering<S, B> {
    pub(super) fn new(content_type: ContentType) -> Self {
        Self {
            stage: Stage::NotCalled,
            content_type,
            begun: false,
            // How long an answer may be is the client's to say.
            frames: Deframer::new(Limits::DEFAULT.with_max_message_len(u32::MAX)),
            gather: Gather::default(),
        }
    }

    /// Messages are coming.
    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.stage, Stage::Streaming(_))
    }

    /// Whether what was given so far ends inside a message, so that no trailers can follow.
    pub(super) fn is_cut(&self) -> bool {
        self.gather.is_cut()
    }

    /// Stops the handler: its future, or the body of its answer, is dropped.
    pub(super) fn stop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        // As in `poll_guarded`: a destructor's panic is not the other calls' failure.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(stage)));
    }

    /// Ends the answer with a status that is not the service's.
    pub(super) fn end(&mut self, status: &CallStatus, close_code: CloseCode) -> Part {
        let mut block = BlockWriter::new();
        if !self.begun {
            self.content_type.write_default(&mut block);
        }
        block.status(status);
        self.end_with(block, close_code)
    }

    fn end_with(&mut self, block: BlockWriter, close_code: CloseCode) -> Part {
        self.stop();
        Part::Trailers(block, close_code)
    }
}

impl<S, B> Answering<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn call(&mut self, service: S, request: Request<Body>) {
        self.stage = Stage::Called(Box::pin(service.oneshot(request)));
    }

    /// The next part.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        let polled = match &mut self.stage {
            Stage::NotCalled | Stage::Over => return Poll::Pending,
            Stage::Called(future) => match ready!(poll_guarded(|| future.as_mut().poll(cx))) {
                Ok(Ok(response)) => self.begin(response),
                Ok(Err(error)) => self.fail(error.into()),
                Err(panic) => self.end(&panic, CloseCode::Internal),
            },
            Stage::Streaming(body) => match ready!(poll_guarded(|| body.as_mut().poll_frame(cx))) {
                Ok(Some(Ok(frame))) => self.frame(frame),
                Ok(Some(Err(error))) => self.fail(error.into()),
                Ok(None) => self.end(&missing_status(), CloseCode::Normal),
                Err(panic) => self.end(&panic, CloseCode::Internal),
            },
        };
        Poll::Ready(polled)
    }

    fn begin(&mut self, response: Response<B>) -> Part {
        let (head, body) = response.into_parts();
        match Answer::read(&head, self.content_type) {
            Answer::Metadata(block) => {
                self.begun = true;
                self.stage = Stage::Streaming(Box::pin(body));
                Part::Metadata(block)
            }
            Answer::TrailersOnly(block) => self.end_with(block, CloseCode::Normal),
            Answer::NotGrpc(status) => self.end(&status, CloseCode::Normal),
        }
    }

    fn frame(&mut self, frame: Frame<Bytes>) -> Part {
        match frame.into_data() {
            Ok(data) => self.messages(data),
            Err(frame) => self.trailers(&frame.into_trailers().unwrap_or_default()),
        }
    }

    fn messages(&mut self, data: Bytes) -> Part {
        match complete_len(&mut self.frames, &data) {
            Ok(complete) => match self.gather.push(data, complete) {
                Some(ready) => Part::Messages(ready),
                None => Part::Held,
            },
            Err(error) => self.misused(error),
        }
    }

    fn trailers(&mut self, trailers: &HeaderMap) -> Part {
        let is_ok = trailers
            .get("grpc-status")
            .is_some_and(|status| status == "0");
        if is_ok && !self.frames.is_at_boundary() {
            return self.refuse("the service ended inside a message");
        }
        self.end_with(trailers_block(trailers), CloseCode::Normal)
    }

    /// Ends the call for what the service did.
    fn refuse(&mut self, message: &str) -> Part {
        let status = CallStatus::new(Code::Internal, message);
        self.end(&status, CloseCode::Internal)
    }

    pub(super) fn misused(&mut self, error: SendError) -> Part {
        self.refuse(&format!("the service's answer is not gRPC: {error}"))
    }

    /// Ends the call with the service's failure: a tonic status among its causes, with its details,
    /// or the gRPC counterpart of an HTTP/2 error.
    fn fail(&mut self, error: BoxError) -> Part {
        let response = tonic::Status::from_error(error).into_http::<()>();
        let mut block = BlockWriter::new();
        block.headers(response.headers());
        self.end_with(block, CloseCode::Normal)
    }
}

impl<S: Service<Request<Body>>, B> Drop for Answering<S, B> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How much of the next slice of an answer is up to the end of a message.
fn complete_len(frames: &mut Deframer, data: &[u8]) -> Result<usize, SendError> {
    let (mut input, mut complete) = (data, 0);
    while let Some((kind, piece)) = frames.next(&mut input)? {
        if kind == FrameKind::Metadata {
            return Err(SendError::OutOfOrder);
        }
        if piece.end {
            complete = data.len() - input.len();
        }
    }
    Ok(complete)
}

/// Polls a handler; its panic is its call's failure and nobody else's.
fn poll_guarded<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, CallStatus>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(CallStatus::new(Code::Internal, "the handler panicked"))),
    }
}
