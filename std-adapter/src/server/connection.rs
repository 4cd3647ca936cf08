//! One connection, from its first byte to its last HTTP answer.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::server::Connected;
use tower::util::MapRequest;
use tower::{BoxError, Service};

use crate::server::peer;
use crate::server::preface::PrefaceWatch;
use crate::server::shutdown::GracefulShutdown;
use crate::server::upload;

/// How long a connection may take to its first request.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that is new when the server ends may take to its first request: one may
/// be on its way.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

/// How long an HTTP/1.1 connection may be idle between requests, or slow with the next one: longer
/// than the proxies in use keep theirs.
const HTTP1_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The most header bytes of one HTTP/1.1 request. hyper takes up to 100 fields.
const MAX_HEAD: usize = 64 * 1024;

/// HTTP/2 connections are pinged as WebSockets are.
const HTTP2_KEEPALIVE: Duration = Duration::from_secs(20);
const HTTP2_KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of one call, and of all on a connection, may wait for handlers over HTTP/2: the one is a
/// small part of the other, so that a handler that does not read holds up no other call.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// How many calls may be open on a connection, and how many the client may have reset before their
/// turn comes: deadlines of all of them may pass at once.
const MAX_STREAMS: u32 = 200;
const MAX_RESET_STREAMS: usize = 200;

/// What serves a connection: a clone for each.
#[derive(Clone)]
pub(crate) struct Connection<S> {
    service: S,
    shutdown: GracefulShutdown,
    #[cfg(feature = "tls")]
    tls: Option<TlsAcceptor>,
}

impl<S, B> Connection<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(service: S, shutdown: GracefulShutdown) -> Self {
        Self {
            service,
            shutdown,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(mut self, tls: Option<TlsAcceptor>) -> Self {
        self.tls = tls;
        self
    }

    /// Serves it until it ends or has become a WebSocket.
    pub(crate) async fn serve<I>(self, io: I)
    where
        I: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let (begun, shutdown) = (CancellationToken::new(), self.shutdown.clone());
        let mut served = pin!(self.serve_io(io, &begun));
        let mut never = pin!(never(&begun));
        let mut overdue = pin!(shutdown.overdue());
        tokio::select! {
            biased;
            () = served.as_mut() => {}
            () = never.as_mut() => tracing::debug!("no request in time"),
            () = overdue.as_mut() => tracing::debug!("a connection outlived the server"),
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn serve_io<I>(self, io: I, begun: &CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        self.serve_http(io, peer::of, begun).await;
    }

    #[cfg(feature = "tls")]
    async fn serve_io<I>(mut self, io: I, begun: &CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let Some(tls) = self.tls.take() else {
            return self.serve_http(io, peer::of, begun).await;
        };
        match tls.accept(io).await {
            Ok(io) => self.serve_http(io, peer::of_tls, begun).await,
            Err(error) => tracing::debug!(%error, "no TLS"),
        }
    }

    /// `begun`: a request came, or HTTP/2's preface.
    async fn serve_http<I>(self, io: I, peer: fn(&I) -> Extensions, begun: &CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = peer(&io);
        let service = MapRequest::new(self.service, {
            let begun = begun.clone();
            move |mut request: Request<Incoming>| {
                begun.cancel();
                request.extensions_mut().extend(peer.clone());
                upload::watched(request)
            }
        });
        let (builder, service) = (builder(), TowerToHyperService::new(service));
        let io = TokioIo::new(watch_for_preface(io, begun.clone()));
        let mut http = pin!(builder.serve_connection_with_upgrades(io, service));
        let mut end = pin!(end(&self.shutdown, begun));
        let result = tokio::select! {
            biased;
            result = http.as_mut() => result,
            () = end.as_mut() => {
                http.as_mut().graceful_shutdown();
                http.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(error, "connection ended");
        }
    }
}

fn watch_for_preface<I>(io: I, begun: CancellationToken) -> InspectReader<I, impl FnMut(&[u8])>
where
    I: AsyncRead,
{
    let mut watch = PrefaceWatch::new();
    InspectReader::new(io, move |bytes| {
        if watch.look_at(bytes) {
            begun.cancel();
        }
    })
}

/// Ready when the connection had its time and nothing began.
async fn never(begun: &CancellationToken) {
    sleep(HANDSHAKE_TIMEOUT).await;
    if begun.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

/// Ready when the server ends and no first request is to be expected.
async fn end(shutdown: &GracefulShutdown, begun: &CancellationToken) {
    shutdown.begun().await;
    let _ = timeout(LAST_REQUEST_TIMEOUT, begun.cancelled()).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP1_IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(HTTP2_KEEPALIVE)
        .keep_alive_timeout(HTTP2_KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .enable_connect_protocol();
    builder
}
