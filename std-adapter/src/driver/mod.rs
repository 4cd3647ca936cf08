//! The one loop that owns a WebSocket and the calls on it, at either end.
//!
//! ```text
//!              ┌────────────────────────── Driver ──────────────────────────┐
//!   socket ──▶ │ receive ─▶ core ─▶ receiving ─▶ body ─▶ handler, or caller │
//!   socket ◀── │ flush ◀─── core ◀─ answering ◀─ response ◀──────── service │
//!              │                 ◀─ made ◀────── request ◀────────── caller │
//!              └────────────────────────────────────────────────────────────┘
//! ```
//!
//! Each turn reads what is there, takes what the application has, and flushes once. Backpressure
//! goes both ways: a reader that does not read stops its peer, a socket that does not take stops the
//! handlers and the callers.
//!
//! [`Link`] is what every WebSocket needs; [`SingleServer`], [`SingleClient`] and [`Mux`] are the
//! subprotocols on it.

mod answering;
pub(crate) mod guard;
mod link;
mod made;
pub(crate) mod mux;
mod receiving;
mod single_client;
mod single_server;
mod stop;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use grpc_websocket_core::mux::Side;
use grpc_websocket_core::{CloseCode, Fragment};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio_util::either::Either;
use tonic::body::Body;
use tower::{BoxError, Service};

use self::link::{Fault, Link, Received};
use self::mux::{Calling, Mux};
use self::single_client::SingleClient;
use self::single_server::SingleServer;
use self::stop::{Order, Stop};
use crate::client::outgoing::Outgoing;
use crate::config::Config;
use crate::server::handshake::Subprotocol;
use crate::server::request::Upgrade;
use crate::server::shutdown::GracefulShutdown;
use crate::websocket::closing::Closing;
use crate::websocket::socket::WebSocket;

/// How many WebSocket messages or parts of them, or pieces of answers, one turn takes before other tasks run.
const BURST: usize = 64;

/// After how many bytes a turn answers what came, while it is in the processor's cache. More than the first
/// window of a call, so that a peer that sends more at once is found before it is given credit.
const TURN_LEN: usize = 96 * 1024;

/// What clients are told when a server ends.
const SHUTTING_DOWN: &str = "the server is shutting down";

/// Serves the calls on a WebSocket until it is closed.
pub(crate) fn serve<W, S, B>(
    socket: W,
    subprotocol: Subprotocol,
    service: S,
    upgrade: Upgrade,
    config: &Config,
    shutdown: &GracefulShutdown,
    calling: Calling,
) -> impl Future<Output = ()> + Unpin + use<W, S, B>
where
    W: WebSocket + Unpin,
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let link = link(socket, subprotocol, config);
    let stop = Stop::of(shutdown);
    match subprotocol {
        Subprotocol::Single => {
            let calls = SingleServer::new(service, upgrade, config, link.now());
            Either::Left(Session::new(link, calls, stop))
        }
        Subprotocol::Mux => {
            let side = Side::Acceptor;
            let calls = Mux::new(side, service, upgrade, config, calling, link.now());
            Either::Right(Session::new(link, calls, stop))
        }
    }
}

/// Makes the calls of `calling` on a WebSocket of `grpc-mux.v1` until it is closed, and answers those
/// that the peer makes by `service`.
pub(crate) fn make_calls<W, S, B>(
    socket: W,
    service: S,
    upgrade: Upgrade,
    config: &Config,
    calling: Calling,
) -> impl Future<Output = ()> + use<W, S, B>
where
    W: WebSocket + Unpin,
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let link = link(socket, Subprotocol::Mux, config);
    let calls = Mux::new(Side::Dialer, service, upgrade, config, calling, link.now());
    Session::new(link, calls, Stop::never())
}

/// Makes the one call of a WebSocket of `grpc-websockets`.
pub(crate) async fn make_call<W: WebSocket + Unpin>(
    socket: W,
    outgoing: Outgoing,
    config: &Config,
) {
    let mut link = link(socket, Subprotocol::Single, config);
    if let Some(call) = SingleClient::begin(outgoing, config, &mut link) {
        Session::new(link, call, Stop::never()).await;
    }
}

fn link<W: WebSocket>(socket: W, subprotocol: Subprotocol, config: &Config) -> Link<W> {
    let max_message_len = config.max_websocket_message(subprotocol);
    let mut link = Link::new(socket, config.keepalive, max_message_len);
    if subprotocol == Subprotocol::Mux {
        link.give_parts();
    }
    link
}

/// Drives the calls to the end of their WebSocket, and that to its own. There may be many of these: what
/// comes later takes the place of what was before.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would leave the place of the large one empty"
)]
enum Session<W, C> {
    Driving(Driver<W, C>),
    Closing(Closing<W>),
    Over,
}

/// Nothing in it is pinned where it is.
impl<W, C> Unpin for Session<W, C> {}

impl<W: WebSocket, C: Calls<W>> Session<W, C> {
    fn new(link: Link<W>, calls: C, stop: Stop) -> Self {
        Self::Driving(Driver { link, calls, stop })
    }

    /// The calls are over.
    fn end(&mut self, end: End) {
        tracing::debug!(?end, "WebSocket over");
        let Self::Driving(mut driver) = std::mem::replace(self, Self::Over) else {
            return;
        };
        driver.calls.end(end);
        let mut socket = driver.into_socket();
        if let End::Closing(code) = end {
            socket.queue_close(code);
        }
        if end != End::Lost {
            *self = Self::Closing(Closing::new(socket));
        }
    }
}

impl<W: WebSocket + Unpin, C: Calls<W>> Future for Session<W, C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Driving(driver) = &mut *self {
            let end = ready!(driver.poll(cx));
            self.end(end);
        }
        match &mut *self {
            Self::Closing(closing) => Pin::new(closing).poll(cx),
            Self::Driving(_) | Self::Over => Poll::Ready(()),
        }
    }
}

/// How the calls left the WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// To be closed from here.
    Closing(CloseCode),
    /// Closed by the peer, or by the WebSocket below, with that code: what is queued is to be written.
    Closed(Option<u16>),
    /// Without a connection.
    Lost,
}

/// One turn's result: go on, or the end.
type Turn = Result<(), End>;

/// The calls on a WebSocket, as a subprotocol carries them.
trait Calls<W: WebSocket> {
    /// Ready when there is room for more from the peer.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes a WebSocket message, or, with `fin`, the last part of one; parts that are not the last come
    /// where the link gives them.
    fn receive(&mut self, link: &mut Link<W>, message: &Bytes, fin: bool) -> Turn;

    /// A text message came.
    fn receive_text(&mut self, link: &mut Link<W>) -> Turn;

    /// Ends the calls for what the peer did to the WebSocket.
    fn refuse(&mut self, link: &mut Link<W>, fault: Fault) -> Turn;

    /// Takes what the application has, as far as the socket takes it.
    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn;

    /// Ends what has had its time.
    fn check_time(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn;

    /// When [`Calls::check_time`] is to be called.
    fn poll_timeout(&self) -> Option<grpc_websocket_core::Instant>;

    /// The server shuts down: takes no more calls.
    fn drain(&mut self, link: &mut Link<W>) -> Turn;

    /// Ends the calls that are left when the server's time is over.
    fn abort(&mut self, link: &mut Link<W>) -> Turn;

    /// The WebSocket is over: tells whoever waits for an answer.
    fn end(&mut self, end: End);
}

/// A message, or a part of one: the last, with `fin`.
fn fragment(bytes: &[u8], fin: bool) -> Fragment<'_> {
    match fin {
        true => Fragment::message(bytes),
        false => Fragment::part(bytes),
    }
}

struct Driver<W, C> {
    link: Link<W>,
    calls: C,
    stop: Stop,
}

impl<W: WebSocket, C: Calls<W>> Driver<W, C> {
    /// Handlers learn of the end by the drop of their futures and the failure of their bodies.
    fn into_socket(self) -> W {
        self.link.into_socket()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(end),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        self.link.begin_turn();
        while let Poll::Ready(order) = self.stop.poll(cx) {
            match order {
                Order::Drain => self.calls.drain(&mut self.link)?,
                Order::Abort => self.calls.abort(&mut self.link)?,
            }
        }
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
        let mut read = 0;
        for _ in 0..BURST {
            if read >= TURN_LEN {
                break;
            }
            if self.calls.poll_room(cx).is_pending() {
                self.link.pause();
                return Ok(());
            }
            let Poll::Ready(received) = self.link.poll_recv(cx) else {
                return Ok(());
            };
            match received {
                Received::Message { payload, fin } => {
                    read += payload.len();
                    self.calls.receive(&mut self.link, &payload, fin)?;
                }
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
            if let Some(fault) = self.link.judge(cx)? {
                self.calls.refuse(&mut self.link, fault)?;
            }
            let timeout = self.calls.poll_timeout();
            if self.link.poll_timer(timeout, cx).is_pending() {
                return Ok(());
            }
            self.calls.check_time(&mut self.link, cx)?;
            // There may be something to be sent now.
            cx.waker().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
