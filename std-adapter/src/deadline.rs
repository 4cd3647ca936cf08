//! Deadlines of calls over HTTP/2, which nothing below keeps. Over WebSocket the core keeps them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use grpc_websocket_core::wire::timeout;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use crate::metadata::{GRPC_TIMEOUT, find};

/// The time that a request's head gives its call; none if it is malformed.
pub(crate) fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    timeout::parse(find(headers, &GRPC_TIMEOUT)?.as_bytes()).ok()
}

pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed")
}

/// How an answer ends whose time is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expiry {
    /// At a server: by trailers that say so.
    Trailers,
    /// At a client: by the status.
    Error,
}

/// The rest of an answer, which ends at its deadline, if it has one. At a server it also ends by trailers if it fails, as
/// that of another server may: a client would not learn the status from a stream that is reset.
pub(crate) struct Timed {
    /// `None` once the time is over.
    body: Option<Body>,
    deadline: Option<Pin<Box<Sleep>>>,
    expiry: Expiry,
}

impl Timed {
    pub(crate) fn new(body: Body, deadline: Option<Instant>, expiry: Expiry) -> Self {
        Self {
            body: Some(body),
            deadline: deadline.map(|at| Box::pin(sleep_until(at))),
            expiry,
        }
    }

    /// What comes in place of the rest.
    fn end(&mut self, status: Status) -> Result<Frame<Bytes>, Status> {
        self.body = None;
        let mut trailers = HeaderMap::new();
        match self.expiry {
            Expiry::Error => Err(status),
            Expiry::Trailers => status
                .add_header(&mut trailers)
                .map(|()| Frame::trailers(trailers)),
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Err(status))) => Poll::Ready(Some(self.end(status))),
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => match &mut self.deadline {
                Some(deadline) => deadline
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(self.end(exceeded()))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn endless() -> Body {
        let first = futures_util::stream::iter([Ok::<_, Status>(Frame::data(Bytes::from("x")))]);
        let never = futures_util::stream::pending();
        Body::new(StreamBody::new(futures_util::StreamExt::chain(
            first, never,
        )))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_at_its_deadline() {
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(3);
        let answer = Timed::new(endless(), Some(deadline), Expiry::Trailers);
        let answer = answer.collect().await.unwrap();
        assert_eq!(answer.trailers().unwrap()["grpc-status"], "4");
        assert_eq!(answer.to_bytes(), "x");
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        let failing = Body::new(Timed::new(endless(), Some(deadline), Expiry::Error));
        let told = Timed::new(failing, None, Expiry::Trailers);
        let answer = told.collect().await.unwrap();
        assert_eq!(answer.trailers().unwrap()["grpc-status"], "4");
        let answer = Timed::new(endless(), Some(deadline), Expiry::Error);
        let status = answer.collect().await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    }
}
