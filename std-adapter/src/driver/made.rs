//! A call that was made here: its request on the way out, its answer on the way in.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use grpc_websocket_core::Code;
use http::{Request, Response};
use http_body::Body as _;
use tokio::sync::oneshot;
use tonic::Status;
use tonic::body::Body;

use super::guard::{drop_guarded, poll_guarded};
use super::receiving::{Consumed, Receiving, Slices};
use crate::client::head::{read_answer, read_trailers, trailers_only};
use crate::client::outgoing::{Outgoing, Retry, Unanswered};

/// A part of a request, after its metadata.
pub(super) enum RequestPart {
    /// A slice of the stream of messages.
    Messages(Bytes),
    HalfClose,
    /// Whoever made the call failed inside its messages.
    Failed(Status),
}

/// See the module.
pub(super) struct Made {
    /// What it takes to make the call again, until that is out of the question.
    retry: Option<Retry>,
    /// The messages, until their end.
    body: Option<Body>,
    answer: Answer,
    max_metadata_len: u32,
}

enum Answer {
    Awaited(oneshot::Sender<Result<Response<Body>, Unanswered>>),
    Begun(Receiving),
    Over,
}

impl Made {
    /// And the head of its request.
    pub(super) fn new(outgoing: Outgoing, max_metadata_len: u32) -> Self {
        let Outgoing {
            request, answer, ..
        } = outgoing;
        let (retry, body) = Retry::new(request);
        Self {
            retry: Some(retry),
            body: Some(body),
            answer: Answer::Awaited(answer),
            max_metadata_len,
        }
    }

    /// The head of the request, while it may be made again.
    pub(super) fn head(&self) -> Option<&Request<Body>> {
        self.retry.as_ref().map(Retry::head)
    }

    /// The next part of the request.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<RequestPart> {
        let Some(body) = &mut self.body else {
            return Poll::Pending;
        };
        let part = match ready!(poll_guarded(|| Pin::new(body).poll_frame(cx))) {
            Ok(Some(Ok(frame))) => RequestPart::Messages(frame.into_data().unwrap_or_default()),
            Ok(Some(Err(status))) => RequestPart::Failed(status),
            Ok(None) => RequestPart::HalfClose,
            Err(panic) => RequestPart::Failed(panic.into()),
        };
        match &part {
            RequestPart::Messages(messages) => self.remember(messages),
            RequestPart::HalfClose | RequestPart::Failed(_) => self.drop_body(),
        }
        Poll::Ready(part)
    }

    fn remember(&mut self, messages: &Bytes) {
        self.retry = self.retry.take().and_then(|retry| retry.after(messages));
    }

    /// Ready when whoever made the call no longer wants its answer.
    pub(super) fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.answer {
            Answer::Awaited(answer) => answer.poll_closed(cx),
            Answer::Begun(answer) if answer.is_abandoned() => Poll::Ready(()),
            Answer::Begun(_) | Answer::Over => Poll::Pending,
        }
    }

    /// Whether the answer has room for more.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.answer {
            Answer::Begun(answer) => answer.poll_room(cx),
            Answer::Awaited(_) | Answer::Over => Poll::Ready(()),
        }
    }

    /// From now on `waker`, if there is one, is told once when some of the answer is taken, or
    /// nobody wants it any more.
    pub(super) fn watch(&self, waker: Option<Waker>) {
        if let Answer::Begun(answer) = &self.answer {
            answer.watch(waker);
        }
    }

    /// For how many bytes more there is room since the last time.
    pub(super) fn take_consumed(&mut self) -> Consumed {
        match &mut self.answer {
            Answer::Begun(answer) => answer.take_consumed(),
            Answer::Awaited(_) | Answer::Over => Consumed::default(),
        }
    }

    /// The initial metadata is complete: the answer begins.
    pub(super) fn respond(&mut self, block: &[u8]) -> Result<(), Status> {
        let empty = self.retry.take().map(Retry::into_empty_head);
        let head = read_answer(block, self.max_metadata_len, empty.unwrap_or_default())?;
        if let Answer::Awaited(answer) = std::mem::replace(&mut self.answer, Answer::Over) {
            let (receiving, body) = Receiving::new();
            self.answer = Answer::Begun(receiving);
            // If it is not wanted any more, its body says so.
            let _ = answer.send(Ok(head.map(|()| Body::new(body))));
        }
        Ok(())
    }

    /// Gives the slices of a WebSocket message to the answer. Whether it begins with them: the server
    /// left the initial metadata out, as some do.
    pub(super) fn push(&mut self, slices: &Slices, message: &Bytes) -> bool {
        let begins = matches!(self.answer, Answer::Awaited(_)) && !slices.is_empty();
        if begins {
            // No metadata is none that could be wrong.
            let _ = self.respond(&[]);
        }
        if let Answer::Begun(answer) = &mut self.answer {
            answer.push(slices, message);
        }
        begins
    }

    /// The trailers are complete: the call is over.
    pub(super) fn finish(&mut self, code: Code, block: &[u8]) {
        let trailers = match read_trailers(code, block, self.max_metadata_len) {
            Ok(trailers) => trailers,
            Err(status) => return self.fail(status, false),
        };
        match std::mem::replace(&mut self.answer, Answer::Over) {
            Answer::Awaited(answer) => {
                let head = trailers_only(trailers);
                let _ = answer.send(Ok(head.map(|()| Body::empty())));
            }
            Answer::Begun(answer) => answer.finish(Some(trailers)),
            Answer::Over => {}
        }
        self.drop_body();
    }

    /// The call is over without trailers. `is_unprocessed`: the server did nothing about it, so that
    /// it can be made again.
    pub(super) fn fail(&mut self, status: Status, is_unprocessed: bool) {
        let request = match self.retry.take() {
            Some(retry) if is_unprocessed => Some(retry.into_request(self.body.take())),
            _ => None,
        };
        match std::mem::replace(&mut self.answer, Answer::Over) {
            Answer::Awaited(answer) => {
                let _ = answer.send(Err(Unanswered { status, request }));
            }
            Answer::Begun(answer) => answer.fail(status),
            Answer::Over => {}
        }
        self.drop_body();
    }

    fn drop_body(&mut self) {
        drop_guarded(self.body.take());
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.drop_body();
    }
}
