//! A call that was made here: its request on the way out, its answer on the way in.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use grpc_websocket_core::Code;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
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

/// The last part of an answer, with all that came with it at once.
pub(super) struct LastPart<'a> {
    /// The initial metadata, if they are in it.
    pub(super) metadata: Option<&'a [u8]>,
    pub(super) messages: Bytes,
    pub(super) trailers: &'a [u8],
    pub(super) code: Code,
}

impl LastPart<'_> {
    /// Whether it says that an answer begins, which is no Trailers-Only one then.
    fn begins(&self) -> bool {
        self.metadata.is_some() || !self.messages.is_empty()
    }
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
        let head = self.read_head(block)?;
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

    fn read_head(&mut self, block: &[u8]) -> Result<Response<()>, Status> {
        let empty = self.retry.take().map(Retry::into_empty_head);
        read_answer(block, self.max_metadata_len, empty.unwrap_or_default())
    }

    /// The trailers are complete: the call is over.
    pub(super) fn finish(&mut self, last: LastPart<'_>) {
        if let Err(status) = self.end_answer(last) {
            self.fail(status, false);
        }
        self.drop_body();
    }

    fn end_answer(&mut self, last: LastPart<'_>) -> Result<(), Status> {
        let trailers = read_trailers(last.code, last.trailers, self.max_metadata_len)?;
        if let Answer::Begun(answer) = &mut self.answer {
            answer.end(last.messages, trailers);
            self.answer = Answer::Over;
            return Ok(());
        }
        let response = match last.begins() {
            true => self
                .read_head(last.metadata.unwrap_or_default())?
                .map(|()| whole(last.messages, trailers)),
            false => trailers_only(trailers).map(|()| Body::empty()),
        };
        if let Answer::Awaited(answer) = std::mem::replace(&mut self.answer, Answer::Over) {
            let _ = answer.send(Ok(response));
        }
        Ok(())
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

/// The body of an answer that is all there.
fn whole(messages: Bytes, trailers: HeaderMap) -> Body {
    let trailers = std::future::ready(Some(Ok(trailers)));
    Body::new(Full::new(messages).with_trailers(trailers))
}

impl Drop for Made {
    fn drop(&mut self) {
        self.drop_body();
    }
}
