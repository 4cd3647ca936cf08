//! The one loop that owns a WebSocket and the calls on it.
//!
//! ```text
//!              ┌─────────────────────────── Driver ───────────────────────────┐
//!   socket ──▶ │ receive ─▶ core ─▶ requesting ─▶ body ─▶ request ──▶ service │
//!   socket ◀── │ flush ◀─── core ◀─ answering ◀─ response ◀────────── service │
//!              └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! Each turn reads what is there, answers it, and flushes once. Backpressure goes both ways: a
//! handler that does not read stops its client, a socket that does not take stops the handlers.
//!
//! [`Link`] is what every WebSocket needs; [`Single`] and [`Mux`] are the subprotocols on it.

mod answering;
mod link;
mod mux;
mod requesting;
mod single;

use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::CloseCode;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use self::link::{Fault, Link, Received};
use self::mux::Mux;
use self::single::Single;
use crate::closing::Closing;
use crate::config::Config;
use crate::handshake::Subprotocol;
use crate::request::Upgrade;
use crate::socket::WebSocket;

/// How many WebSocket messages, or pieces of answers, one turn takes before other tasks run.
const BURST: usize = 64;

/// Serves the calls on a WebSocket until it is closed.
pub(crate) async fn serve<W, S, B>(
    socket: W,
    subprotocol: Subprotocol,
    service: S,
    upgrade: Upgrade,
    config: &Config,
) where
    W: WebSocket + Unpin,
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let link = Link::new(
        socket,
        config.keepalive,
        config.max_websocket_message(subprotocol),
    );
    match subprotocol {
        Subprotocol::Single => {
            let calls = Single::new(service, upgrade, config, link.now());
            run(link, calls).await;
        }
        Subprotocol::Mux => {
            let calls = Mux::new(service, upgrade, config, link.now());
            run(link, calls).await;
        }
    }
}

async fn run<W: WebSocket + Unpin>(link: Link<W>, calls: impl Calls<W>) {
    let mut driver = Driver { link, calls };
    let end = std::future::poll_fn(|cx| driver.poll(cx)).await;
    tracing::debug!(?end, "WebSocket over");
    let Driver { link, calls } = driver;
    // Handlers learn of it by the drop of their futures and the failure of their bodies.
    drop(calls);
    let mut socket = link.into_socket();
    if let End::Closing(code) = end {
        socket.queue_close(code);
    }
    if end != End::Lost {
        Closing::new(socket).await;
    }
}

/// How the calls left the WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// To be closed from here.
    Closing(CloseCode),
    /// Closed by the peer, or by the WebSocket below: what is queued is to be written.
    Closed,
    /// Without a connection.
    Lost,
}

/// One turn's result: go on, or the end.
type Turn = Result<(), End>;

/// The calls on a WebSocket, as a subprotocol carries them.
trait Calls<W: WebSocket> {
    /// Ready when there is room for more from the peer.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes a WebSocket message.
    fn receive(&mut self, link: &mut Link<W>, message: &Bytes) -> Turn;

    /// A text message came.
    fn receive_text(&mut self, link: &mut Link<W>) -> Turn;

    /// Ends the calls for what the peer did to the WebSocket.
    fn refuse(&mut self, link: &mut Link<W>, fault: Fault) -> Turn;

    /// Takes what the service has, as far as the socket takes it.
    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn;

    /// Ends what has had its time.
    fn check_time(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn;

    /// When [`Calls::check_time`] is to be called.
    fn poll_timeout(&self) -> Option<grpc_websocket_core::Instant>;
}

struct Driver<W, C> {
    link: Link<W>,
    calls: C,
}

impl<W: WebSocket, C: Calls<W>> Driver<W, C> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(end),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        self.receive(cx)?;
        // Before the answer: a service that keeps the same deadline, as tonic's channel does, may
        // answer it with another status.
        self.calls.check_time(&mut self.link, cx)?;
        self.calls.answer(&mut self.link, cx)?;
        self.link.flush(cx)?;
        self.keep_time(cx)
    }

    /// Reads what is there, as far as there is room for it.
    fn receive(&mut self, cx: &mut Context<'_>) -> Turn {
        for _ in 0..BURST {
            if self.calls.poll_room(cx).is_pending() {
                self.link.pause();
                return Ok(());
            }
            let Poll::Ready(received) = self.link.poll_recv(cx) else {
                return Ok(());
            };
            match received {
                Received::Message(message) => self.calls.receive(&mut self.link, &message)?,
                Received::Text => self.calls.receive_text(&mut self.link)?,
                Received::Control => {}
                Received::Fault(fault) => self.calls.refuse(&mut self.link, fault)?,
                Received::End(end) => return Err(end),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Looks after deadlines and the peer's liveness, and sets the timer for the next look.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            self.calls.check_time(&mut self.link, cx)?;
            if let Some(fault) = self.link.judge(cx)? {
                self.calls.refuse(&mut self.link, fault)?;
            }
            let timeout = self.calls.poll_timeout();
            if self.link.poll_timer(timeout, cx).is_pending() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
