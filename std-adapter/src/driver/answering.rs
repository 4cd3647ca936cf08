//! The answer's half of a call: what the service makes, as the parts of gRPC's answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::wire::prefix::FrameKind;
use grpc_websocket_core::{CloseCode, Code, Limits, SendError};
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tower::util::Oneshot;
use tower::{BoxError, Service, ServiceExt};

use super::guard::{drop_guarded, poll_guarded, replace_guarded};
use crate::gather::{Gather, Released};
use crate::metadata::{BlockWriter, GRPC_STATUS, find};
use crate::server::response::{Answer, Compression, ContentType, missing_status, write_trailers};
use crate::status::CallStatus;

/// A part of an answer, in their order: `Metadata`, any number of `Messages`, `Trailers`. The block
/// of metadata or trailers is in the writer that was given.
pub(super) enum Part {
    Metadata,
    /// Slices of the stream of messages, or none before more comes.
    Messages(Released),
    /// The last part. The code is for a WebSocket that has one call.
    Trailers(CloseCode),
}

/// How far the service is.
pub(super) struct Answering<S: Service<Request<Body>>, B> {
    /// None before the service is called, and when it is done.
    stage: Option<Pin<Box<Stage<S, B>>>>,
    content_type: ContentType,
    /// The metadata was given, so that trailers are no Trailers-Only answer.
    begun: bool,
    frames: Deframer,
    gather: Gather,
    compression: Compression,
}

pin_project! {
    /// The future of an answer and its body, one after the other in the same place.
    #[project = StageProjected]
    enum Stage<S, B>
    where
        S: Service<Request<Body>>,
    {
        Called { #[pin] future: Oneshot<S, Request<Body>> },
        Streaming { #[pin] body: B },
    }
}

impl<S: Service<Request<Body>>, B> Answering<S, B> {
    pub(super) fn new(content_type: ContentType) -> Self {
        Self {
            stage: None,
            content_type,
            begun: false,
            // How long an answer may be is the client's to say.
            frames: Deframer::new(Limits::DEFAULT.with_max_message_len(u32::MAX)),
            gather: Gather::default(),
            compression: Compression::default(),
        }
    }

    /// Messages are coming.
    pub(super) fn is_streaming(&self) -> bool {
        self.begun && self.stage.is_some()
    }

    /// Whether what was given so far ends inside a message, so that no trailers can follow.
    pub(super) fn is_cut(&self) -> bool {
        self.gather.is_cut()
    }

    /// Stops the handler: its future, or the body of its answer, is dropped.
    pub(super) fn stop(&mut self) {
        if let Some(stage) = self.stage.take() {
            drop_guarded(stage);
        }
    }

    /// Ends the answer with a status that is not the service's.
    pub(super) fn end(
        &mut self,
        status: &CallStatus,
        close_code: CloseCode,
        block: &mut BlockWriter,
    ) -> Part {
        block.clear();
        if !self.begun {
            self.content_type.write_default(block);
        }
        block.status(status);
        self.end_with(close_code)
    }

    fn end_with(&mut self, close_code: CloseCode) -> Part {
        self.stop();
        Part::Trailers(close_code)
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
        self.compression = Compression::of(request.headers());
        let future = service.oneshot(request);
        self.stage = Some(Box::pin(Stage::Called { future }));
    }

    /// The next part; its block, if it has one, is in `block` then.
    pub(super) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut BlockWriter,
    ) -> Poll<Part> {
        let Some(stage) = &mut self.stage else {
            return Poll::Pending;
        };
        let part = match stage.as_mut().project() {
            StageProjected::Called { future } => match ready!(poll_guarded(|| future.poll(cx))) {
                Ok(Ok(response)) => self.begin(response, block),
                Ok(Err(error)) => self.fail(error.into(), block),
                Err(panic) => self.end(&panic, CloseCode::Internal, block),
            },
            StageProjected::Streaming { body } => {
                match ready!(poll_guarded(|| body.poll_frame(cx))) {
                    Ok(Some(Ok(frame))) => self.frame(frame, block),
                    Ok(Some(Err(error))) => self.fail(error.into(), block),
                    Ok(None) => self.end(&missing_status(), CloseCode::Normal, block),
                    Err(panic) => self.end(&panic, CloseCode::Internal, block),
                }
            }
        };
        Poll::Ready(part)
    }

    fn begin(&mut self, response: Response<B>, block: &mut BlockWriter) -> Part {
        let (head, body) = response.into_parts();
        block.clear();
        match Answer::read(&head, self.content_type, block) {
            Answer::Metadata => {
                self.begun = true;
                self.compression.answer(&head.headers);
                self.stream(body);
                Part::Metadata
            }
            Answer::TrailersOnly => self.end_with(CloseCode::Normal),
            Answer::NotGrpc(status) => self.end(&status, CloseCode::Normal, block),
        }
    }

    /// The body takes the place of the future, which is dropped.
    fn stream(&mut self, body: B) {
        if let Some(stage) = &mut self.stage {
            replace_guarded(|| stage.as_mut().set(Stage::Streaming { body }));
        }
    }

    fn frame(&mut self, frame: Frame<Bytes>, block: &mut BlockWriter) -> Part {
        match frame.into_data() {
            Ok(data) => self.messages(data, block),
            Err(frame) => self.trailers(&frame.into_trailers().unwrap_or_default(), block),
        }
    }

    fn messages(&mut self, data: Bytes, block: &mut BlockWriter) -> Part {
        let slice = match Slice::read(&mut self.frames, &data) {
            Ok(slice) => slice,
            Err(error) => return self.misused(error, block),
        };
        if slice.is_compressed
            && let Err(status) = self.compression.check()
        {
            return self.end(&status, CloseCode::Internal, block);
        }
        Part::Messages(self.gather.push(data, slice.complete))
    }

    fn trailers(&mut self, trailers: &HeaderMap, block: &mut BlockWriter) -> Part {
        let is_ok = find(trailers, &GRPC_STATUS).is_some_and(|status| status == "0");
        if is_ok && !self.frames.is_at_boundary() {
            return self.refuse("the service ended inside a message", block);
        }
        block.clear();
        write_trailers(trailers, block);
        self.end_with(CloseCode::Normal)
    }

    /// Ends the call for what the service did.
    fn refuse(&mut self, message: &str, block: &mut BlockWriter) -> Part {
        let status = CallStatus::new(Code::Internal, message);
        self.end(&status, CloseCode::Internal, block)
    }

    pub(super) fn misused(&mut self, error: SendError, block: &mut BlockWriter) -> Part {
        let message = format!("the service's answer is not gRPC: {error}");
        self.refuse(&message, block)
    }

    /// Ends the call with the service's failure: a tonic status among its causes, with its details,
    /// or the gRPC counterpart of an HTTP/2 error.
    fn fail(&mut self, error: BoxError, block: &mut BlockWriter) -> Part {
        let response = tonic::Status::from_error(error).into_http::<()>();
        block.clear();
        block.headers(response.headers());
        self.end_with(CloseCode::Normal)
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
                frames.next_messages(&mut input);
                complete = data.len() - input.len();
            }
        }
        Ok(Self {
            complete,
            is_compressed,
        })
    }
}
