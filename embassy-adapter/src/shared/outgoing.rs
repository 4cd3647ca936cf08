//! What goes to the peer.

use core::task::{Context, Poll};

use embassy_time::Duration;
use grpc_websocket_core::call::Segment;
use grpc_websocket_core::mux::{CallId, MAX_CONTROL_FRAME};
use grpc_websocket_core::wire::metadata::field_len;
use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};
use grpc_websocket_core::wire::timeout::{self, TimeoutValue};
use grpc_websocket_core::ws::{MAX_HEADER, Opcode};
use grpc_websocket_core::{CloseCode, Code, SendError};

use super::{Inner, Protocol, duration};
use crate::maybe::Maybe;
use crate::parts::Parts;
use crate::status::Failure;

/// What a frame of `grpc-mux.v1` has before its payload.
pub(super) const MUX_HEAD: usize = 5;

/// What a block of `grpc-websockets` begins with.
const CONTENT_TYPE: &[u8] = b"content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";

/// What is kept of the room for a WebSocket message: its control byte, and the half-close behind it.
const HALF_CLOSE: usize = MAX_HEADER + 2;

/// Less room than this is not used, so that a call that is cut does not cost more than it brings.
pub(super) const LEAST_ROOM: usize = 64;

/// The shortest output that all control frames go through.
pub(crate) const MIN_OUTPUT: usize = MAX_CONTROL_FRAME + MAX_HEADER;

/// What a frame of gRPC-Web is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Metadata,
    Message,
    Trailers,
}

/// The beginning of a call: its block of metadata, and, if it is known, the only message.
#[derive(Debug)]
pub(crate) struct Opening<'p> {
    path: &'p str,
    pub(super) timeout: Option<core::time::Duration>,
    timeout_text: Option<TimeoutValue>,
    metadata: &'p [u8],
    message: Option<&'p [u8]>,
    block_prefix: [u8; 5],
    message_prefix: [u8; 5],
}

impl<'p> Opening<'p> {
    pub(crate) fn new(
        path: &'p str,
        timeout: Option<Duration>,
        metadata: &'p [u8],
        message: Option<&'p [u8]>,
    ) -> Self {
        let timeout = timeout.map(duration);
        let timeout_text = timeout.map(timeout::encode);
        let mut opening = Self {
            path,
            timeout,
            timeout_text,
            metadata,
            message,
            block_prefix: [0; 5],
            message_prefix: prefix(
                FrameKind::Message { compressed: false },
                message.map_or(0, <[u8]>::len),
            ),
        };
        let block = opening.block_len(&opening.parts(false)).saturating_sub(5);
        opening.block_prefix = prefix(FrameKind::Metadata, block);
        opening
    }

    /// The stream of gRPC-Web frames: 8 parts of metadata, 2 of the message. By `grpc-websockets` the
    /// path is in the URL of the upgrade.
    pub(crate) fn parts(&self, single: bool) -> Parts<'_> {
        let (name, path, end): (&[u8], _, &[u8]) = match single {
            true => (CONTENT_TYPE, "", b""),
            false => (b":path: ", self.path, b"\r\n"),
        };
        let (timeout, timeout_text, timeout_end): (&[u8], _, &[u8]) = match &self.timeout_text {
            Some(text) => (b"grpc-timeout: ", text.as_bytes(), b"\r\n"),
            None => (b"", &[][..], b""),
        };
        let (prefix, message): (&[u8], _) = match self.message {
            Some(message) => (&self.message_prefix, message),
            None => (&[], &[][..]),
        };
        Parts::of(&[
            &self.block_prefix,
            name,
            path.as_bytes(),
            end,
            timeout,
            timeout_text,
            timeout_end,
            self.metadata,
            prefix,
            message,
        ])
    }

    /// The block of `grpc-websockets`.
    pub(super) fn single_block(&self) -> Parts<'_> {
        let parts = self.parts(true);
        parts.cut(0, self.block_len(&parts))
    }

    fn block_len(&self, parts: &Parts<'_>) -> usize {
        let message = self.message.map(|message| message.len().saturating_add(5));
        parts.len().saturating_sub(message.unwrap_or(0))
    }

    /// Whether the client half-closes behind it.
    pub(crate) const fn is_end(&self) -> bool {
        self.message.is_some()
    }
}

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    /// Sends bytes of a call's stream, `from` where on they did not go yet: how many went. The first
    /// part is the prefix of a frame, if there is one in them. `end`: nothing follows.
    pub(crate) fn poll_send(
        &mut self,
        cx: &Context<'_>,
        lane: usize,
        kind: Kind,
        (parts, from): (&Parts<'_>, usize),
        end: bool,
    ) -> Poll<Result<usize, Failure>> {
        let Some(place) = self.lanes.get_mut(lane) else {
            return Poll::Ready(Err(Failure::of(Code::Internal)));
        };
        if let Some(code) = place.lost() {
            return Poll::Ready(Err(Failure::of(code)));
        }
        // Who has its answer takes no more.
        if !place.is_current || !place.is_live() {
            return Poll::Ready(Err(unsent(SendError::UnknownCall)));
        }
        place.writer.register(cx);
        let call = place.call;
        if !self.pump() || self.output.room() < LEAST_ROOM {
            return Poll::Pending;
        }
        let room = self.output.room().saturating_sub(MUX_HEAD);
        let end = end && parts.len().saturating_sub(from) <= room;
        let cut = parts.cut(from, from.saturating_add(room));
        let sent = match (&self.protocol, kind) {
            (Protocol::Closed, _) => Err(SendError::UnknownCall),
            (Protocol::Mux(_), _) => self.send_mux(call, cut, end),
            (_, Kind::Message) => self.send_single(cut, end),
            _ => self.send_block(kind, parts),
        };
        match sent.map_err(unsent) {
            Ok(Some(sent)) => {
                self.runner.wake();
                Poll::Ready(Ok(sent))
            }
            Ok(None) => Poll::Pending,
            Err(failure) => Poll::Ready(Err(failure)),
        }
    }

    fn send_mux(
        &mut self,
        call: Option<CallId>,
        parts: Parts<'_>,
        end: bool,
    ) -> Result<Option<usize>, SendError> {
        let call = call.ok_or(SendError::UnknownCall)?;
        let Protocol::Mux(connection) = &mut self.protocol else {
            return Err(SendError::UnknownCall);
        };
        let Some(segment) = connection.send(call, parts.as_slices(), end)? else {
            return Ok(None);
        };
        let taken = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
        self.put(&segment, &parts.cut(0, taken));
        Ok(Some(taken))
    }

    /// Each part is a WebSocket message of its own.
    #[inline(never)]
    fn send_single(&mut self, parts: Parts<'_>, end: bool) -> Result<Option<usize>, SendError> {
        let mut sent = 0_usize;
        for part in parts.as_slices() {
            let room = self.output.room().saturating_sub(HALF_CLOSE);
            let part = part.get(..part.len().min(room)).unwrap_or_default();
            if part.is_empty() {
                continue;
            }
            let segment = match &mut self.protocol {
                Protocol::Client(client) => client.forward(part)?,
                Protocol::Server(server) => server.forward(part)?,
                _ => return Err(SendError::UnknownCall),
            };
            let taken = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
            self.put(&segment, &Parts::of(&[part]).cut(0, taken));
            sent = sent.saturating_add(taken);
        }
        let ends = end && sent == parts.len();
        if ends && let Protocol::Client(client) = &mut self.protocol {
            let segment = client.half_close()?;
            self.put(&segment, &Parts::NONE);
        }
        Ok((ends || sent > 0).then_some(sent))
    }

    /// A block is a WebSocket message of its own. The machine makes its prefix.
    pub(super) fn send_block(
        &mut self,
        kind: Kind,
        parts: &Parts<'_>,
    ) -> Result<Option<usize>, SendError> {
        let all = parts.len();
        let len = all.saturating_sub(MUX_HEAD);
        if all > self.output.room() {
            return self.block_waits(len);
        }
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let segment = match (&mut self.protocol, kind) {
            (Protocol::Client(client), _) => client.send_metadata(len)?,
            (Protocol::Server(server), Kind::Trailers) => server.send_trailers(len)?,
            (Protocol::Server(server), _) => server.send_metadata(len)?,
            _ => return Err(SendError::UnknownCall),
        };
        self.put(&segment, &parts.cut(MUX_HEAD, all));
        if kind == Kind::Trailers {
            self.conclude(Ok(()));
        }
        Ok(Some(all))
    }

    /// There is no room for a block now. There may never be.
    fn block_waits(&self, len: usize) -> Result<Option<usize>, SendError> {
        if self.output.is_empty() {
            return Err(SendError::MetadataTooLong {
                len: u32::try_from(len).unwrap_or(u32::MAX),
                max: u32::try_from(T.saturating_sub(MIN_OUTPUT)).unwrap_or(u32::MAX),
            });
        }
        Ok(None)
    }

    /// Takes bytes to be written: how many.
    pub(crate) fn take_output(&mut self, out: &mut [u8]) -> usize {
        self.pump();
        self.output.take(out)
    }

    /// Takes bytes to be written: how many; 0 when the connection has said its last.
    pub(crate) fn poll_output(&mut self, cx: &Context<'_>, out: &mut [u8]) -> Poll<usize> {
        let taken = self.take_output(out);
        if taken > 0 {
            for lane in &mut self.lanes {
                lane.writer.wake();
            }
            self.openers.wake();
            return Poll::Ready(taken);
        }
        if self.is_concluded() {
            return Poll::Ready(0);
        }
        self.runner.register(cx);
        Poll::Pending
    }

    /// Answers a Ping.
    pub(super) fn poll_pong(&mut self, cx: &Context<'_>, payload: &[u8]) -> Poll<()> {
        if self.output.room() < payload.len() {
            self.runner.register(cx);
            return Poll::Pending;
        }
        self.output.put(Opcode::Pong, payload, &Parts::NONE);
        self.runner.wake();
        Poll::Ready(())
    }

    /// Puts a segment into the output.
    pub(super) fn put(&mut self, segment: &Segment, payload: &Parts<'_>) {
        self.output.put(Opcode::Binary, segment.head(), payload);
    }

    /// Puts what is due into the output beside what calls send: control frames, the last status, and
    /// the Close behind them; whether that were all.
    pub(crate) fn pump(&mut self) -> bool {
        self.pump_control() && self.pump_status() && self.pump_close()
    }

    fn pump_control(&mut self) -> bool {
        let Protocol::Mux(connection) = &mut self.protocol else {
            return true;
        };
        let mut frame = [0; MAX_CONTROL_FRAME];
        while self.output.room() >= MAX_CONTROL_FRAME {
            let Some(len) = connection.poll_transmit(&mut frame) else {
                return true;
            };
            let frame = frame.get(..len).unwrap_or_default();
            self.output.put(Opcode::Binary, frame, &Parts::NONE);
            self.runner.wake();
        }
        false
    }

    /// Answers the one call of its WebSocket with a status, whatever was sent before. In the middle of
    /// a message no trailers can be told from it: then only the Close says that something is wrong.
    fn pump_status(&mut self) -> bool {
        let (Protocol::Server(server), Some(code)) = (&mut self.protocol, self.last_status.get())
        else {
            return true;
        };
        if self.output.room() < LEAST_ROOM {
            return false;
        }
        self.last_status = Maybe::No;
        let status = code.grpc_status().as_bytes();
        let len = field_len("grpc-status", status);
        match server.send_trailers(u32::try_from(len).unwrap_or(u32::MAX)) {
            Ok(segment) => {
                let block = Parts::of(&[b"grpc-status: ", status, b"\r\n"]);
                self.put(&segment, &block);
            }
            Err(_) if self.last_close.get() == Some(CloseCode::Normal) => {
                self.last_close = Maybe::Yes(CloseCode::Internal);
            }
            Err(_) => {}
        }
        true
    }

    fn pump_close(&mut self) -> bool {
        let Some(code) = self.last_close.get() else {
            return true;
        };
        let code = code.value().to_be_bytes();
        if self.output.room() < code.len() {
            return false;
        }
        self.last_close = Maybe::No;
        self.output.put(Opcode::Close, &code, &Parts::NONE);
        true
    }
}

pub(crate) fn prefix(kind: FrameKind, len: usize) -> [u8; 5] {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    Prefix { kind, len }.encode()
}

/// The status of a call that goes on with something that it cannot have.
pub(super) fn unsent(error: SendError) -> Failure {
    match error {
        SendError::UnknownCall => Failure::of(Code::Cancelled),
        SendError::MetadataTooLong { .. } => {
            Failure::new(Code::ResourceExhausted, "the metadata is too long")
        }
        SendError::Frame(_) => Failure::new(Code::ResourceExhausted, "longer than the peer takes"),
        _ => Failure::new(Code::Internal, "sent out of order"),
    }
}
