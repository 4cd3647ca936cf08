//! The gRPC server behind the gateway, as a service: requests go to it over HTTP/2 as they came.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::Service;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An upstream that does not answer a ping within the timeout is gone, and its calls fail.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Forwards requests to one gRPC server. Connects at the first call, and again after a loss.
#[derive(Clone)]
pub(crate) struct Upstream {
    channel: Channel,
}

impl Upstream {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let channel = endpoint
            .clone()
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .tcp_nodelay(true)
            .connect_lazy();
        Self { channel }
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel
            .poll_ready(cx)
            .map_err(|error| unavailable(Status::from_error(error.into())))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = self.channel.call(request);
        Box::pin(async move {
            let response = response
                .await
                .map_err(|error| unavailable(Status::from_error(error.into())))?;
            Ok(response.map(|body| Body::new(body.map_err(unavailable))))
        })
    }
}

/// A connection that is refused or lost is `UNAVAILABLE`, whatever the transport calls it. A code
/// that an HTTP/2 reset stands for (gRPC PROTOCOL-HTTP2 "Errors") stays.
fn unavailable(status: Status) -> Status {
    match status.code() {
        Code::Unknown | Code::Internal => Status::unavailable(format!(
            "the upstream's connection failed: {}",
            status.message()
        )),
        _ => status,
    }
}
