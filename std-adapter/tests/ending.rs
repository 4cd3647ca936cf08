//! The graceful end of a server.

mod common;
mod http2;

use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{BLOCK, CHECK, SERVING, answer, bind, connect, routes, unary_on};
use futures_util::{FutureExt as _, SinkExt as _};
use grpc_websocket_tokio::{GracefulShutdown, Server, WebSocketLayer};
use http::Request;
use http2::Http2;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_websockets::Message;
use tonic::body::Body;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// Long for what should be at once.
const SOON: Duration = Duration::from_secs(5);

/// A server whose calls wait until they are let go.
struct Slow {
    address: SocketAddr,
    called: Arc<Notify>,
    go: Arc<Notify>,
    signal: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
}

impl Slow {
    async fn start(grace: Duration) -> Self {
        let (listener, address) = bind().await;
        let (called, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let service = service_fn({
            let (called, go) = (Arc::clone(&called), Arc::clone(&go));
            move |request: Request<Body>| {
                let (called, go) = (Arc::clone(&called), Arc::clone(&go));
                async move {
                    called.notify_one();
                    go.notified().await;
                    routes().oneshot(request).await
                }
            }
        });
        let (signal, signalled) = oneshot::channel();
        let ended = tokio::spawn(async move {
            let server = Server::new().grace(grace);
            let signal = signalled.map(drop);
            let ended = server.serve_with_shutdown(listener, service, signal).await;
            ended.unwrap();
        });
        Self {
            address,
            called,
            go,
            signal: Some(signal),
            ended,
        }
    }

    fn end(&mut self) {
        self.signal.take().unwrap().send(()).unwrap();
    }
}

async fn check(address: SocketAddr) -> Result<i32, tonic::Status> {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status)
}

async fn refused(address: SocketAddr) {
    timeout(SOON, async {
        while TcpStream::connect(address)
            .await
            .map_err(|e| e.kind())
            .err()
            != Some(ErrorKind::ConnectionRefused)
        {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("connections are taken still");
}

#[tokio::test]
async fn a_call_that_runs_gets_its_answer_and_nobody_else_gets_in() {
    let mut server = Slow::start(Duration::from_secs(30)).await;
    let call = tokio::spawn(check(server.address));
    server.called.notified().await;
    server.end();
    refused(server.address).await;
    assert!(!server.ended.is_finished() && !call.is_finished());
    server.go.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), 1);
    timeout(SOON, server.ended).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_is_ended_after_the_grace() {
    let grace = Duration::from_millis(300);
    let mut server = Slow::start(grace).await;
    let call = tokio::spawn(check(server.address));
    server.called.notified().await;
    let begun = Instant::now();
    server.end();
    server.ended.await.unwrap();
    assert!((grace..grace + Duration::from_secs(3)).contains(&begun.elapsed()));
    let failure = timeout(SOON, call).await.expect("it is told").unwrap();
    assert!(failure.is_err());
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let mut server = Slow::start(Duration::from_secs(30)).await;
    let mut untouched = TcpStream::connect(server.address).await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST {CHECK} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
    idle.write_all(head.as_bytes()).await.unwrap();
    server.go.notify_one();
    assert_ne!(idle.read(&mut [0; 4096]).await.unwrap(), 0);
    server.end();
    timeout(SOON, server.ended).await.expect("it ends").unwrap();
    for stream in [&mut idle, &mut untouched] {
        let rest = timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
        rest.expect("it is closed").unwrap();
    }
}

#[tokio::test]
async fn a_request_on_its_way_to_a_new_connection_is_answered() {
    let mut server = Slow::start(Duration::from_secs(30)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server has accepted it once it answers another.
    server.go.notify_one();
    check(server.address).await.unwrap();
    server.end();
    refused(server.address).await;
    let head = format!("POST {CHECK} HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    server.go.notify_one();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_call_on_its_way_on_a_websocket_of_its_own_is_answered() {
    let mut server = Slow::start(Duration::from_secs(30)).await;
    let client = connect(server.address, CHECK).await;
    server.end();
    refused(server.address).await;
    server.go.notify_one();
    let answered = timeout(SOON, unary_on(client)).await;
    let (messages, close) = answered.expect("it is answered");
    assert_eq!((&messages[1][..], close), (SERVING, Some(1000)));
    timeout(SOON, server.ended).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn a_websocket_whose_call_does_not_come_is_closed() {
    let mut server = Slow::start(Duration::from_secs(30)).await;
    let mut client = connect(server.address, CHECK).await;
    server.end();
    let closed = timeout(SOON, answer(&mut client)).await;
    assert_eq!(closed.expect("it is closed").1, Some(1001));
    drop(client);
    timeout(SOON, server.ended).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn a_connection_of_websockets_is_ended_after_the_grace() {
    let mut server = Slow::start(Duration::from_millis(300)).await;
    let http2 = Http2::connect(server.address).await;
    http2.learn_settings().await;
    let mut client = http2.websocket(CHECK, "grpc-websockets").await;
    client.send(Message::binary(BLOCK)).await.unwrap();
    server.called.notified().await;
    server.end();
    timeout(SOON, server.ended).await.expect("it ends").unwrap();
    let rest = timeout(SOON, answer(&mut client)).await;
    rest.expect("it is told");
}

/// An axum application and the end of its WebSockets.
async fn axum_server() -> (SocketAddr, GracefulShutdown) {
    let (listener, address) = bind().await;
    let shutdown = GracefulShutdown::new();
    let layer = WebSocketLayer::new().graceful_shutdown(&shutdown);
    let app = axum::Router::new().fallback(pending::<()>);
    let app = axum::Router::new().fallback_service(layer.layer(app));
    tokio::spawn(axum::serve(listener, app).into_future());
    (address, shutdown)
}

#[tokio::test]
async fn no_websocket_is_taken_once_the_end_has_begun() {
    let (address, shutdown) = axum_server().await;
    shutdown.begin();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {CHECK} HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: grpc-websockets\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 503");
    timeout(SOON, shutdown.done()).await.expect("nothing ran");
}

#[tokio::test]
async fn the_end_of_every_websocket_is_awaited() {
    let (address, shutdown) = axum_server().await;
    let mut client = connect(address, CHECK).await;
    client.send(Message::binary(BLOCK)).await.unwrap();
    shutdown.begin();
    let running = timeout(Duration::from_millis(300), shutdown.done()).await;
    assert!(running.is_err(), "its call is not over");
    drop(client);
    timeout(SOON, shutdown.done()).await.expect("it is over");
}

#[tokio::test]
async fn a_websocket_ends_soon_after_an_abort_whatever_it_does() {
    let (address, shutdown) = axum_server().await;
    let _client = connect(address, CHECK).await;
    shutdown.abort();
    let over = timeout(Duration::from_secs(2), shutdown.done()).await;
    over.expect("it is cut");
}
