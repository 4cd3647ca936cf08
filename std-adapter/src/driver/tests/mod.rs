//! The loop over a scripted socket, in simulated time.

mod mux;
mod single;
mod timer;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use bytes::Buf;
use http::{HeaderMap, Uri};
use http_body_util::{Full, StreamBody};

use super::*;
use crate::chunks::Chunks;
use crate::websocket::socket::{Incoming, SocketError, Traffic};

/// What the driver did to the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    Message(Bytes),
    Ping,
    Close(CloseCode),
}

#[derive(Default)]
struct Wire {
    incoming: VecDeque<Incoming>,
    gone: bool,
    /// The peer takes nothing.
    stuck: bool,
    taken: usize,
    sent: Vec<Sent>,
    flushes: usize,
    queued_bytes: usize,
    traffic: Traffic,
    waker: Option<Waker>,
}

/// The test's hold on the socket that the driver owns.
#[derive(Clone, Default)]
struct Peer(Arc<Mutex<Wire>>);

impl Peer {
    fn with<T>(&self, act: impl FnOnce(&mut Wire) -> T) -> T {
        let mut wire = self.0.lock().unwrap();
        let result = act(&mut wire);
        if let Some(waker) = wire.waker.take() {
            waker.wake();
        }
        result
    }

    fn sends(&self, message: &[u8]) {
        let message = Bytes::copy_from_slice(message);
        self.with(|wire| wire.incoming.push_back(Incoming::Binary(message)));
    }

    fn sent(&self) -> Vec<Sent> {
        self.with(|wire| wire.sent.clone())
    }

    /// The Close that was sent.
    fn close_code(&self) -> Option<CloseCode> {
        self.sent().iter().find_map(|sent| match sent {
            Sent::Close(code) => Some(*code),
            _ => None,
        })
    }

    /// Answers a Close with the end of the connection.
    async fn hangs_up_when_closed(&self) {
        while self.close_code().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.with(|wire| wire.gone = true);
    }
}

impl WebSocket for Peer {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>> {
        let mut wire = self.0.lock().unwrap();
        if let Some(incoming) = wire.incoming.pop_front() {
            wire.taken += 1;
            wire.traffic.read += 10;
            return Poll::Ready(Some(Ok(incoming)));
        }
        wire.waker = Some(cx.waker().clone());
        if wire.gone {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn set_max_message_len(&mut self, _: usize) {}

    fn give_parts(&mut self) {}

    fn queue(&mut self, message: Bytes) {
        self.with(|wire| {
            wire.queued_bytes += message.len();
            wire.sent.push(Sent::Message(message));
        });
    }

    fn queue_copy(&mut self, head: &[u8], payload: &[u8]) {
        self.queue([head, payload].concat().into());
    }

    fn queue_parts(&mut self, head: &[u8], body: &mut Chunks, len: usize) {
        self.queue([head, &body.copy_to_bytes(len)].concat().into());
    }

    fn queue_ping(&mut self) {
        self.with(|wire| wire.sent.push(Sent::Ping));
    }

    fn queue_close(&mut self, code: CloseCode) {
        self.with(|wire| wire.sent.push(Sent::Close(code)));
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let mut wire = self.0.lock().unwrap();
        if wire.queued_bytes > 0 && wire.stuck {
            return Poll::Pending;
        }
        wire.flushes += usize::from(wire.queued_bytes > 0);
        wire.queued_bytes = 0;
        Poll::Ready(Ok(()))
    }

    fn backlog(&self) -> usize {
        self.0.lock().unwrap().queued_bytes
    }

    fn traffic(&self) -> Traffic {
        self.0.lock().unwrap().traffic
    }

    fn is_readable(&self) -> bool {
        true
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn upgrade() -> Upgrade {
    let request = Request::get(Uri::from_static("/s/m")).body(()).unwrap();
    Upgrade::new(&mut request.into_parts().0, Subprotocol::Single)
}

fn grpc_response<B>(body: B) -> Response<B> {
    Response::builder()
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap()
}

fn trailers(status: &'static str) -> http_body::Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static(status));
    http_body::Frame::trailers(trailers)
}

/// A body of these frames.
fn body_of(
    frames: Vec<http_body::Frame<Bytes>>,
) -> impl HttpBody<Data = Bytes, Error = Infallible> + Send {
    StreamBody::new(futures_util::stream::iter(frames.into_iter().map(Ok)))
}

/// A handler that is never done, and tells `dropped` when it is stopped.
async fn never(dropped: Arc<AtomicUsize>) -> Response<Full<Bytes>> {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let _guard = Guard(dropped);
    std::future::pending().await
}
