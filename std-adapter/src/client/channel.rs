//! The channel: what the stubs that tonic generates call.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::connect::InvalidUri;
use super::device::{self, Find};
use super::endpoint::Endpoint;
use super::remote::Remote;
use super::transport::Transport;
use crate::deadline::{exceeded, timeout_of};
use crate::driver::mux::caller::Caller;
use crate::metadata::GRPC_TIMEOUT;

/// How often a call is made again that no server processed.
pub(super) const MAX_RETRIES: u32 = 3;

/// Calls a server, over WebSocket or over HTTP/2.
///
/// It is a [`tower::Service`] as `tonic::transport::Channel` is one, so the stubs that tonic generates
/// take it as it is. Clones are cheap and share the connection. It connects when that is needed, and
/// again, after a [wait](super::Backoff), when the connection was lost.
///
/// A call is made again by itself only if it is certain that no server processed it: it was never
/// sent, or the server said so (`grpc-mux.v1` REFUSED or GOAWAY). Every other loss ends it with
/// `UNAVAILABLE`. Dropping the future of a call, or the answer, cancels it at the server.
///
/// The messages of a request are made in the task of the connection: a stream that blocks its thread
/// holds up the other calls.
///
/// Calls must be made in a tokio runtime.
#[derive(Debug, Clone)]
pub struct Channel {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// To a server, which is dialled.
    Server(Arc<Remote>),
    /// To a device that dialled in.
    Device(Arc<Find>),
}

impl Channel {
    /// Connects to a server with the defaults of [`Endpoint`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the URI names no server; else as [`Endpoint::connect`].
    pub async fn connect(uri: impl AsRef<str>) -> Result<Self, Status> {
        let endpoint = Endpoint::new(uri);
        let endpoint = endpoint.map_err(|error| Status::invalid_argument(error.to_string()))?;
        endpoint.connect().await
    }

    /// A channel that connects with its first call, with the defaults of [`Endpoint`].
    ///
    /// # Errors
    /// The URI names no server.
    pub fn connect_lazy(uri: impl AsRef<str>) -> Result<Self, InvalidUri> {
        Ok(Endpoint::new(uri)?.connect_lazy())
    }

    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            kind: Kind::Server(Remote::new(endpoint)),
        }
    }

    /// A channel to a device; `find` says where it is now.
    pub(crate) fn of_device(find: impl Fn() -> Option<Caller> + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Device(Arc::new(find)),
        }
    }

    /// How the latest call travelled, or the connection was made; `None` before.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        match &self.kind {
            Kind::Server(remote) => remote.latest(),
            Kind::Device(_) => Some(Transport::WebSocket),
        }
    }

    /// Waits for the connection.
    pub(super) async fn ready(&self) -> Result<(), Status> {
        match &self.kind {
            Kind::Server(remote) => remote.ready().await,
            Kind::Device(_) => Ok(()),
        }
    }
}

impl Kind {
    async fn call(&self, mut request: Box<Request<Body>>) -> Result<Response<Body>, Status> {
        let usual = match self {
            Self::Server(remote) => remote.endpoint().timeout,
            Self::Device(_) => None,
        };
        let deadline = take_deadline(&mut request, usual);
        let mut answer = pin!(async {
            match self {
                Self::Server(remote) => remote.call(request, deadline).await,
                Self::Device(find) => by_websocket(device::call(&**find, request, deadline).await?),
            }
        });
        match deadline {
            None => answer.as_mut().await,
            Some(at) => timeout_at(at, answer.as_mut())
                .await
                .unwrap_or_else(|_| Err(exceeded())),
        }
    }
}

fn by_websocket(mut response: Response<Body>) -> Result<Response<Body>, Status> {
    response.extensions_mut().insert(Transport::WebSocket);
    Ok(response)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(remote) => write!(f, "{remote}"),
            Self::Device(_) => f.write_str("a device"),
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Each call awaits its connection, and its place there.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let kind = self.kind.clone();
        let request = Box::new(request);
        Box::pin(async move { kind.call(request).await })
    }
}

/// Takes the time out of a request's head: what is left of it is written when the call is sent.
fn take_deadline(request: &mut Request<Body>, usual: Option<Duration>) -> Option<Instant> {
    let said = timeout_of(request.headers());
    if said.is_some() {
        request.headers_mut().remove(GRPC_TIMEOUT);
    }
    Instant::now().checked_add(said.or(usual)?)
}
