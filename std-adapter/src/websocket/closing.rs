//! Ends a WebSocket: writes what is queued, then waits for the peer's Close, both in bounded time.
//!
//! What still comes is read and dropped. A socket that is closed with bytes unread is reset by the
//! kernel, and the peer may lose the status with them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use crate::websocket::socket::{SocketError, WebSocket};

/// How long the peer may take to answer a Close (RFC 6455 section 7.1.1 leaves it open).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The slowest pace at which a peer may take what is queued, after [`CLOSE_TIMEOUT`].
const MIN_BYTES_PER_SEC: usize = 10_000;

/// How many messages are dropped in one turn.
const BURST: usize = 64;

/// The future of a closed WebSocket.
pub(crate) struct Closing<W> {
    socket: W,
    flushed: bool,
    deadline: Pin<Box<Sleep>>,
}

impl<W: WebSocket> Closing<W> {
    pub(crate) fn new(socket: W) -> Self {
        let secs = u64::try_from(socket.backlog() / MIN_BYTES_PER_SEC).unwrap_or(u64::MAX);
        let allowed = CLOSE_TIMEOUT.saturating_add(Duration::from_secs(secs));
        Self {
            socket,
            flushed: false,
            deadline: Box::pin(tokio::time::sleep(allowed)),
        }
    }

    /// Drops what comes. Ready when nothing more can come.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BURST {
            match self.socket.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None | Some(Err(SocketError::Lost))) => return Poll::Ready(()),
                Poll::Ready(Some(_)) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<W: WebSocket + Unpin> Future for Closing<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.flushed {
            match this.socket.poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    this.flushed = true;
                    this.deadline
                        .as_mut()
                        .reset(tokio::time::Instant::now() + CLOSE_TIMEOUT);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {}
            }
        }
        if this.flushed && !this.socket.is_readable() {
            // The peer's Close would not be seen; the end of the connection tells it to go.
            let _ = this.socket.poll_shutdown(cx);
        }
        if this.poll_drain(cx).is_ready() {
            // Both sides are done; the connection's end is all that is left.
            let _ = this.socket.poll_shutdown(cx);
            return Poll::Ready(());
        }
        this.deadline.as_mut().poll(cx)
    }
}
