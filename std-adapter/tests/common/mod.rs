//! Small clients of both subprotocols, and a service to call.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod dialer;
pub(crate) mod mux;

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};
use tonic::service::Routes;

pub(crate) type Client<T = TcpStream> = WebSocketStream<T>;

/// `grpc.health.v1.Health/Check` of the server itself: an empty request.
pub(crate) const CHECK: &str = "/grpc.health.v1.Health/Check";
pub(crate) const EMPTY_MESSAGE: &[u8] = b"\0\0\0\0\0";
/// The answer SERVING, with its prefix.
pub(crate) const SERVING: &[u8] = b"\0\0\0\0\x02\x08\x01";
pub(crate) const BLOCK: &[u8] = b"content-type: application/grpc-web+proto\r\n";

/// tonic's own health service: one that everybody has.
pub(crate) fn routes() -> Routes {
    Routes::new(tonic_health::server::health_reporter().1)
}

pub(crate) async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) async fn connect(address: SocketAddr, path: &str) -> Client {
    let (client, _) = connect_by(address, path, "grpc-websockets").await;
    client
}

/// A WebSocket, and the subprotocol that the server chose of those offered.
pub(crate) async fn connect_by(
    address: SocketAddr,
    path: &str,
    offered: &'static str,
) -> (Client, String) {
    let io = TcpStream::connect(address).await.unwrap();
    connect_on(io, path, offered).await
}

/// As [`connect_by`], on any connection.
pub(crate) async fn connect_on<T>(io: T, path: &str, offered: &'static str) -> (Client<T>, String)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let uri = format!("ws://localhost{path}").parse().unwrap();
    let name = http::header::SEC_WEBSOCKET_PROTOCOL;
    let value = http::HeaderValue::from_static(offered);
    let builder = ClientBuilder::from_uri(uri)
        .add_header(name.clone(), value)
        .unwrap();
    let (client, response) = builder.connect_on(io).await.unwrap();
    let chosen = response.headers()[name].to_str().unwrap().to_owned();
    (client, chosen)
}

/// The WebSocket messages of the answer, and the close code after them.
pub(crate) async fn answer<T>(client: &mut Client<T>) -> (Vec<Vec<u8>>, Option<u16>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = Vec::new();
    while let Some(Ok(message)) = client.next().await {
        if let Some((code, _)) = message.as_close() {
            return (messages, Some(code.into()));
        }
        assert!(message.is_binary());
        messages.push(message.into_payload().to_vec());
    }
    (messages, None)
}

/// One unary call on a WebSocket of its own.
pub(crate) async fn unary(
    address: SocketAddr,
    path: &str,
    block: &'static [u8],
) -> (Vec<Vec<u8>>, Option<u16>) {
    unary_with(connect(address, path).await, block).await
}

/// One unary call on a WebSocket.
pub(crate) async fn unary_on<T>(client: Client<T>) -> (Vec<Vec<u8>>, Option<u16>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    unary_with(client, BLOCK).await
}

async fn unary_with<T>(mut client: Client<T>, block: &'static [u8]) -> (Vec<Vec<u8>>, Option<u16>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    client.send(Message::binary(block)).await.unwrap();
    let request = [&[0], EMPTY_MESSAGE].concat();
    client.send(Message::binary(request)).await.unwrap();
    client.send(Message::binary(&b"\x01"[..])).await.unwrap();
    answer(&mut client).await
}

/// The text of a metadata frame.
pub(crate) fn block_of(frame: &[u8]) -> &str {
    assert_eq!(frame[0], 0x80);
    let len = u32::from_be_bytes(frame[1..5].try_into().unwrap());
    assert_eq!(usize::try_from(len).unwrap(), frame.len() - 5);
    std::str::from_utf8(&frame[5..]).unwrap()
}
