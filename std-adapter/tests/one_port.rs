//! One service, one port, every way to call it.

mod common;
mod http2;
mod ways;

use std::sync::{Arc, Mutex};

use common::{BLOCK, CHECK, bind, block_of, routes, unary};
use grpc_websocket_tokio::{AllowOrigin, Server, WebSocketLayer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::Layer as _;
use ways::{check_by_grpc_web, check_by_http2, check_by_mux, check_by_websocket, http1};

#[tokio::test]
async fn serve_answers_websockets_http2_and_grpc_web() {
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, routes()));
    check_by_websocket(address).await;
    check_by_mux(address).await;
    check_by_http2(address).await;
    check_by_grpc_web(address).await;
}

#[tokio::test]
async fn the_layer_fits_an_axum_application() {
    let (listener, address) = bind().await;
    let page = axum::routing::get(|| async { "a page" });
    let app = routes().into_axum_router().route("/", page);
    let app = axum::Router::new().fallback_service(WebSocketLayer::new().layer(app));
    tokio::spawn(axum::serve(listener, app).into_future());
    check_by_websocket(address).await;
    check_by_mux(address).await;
    check_by_http2(address).await;
    let answer = http1(
        TcpStream::connect(address).await.unwrap(),
        b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with(b"a page"));
}

#[tokio::test]
async fn interceptors_see_the_peer_and_the_metadata() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let health = tonic_health::server::health_reporter().1;
    let service = tonic::service::interceptor::InterceptedService::new(health, {
        let seen = Arc::clone(&seen);
        move |request: tonic::Request<()>| {
            let device = request.metadata().get("x-device").cloned();
            seen.lock().unwrap().push((request.remote_addr(), device));
            Ok(request)
        }
    });
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(
        listener,
        tonic::service::Routes::new(service),
    ));
    let block = b"Content-Type: application/grpc-web+proto\r\nX-Device: pump 7\r\n";
    unary(address, CHECK, block).await;
    check_by_http2(address).await;
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter()
            .all(|(peer, _)| peer.is_some_and(|peer| peer.ip().is_loopback()))
    );
    assert_eq!(seen.first().unwrap().1.as_ref().unwrap(), "pump 7");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn unknown_methods_are_unimplemented() {
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, routes()));
    for path in [
        "/grpc.health.v1.Health/Nothing",
        "/no.Service/Method",
        "/",
        "/a/b/c",
    ] {
        let (messages, close) = unary(address, path, BLOCK).await;
        let [trailers_only] = messages.as_slice() else {
            panic!("{path}: {messages:?}");
        };
        assert!(
            block_of(trailers_only).contains("grpc-status: 12\r\n"),
            "{path}"
        );
        assert_eq!(close, Some(1000));
    }
}

#[tokio::test]
async fn a_foreign_origin_is_refused_unless_allowed() {
    for (origins, status) in [
        (AllowOrigin::SameHost, "HTTP/1.1 403"),
        (
            AllowOrigin::List(vec!["https://app.example".parse().unwrap()]),
            "HTTP/1.1 101",
        ),
    ] {
        let (listener, address) = bind().await;
        let layer = WebSocketLayer::new().allow_origin(origins);
        tokio::spawn(Server::new().layer(layer).serve(listener, routes()));
        let request = format!(
            "GET {CHECK} HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\n\
             connection: upgrade\r\nsec-websocket-version: 13\r\norigin: https://app.example\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: grpc-websockets\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut line = vec![0; status.len()];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(line, status.as_bytes());
    }
}
