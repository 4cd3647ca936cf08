//! A plain client of `grpc-websockets`: what the wire says, and nothing of our code. A reference
//! beside the real clients, and what the scripted server is tried with.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONTENT_TYPE, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tokio_websockets::upgrade::Error as Refusal;
use tokio_websockets::{ClientBuilder, Error, MaybeTlsStream, Message, WebSocketStream};
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::block;
use super::frames::{BLOCK, take_frame};
use crate::conformance::milliseconds;

/// What the wire calls gRPC.
const WEB: &str = "application/grpc-web+proto";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Output = SplitSink<Socket, Message>;
type Input = SplitStream<Socket>;
type Part = Result<Frame<Bytes>, Status>;

/// See the module.
#[derive(Debug, Clone)]
pub struct SingleClient(pub SocketAddr);

impl Service<Request<Body>> for SingleClient {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(call(self.0, request))
    }
}

async fn call(address: SocketAddr, request: Request<Body>) -> Result<Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let mut socket = connect(address, head.uri.path()).await?;
    let lines = request_block(&head.headers);
    socket.send(Message::binary(lines)).await.map_err(lost)?;
    let (parts, mut answer) = channel(16);
    tokio::spawn(carry(socket, body, deadline(&head.headers), parts));
    let first = answer
        .recv()
        .await
        .ok_or_else(|| Status::internal("no answer"))??;
    let mut response = Response::new(());
    let rest = match first.into_trailers() {
        Ok(headers) => {
            *response.headers_mut() = headers;
            Vec::new()
        }
        Err(message) => vec![Ok(message)],
    };
    let rest = tokio_stream::iter(rest).chain(ReceiverStream::new(answer));
    Ok(response.map(|()| Body::new(StreamBody::new(rest))))
}

async fn connect(address: SocketAddr, path: &str) -> Result<Socket, Status> {
    let uri = format!("ws://{address}{path}").parse().expect("a URI");
    let offer = HeaderValue::from_static("grpc-websockets");
    let builder = ClientBuilder::from_uri(uri).add_header(SEC_WEBSOCKET_PROTOCOL, offer);
    match builder.map_err(lost)?.connect().await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Upgrade(Refusal::DidNotSwitchProtocols(status))) => Err(refused(status)),
        Err(error) => Err(lost(error)),
    }
}

/// Moves the body one way and the answer the other, until the answer ends, the call is dropped, or
/// the deadline passes. A server that takes no more of the body is still listened to.
async fn carry(socket: Socket, body: Body, deadline: Duration, parts: Sender<Part>) {
    let (mut output, input) = socket.split();
    let uploaded = async {
        if upload(&mut output, body).await.is_ok() {
            // All is said, or the server closes: what it says counts.
            std::future::pending::<()>().await;
        }
    };
    let end = tokio::select! {
        end = download(input, &parts) => end,
        () = uploaded => None,
        () = parts.closed() => None,
        () = tokio::time::sleep(deadline) => Some(Status::deadline_exceeded("by the client's clock")),
    };
    if let Some(status) = end {
        let _ = parts.send(Err(status)).await;
    }
    // It waits behind what the server does not take.
    let _ = tokio::time::timeout(Duration::from_secs(1), output.close()).await;
}

/// The body failed.
struct Unsent;

async fn upload(output: &mut Output, mut body: Body) -> Result<(), Unsent> {
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| Unsent)?.into_data().unwrap_or_default();
        let message = Message::binary([&[0], &data[..]].concat());
        if output.send(message).await.is_err() {
            return Ok(());
        }
    }
    let _ = output.send(Message::binary(vec![1])).await;
    Ok(())
}

/// Ready with the last part, if it was not said yet.
async fn download(mut messages: Input, parts: &Sender<Part>) -> Option<Status> {
    let mut input = BytesMut::new();
    while let Some(Ok(message)) = messages.next().await {
        if message.is_close() {
            break;
        }
        input.extend_from_slice(message.as_payload());
        if hand_over(&mut input, parts).await.is_break() {
            return None;
        }
    }
    Some(Status::unknown("no trailers came"))
}

/// Hands over the frames that are whole; a break after the trailers.
async fn hand_over(input: &mut BytesMut, parts: &Sender<Part>) -> std::ops::ControlFlow<()> {
    while let Some((flags, frame)) = take_frame(input) {
        let is_last;
        let part = match flags {
            BLOCK => {
                let fields = block::decode(&frame[5..]);
                is_last = fields.contains_key("grpc-status");
                Ok(Frame::trailers(fields))
            }
            0 | 1 => {
                is_last = false;
                Ok(Frame::data(frame))
            }
            flags => {
                is_last = true;
                Err(Status::internal(format!(
                    "a frame with the flags {flags:#x}"
                )))
            }
        };
        if parts.send(part).await.is_err() || is_last {
            return std::ops::ControlFlow::Break(());
        }
    }
    std::ops::ControlFlow::Continue(())
}

fn request_block(headers: &HeaderMap) -> String {
    let fields = headers.iter().filter(|(name, _)| *name != "te");
    let fields = fields.map(|(name, value)| {
        let value = value.to_str().expect("an ASCII value");
        let is_native = *name == CONTENT_TYPE && value == "application/grpc";
        (name.as_str(), if is_native { WEB } else { value })
    });
    block::encode(fields)
}

/// A month, where there is none.
fn deadline(headers: &HeaderMap) -> Duration {
    let timeout = headers
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok());
    let milliseconds = timeout
        .and_then(milliseconds)
        .and_then(|count| count.try_into().ok());
    milliseconds.map_or(Duration::from_secs(30 * 86_400), Duration::from_millis)
}

/// gRPC's mapping of HTTP statuses.
fn refused(status: u16) -> Status {
    let message = format!("the upgrade was refused with {status}");
    match status {
        400 => Status::internal(message),
        401 => Status::unauthenticated(message),
        403 => Status::permission_denied(message),
        404 => Status::unimplemented(message),
        429 | 502 | 503 | 504 => Status::unavailable(message),
        _ => Status::unknown(message),
    }
}

fn lost(error: impl Into<BoxError>) -> Status {
    Status::unavailable(error.into().to_string())
}
