//! The tower layer that answers WebSockets beside a gRPC service.

use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body::Body as HttpBody;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tonic::body::Body;
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::config::{Config, Keepalive};
use crate::driver::{self, mux::Calling};
use crate::registry::{Enrolment, Registry};
use crate::server::handshake::{self, Refusal};
use crate::server::origin::AllowOrigin;
#[cfg(feature = "axum")]
use crate::server::peer;
use crate::server::request::Upgrade;
use crate::server::shutdown::GracefulShutdown;
use crate::server::task::Task;
use crate::subprotocol::Subprotocol;
use crate::websocket::socket::Socket;

/// Answers gRPC calls that come over WebSocket by the service it wraps, and leaves every other
/// request to that service.
///
/// Clients choose the subprotocol: `grpc-websockets` has one call on each WebSocket, `grpc-mux.v1`
/// many calls at a time. Who offers both gets the latter.
///
/// The service is any that answers gRPC over HTTP/2: `tonic::service::Routes`, an `axum::Router`
/// made of them, a `tonic::transport::Channel` to another server. A call over WebSocket reaches
/// it as the same request that HTTP/2 would have made, with the upgrade's extensions (the peer's
/// address among them) and the [`Subprotocol`]. Its metadata is what the client sent on the
/// WebSocket; headers of the upgrade itself, cookies among them, are passed on only as
/// [`WebSocketLayer::allow_headers`] says.
///
/// The HTTP server below must support upgrades: [`Server`](crate::Server), `axum::serve`, or
/// hyper-util's `serve_connection_with_upgrades`. `tonic::transport::Server` does not. Where it
/// announces RFC 8441, as the first two do, WebSockets come on streams of HTTP/2 too; every other
/// CONNECT is refused, other WebSockets over HTTP/2 among them.
///
/// Each WebSocket is served by a task of its own, so the service must be called within a tokio
/// runtime, as these do; outside of one it panics. The handlers of its calls run in that task: a
/// handler that blocks its thread holds up the other calls on its WebSocket, and work of that kind
/// belongs in `tokio::task::spawn_blocking`. With [`SpawnLayer`](crate::SpawnLayer) between, each call
/// has a task of its own.
///
/// In an axum application it belongs around the whole:
/// `Router::new().fallback_service(WebSocketLayer::new().layer(app))`. `Router::layer` puts a layer
/// around each route by itself, where a WebSocket of `grpc-mux.v1` reaches no other route.
/// Below `axum::serve`, handlers see the peer's address in each way if the application is served
/// with `into_make_service_with_connect_info::<SocketAddr>()`.
///
/// ```
/// use grpc_websocket_tokio::{AllowOrigin, WebSocketLayer};
/// use tower::Layer;
///
/// # let routes = tonic::service::Routes::default();
/// let service = WebSocketLayer::new()
///     .allow_origin(AllowOrigin::List(vec!["https://app.example".parse()?]))
///     .max_message_len(1024 * 1024)
///     .layer(routes);
/// # Ok::<(), grpc_websocket_tokio::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WebSocketLayer {
    config: Config,
    shutdown: Option<GracefulShutdown>,
    enrolment: Option<Enrolment>,
}

impl WebSocketLayer {
    /// A layer with the defaults that each setter names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which browser origins may connect. [`AllowOrigin::SameHost`] by default.
    #[must_use]
    pub fn allow_origin(mut self, origins: AllowOrigin) -> Self {
        self.config.origins = origins;
        self
    }

    /// The longest message a client may send, in bytes; a longer one ends its call with
    /// `RESOURCE_EXHAUSTED`. 4 MiB by default.
    #[must_use]
    pub fn max_message_len(mut self, bytes: u32) -> Self {
        self.config.limits = self.config.limits.with_max_message_len(bytes);
        self
    }

    /// The largest block of initial metadata a client may send, counted as HTTP/2 counts it: name,
    /// value and 32 bytes for each field. A larger one ends its call with `RESOURCE_EXHAUSTED`.
    /// 8 KiB by default.
    #[must_use]
    pub fn max_metadata_len(mut self, bytes: u32) -> Self {
        self.config.limits = self.config.limits.with_max_metadata_len(bytes);
        self
    }

    /// How long a client may take after the upgrade to send its initial metadata; then its call
    /// ends with `DEADLINE_EXCEEDED`. Where it has many calls the time is that for its SETTINGS, and
    /// again for each call from its beginning on. 10 s by default.
    #[must_use]
    pub fn metadata_timeout(mut self, timeout: Duration) -> Self {
        self.config.limits = self.config.limits.with_metadata_timeout(timeout);
        self
    }

    /// How many calls a client may have open on one WebSocket of `grpc-mux.v1`, those among them
    /// whose handlers are still at work. More are refused. 256 by default.
    #[must_use]
    pub fn max_concurrent_calls(mut self, calls: u32) -> Self {
        self.config.mux = self.config.mux.with_max_calls(calls);
        self
    }

    /// How many bytes of each call on a WebSocket of `grpc-mux.v1` may wait for its handler; then
    /// its client waits, and its other calls go on. So what a WebSocket keeps in memory is bounded:
    /// this and 64 KiB for each of [`WebSocketLayer::max_concurrent_calls`], and
    /// [`WebSocketLayer::lent_window_len`]. But no call is faster than a window in each round trip.
    /// 80 KiB by default; 64 to 2^31 - 1.
    #[must_use]
    pub fn call_window_len(mut self, bytes: u32) -> Self {
        self.config.mux = self.config.mux.with_window(bytes);
        self
    }

    /// How many bytes more than [`WebSocketLayer::call_window_len`] the calls on a WebSocket of
    /// `grpc-mux.v1` may have together. They are lent to calls whose handlers keep up with what comes, up
    /// to a window of 1 MiB each, so that a long upload is as fast as its handler and its link.
    /// 4 MiB by default; with 0 all windows stay as they are.
    #[must_use]
    pub fn lent_window_len(mut self, bytes: usize) -> Self {
        self.config.lent_window_len = bytes;
        self
    }

    /// The longest DATA frame that a client of `grpc-mux.v1` may send, without its header. Other
    /// calls wait for the end of a frame. 16 KiB by default; 64 to 16,777,216.
    #[must_use]
    pub fn max_mux_frame_len(mut self, bytes: u32) -> Self {
        self.config.mux = self.config.mux.with_max_frame(bytes);
        self
    }

    /// After how much silence a client is pinged, and how long it then may stay silent before it
    /// is taken for gone and its calls cancelled. 20 s and 10 s by default; each at least 1 ms, at
    /// most a year. A slow link gets more time, 1 s for each 25 kB that may be on their way.
    #[must_use]
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.keepalive = Keepalive::new(interval, timeout);
        self
    }

    /// Headers of the upgrade that are metadata of each call on its WebSocket, unless the call has
    /// that metadata itself: `authorization`, `cookie`, names of your own. None by default, and
    /// each call adds to those named before.
    ///
    /// Names that are gRPC's or the connection's can not be allowed and are ignored: `grpc-*`,
    /// `content-type`, `te`, `host`, `sec-websocket-*` and their like. Values that gRPC's metadata
    /// does not allow are left out. `forwarded`, `x-forwarded-*` and `x-real-ip` are for servers
    /// behind a proxy that sets them, and come from nowhere but the upgrade.
    ///
    /// A browser sends its cookies to every host, so [`AllowOrigin::Any`] with `cookie` lets all
    /// web pages act for their visitors.
    #[must_use]
    pub fn allow_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.config.upgrade_headers.allow(names);
        self
    }

    /// Whether a client may offer its token as a subprotocol, for web pages can set no headers:
    /// with `new WebSocket(url, ["grpc-mux.v1", "bearer.TOKEN"])` each call that has no
    /// `authorization` of its own gets `Bearer TOKEN`, before what [`WebSocketLayer::allow_headers`]
    /// may say. The token is made of the characters of an HTTP token, as base64url and JWT are; the
    /// first of several counts. It is neither answered nor logged here, but a proxy in front may
    /// log it. Off by default.
    #[must_use]
    pub fn bearer_subprotocol(mut self, allowed: bool) -> Self {
        self.config.upgrade_headers.allow_bearer(allowed);
        self
    }

    /// What ends the WebSockets of this layer gracefully, and knows when they are over.
    #[must_use]
    pub fn graceful_shutdown(mut self, shutdown: &GracefulShutdown) -> Self {
        self.shutdown = Some(shutdown.clone());
        self
    }

    /// What was given, or one for those that are made of this layer now.
    pub(crate) fn shutdown(&self) -> GracefulShutdown {
        self.shutdown.clone().unwrap_or_default()
    }
}

impl WebSocketLayer {
    /// Where the devices are found that dial in to be called. None by default.
    #[must_use]
    pub fn registry<I>(mut self, registry: &Registry<I>) -> Self
    where
        I: Eq + Hash + Clone + Send + Sync + 'static,
    {
        self.enrolment = Some(registry.enrolment());
        self
    }
}

impl WebSocketLayer {
    /// Answers calls over WebSocket by `calls`, and every other request by `requests`.
    pub(crate) fn between<S, H>(&self, calls: S, requests: H) -> WebSocketService<S, H> {
        WebSocketService {
            calls,
            requests,
            config: Arc::new(self.config.clone()),
            shutdown: self.shutdown(),
            enrolment: self.enrolment.clone(),
        }
    }
}

impl<S: Clone> Layer<S> for WebSocketLayer {
    type Service = WebSocketService<S>;

    fn layer(&self, inner: S) -> WebSocketService<S> {
        self.between(inner.clone(), inner)
    }
}

/// A gRPC service that also answers over WebSocket; made by [`WebSocketLayer`]. Requests that are no
/// WebSockets may have a service of their own, `H`.
#[derive(Debug, Clone)]
pub struct WebSocketService<S, H = S> {
    /// Answers the calls on WebSockets.
    calls: S,
    /// Answers what is no WebSocket.
    requests: H,
    config: Arc<Config>,
    shutdown: GracefulShutdown,
    enrolment: Option<Enrolment>,
}

impl<S, H, ReqBody, CallBody, ResBody> Service<Request<ReqBody>> for WebSocketService<S, H>
where
    S: Service<Request<Body>, Response = Response<CallBody>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    H: Service<Request<Body>, Response = Response<ResBody>> + Clone + Send + 'static,
    H::Future: Send + 'static,
    ReqBody: HttpBody<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    CallBody: HttpBody<Data = Bytes> + Send + 'static,
    CallBody::Error: Into<BoxError>,
    ResBody: HttpBody<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = H::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, H::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), H::Error>> {
        // Readiness of the inner service is awaited by each call on a clone of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        #[cfg(feature = "axum")]
        peer::complete(&mut head.extensions);
        if let Some(subprotocol) = handshake::choose(&head) {
            let response = self.upgrade(&mut head, subprotocol);
            return Box::pin(async move { Ok(response) });
        }
        if let Some(refusal) = handshake::refuse(&head) {
            return Box::pin(async move { Ok(refusal.into_response()) });
        }
        let request = Request::from_parts(head, Body::new(body));
        let response = self.requests.clone().oneshot(request);
        Box::pin(async move { Ok(response.await?.map(Body::new)) })
    }
}

impl<S, H> WebSocketService<S, H> {
    /// Answers the opening handshake, and serves the WebSocket in a task of its own.
    fn upgrade<B>(
        &self,
        head: &mut http::request::Parts,
        subprotocol: Subprotocol,
    ) -> Response<Body>
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let response = match handshake::respond(head, subprotocol, &self.config.origins) {
            Ok(response) => response,
            Err(refusal) => return refusal.into_response(),
        };
        let Some(on_upgrade) = head.extensions.remove::<OnUpgrade>() else {
            return Refusal::Server.into_response();
        };
        let Some(running) = self.shutdown.enter() else {
            return Refusal::Ending.into_response();
        };
        let enrolment = self.enrolment.as_ref();
        let calling = Calling::by(enrolment.and_then(|enrolment| enrolment.welcome(head)));
        let metadata = self.config.upgrade_headers.metadata(&head.headers);
        let upgrade = Upgrade::new(head, subprotocol).with_metadata(metadata);
        let (calls, config) = (self.calls.clone(), Arc::clone(&self.config));
        let shutdown = self.shutdown.clone();
        let upgrade = async move {
            let max_message_len = config.max_first_websocket_message(subprotocol);
            let socket = open(on_upgrade, max_message_len).await?;
            let (config, shutdown) = (&config, &shutdown);
            let calls = driver::serve(
                socket,
                subprotocol,
                calls,
                upgrade,
                config,
                shutdown,
                calling,
            );
            Some(calls)
        };
        tokio::spawn(Task::new(upgrade, &self.shutdown, running));
        response
    }
}

/// The WebSocket that an upgrade becomes.
async fn open(on_upgrade: OnUpgrade, max_message_len: usize) -> Option<Socket<TokioIo<Upgraded>>> {
    match on_upgrade.await {
        Ok(io) => Some(Socket::server(TokioIo::new(io), max_message_len)),
        Err(error) => {
            tracing::debug!(%error, "the connection ended before its upgrade");
            None
        }
    }
}
