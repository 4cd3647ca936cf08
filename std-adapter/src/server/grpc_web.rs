//! Answers gRPC-Web requests beside the gRPC service they are for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::util::MapResponse;
use tower::{BoxError, Layer, Service, ServiceExt};

/// In a request's extensions: its call came by gRPC-Web. What the service sees of it is gRPC's own.
///
/// [`Server`](crate::Server) sets it, as the layer sets [`Subprotocol`](crate::Subprotocol) for a call
/// by WebSocket; a call with neither came by HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrpcWeb;

/// Sends gRPC-Web's requests through tonic-web, and all others to the service as they are: it may
/// serve web pages beside its calls.
#[derive(Clone)]
pub(crate) struct GrpcWebService<S> {
    inner: S,
}

impl<S> GrpcWebService<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<Body>> for GrpcWebService<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let inner = MapResponse::new(self.inner.clone(), |response: Response<B>| {
            response.map(Body::new)
        });
        if is_grpc_web(&request) {
            request.extensions_mut().insert(GrpcWeb);
            let response = GrpcWebLayer::new().layer(inner).oneshot(request);
            return Box::pin(async move { Ok(response.await?.map(Body::new)) });
        }
        Box::pin(inner.oneshot(request))
    }
}

fn is_grpc_web<B>(request: &Request<B>) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc-web"))
}
