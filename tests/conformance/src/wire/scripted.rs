//! A server that answers every call with what a script says, in either WebSocket subprotocol or
//! over HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};
use tonic::Status;
use tonic::body::Body;
use tower::service_fn;

use super::frames::{BLOCK, prefixed, response_frame};
use super::{Carrier, block};
use crate::conformance::{Fields, Script};

/// What the mux server takes: 256 calls, a window and frames of 64 KiB.
const SETTINGS: &[u8] = b"\x50\0\0\0\0\x01\0\x01\0\0\x02\0\x01\0\0\x03\0\0\x01\0";

/// DATA with END has this bit in its first byte.
const END: u8 = 0x02;

/// Serves a script at a free port, as long as the runtime lives.
///
/// # Panics
/// When there is no port.
pub async fn serve(carrier: Carrier, script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let script = Arc::new(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(carrier, stream, Arc::clone(&script)));
        }
    });
    address
}

async fn answer(carrier: Carrier, stream: TcpStream, script: Arc<Script>) {
    // A client may leave at any time.
    let _ = match (carrier, script.status) {
        (Carrier::Http2, _) => {
            http2(stream, script).await;
            None
        }
        (_, Some(status)) => refuse(stream, status).await,
        (Carrier::Single, None) => single(stream, &script).await,
        (Carrier::Mux, None) => mux(stream, &script).await,
    };
}

async fn http2(stream: TcpStream, script: Arc<Script>) {
    let service = service_fn(move |_| {
        let response = http2_response(&script);
        async move { Ok::<_, Status>(response) }
    });
    let service = TowerToHyperService::new(service);
    let builder = Builder::new(TokioExecutor::new()).http2_only();
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn http2_response(script: &Script) -> Response<Body> {
    let frames: Vec<_> = script
        .frames
        .iter()
        .map(|frame| {
            if frame.flags == BLOCK {
                return Ok::<_, Status>(Frame::trailers(block::decode(frame.text.as_bytes())));
            }
            Ok(Frame::data(Bytes::from(response_frame(frame))))
        })
        .collect();
    let mut response = Response::builder();
    for (name, value) in &script.headers {
        response = response.header(name, value.replace("grpc-web", "grpc"));
    }
    let body = match frames.is_empty() {
        true => Body::empty(),
        false => Body::new(StreamBody::new(tokio_stream::iter(frames))),
    };
    let status = StatusCode::from_u16(script.status.unwrap_or(200));
    let response = response.status(status.expect("three digits"));
    response.body(body).expect("a response")
}

/// Refuses the upgrade.
async fn refuse(mut stream: TcpStream, status: u16) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let response = format!("HTTP/1.1 {status} Refused\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(response.as_bytes()).await.ok()
}

async fn upgrade(stream: TcpStream, carrier: Carrier) -> Option<WebSocketStream<TcpStream>> {
    let chosen = HeaderValue::from_static(carrier.subprotocol());
    let builder = ServerBuilder::new()
        .add_header(SEC_WEBSOCKET_PROTOCOL, chosen)
        .ok()?;
    builder.accept(stream).await.ok().map(|(_, socket)| socket)
}

/// One call: its request is read to the end, and answered a frame in a message.
async fn single(stream: TcpStream, script: &Script) -> Option<()> {
    let mut socket = upgrade(stream, Carrier::Single).await?;
    while &socket.next().await?.ok()?.as_payload()[..] != b"\x01" {}
    for frame in frames(script) {
        socket.send(Message::binary(frame)).await.ok()?;
    }
    socket.close().await.ok()
}

/// Many calls: each is answered at its half-close, the last frame with END.
async fn mux(stream: TcpStream, script: &Script) -> Option<()> {
    let mut socket = upgrade(stream, Carrier::Mux).await?;
    socket.send(Message::binary(SETTINGS)).await.ok()?;
    loop {
        let message = socket.next().await?.ok()?;
        let [head @ 0..=3, id @ ..] = *message.as_payload().first_chunk::<5>()? else {
            continue;
        };
        if head & END == 0 {
            continue;
        }
        let frames = frames(script);
        for (index, frame) in frames.iter().enumerate() {
            let flags = if index + 1 == frames.len() { END } else { 0 };
            let frame = [&[flags], &id[..], frame].concat();
            socket.send(Message::binary(frame)).await.ok()?;
        }
    }
}

/// The answer as gRPC-Web frames.
fn frames(script: &Script) -> Vec<Vec<u8>> {
    let first = prefixed(BLOCK, lines(&script.headers).as_bytes());
    let rest = script.frames.iter().map(response_frame);
    std::iter::once(first).chain(rest).collect()
}

fn lines(fields: &Fields) -> String {
    block::encode(fields.iter().map(|(name, value)| (&**name, &**value)))
}
