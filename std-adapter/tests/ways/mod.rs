//! One call of the health service, in every way that there is.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::common::dialer::framed;
use crate::common::mux::MuxClient;
use crate::common::{BLOCK, CHECK, EMPTY_MESSAGE, SERVING, block_of, unary, unary_on};
use crate::http2::Http2;

pub(crate) async fn check_by_websocket(address: SocketAddr) {
    let (messages, close) = unary(address, CHECK, BLOCK).await;
    let [metadata, message, trailers] = messages.as_slice() else {
        panic!("metadata, message and trailers in one WebSocket message each: {messages:?}");
    };
    assert!(block_of(metadata).starts_with("content-type: application/grpc-web+proto\r\n"));
    assert_eq!(message, SERVING);
    assert_eq!(block_of(trailers), "grpc-status: 0\r\n");
    assert_eq!(close, Some(1000));
}

pub(crate) async fn check_by_mux(address: SocketAddr) {
    let mut client = MuxClient::connect(address).await;
    let call = client.dialer.call(CHECK, "", &framed(b""), true);
    assert_eq!(client.answer(call).await.messages, SERVING);
}

pub(crate) async fn check_by_http2(address: SocketAddr) {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status, 1);
}

/// Writes a request of HTTP/1.1, and reads to the end of the connection.
pub(crate) async fn http1(mut io: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Vec<u8> {
    io.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    io.read_to_end(&mut answer).await.unwrap();
    answer
}

pub(crate) async fn check_by_grpc_web(address: SocketAddr) {
    check_by_grpc_web_on(TcpStream::connect(address).await.unwrap()).await;
}

pub(crate) async fn check_by_grpc_web_on(io: impl AsyncRead + AsyncWrite + Unpin) {
    let head = format!(
        "POST {CHECK} HTTP/1.1\r\nhost: h\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: 5\r\nconnection: close\r\n\r\n"
    );
    let answer = http1(io, &[head.as_bytes(), EMPTY_MESSAGE].concat()).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        answer.escape_ascii()
    );
    let contains = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
    assert!(
        contains(SERVING) && contains(b"grpc-status:0"),
        "{}",
        answer.escape_ascii()
    );
}

/// After a call over HTTP/2 on the same connection.
pub(crate) async fn check_by_http2_websocket(address: SocketAddr) {
    let http2 = Http2::connect(address).await;
    assert_eq!(http2.check().await, 1);
    let client = http2.websocket(CHECK, "grpc-websockets").await;
    assert_eq!(unary_on(client).await.0[1], SERVING);
}
