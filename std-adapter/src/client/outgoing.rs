//! A call on its way to a connection, and what comes back if the connection does not answer it.

use std::pin::Pin;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::upload::Kept;

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
    kept: Kept,
}

impl Retry {
    pub(crate) fn new(head: Parts) -> Self {
        Self {
            head,
            kept: Kept::default(),
        }
    }

    pub(crate) fn head(&self) -> &Parts {
        &self.head
    }

    /// After more was sent; `None` if that is too much to be kept.
    pub(crate) fn after(self, messages: &Bytes) -> Option<Self> {
        let head = self.head;
        let kept = self.kept.after(messages)?;
        Some(Self { head, kept })
    }

    /// The call from its beginning; `rest` are the messages that were not sent.
    pub(crate) fn into_request(self, rest: Option<Pin<Box<Body>>>) -> Request<Body> {
        Request::from_parts(self.head, self.kept.into_body(rest))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::client::upload::MAX_KEPT;

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
