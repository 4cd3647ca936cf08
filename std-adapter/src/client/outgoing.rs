//! A call on its way to a connection, and what comes back if the connection does not answer it.

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::upload::Kept;

/// See the module.
pub(crate) struct Outgoing {
    /// As gRPC over HTTP/2 has it, but for `grpc-timeout`.
    // In a box, for it goes through many hands.
    pub(crate) request: Box<Request<Body>>,
    pub(crate) deadline: Option<Instant>,
    /// Closed when the answer is no longer wanted.
    pub(crate) answer: oneshot::Sender<Result<Response<Body>, Unanswered>>,
}

impl Outgoing {
    /// And where the answer will be.
    pub(crate) fn new(
        request: Box<Request<Body>>,
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
    pub(crate) request: Option<Box<Request<Body>>>,
}

impl Unanswered {
    pub(crate) fn unsent(status: Status, request: Box<Request<Body>>) -> Self {
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
    /// Without its body.
    request: Box<Request<Body>>,
    kept: Kept,
}

impl Retry {
    /// And the body.
    pub(crate) fn new(mut request: Box<Request<Body>>) -> (Self, Body) {
        let body = std::mem::take(request.body_mut());
        let kept = Kept::default();
        (Self { request, kept }, body)
    }

    /// Its head: the body is elsewhere.
    pub(crate) fn head(&self) -> &Request<Body> {
        &self.request
    }

    /// After more was sent; `None` if that is too much to be kept.
    pub(crate) fn after(self, messages: &Bytes) -> Option<Self> {
        let request = self.request;
        let kept = self.kept.after(messages)?;
        Some(Self { request, kept })
    }

    /// The call from its beginning; `rest` are the messages that were not sent.
    pub(crate) fn into_request(mut self, rest: Option<Body>) -> Box<Request<Body>> {
        *self.request.body_mut() = self.kept.into_body(rest);
        self.request
    }

    /// The call is not made again: its head, emptied, has memory for that of the answer.
    pub(crate) fn into_empty_head(mut self) -> (HeaderMap, Extensions) {
        let mut headers = std::mem::take(self.request.headers_mut());
        let mut extensions = std::mem::take(self.request.extensions_mut());
        headers.clear();
        extensions.clear();
        (headers, extensions)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::client::upload::MAX_KEPT;

    fn retry() -> Retry {
        let request = Request::post("/s/m").body(Body::empty()).unwrap();
        Retry::new(Box::new(request)).0
    }

    #[tokio::test]
    async fn a_call_is_made_again_with_all_its_messages() {
        let retry = retry().after(&Bytes::from_static(b"one,")).unwrap();
        let retry = retry.after(&Bytes::from_static(b"two,")).unwrap();
        let rest = Body::new(Full::new(Bytes::from_static(b"three")));
        let request = retry.into_request(Some(rest));
        assert_eq!(request.uri(), "/s/m");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "one,two,three");
    }

    #[test]
    fn no_more_than_a_bound_is_kept() {
        let mut retry = Some(retry());
        let mut kept = 0;
        while let Some(call) = retry.take() {
            retry = call.after(&Bytes::from(vec![0; 1000]));
            kept += 1000;
        }
        assert!(kept > MAX_KEPT && kept <= MAX_KEPT + 1000);
    }
}
