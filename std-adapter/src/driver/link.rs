//! A WebSocket and what looks after it: its clock and timer, its peer's liveness, its flushes.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use grpc_websocket_core::{CloseCode, Code};
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep};

use super::End;
use crate::chunks::Chunks;
use crate::config::Keepalive;
use crate::websocket::liveness::{Liveness, Verdict};
use crate::websocket::socket::{Incoming, SocketError, WebSocket};

/// How many bytes may wait for the socket before no more of an answer is written. With the last frame of
/// an answer it is less than one segment of a local connection, 64 KiB: a second, short one wakes the
/// peer once more.
const WRITE_WINDOW: usize = 48 * 1024;

/// See the module.
pub(super) struct Link<W> {
    socket: W,
    clock: Clock,
    /// When the turn began, and the same as the core's time.
    now: Instant,
    core_now: grpc_websocket_core::Instant,
    timer: Pin<Box<Sleep>>,
    /// Whom the timer wakes.
    timer_waker: Option<Waker>,
    liveness: Liveness,
    /// All that came was read.
    drained: bool,
}

/// What the socket has.
pub(super) enum Received {
    /// A message, or a part of one: the last, with `fin`.
    Message {
        payload: Bytes,
        fin: bool,
    },
    Text,
    /// Nothing for a call.
    Control,
    Fault(Fault),
    End(End),
}

impl<W: WebSocket> Link<W> {
    /// `max_message_len`: the longest WebSocket message that is read, in bytes.
    pub(super) fn new(socket: W, keepalive: Keepalive, max_message_len: usize) -> Self {
        let now = Instant::now();
        let clock = Clock(now);
        Self {
            socket,
            clock,
            now,
            core_now: clock.time_of(now),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            timer_waker: None,
            liveness: Liveness::new(keepalive, max_message_len, clock.0),
            drained: false,
        }
    }

    pub(super) fn into_socket(self) -> W {
        self.socket
    }

    /// A turn begins: the clock is read once for it.
    pub(super) fn begin_turn(&mut self) {
        self.now = Instant::now();
        self.core_now = self.clock.time_of(self.now);
    }

    /// The core's time.
    pub(super) fn now(&self) -> grpc_websocket_core::Instant {
        self.core_now
    }

    /// The core's time for one of the runtime.
    pub(super) fn time_of(&self, at: Instant) -> grpc_websocket_core::Instant {
        self.clock.time_of(at)
    }

    pub(super) fn set_max_message_len(&mut self, bytes: usize) {
        self.socket.set_max_message_len(bytes);
    }

    /// Long messages may come in parts from now on.
    pub(super) fn give_parts(&mut self) {
        self.socket.give_parts();
    }

    /// Takes what is there.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        self.drained = false;
        let Poll::Ready(incoming) = self.socket.poll_recv(cx) else {
            self.drained = true;
            return Poll::Pending;
        };
        Poll::Ready(match incoming {
            Some(Ok(Incoming::Binary(payload))) => {
                self.liveness.message_came(self.socket.traffic());
                Received::Message { payload, fin: true }
            }
            Some(Ok(Incoming::Part(payload))) => Received::Message {
                payload,
                fin: false,
            },
            Some(Ok(Incoming::Control)) => self.control_came(),
            Some(Ok(Incoming::Text)) => Received::Text,
            Some(Err(SocketError::TooLong)) => Received::Fault(Fault::TooLong),
            Some(Ok(Incoming::Close(code))) => Received::End(End::Closed(code)),
            Some(Err(SocketError::Protocol)) => {
                Received::End(End::Closed(Some(CloseCode::Protocol.value())))
            }
            Some(Err(SocketError::Lost)) | None => Received::End(End::Lost),
        })
    }

    /// The calls take nothing now.
    pub(super) fn pause(&mut self) {
        self.drained = false;
    }

    fn control_came(&mut self) -> Received {
        let traffic = self.socket.traffic();
        if self.liveness.control_came(self.now, traffic) {
            Received::Control
        } else {
            Received::Fault(Fault::TooManyPings)
        }
    }

    /// Writes a binary message with the next flush.
    pub(super) fn queue(&mut self, message: Bytes) {
        self.socket.queue(message);
    }

    /// The same, of a copy of `head` and `payload`.
    pub(super) fn queue_copy(&mut self, head: &[u8], payload: &[u8]) {
        self.socket.queue_copy(head, payload);
    }

    /// The same, of `head` and `len` bytes from the front of `body`.
    pub(super) fn queue_parts(&mut self, head: &[u8], body: &mut Chunks, len: usize) {
        self.socket.queue_parts(head, body, len);
    }

    /// Whether what is queued should be taken by the peer before more is.
    pub(super) fn is_full(&self) -> bool {
        self.socket.backlog() >= WRITE_WINDOW
    }

    /// Whether there is room for what goes before answers and is short.
    pub(super) fn has_room_for_control(&self) -> bool {
        self.socket.backlog() < 2 * WRITE_WINDOW
    }

    /// Writes what is queued. Whoever waited for room is woken when all of it is written.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let was_full = self.is_full();
        match self.socket.poll_flush(cx) {
            Poll::Ready(Ok(())) if was_full => cx.waker().wake_by_ref(),
            Poll::Ready(Ok(())) | Poll::Pending => {}
            Poll::Ready(Err(_)) => return Err(End::Lost),
        }
        Ok(())
    }

    /// Looks whether the peer is there and gets on; pings it when that is due.
    pub(super) fn judge(&mut self, cx: &mut Context<'_>) -> Result<Option<Fault>, End> {
        let writing = self.socket.backlog() > 0;
        let traffic = self.socket.traffic();
        match self
            .liveness
            .judge(self.now, traffic, self.drained, writing)
        {
            Verdict::Fine => Ok(None),
            Verdict::Ping => {
                self.socket.queue_ping();
                self.flush(cx).map(|()| None)
            }
            Verdict::Dead => Err(End::Lost),
            Verdict::TooSlow => Ok(Some(Fault::TooSlow)),
            Verdict::Wasteful => Ok(Some(Fault::Wasteful)),
        }
    }

    /// Ready when it is time for the calls' `timeout`, or to judge the peer again. The timer is set anew
    /// only if it would be late: most timeouts are put off before their time comes.
    pub(super) fn poll_timer(
        &mut self,
        timeout: Option<grpc_websocket_core::Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let check = self.liveness.next_check(self.socket.traffic());
        let timeout = timeout.map(|at| self.clock.instant(at, self.now));
        let next = timeout.map_or(check, |timeout| timeout.min(check));
        let is_set = next >= self.timer.deadline() && !self.timer.is_elapsed();
        let wakes = self.timer_waker.as_ref();
        if is_set && wakes.is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        self.timer.as_mut().reset(next);
        self.timer_waker = Some(cx.waker().clone());
        // A turn that used its budget up would else leave the timer without a waker.
        ready!(pin!(unconstrained(self.timer.as_mut())).poll(cx));
        self.begin_turn();
        Poll::Ready(())
    }
}

/// What a peer does to its WebSocket that ends it, whatever calls it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    TooManyPings,
    /// A WebSocket message is longer than any that may come.
    TooLong,
    TooSlow,
    Wasteful,
}

impl Fault {
    pub(super) fn code(self) -> Code {
        match self {
            Self::TooSlow => Code::DeadlineExceeded,
            Self::TooManyPings | Self::TooLong | Self::Wasteful => Code::ResourceExhausted,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::TooManyPings => "too many WebSocket pings",
            Self::TooLong => "a message is longer than the limit",
            Self::TooSlow => "a message came too slowly",
            Self::Wasteful => "too many WebSocket fragments for one message",
        }
    }

    pub(super) fn close_code(self) -> CloseCode {
        match self {
            Self::TooLong => CloseCode::TooBig,
            Self::TooManyPings | Self::TooSlow | Self::Wasteful => CloseCode::Policy,
        }
    }
}

/// The core's time: microseconds since the connection began.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn time_of(self, at: Instant) -> grpc_websocket_core::Instant {
        let since = at.saturating_duration_since(self.0);
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        grpc_websocket_core::Instant::from_micros(micros)
    }

    /// The runtime's time for `at`; at most a year from `now`, which is all that a timer needs.
    fn instant(self, at: grpc_websocket_core::Instant, now: Instant) -> Instant {
        const FAR: Duration = Duration::from_secs(365 * 86_400);
        let at = self.0.checked_add(Duration::from_micros(at.as_micros()));
        at.map_or(now + FAR, |at| at.min(now + FAR))
    }
}
