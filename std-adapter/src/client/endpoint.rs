//! What a client is told before it connects.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

use super::backoff::Backoff;
use super::channel::Channel;
use super::connect::{Connector, InvalidUri, Proxy, Target, TargetScheme};
use super::transport::{Subprotocols, Transports};
use crate::config::{Config, Keepalive};

/// How long connecting may take, the handshakes included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an HTTP/2 connection with calls is pinged: gRPC servers take frequent pings for abuse, by
/// default more than one in 300 s.
const HTTP2_KEEPALIVE: Duration = Duration::from_secs(320);

/// What answers the calls of a server.
pub(super) type Answerer = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// A server to call, and how.
///
/// `ws` and `wss` URIs mean WebSocket; `http` and `https` mean HTTP/2 where it gets through, and
/// WebSocket where it does not; `unix:/path` is a unix socket. A path in the URI goes before the
/// paths of the methods.
///
/// ```no_run
/// use std::time::Duration;
/// use grpc_websocket_tokio::Endpoint;
/// use tonic_health::pb::health_client::HealthClient;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = Endpoint::new("wss://api.example")?
///     .bearer_token("s3cret")?
///     .timeout(Duration::from_secs(5))
///     .connect()
///     .await?;
/// let client = HealthClient::new(channel);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) target: Target,
    pub(super) transports: Transports,
    pub(super) subprotocols: Subprotocols,
    pub(super) timeout: Option<Duration>,
    pub(super) connect_timeout: Duration,
    pub(super) config: Config,
    pub(super) origin: Option<HeaderValue>,
    pub(super) headers: HeaderMap,
    pub(super) proxy: Proxy,
    pub(super) backoff: Backoff,
    pub(super) wait_for_ready: bool,
    pub(super) http2_keepalive: Duration,
    pub(super) answerer: Option<Answerer>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl Endpoint {
    /// A server with the defaults that each setter names.
    ///
    /// # Errors
    /// The URI names no server: what is wrong with it.
    pub fn new(uri: impl AsRef<str>) -> Result<Self, InvalidUri> {
        let target = Target::parse(uri.as_ref())?;
        let transports = match target.scheme() {
            TargetScheme::Ws | TargetScheme::Wss => Transports::WebSocket,
            TargetScheme::Http | TargetScheme::Https | TargetScheme::Unix => Transports::Auto,
        };
        Ok(Self {
            target,
            transports,
            subprotocols: Subprotocols::default(),
            timeout: None,
            connect_timeout: CONNECT_TIMEOUT,
            config: Config::client(),
            origin: None,
            headers: HeaderMap::new(),
            proxy: Proxy::default(),
            backoff: Backoff::default(),
            wait_for_ready: false,
            http2_keepalive: HTTP2_KEEPALIVE,
            answerer: None,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Which ways are tried. What the URI's scheme means by default.
    #[must_use]
    pub fn transports(mut self, transports: Transports) -> Self {
        self.transports = transports;
        self
    }

    /// Which WebSocket subprotocols are offered. [`Subprotocols::Any`] by default.
    #[must_use]
    pub fn subprotocols(mut self, subprotocols: Subprotocols) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// How long a call may take that does not say so itself by `grpc-timeout`
    /// ([`tonic::Request::set_timeout`]); then it ends with `DEADLINE_EXCEEDED`. For ever by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long connecting may take, with all handshakes. 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// After how much silence the server is pinged on a WebSocket, and how long it then may stay
    /// silent before it is taken for gone and its calls end with `UNAVAILABLE`. 20 s and 10 s by
    /// default; each at least 1 ms, at most a year.
    #[must_use]
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.keepalive = Keepalive::new(interval, timeout);
        self
    }

    /// How often a connection by HTTP/2 is pinged while it has calls. 320 s by default, for gRPC servers
    /// take more than one ping in 300 s for abuse; TCP's keepalive finds a host that vanished sooner.
    #[must_use]
    pub fn http2_keepalive(mut self, interval: Duration) -> Self {
        self.http2_keepalive = interval;
        self
    }

    /// The longest message a server may send over WebSocket, in bytes; a longer one ends its call
    /// with `RESOURCE_EXHAUSTED`. 4 MiB by default.
    #[must_use]
    pub fn max_message_len(mut self, bytes: u32) -> Self {
        self.config.limits = self.config.limits.with_max_message_len(bytes);
        self
    }

    /// The largest block of metadata a server may send over WebSocket: name, value and 32 bytes for
    /// each field. A larger one ends its call with `RESOURCE_EXHAUSTED`. 8 KiB by default.
    #[must_use]
    pub fn max_metadata_len(mut self, bytes: u32) -> Self {
        self.config.limits = self.config.limits.with_max_metadata_len(bytes);
        self
    }

    /// How many bytes of each call on a WebSocket of `grpc-mux.v1` may wait to be read; then the
    /// server waits, and its other calls go on. No call is faster than a window in each round trip.
    /// 1 MiB by default; 64 to 2^31 - 1.
    #[must_use]
    pub fn call_window_len(mut self, bytes: u32) -> Self {
        self.config.mux = self.config.mux.with_window(bytes);
        self
    }

    /// The longest DATA frame that a server of `grpc-mux.v1` may send, without its header. 16 KiB by
    /// default; 64 to 16,777,216.
    #[must_use]
    pub fn max_mux_frame_len(mut self, bytes: u32) -> Self {
        self.config.mux = self.config.mux.with_max_frame(bytes);
        self
    }

    /// The `Origin` of the opening handshake. The server's own by default: servers are in use that
    /// refuse a handshake without one.
    #[must_use]
    pub fn origin(mut self, origin: HeaderValue) -> Self {
        self.origin = Some(origin);
        self
    }

    /// A header of the opening handshake, beside its own; repeatable. Calls by HTTP/2 do not have it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sends `authorization: Bearer <token>` with the opening handshake.
    ///
    /// # Errors
    /// The token has bytes that a header cannot have.
    pub fn bearer_token(mut self, token: &str) -> Result<Self, InvalidHeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// How TLS is done: roots, client certificates. The machine's root certificates by default. Its
    /// ALPN protocols are replaced.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Which proxy is connected through. That of the environment by default.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// How long is waited before connecting again.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Whether calls wait while the server cannot be connected to, until their deadlines. By default
    /// they fail with `UNAVAILABLE` (gRPC's wait-for-ready).
    #[must_use]
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = wait;
        self
    }

    /// Answers the calls that the server makes, up to `max_calls` at a time, by `service`: a device
    /// behind NAT serves this way. The WebSocket is kept up from [`Endpoint::connect_lazy`] or
    /// [`Endpoint::connect`] on, until the last clone of the channel is dropped. It takes
    /// `grpc-mux.v1` and a server with a [`Registry`](crate::Registry).
    ///
    /// The service is any that answers gRPC, `tonic::service::Routes` for example. Its handlers run in
    /// the task of the WebSocket.
    #[must_use]
    pub fn serve<S, B>(mut self, service: S, max_calls: u32) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service
            .map_response(|response: Response<B>| response.map(Body::new))
            .map_err(Into::into);
        self.answerer = Some(BoxCloneSyncService::new(service));
        self.config.mux = self.config.mux.with_max_calls(max_calls);
        self.subprotocols = Subprotocols::Mux;
        self
    }

    /// Connects. The channel connects again by itself when its connection is lost.
    ///
    /// Must be called in a tokio runtime. Dropping the future gives up.
    ///
    /// # Errors
    /// The status that calls would have now, `UNAVAILABLE` as a rule. Of a server that takes one
    /// call on each WebSocket nothing more is known than that it was asked.
    pub async fn connect(&self) -> Result<Channel, Status> {
        let channel = self.connect_lazy();
        channel.ready().await?;
        Ok(channel)
    }

    /// A channel that connects with its first call, or at once if it [serves](Endpoint::serve).
    ///
    /// # Panics
    /// If it serves and is called outside of a tokio runtime.
    #[must_use]
    pub fn connect_lazy(&self) -> Channel {
        Channel::new(self.clone())
    }

    pub(super) fn connector(&self) -> Connector {
        let connector = Connector::new(&self.proxy, self.connect_timeout);
        #[cfg(feature = "tls")]
        let connector = connector.with_tls(self.tls.clone());
        connector
    }
}
