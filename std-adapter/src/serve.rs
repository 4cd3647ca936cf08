//! One port for every way to call a gRPC service.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::io::InspectReader;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tower::{BoxError, Layer, Service};

use crate::grpc_web::GrpcWeb;
use crate::layer::WebSocketLayer;
use crate::preface::PrefaceWatch;

/// How long a connection may take to its first request.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an HTTP/1.1 connection may be idle between requests, or slow with the next one: longer
/// than the proxies in use keep theirs.
const HTTP1_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// TCP's own keepalive finds the hosts that vanish in the middle of an HTTP/1.1 answer.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// The most header bytes of one HTTP/1.1 request, and fields.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// HTTP/2 connections are pinged as WebSockets are.
const HTTP2_KEEPALIVE: Duration = Duration::from_secs(20);
const HTTP2_KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long accepting rests after it failed, as it does while the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a gRPC service on a listener in every way a client may come: HTTP/2, gRPC-Web over
/// HTTP/1.1 or HTTP/2, and WebSocket, with the defaults of [`WebSocketLayer`].
///
/// The service is any that answers gRPC: `tonic::service::Routes`, or an `axum::Router` made of
/// them with routes of its own beside. Handlers see the peer's address with
/// [`tonic::Request::remote_addr`], whichever way the call came.
///
/// ```no_run
/// # async fn example(routes: tonic::service::Routes) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:50051").await?;
/// grpc_websocket_tokio::serve(listener, routes).await
/// # }
/// ```
///
/// It runs until its future is dropped; connections then go on in their tasks until they end.
///
/// # Errors
/// None today: a failed accept is logged and tried again.
pub async fn serve<S, B>(listener: TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    serve_with(listener, service, &WebSocketLayer::new()).await
}

/// As [`serve`], with WebSockets as `layer` says.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with<S, B>(
    listener: TcpListener,
    service: S,
    layer: &WebSocketLayer,
) -> io::Result<()>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let service = layer.layer(GrpcWeb::new(service));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(serve_connection(stream, peer, service.clone()));
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

async fn serve_connection<S, B>(stream: TcpStream, peer: SocketAddr, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // Small frames are what real-time calls are made of.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(TCP_KEEPALIVE)
        .with_interval(TCP_KEEPALIVE);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let info = TcpConnectInfo {
        local_addr: stream.local_addr().ok(),
        remote_addr: Some(peer),
    };
    let begun = Arc::new(AtomicBool::new(false));
    let stream = InspectReader::new(stream, {
        let (mut watch, begun) = (PrefaceWatch::new(), Arc::clone(&begun));
        move |bytes| {
            if watch.look_at(bytes) {
                begun.store(true, Ordering::Relaxed);
            }
        }
    });
    let service = tower::util::MapRequest::new(service, {
        let begun = Arc::clone(&begun);
        move |mut request: Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(info.clone());
            request
        }
    });
    let builder = builder();
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::select! {
        result = connection => {
            if let Err(error) = result {
                tracing::debug!(error, %peer, "connection ended");
            }
        }
        () = never_begun(begun) => tracing::debug!(%peer, "no request in time"),
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP1_IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_KEEPALIVE)
        .keep_alive_timeout(HTTP2_KEEPALIVE_TIMEOUT);
    builder
}

/// Ready when the connection had its time and neither a request nor HTTP/2's preface came.
async fn never_begun(begun: Arc<AtomicBool>) {
    tokio::time::sleep(HANDSHAKE_TIMEOUT).await;
    if begun.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
