//! Echoes without gRPC: a yardstick of what sockets and WebSockets cost.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use futures_util::{FutureExt as _, Sink as _, SinkExt as _, Stream as _, StreamExt as _};
use grpc_websocket_tokio::Listener as _;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite;
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

use super::listening::{Io, Listening};

/// Messages that are read before the answers are written, at most.
const BURST: usize = 512;

/// tungstenite clears this much memory before each read.
const TUNGSTENITE_READ: usize = 16 * 1024;
/// The longest message of either library; tokio-websockets has it by default.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Sends back what comes.
pub(super) async fn tcp(mut listening: Listening) -> io::Result<()> {
    loop {
        let mut io = listening.accept().await?;
        tokio::spawn(async move {
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(len @ 1..) = io.read(&mut buffer).await {
                if io.write_all(&buffer[..len]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Sends back WebSocket messages: reads what is there, then writes all answers at once, which is
/// how this library is fastest.
pub(super) async fn websocket(mut listening: Listening) -> io::Result<()> {
    loop {
        let io = listening.accept().await?;
        tokio::spawn(async move {
            if let Ok((_, socket)) = ServerBuilder::new().accept(io).await {
                let _ = bursts(socket).await;
            }
        });
    }
}

async fn bursts(mut socket: WebSocketStream<Io>) -> Result<(), tokio_websockets::Error> {
    let mut burst = Vec::with_capacity(BURST);
    loop {
        let is_open = poll_fn(|context| read_burst(&mut socket, &mut burst, context)).await?;
        for message in burst.drain(..) {
            poll_fn(|context| Pin::new(&mut socket).poll_ready(context)).await?;
            Pin::new(&mut socket).start_send(message)?;
        }
        socket.flush().await?;
        if !is_open {
            return Ok(());
        }
    }
}

/// Whether more may come; ready with the first message, and as many more as are there.
fn read_burst<T: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<T>,
    burst: &mut Vec<Message>,
    context: &mut std::task::Context<'_>,
) -> Poll<Result<bool, tokio_websockets::Error>> {
    while burst.len() < BURST {
        match Pin::new(&mut *socket).poll_next(context) {
            Poll::Ready(Some(Ok(message))) if message.is_binary() => burst.push(message),
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
            Poll::Ready(None) => return Poll::Ready(Ok(false)),
            Poll::Pending if burst.is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready(Ok(true))
}

/// Sends back WebSocket messages by tungstenite: puts each answer into its buffer, and writes that
/// when there is nothing to read, which is how this library is fastest.
pub(super) async fn tungstenite(mut listening: Listening) -> io::Result<()> {
    let config = tungstenite::protocol::WebSocketConfig::default()
        .read_buffer_size(TUNGSTENITE_READ)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    loop {
        let io = listening.accept().await?;
        tokio::spawn(async move {
            let accepted = tokio_tungstenite::accept_async_with_config(io, Some(config)).await;
            if let Ok(socket) = accepted {
                let _ = interleaved(socket).await;
            }
        });
    }
}

async fn interleaved(
    mut socket: tokio_tungstenite::WebSocketStream<Io>,
) -> Result<(), tungstenite::Error> {
    loop {
        let next = match socket.next().now_or_never() {
            Some(next) => next,
            None => {
                socket.flush().await?;
                socket.next().await
            }
        };
        let Some(message) = next.transpose()? else {
            return Ok(());
        };
        if message.is_binary() {
            socket.feed(message).await?;
        }
    }
}
