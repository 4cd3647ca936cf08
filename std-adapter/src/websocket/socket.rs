//! The WebSocket below a connection, as little of it as the connection needs.
//!
//! [`WebSocket`] is the seam: tests put another in the place of [`Socket`].

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use grpc_websocket_core::ws::{Header, Mask, Opcode};
use grpc_websocket_core::{CloseCode, Role};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_write_buf;

use crate::chunks::{COPIED_LEN, Chunks};
use crate::websocket::inbox::{Inbox, Item, Unreadable};
use crate::websocket::metered::Metered;

/// A WebSocket message that came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The payload of a binary message, or the last part of it.
    Binary(Bytes),
    /// A part of one that goes on, see [`WebSocket::give_parts`].
    Part(Bytes),
    /// A text message; gRPC has none.
    Text,
    /// A ping, which is answered already, or a pong.
    Control,
    /// The peer closes, with that code if it gave one; its Close is answered already.
    Close(Option<u16>),
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
    /// The next message, or part of one; `None` when the closing handshake is done or the peer left without.
    /// Losing the future between polls loses nothing.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>>;

    /// Sets the longest message that is read from now on, in bytes.
    fn set_max_message_len(&mut self, bytes: usize);

    /// Long messages may come in parts from now on.
    fn give_parts(&mut self);

    /// Queues a binary message.
    fn queue(&mut self, message: Bytes);

    /// Queues a binary message that is copied from `head` and `payload`.
    fn queue_copy(&mut self, head: &[u8], payload: &[u8]);

    /// Queues a binary message of `head` and of `len` bytes, which are there, from the front of `body`.
    fn queue_parts(&mut self, head: &[u8], body: &mut Chunks, len: usize);

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

/// [`WebSocket`] by the core's frames.
pub(crate) struct Socket<T> {
    io: Metered<T>,
    role: Role,
    inbox: Inbox,
    outbox: Chunks,
    backlog: usize,
    /// The part of `backlog` that answers pings.
    pongs: usize,
    /// A Close is queued or written.
    is_closing: bool,
    /// The peer's Close came.
    is_closed: bool,
    /// What comes can no longer be told apart, and is read and dropped.
    is_unreadable: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// The server's end of a WebSocket whose handshake is done.
    pub(crate) fn server(io: T, max_message_len: usize) -> Self {
        Self::new(Role::Server, io, max_message_len)
    }

    /// The client's end of one.
    pub(crate) fn client(io: T, max_message_len: usize) -> Self {
        Self::new(Role::Client, io, max_message_len)
    }

    fn new(role: Role, io: T, max_message_len: usize) -> Self {
        Self {
            io: Metered::new(io),
            role,
            inbox: Inbox::new(role, max_message_len),
            outbox: Chunks::default(),
            backlog: 0,
            pongs: 0,
            is_closing: false,
            is_closed: false,
            is_unreadable: false,
        }
    }

    /// Queues a frame.
    fn send(&mut self, opcode: Opcode, payload: Bytes) {
        if self.is_closing {
            return;
        }
        let mut mask = self.begin(opcode, payload.len());
        self.push(&mut mask, payload);
    }

    /// Queues the header of a frame, and says how its payload is masked: a client masks what it sends
    /// (RFC 6455 section 5.3).
    fn begin(&mut self, opcode: Opcode, len: usize) -> Option<Mask> {
        self.outbox.borrow();
        self.backlog += len + MESSAGE_OVERHEAD;
        let mut header = Header::new(opcode, true, len as u64);
        let mut mask = None;
        if self.role == Role::Client {
            let key = fastrand::u32(..).to_ne_bytes();
            header = header.masked(key);
            mask = Some(Mask::new(key));
        }
        self.outbox.copy(header.encode().as_slice());
        mask
    }

    /// Queues a part of a payload.
    fn push(&mut self, mask: &mut Option<Mask>, part: Bytes) {
        if part.len() < COPIED_LEN {
            return self.copy(mask, &part);
        }
        let Some(mask) = mask else {
            return self.outbox.push(part);
        };
        let mut part = part
            .try_into_mut()
            .unwrap_or_else(|shared| (&*shared).into());
        mask.apply(&mut part);
        self.outbox.push(part.freeze());
    }

    /// Queues a copy of a part of a payload.
    fn copy(&mut self, mask: &mut Option<Mask>, part: &[u8]) {
        let copy = self.outbox.copy(part);
        if let Some(mask) = mask {
            mask.apply(copy);
        }
    }

    fn close(&mut self, payload: Bytes) {
        self.send(Opcode::Close, payload);
        self.is_closing = true;
    }

    /// What there is for the connection.
    fn receive(&mut self, item: Item) -> Incoming {
        match item {
            Item::Binary(message) => Incoming::Binary(message),
            Item::Part(part) => Incoming::Part(part),
            Item::Text => Incoming::Text,
            Item::Pong => Incoming::Control,
            Item::Ping => {
                let payload = Bytes::copy_from_slice(self.inbox.control_payload());
                self.pongs += payload.len() + MESSAGE_OVERHEAD;
                self.send(Opcode::Pong, payload);
                Incoming::Control
            }
            Item::Close(code) => {
                let code = code.map(u16::to_be_bytes);
                self.close(code.map_or_else(Bytes::new, |code| Bytes::copy_from_slice(&code)));
                self.is_closed = true;
                Incoming::Close(code.map(u16::from_be_bytes))
            }
        }
    }

    fn give_up(&mut self, why: &Unreadable) -> SocketError {
        self.is_unreadable = true;
        match why {
            Unreadable::TooLong => SocketError::TooLong,
            Unreadable::Protocol(error) => {
                self.queue_close(error.close_code());
                SocketError::Protocol
            }
        }
    }

    fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, SocketError>>> {
        let mut scratch = [MaybeUninit::uninit(); 4096];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => Poll::Ready(None),
            Ok(()) => Poll::Ready(Some(Ok(Incoming::Control))),
            Err(_) => Poll::Ready(Some(Err(SocketError::Lost))),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> WebSocket for Socket<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, SocketError>>> {
        if self.pongs >= MAX_PONGS && self.poll_flush(cx)?.is_pending() {
            return Poll::Pending;
        }
        loop {
            if self.is_unreadable {
                return self.poll_discard(cx);
            }
            if self.is_closed {
                let _ = ready!(self.poll_flush(cx));
                return Poll::Ready(None);
            }
            match self.inbox.next() {
                Ok(Some(item)) => return Poll::Ready(Some(Ok(self.receive(item)))),
                Ok(None) => {}
                Err(why) => return Poll::Ready(Some(Err(self.give_up(&why)))),
            }
            match ready!(self.inbox.poll_read(Pin::new(&mut self.io), cx)) {
                Ok(0) => return Poll::Ready(None),
                Ok(_) => {}
                Err(_) => return Poll::Ready(Some(Err(SocketError::Lost))),
            }
        }
    }

    fn set_max_message_len(&mut self, bytes: usize) {
        self.inbox.set_max_message_len(bytes);
    }

    fn give_parts(&mut self) {
        self.inbox.give_parts();
    }

    fn queue(&mut self, message: Bytes) {
        self.send(Opcode::Binary, message);
    }

    fn queue_copy(&mut self, head: &[u8], payload: &[u8]) {
        if self.is_closing {
            return;
        }
        let mut mask = self.begin(Opcode::Binary, head.len() + payload.len());
        self.copy(&mut mask, head);
        self.copy(&mut mask, payload);
    }

    fn queue_parts(&mut self, head: &[u8], body: &mut Chunks, len: usize) {
        if self.is_closing {
            return body.advance(len);
        }
        let mut mask = self.begin(Opcode::Binary, head.len() + len);
        self.copy(&mut mask, head);
        let mut left = len;
        while left > 0 {
            let before = body.len();
            if let Some(slice) = body.split_slice(left) {
                self.push(&mut mask, slice);
            } else {
                let chunk = body.chunk();
                let chunk = &chunk[..chunk.len().min(left)];
                self.copy(&mut mask, chunk);
                body.advance(chunk.len());
            }
            left -= before - body.len();
        }
    }

    fn queue_ping(&mut self) {
        self.send(Opcode::Ping, Bytes::new());
    }

    fn queue_close(&mut self, code: CloseCode) {
        self.close(Bytes::copy_from_slice(&code.value().to_be_bytes()));
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        while self.outbox.has_remaining() {
            match ready!(poll_write_buf(Pin::new(&mut self.io), cx, &mut self.outbox)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Err(SocketError::Lost)),
            }
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx)).map_err(|_| SocketError::Lost)?;
        // There may be many that are idle: none keeps memory.
        self.outbox.give_back();
        self.backlog = 0;
        self.pongs = 0;
        Poll::Ready(Ok(()))
    }

    fn backlog(&self) -> usize {
        self.backlog
    }

    fn traffic(&self) -> Traffic {
        self.io.traffic()
    }

    fn is_readable(&self) -> bool {
        !self.is_unreadable
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
