//! WebSockets on streams of HTTP/2 (RFC 8441).

mod common;
mod http2;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use common::dialer::framed;
use common::mux::MuxClient;
use common::{BLOCK, CHECK, SERVING, bind, routes, unary_on};
use futures_util::SinkExt as _;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use http2::Http2;
use hyper::ext::Protocol;
use tokio::time::timeout;
use tokio_websockets::Message;
use tonic::body::Body;
use tower::service_fn;

async fn start() -> SocketAddr {
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, routes()));
    address
}

#[tokio::test]
async fn two_websockets_and_a_call_share_a_connection() {
    let http2 = Http2::connect(start().await).await;
    assert_eq!(http2.check().await, 1);
    let mux = http2.websocket("/", "grpc-mux.v1").await;
    let single = http2.websocket(CHECK, "grpc-websockets").await;
    let mut mux = MuxClient::new(mux).await;
    let (messages, close) = unary_on(single).await;
    assert_eq!((&messages[1][..], close), (SERVING, Some(1000)));
    for _ in 0..3 {
        let call = mux.dialer.call(CHECK, "", &framed(b""), true);
        assert_eq!(mux.answer(call).await.messages, SERVING);
    }
    assert_eq!(http2.check().await, 1);
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_fails_the_request() {
    let (listener, address) = bind().await;
    let (ends, mut end) = tokio::sync::mpsc::channel(1);
    let service = service_fn(move |request: Request<Body>| {
        let ends = ends.clone();
        async move {
            tokio::spawn(async move {
                let end = request.into_body().collect().await;
                ends.send(end.map(drop)).await
            });
            std::future::pending::<Result<http::Response<Body>, Infallible>>().await
        }
    });
    tokio::spawn(grpc_websocket_tokio::serve(listener, service));
    let http2 = Http2::connect(address).await;
    http2.learn_settings().await;
    let mut client = http2.websocket(CHECK, "grpc-websockets").await;
    client.send(Message::binary(BLOCK)).await.unwrap();
    drop(client);
    let end = timeout(Duration::from_secs(5), end.recv()).await;
    let failure = end.expect("the call ends").unwrap().unwrap_err();
    assert_eq!(failure.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn other_connects_are_refused() {
    let http2 = Http2::connect(start().await).await;
    assert_eq!(http2.check().await, 1);
    let ask = async |change: fn(&mut Request<Body>)| http2.ask(CHECK, change).await.status();
    let offer = |request: &mut Request<Body>, name: &'static str| {
        let name = HeaderValue::from_static(name);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
    };
    let status = ask(|_| ()).await;
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "no subprotocol");
    let status = ask(|request| {
        let protocol = Protocol::from_static("connect-udp");
        request.extensions_mut().insert(protocol);
    });
    assert_eq!(status.await, StatusCode::NOT_IMPLEMENTED);
    let status = ask(|request| drop(request.extensions_mut().remove::<Protocol>()));
    assert_eq!(status.await, StatusCode::METHOD_NOT_ALLOWED);
    let foreign = http2.ask(CHECK, |request| {
        offer(request, "grpc-mux.v1");
        let origin = HeaderValue::from_static("https://evil.example");
        request.headers_mut().insert("origin", origin);
    });
    assert_eq!(foreign.await.status(), StatusCode::FORBIDDEN);
    assert_eq!(http2.check().await, 1);
}
