//! What calls by HTTP need of their server: that it keeps their deadlines, as tonic's own server does,
//! and tells the status of an answer that fails. Over WebSocket the core and the driver do that.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _};

use crate::deadline::{Expiry, Timed, exceeded, timeout_of};
use crate::server::response::is_grpc;

/// Ends calls with `DEADLINE_EXCEEDED` when the time of their `grpc-timeout` is over: their handlers
/// are dropped.
#[derive(Clone)]
pub(crate) struct Timeouts<S> {
    inner: S,
}

impl<S> Timeouts<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<Body>> for Timeouts<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // As in `WebSocketService`: each call awaits a clone of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let deadline = deadline_of(&request);
        let answer = self.inner.clone().oneshot(request);
        Box::pin(async move {
            let answer = match deadline {
                None => answer.await,
                Some(at) => match timeout_at(at, answer).await {
                    Ok(answer) => answer,
                    Err(_) => return Ok(exceeded().into_http()),
                },
            };
            Ok(watched(answer?.map(Body::new), deadline))
        })
    }
}

/// An answer, if it is gRPC's, that ends as gRPC has it.
fn watched(answer: Response<Body>, deadline: Option<Instant>) -> Response<Body> {
    if !is_grpc(answer.headers()) {
        return answer;
    }
    answer.map(|body| Body::new(Timed::new(body, deadline, Expiry::Trailers)))
}

/// When a call is to be over.
fn deadline_of(request: &Request<Body>) -> Option<Instant> {
    Instant::now().checked_add(timeout_of(request.headers())?)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use super::*;

    async fn call(timeout: &'static str) -> Option<Response<Body>> {
        let service = tower::service_fn(|_| std::future::pending::<Result<_, Infallible>>());
        let service = Timeouts::new(service.map_response(|never: Response<Body>| never));
        let mut request = Request::new(Body::empty());
        request
            .headers_mut()
            .insert("grpc-timeout", http::HeaderValue::from_static(timeout));
        let answer = tokio::time::timeout(Duration::from_secs(10), service.oneshot(request));
        answer.await.ok().map(Result::unwrap)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_by_http_ends_at_its_deadline() {
        let begun = Instant::now();
        let answer = call("3S").await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "4");
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        assert!(call("soon").await.is_none(), "no time is given");
    }
}
