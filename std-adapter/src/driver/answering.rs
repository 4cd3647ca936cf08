//! The answer's half of a call: what the service makes, as the parts of gRPC's answer.

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

use super::guard::{drop_guarded, poll_guarded};
use crate::gather::Gather;
use crate::metadata::BlockWriter;
use crate::server::response::{
    AcceptEncoding, Answer, ContentType, missing_status, trailers_block,
};
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
    accepted: AcceptEncoding,
    /// Why compressed messages must not reach the client, if they must not.
    uncompressed: Option<CallStatus>,
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
            accepted: AcceptEncoding::default(),
            uncompressed: None,
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
        drop_guarded(std::mem::replace(&mut self.stage, Stage::Over));
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
        self.accepted = AcceptEncoding::of(request.headers());
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
                self.uncompressed = self.accepted.check(&head.headers).err();
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
        let slice = match Slice::read(&mut self.frames, &data) {
            Ok(slice) => slice,
            Err(error) => return self.misused(error),
        };
        if let Some(status) = self.uncompressed.take_if(|_| slice.is_compressed) {
            return self.end(&status, CloseCode::Internal);
        }
        match self.gather.push(data, slice.complete) {
            Some(ready) => Part::Messages(ready),
            None => Part::Held,
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

/// What a slice of an answer is.
struct Slice {
    /// How much of it is up to the end of a message.
    complete: usize,
    /// A compressed message begins in it.
    is_compressed: bool,
}

impl Slice {
    fn read(frames: &mut Deframer, data: &[u8]) -> Result<Self, SendError> {
        let (mut input, mut complete, mut is_compressed) = (data, 0, false);
        while let Some((kind, piece)) = frames.next(&mut input)? {
            match kind {
                FrameKind::Metadata => return Err(SendError::OutOfOrder),
                FrameKind::Message { compressed } => is_compressed |= compressed,
            }
            if piece.end {
                complete = data.len() - input.len();
            }
        }
        Ok(Self {
            complete,
            is_compressed,
        })
    }
}
