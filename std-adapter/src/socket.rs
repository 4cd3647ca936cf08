//! The WebSocket below a connection, as little of it as the connection needs.
//!
//! [`WebSocket`] is the seam: another frame codec can take the place of the present one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use grpc_websocket_core::CloseCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_websockets::{Config, Limits, Message, ServerBuilder, WebSocketStream};

use crate::metered::Metered;

/// A WebSocket message that came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The whole payload of a binary message.
    Binary(Bytes),
    /// A text message; gRPC has none.
    Text,
    /// A ping, which is answered already, or a pong.
    Control,
    /// The peer closes; its Close is answered already.
    Close,
}

/// What ends the reading of a WebSocket.
#[derive(Debug)]
pub(crate) enum SocketError {
    /// A message is longer than the limit. A status can still be sent.
    TooLong,
    /// RFC 6455 was broken; the Close that says so is queued.
    Protocol,
    /// The connection is lost.
    Lost,
}

/// Receive, queue, flush.
pub(crate) trait WebSocket {
    /// The next message; `None` when the closing handshake is done or the peer left without.
    /// Losing the future between polls loses nothing.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>>;

    /// Sets the longest message that is read from now on, in bytes.
    fn set_max_message_len(&mut self, bytes: usize);

    /// Queues a binary message.
    fn queue(&mut self, message: Bytes);

    /// Queues a ping.
    fn queue_ping(&mut self);

    /// Queues a Close, after which nothing can be queued.
    fn queue_close(&mut self, code: CloseCode);

    /// Writes what is queued, in as few system calls as it can.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>>;

    /// Bytes queued since the last time all was written; the answers to pings count.
    fn backlog(&self) -> usize;

    /// Bytes read from and written to the connection so far.
    fn traffic(&self) -> Traffic;

    /// Whether messages can still be told apart. If not, a Close cannot be seen either.
    fn is_readable(&self) -> bool;

    /// Ends the connection: no more is written.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Byte counts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traffic {
    pub(crate) read: u64,
    pub(crate) written: u64,
}

/// What a queued message costs beyond its payload.
const MESSAGE_OVERHEAD: usize = 16;

/// How much answers to pings may wait for a peer that does not read, before its pings are no
/// longer read.
const MAX_PONGS: usize = 16 * 1024;

/// [`WebSocket`] by tokio-websockets.
pub(crate) struct Socket<T> {
    /// Only ever absent inside a method.
    stream: Option<WebSocketStream<Metered<T>>>,
    max_message_len: usize,
    backlog: usize,
    /// The part of `backlog` that answers pings.
    pongs: usize,
    /// What comes can no longer be told apart, and is read and dropped.
    unreadable: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// The server's end of a WebSocket whose handshake is done.
    pub(crate) fn server(io: T, max_message_len: usize) -> Self {
        let stream = Some(serve(Metered::new(io), max_message_len));
        Self {
            stream,
            max_message_len,
            backlog: 0,
            pongs: 0,
            unreadable: false,
        }
    }

    fn stream(&mut self) -> Option<Pin<&mut WebSocketStream<Metered<T>>>> {
        self.stream.as_mut().map(Pin::new)
    }

    fn send(&mut self, message: Message) {
        let len = message.as_payload().len();
        if let Some(stream) = self.stream()
            && stream.start_send(message).is_ok()
        {
            self.backlog += len + MESSAGE_OVERHEAD;
        }
    }

    /// The library has queued a Close of its own and takes nothing more. Where none of it is on
    /// its way yet, a fresh stream over the same connection can still say a status first.
    fn start_over(&mut self) {
        self.unreadable = true;
        if self.backlog == 0
            && let Some(stream) = self.stream.take()
        {
            self.stream = Some(serve(stream.into_inner(), self.max_message_len));
        }
    }

    fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, SocketError>>> {
        let mut scratch = [0; 4096];
        let mut buffer = ReadBuf::new(&mut scratch);
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        match ready!(Pin::new(stream.get_mut()).poll_read(cx, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => Poll::Ready(None),
            Ok(()) => Poll::Ready(Some(Ok(Incoming::Control))),
            Err(_) => Poll::Ready(Some(Err(SocketError::Lost))),
        }
    }
}

fn serve<T: AsyncRead + AsyncWrite + Unpin>(
    io: Metered<T>,
    max_message_len: usize,
) -> WebSocketStream<Metered<T>> {
    // Flushing is the connection's to decide; one flush serves a whole burst.
    let config = Config::default()
        .flush_threshold(usize::MAX)
        .frame_size(usize::MAX);
    let limits = Limits::default().max_payload_len(Some(max_message_len));
    ServerBuilder::new().config(config).limits(limits).serve(io)
}

impl<T: AsyncRead + AsyncWrite + Unpin> WebSocket for Socket<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>> {
        if self.unreadable {
            return self.poll_discard(cx);
        }
        // The library flushes before it reads; done here, `start_over` knows what is on its way.
        if self.backlog > 0 {
            match self.poll_flush(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending if self.pongs >= MAX_PONGS => return Poll::Pending,
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        let Some(stream) = self.stream() else {
            return Poll::Ready(None);
        };
        let message = match ready!(stream.poll_next(cx)) {
            None => return Poll::Ready(None),
            Some(Ok(message)) => message,
            Some(Err(tokio_websockets::Error::PayloadTooLong { .. })) => {
                self.start_over();
                return Poll::Ready(Some(Err(SocketError::TooLong)));
            }
            Some(Err(tokio_websockets::Error::Io(_))) => {
                return Poll::Ready(Some(Err(SocketError::Lost)));
            }
            Some(Err(_)) => return Poll::Ready(Some(Err(SocketError::Protocol))),
        };
        let incoming = if message.is_binary() {
            Incoming::Binary(message.into_payload().into())
        } else if message.is_text() {
            Incoming::Text
        } else if message.is_close() {
            Incoming::Close
        } else {
            if message.is_ping() {
                let pong = message.as_payload().len() + MESSAGE_OVERHEAD;
                self.backlog += pong;
                self.pongs += pong;
            }
            Incoming::Control
        };
        Poll::Ready(Some(Ok(incoming)))
    }

    fn set_max_message_len(&mut self, bytes: usize) {
        self.max_message_len = bytes;
        if let Some(stream) = self.stream.as_mut() {
            stream.limits_mut().set_max_payload_len(Some(bytes));
        }
    }

    fn queue(&mut self, message: Bytes) {
        self.send(Message::binary(message));
    }

    fn queue_ping(&mut self) {
        self.send(Message::ping(Bytes::new()));
    }

    fn queue_close(&mut self, code: CloseCode) {
        if let Ok(code) = tokio_websockets::CloseCode::try_from(code.value()) {
            self.send(Message::close(Some(code), ""));
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let Some(stream) = self.stream() else {
            return Poll::Ready(Err(SocketError::Lost));
        };
        ready!(Sink::poll_flush(stream, cx)).map_err(|_| SocketError::Lost)?;
        self.backlog = 0;
        self.pongs = 0;
        Poll::Ready(Ok(()))
    }

    fn backlog(&self) -> usize {
        self.backlog
    }

    fn traffic(&self) -> Traffic {
        self.stream
            .as_ref()
            .map(|stream| stream.get_ref().traffic())
            .unwrap_or_default()
    }

    fn is_readable(&self) -> bool {
        !self.unreadable
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.as_mut() {
            Some(stream) => Pin::new(stream.get_mut()).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
