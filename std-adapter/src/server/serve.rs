//! One port for every way to call a gRPC service.

use std::convert::Infallible;
use std::io;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::ServerConfig;
use tonic::body::Body;
use tower::{BoxError, Service};

use crate::server::connection::Connection;
use crate::server::grpc_web::GrpcWebService;
use crate::server::layer::WebSocketLayer;
use crate::server::listener::Listener;
use crate::server::shutdown::GracefulShutdown;
use crate::server::timeouts::Timeouts;
#[cfg(feature = "tls")]
use crate::server::tls;

/// How long accepting rests after it failed, as it does while the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long calls may go on after the signal to end.
const GRACE: Duration = Duration::from_secs(30);

/// Serves a gRPC service on a listener in every way a client may come, with the defaults of
/// [`Server`].
///
/// ```no_run
/// # async fn example(routes: tonic::service::Routes) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:50051").await?;
/// grpc_websocket_tokio::serve(listener, routes).await
/// # }
/// ```
///
/// # Errors
/// As [`Server::serve`].
pub async fn serve<L, S, B>(listener: L, service: S) -> io::Result<()>
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Server::new().serve(listener, service).await
}

/// As [`serve`], until a signal is ready and the calls that run are over:
/// [`Server::serve_with_shutdown`] with the defaults.
///
/// # Errors
/// As [`Server::serve`].
pub async fn serve_with_shutdown<L, S, B>(
    listener: L,
    service: S,
    signal: impl Future<Output = ()>,
) -> io::Result<()>
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Server::new()
        .serve_with_shutdown(listener, service, signal)
        .await
}

/// Serves a gRPC service in every way a client may come: HTTP/2, gRPC-Web over HTTP/1.1 or
/// HTTP/2, and WebSocket.
///
/// The service is any that answers gRPC: `tonic::service::Routes`, or an `axum::Router` made of
/// them with routes of its own beside. Handlers see the peer's address with
/// [`tonic::Request::remote_addr`], whichever way the call came.
///
/// ```no_run
/// use std::time::Duration;
/// use grpc_websocket_tokio::{Server, WebSocketLayer};
///
/// # async fn example(routes: tonic::service::Routes) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:50051").await?;
/// Server::new()
///     .layer(WebSocketLayer::new().max_message_len(1024 * 1024))
///     .grace(Duration::from_secs(10))
///     .serve(listener, routes)
///     .await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    layer: WebSocketLayer,
    grace: Duration,
    #[cfg(feature = "tls")]
    tls: Option<Arc<ServerConfig>>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            layer: WebSocketLayer::new(),
            grace: GRACE,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Server {
    /// A server with the defaults that each setter names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How WebSockets are answered. [`WebSocketLayer::new`] by default.
    #[must_use]
    pub fn layer(mut self, layer: WebSocketLayer) -> Self {
        self.layer = layer;
        self
    }

    /// How long calls may go on after the signal of [`Server::serve_with_shutdown`]. 30 s by
    /// default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Takes TLS alone, by this configuration. If that names no protocols for ALPN, `h2` and
    /// `http/1.1` are offered. Certificates of clients are in the extensions of their requests,
    /// as with tonic's own server. Off by default.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use grpc_websocket_tokio::{Server, rustls};
    /// use rustls::pki_types::pem::PemObject;
    /// use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    ///
    /// # fn example() -> Result<Server, Box<dyn std::error::Error>> {
    /// let certificates = CertificateDer::pem_file_iter("server.pem")?.collect::<Result<_, _>>()?;
    /// let key = PrivateKeyDer::from_pem_file("server.key")?;
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let config = rustls::ServerConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_no_client_auth()
    ///     .with_single_cert(certificates, key)?;
    /// let server = Server::new().tls(Arc::new(config));
    /// # Ok(server)
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Serves until its future is dropped; connections then go on in their tasks until they end.
    /// A [`GracefulShutdown`] of the layer ends it as the signal of
    /// [`Server::serve_with_shutdown`] does.
    ///
    /// # Errors
    /// None today: a failed accept is logged and tried again.
    pub async fn serve<L, S, B>(self, listener: L, service: S) -> io::Result<()>
    where
        L: Listener,
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError> + Send,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.serve_with_shutdown(listener, service, std::future::pending())
            .await
    }

    /// Serves until `signal` is ready. Then it drops the listener, tells all clients that no more
    /// calls are taken here, and returns when the connections are over. Calls that take longer
    /// than [`Server::grace`] are ended with `UNAVAILABLE`, or with their connection, and it
    /// returns 2 s after that at the latest.
    ///
    /// If the future is dropped, connections go on in their tasks until they end.
    ///
    /// # Errors
    /// As [`Server::serve`].
    pub async fn serve_with_shutdown<L, S, B>(
        self,
        listener: L,
        service: S,
        signal: impl Future<Output = ()>,
    ) -> io::Result<()>
    where
        L: Listener,
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError> + Send,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let shutdown = self.layer.shutdown();
        let layer = self.layer.graceful_shutdown(&shutdown);
        let service = layer.between(service.clone(), GrpcWebService::new(Timeouts::new(service)));
        let connection = Connection::new(service, shutdown.clone());
        #[cfg(feature = "tls")]
        let connection = connection.with_tls(self.tls.map(tls::acceptor));
        tokio::select! {
            never = accept(listener, connection, &shutdown) => match never {},
            () = signal => {}
            () = shutdown.begun() => {}
        }
        shutdown.finish(self.grace).await;
        Ok(())
    }
}

/// Accepts connections, each of which is served by a task of its own.
async fn accept<L, S, B>(
    mut listener: L,
    connection: Connection<S>,
    shutdown: &GracefulShutdown,
) -> Infallible
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    loop {
        match listener.accept().await {
            Ok(io) => {
                let running = shutdown.enter();
                // In a box: it is large, and a task's memory is moved about, and does not fit again where
                // a WebSocket has taken a part of what is free.
                let serving = Box::pin(connection.clone().serve(io));
                tokio::spawn(async move {
                    serving.await;
                    drop(running);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                if !is_of_one_connection(&error) {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether an accept failed for what one peer did, so that the next may go well at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
