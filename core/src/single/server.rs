//! The server role of `grpc-websockets`.

use super::{EMPTY_MESSAGE_BUDGET, Fragment, HALF_CLOSE, TINY_MESSAGE_BUDGET, TINY_MESSAGE_LEN};
use crate::call::state::{State, Step};
use crate::call::{Event, Receiver, Role, Segment, Sender};
use crate::deframe::Piece;
use crate::error::{RecvError, SendError};
use crate::limits::Limits;
use crate::time::{Deadline, Instant};
use crate::wire::prefix::{FrameKind, Prefix};
use crate::wire::status::Code;

/// One call, answered.
///
/// Memory is `size_of::<Server>()` whatever the peer sends. Every method takes constant time but
/// for a look at each byte of metadata; none panics.
///
/// ```
/// use grpc_websocket_core::{Event, Instant, Limits};
/// use grpc_websocket_core::single::{Fragment, Server};
///
/// let mut server = Server::new(Instant::EPOCH, Limits::DEFAULT);
/// let mut request = Vec::new();
/// for message in [&b"content-type: application/grpc-web+proto\r\n"[..], b"\0\0\0\0\0\x02hi", b"\x01"] {
///     let mut fragment = Fragment::message(message);
///     while let Some(event) = server.recv(&mut fragment)? {
///         match event {
///             Event::Message { piece, .. } => request.extend_from_slice(piece.payload),
///             Event::HalfClosed => assert_eq!(request, b"hi"),
///             _ => {}
///         }
///     }
/// }
/// let metadata = server.send_metadata(0)?;
/// assert_eq!(metadata.head(), [0x80, 0, 0, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    limits: Limits,
    receiver: Receiver,
    sender: Sender,
    position: Position,
    /// WebSocket messages in a row that carried nothing.
    empty_messages: u16,
    /// WebSocket messages that carried next to nothing, less those that carried more.
    tiny_messages: u16,
    metadata_deadline: Deadline,
    deadline: Deadline,
    failed: Option<RecvError>,
}

/// Where in the client's WebSocket messages the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In the first message, which is the metadata block.
    Block,
    /// Before a message's control byte.
    Control,
    /// After a control byte `01` that may be all of the message: then it half-closes.
    MaybeHalfClose,
    /// In a message's data.
    Data(Data),
}

/// What came of a WebSocket message's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Data {
    /// How many bytes.
    len: u32,
    /// A gRPC message was complete with them.
    completed: bool,
}

impl Server {
    /// A call whose WebSocket is open since `now`.
    #[must_use]
    pub fn new(now: Instant, limits: Limits) -> Self {
        Self {
            limits,
            receiver: Receiver::new(Role::Client),
            sender: Sender::new(Role::Server, None, None),
            position: Position::Block,
            empty_messages: 0,
            tiny_messages: 0,
            metadata_deadline: Deadline::after(now, limits.metadata_timeout),
            deadline: Deadline::NEVER,
            failed: None,
        }
    }

    /// Takes the next event from a part of a WebSocket binary message. Call it until it returns
    /// `None`: then the fragment is used up.
    ///
    /// After the trailers are sent, whatever comes is read and dropped.
    ///
    /// # Errors
    /// What the peer did wrong. It is repeated on every further call; the answer to it is
    /// [`Server::send_trailers`] with [`RecvError::code`], then a Close with
    /// [`RecvError::close_code`].
    pub fn recv<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
    ) -> Result<Option<Event<'i>>, RecvError> {
        if self.is_ended() {
            *fragment = Fragment::part(&[]);
            return Ok(None);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.step(fragment);
        self.failed = result.err();
        result
    }

    /// A WebSocket text message came.
    ///
    /// # Errors
    /// Always, as [`Server::recv`] does, unless the call is over.
    pub fn handle_text(&mut self) -> Result<(), RecvError> {
        if self.is_ended() {
            return Ok(());
        }
        let error = *self.failed.get_or_insert(RecvError::TextMessage);
        Err(error)
    }

    /// The WebSocket closed or its connection is lost. [`Code::Cancelled`] if the call was not
    /// over: its handler is to be stopped, and nothing more can be sent.
    pub fn handle_close(&mut self) -> Option<Code> {
        let was_ended = self.is_ended();
        // The receiver stays as it is: a connection that is gone is no half-close.
        self.sender.close();
        (!was_ended).then_some(Code::Cancelled)
    }

    /// The time is `now`. To be called when [`Server::poll_timeout`] has passed; earlier does no
    /// harm.
    ///
    /// # Errors
    /// [`RecvError::MetadataTimeout`], as by [`Server::recv`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Option<Event<'static>>, RecvError> {
        if self.is_ended() {
            return Ok(None);
        }
        if self.metadata_deadline.is_due(now) {
            self.failed.get_or_insert(RecvError::MetadataTimeout);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.deadline.is_due(now) {
            return Ok(None);
        }
        self.deadline = Deadline::NEVER;
        Ok(Some(Event::DeadlineExceeded))
    }

    /// When [`Server::handle_timeout`] is to be called. Ask again after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_ended() {
            return None;
        }
        self.metadata_deadline.min(self.deadline).get()
    }

    /// Sets when the call's time is over, from its `grpc-timeout`; `None` is never.
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = Deadline::new(deadline);
    }

    /// Sends the initial metadata: a block of `len` bytes (see
    /// [`encode_field`](crate::wire::metadata::encode_field)), in a WebSocket message of its own.
    /// Needed before any message, even with nothing in it: some clients take no message without.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] unless it is the first thing sent.
    pub fn send_metadata(&mut self, len: u32) -> Result<Segment, SendError> {
        self.send_block(Step::Metadata, len)
    }

    /// Sends a message of `len` bytes.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] before the metadata or after the trailers;
    /// [`SendError::FrameOpen`] inside a forwarded message.
    pub fn send_message(&mut self, compressed: bool, len: u32) -> Result<Segment, SendError> {
        self.sender.message(compressed, len)
    }

    /// Sends a slice of a stream of messages that has its prefixes already, as gRPC libraries
    /// make it; it may be cut anywhere. The segment takes all of it.
    ///
    /// # Errors
    /// As [`Server::send_message`], and [`SendError::Frame`] if the bytes are no such stream.
    pub fn forward(&mut self, framed: &[u8]) -> Result<Segment, SendError> {
        self.sender.forward(framed)
    }

    /// Sends the trailers: a block of `len` bytes that holds `grpc-status`, in a WebSocket
    /// message of its own. As the first thing sent it is a Trailers-Only answer. The call is over;
    /// close the WebSocket.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] after trailers or a close; [`SendError::FrameOpen`] inside a
    /// message that was forwarded in part: then a client could not tell the trailers from the
    /// message, and only a Close with 1011 is left.
    pub fn send_trailers(&mut self, len: u32) -> Result<Segment, SendError> {
        self.send_block(Step::Trailers, len)
    }

    /// Whether the call is over at this side: trailers sent, or the peer gone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.sender.state() == State::Closed
    }

    /// Whether nothing was sent yet, so that trailers would be a Trailers-Only answer.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        self.sender.state() == State::Idle
    }

    /// Whether the client's messages ended with [`Event::HalfClosed`].
    #[must_use]
    pub fn is_half_closed(&self) -> bool {
        self.receiver.state() == State::Closed
    }

    /// Whether no message of the client is begun and incomplete.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        self.receiver.is_at_boundary()
    }

    fn send_block(&mut self, step: Step, len: u32) -> Result<Segment, SendError> {
        self.sender.advance(step)?;
        Ok(Segment::new(
            None,
            Some(Prefix {
                kind: FrameKind::Metadata,
                len,
            }),
            len,
        ))
    }

    fn step<'i>(&mut self, fragment: &mut Fragment<'i>) -> Result<Option<Event<'i>>, RecvError> {
        if let Some(event) = self.receiver.pending_event()? {
            self.metadata_deadline = Deadline::NEVER;
            return Ok(Some(event));
        }
        loop {
            let event = match self.position {
                Position::Block => return self.recv_block(fragment),
                Position::Control => self.recv_control(fragment)?,
                Position::MaybeHalfClose => self.recv_after_half_close_byte(fragment)?,
                Position::Data(data) => self.recv_data(fragment, data)?,
            };
            if event.is_some() || (fragment.bytes.is_empty() && !fragment.fin) {
                return Ok(event);
            }
        }
    }

    fn recv_block<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
    ) -> Result<Option<Event<'i>>, RecvError> {
        let payload = core::mem::take(&mut fragment.bytes);
        let end = fragment.take_fin();
        if payload.is_empty() && !end {
            return Ok(None);
        }
        if end {
            self.position = Position::Control;
        }
        let piece = Piece {
            start: None,
            framed: &[],
            payload,
            end,
        };
        self.receiver.recv_block(&self.limits, piece).map(Some)
    }

    fn recv_control(
        &mut self,
        fragment: &mut Fragment<'_>,
    ) -> Result<Option<Event<'static>>, RecvError> {
        let Some((&control, rest)) = fragment.bytes.split_first() else {
            if fragment.take_fin() {
                self.count_empty_message()?;
            }
            return Ok(None);
        };
        fragment.bytes = rest;
        // Any other byte is read as data's, as the servers in use do.
        self.position = if control == HALF_CLOSE {
            Position::MaybeHalfClose
        } else {
            Position::Data(Data::default())
        };
        Ok(None)
    }

    fn recv_after_half_close_byte(
        &mut self,
        fragment: &mut Fragment<'_>,
    ) -> Result<Option<Event<'static>>, RecvError> {
        if !fragment.bytes.is_empty() {
            self.position = Position::Data(Data::default());
            return Ok(None);
        }
        if !fragment.take_fin() {
            return Ok(None);
        }
        self.position = Position::Control;
        if self.is_half_closed() {
            self.count_empty_message()?;
            return Ok(None);
        }
        self.receiver.half_close()?;
        Ok(Some(Event::HalfClosed))
    }

    fn recv_data<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
        mut data: Data,
    ) -> Result<Option<Event<'i>>, RecvError> {
        if fragment.take_fin() {
            self.position = Position::Control;
            self.judge_message(data)?;
            return Ok(None);
        }
        if self.is_half_closed() {
            // Data after the half-close is dropped, at the price of empty messages.
            fragment.bytes = &[];
            return Ok(None);
        }
        let before = fragment.bytes.len();
        let event = self.receiver.recv(&self.limits, &mut fragment.bytes)?;
        let taken = before.saturating_sub(fragment.bytes.len());
        data.len = data
            .len
            .saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
        data.completed |= matches!(event, Some(Event::Message { piece, .. }) if piece.end);
        self.position = Position::Data(data);
        Ok(event)
    }

    /// Whether a WebSocket message was worth its cost.
    fn judge_message(&mut self, data: Data) -> Result<(), RecvError> {
        if data.len == 0 {
            return self.count_empty_message();
        }
        self.empty_messages = 0;
        if data.completed || data.len >= TINY_MESSAGE_LEN {
            self.tiny_messages = self.tiny_messages.saturating_sub(1);
            return Ok(());
        }
        self.tiny_messages = self.tiny_messages.saturating_add(1);
        if self.tiny_messages > TINY_MESSAGE_BUDGET {
            return Err(RecvError::TinyMessages);
        }
        Ok(())
    }

    fn count_empty_message(&mut self) -> Result<(), RecvError> {
        self.empty_messages = self.empty_messages.saturating_add(1);
        if self.empty_messages > EMPTY_MESSAGE_BUDGET {
            return Err(RecvError::EmptyMessages);
        }
        Ok(())
    }
}
