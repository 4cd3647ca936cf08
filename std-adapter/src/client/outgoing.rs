//! A call on its way to a connection, and what comes back if the connection does not answer it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// How many bytes of a call's messages are kept to make it again, should the server not process it.
const MAX_KEPT: usize = 64 * 1024;

/// See the module.
pub(crate) struct Outgoing {
    /// As gRPC over HTTP/2 has it, but for `grpc-timeout`.
    pub(crate) request: Request<Body>,
    pub(crate) deadline: Option<Instant>,
    /// Closed when the answer is no longer wanted.
    pub(crate) answer: oneshot::Sender<Result<Response<Body>, Unanswered>>,
}

impl Outgoing {
    /// And where the answer will be.
    pub(crate) fn new(
        request: Request<Body>,
        deadline: Option<Instant>,
    ) -> (Self, oneshot::Receiver<Result<Response<Body>, Unanswered>>) {
        let (answer, answered) = oneshot::channel();
        let outgoing = Self {
            request,
            deadline,
            answer,
        };
        (outgoing, answered)
    }

    /// Nothing was sent of it.
    pub(crate) fn give_back(self, status: Status) {
        let unanswered = Unanswered::unsent(status, self.request);
        let _ = self.answer.send(Err(unanswered));
    }
}

/// A call without an answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) status: Status,
    /// The call, whole, if it is certain that no server processed it.
    pub(crate) request: Option<Request<Body>>,
}

impl Unanswered {
    pub(crate) fn unsent(status: Status, request: Request<Body>) -> Self {
        Self {
            status,
            request: Some(request),
        }
    }
}

impl From<Status> for Unanswered {
    /// It may have been processed.
    fn from(status: Status) -> Self {
        Self {
            status,
            request: None,
        }
    }
}

/// What it takes to make a call again.
pub(crate) struct Retry {
    head: Parts,
    sent: VecDeque<Bytes>,
    len: usize,
}

impl Retry {
    pub(crate) fn new(head: Parts) -> Self {
        Self {
            head,
            sent: VecDeque::new(),
            len: 0,
        }
    }

    pub(crate) fn head(&self) -> &Parts {
        &self.head
    }

    /// After more was sent; `None` if that is too much to be kept.
    pub(crate) fn after(mut self, messages: &Bytes) -> Option<Self> {
        self.len += messages.len();
        self.sent.push_back(messages.clone());
        (self.len <= MAX_KEPT).then_some(self)
    }

    /// The call from its beginning; `rest` are the messages that were not sent.
    pub(crate) fn into_request(self, rest: Option<Pin<Box<Body>>>) -> Request<Body> {
        let replay = Replay {
            sent: self.sent,
            rest,
        };
        Request::from_parts(self.head, Body::new(replay))
    }
}

/// What is needed to make a call again whose messages another task sends.
pub(crate) struct Record(Arc<Mutex<Recorded>>);

struct Recorded {
    retry: Option<Retry>,
    /// All messages are in it.
    is_whole: bool,
}

impl Record {
    /// And the request, whose messages are kept while they are sent.
    pub(crate) fn of(request: Request<Body>) -> (Self, Request<Body>) {
        let (head, body) = request.into_parts();
        let recorded = Arc::new(Mutex::new(Recorded {
            retry: Some(Retry::new(head.clone())),
            is_whole: body.is_end_stream(),
        }));
        let recorder = Recorder {
            body: Box::pin(body),
            recorded: Arc::clone(&recorded),
        };
        (
            Self(recorded),
            Request::from_parts(head, Body::new(recorder)),
        )
    }

    /// The request from its beginning, if all of it was kept.
    pub(crate) fn into_request(self) -> Option<Request<Body>> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let retry = recorded.retry.take().filter(|_| recorded.is_whole)?;
        Some(retry.into_request(None))
    }
}

/// Keeps the messages that pass.
struct Recorder {
    body: Pin<Box<Body>>,
    recorded: Arc<Mutex<Recorded>>,
}

impl HttpBody for Recorder {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(self.body.as_mut().poll_frame(cx));
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        match &frame {
            Some(Ok(frame)) => {
                let retry = recorded.retry.take();
                recorded.retry = retry.and_then(|retry| match frame.data_ref() {
                    Some(messages) => retry.after(messages),
                    None => Some(retry),
                });
            }
            Some(Err(_)) => recorded.retry = None,
            None => {}
        }
        recorded.is_whole = frame.is_none() || self.body.is_end_stream();
        drop(recorded);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The messages of a call that is made again.
struct Replay {
    sent: VecDeque<Bytes>,
    rest: Option<Pin<Box<Body>>>,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(messages) = self.sent.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(messages))));
        }
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sent.is_empty() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    fn head() -> Parts {
        Request::post("/s/m").body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_call_is_made_again_with_all_its_messages() {
        let retry = Retry::new(head());
        let retry = retry.after(&Bytes::from_static(b"one,")).unwrap();
        let retry = retry.after(&Bytes::from_static(b"two,")).unwrap();
        let rest = Box::pin(Body::new(Full::new(Bytes::from_static(b"three"))));
        let request = retry.into_request(Some(rest));
        assert_eq!(request.uri(), "/s/m");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "one,two,three");
    }

    #[tokio::test]
    async fn a_call_that_another_task_sends_is_kept_once_it_is_whole() {
        let body = Body::new(Full::new(Bytes::from_static(b"all")));
        let (record, request) = Record::of(Request::from_parts(head(), body));
        let sent = request.into_body().collect().await.unwrap().to_bytes();
        let again = record.into_request().unwrap().into_body();
        assert_eq!(again.collect().await.unwrap().to_bytes(), sent);

        let body = Body::new(Full::new(Bytes::from_static(b"all")));
        let (record, _unsent) = Record::of(Request::from_parts(head(), body));
        assert!(record.into_request().is_none());
    }

    #[test]
    fn no_more_than_a_bound_is_kept() {
        let mut retry = Some(Retry::new(head()));
        let mut kept = 0;
        while let Some(call) = retry.take() {
            retry = call.after(&Bytes::from(vec![0; 1000]));
            kept += 1000;
        }
        assert!(kept > MAX_KEPT && kept <= MAX_KEPT + 1000);
    }
}
