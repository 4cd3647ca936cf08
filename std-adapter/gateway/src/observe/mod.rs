//! Watches the calls that pass through: their numbers, times and codes as metrics, and one span and
//! one log line for each. Never their metadata.

mod body;
mod call;
pub(crate) mod connections;
mod methods;
pub(crate) mod metrics;
mod transport;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::Code;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::response::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Layer, Service, ServiceExt as _};
use tracing::Instrument as _;

use self::body::{Answer, Upload};
use self::call::Call;
use self::metrics::Metrics;

const GRPC_STATUS: &str = "grpc-status";

/// Watches the gRPC calls to the service it wraps; other requests pass unseen. A service's error
/// becomes a gRPC answer, so that it is counted like any other.
#[derive(Clone)]
pub(crate) struct Observe {
    metrics: Metrics,
}

impl Observe {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            inner,
            metrics: self.metrics.clone(),
        }
    }
}

/// A service whose calls are watched; made by [`Observe`].
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, B> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call awaits a clone of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        if !is_grpc(request.headers()) {
            return Box::pin(async move { Ok(answer_of(inner.oneshot(request).await)) });
        }
        let call = Call::begin(self.metrics.clone(), &request);
        let span = call.span().clone();
        let request = request.map(|body| Body::new(Upload::new(body, call.bytes_in())));
        let answered = async move { Ok(watch(call, answer_of(inner.oneshot(request).await))) };
        Box::pin(answered.instrument(span))
    }
}

/// The answer, an error made into one.
fn answer_of<B, E>(result: Result<Response<B>, E>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Into<BoxError>,
{
    match result {
        Ok(response) => response.map(Body::new),
        Err(error) => Status::from_error(error.into()).into_http(),
    }
}

/// Follows the answer to its end.
fn watch(mut call: Call, response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    if let Some(code) = code_of_head(&head) {
        call.end(code);
        return Response::from_parts(head, body);
    }
    call.answered();
    Response::from_parts(head, Body::new(Answer::new(body, call)))
}

/// The code of an answer that its head ends: Trailers-Only, or no gRPC answer at all.
fn code_of_head(head: &Parts) -> Option<Code> {
    if let Some(code) = code_in(&head.headers) {
        return Some(code);
    }
    if head.status != StatusCode::OK {
        return Some(Code::from_http_status(head.status.as_u16()));
    }
    (!is_grpc(&head.headers)).then_some(Code::Unknown)
}

/// The code that a block of trailers says.
fn code_in(trailers: &HeaderMap) -> Option<Code> {
    let value = trailers.get(GRPC_STATUS)?;
    Some(Code::from_grpc_status(value.as_bytes()))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc"))
}

#[cfg(test)]
mod tests;
