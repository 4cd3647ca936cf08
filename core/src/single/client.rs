//! The client role of `grpc-websockets`.

use super::{DATA, Fragment, HALF_CLOSE};
use crate::call::state::{State, Step};
use crate::call::{Event, Receiver, Role, Segment, Sender};
use crate::error::{RecvError, SendError};
use crate::limits::Limits;
use crate::time::{Deadline, Instant};
use crate::wire::status::Code;

/// The longest WebSocket message a client sends, in bytes. The servers in use refuse a longer one
/// (Close 1009), so longer messages are cut.
pub const MAX_WEBSOCKET_MESSAGE: u32 = 32_768;

/// One call, made.
///
/// Memory is `size_of::<Client>()` whatever the peer sends. Every method takes constant time but
/// for a look at each byte of metadata; none panics.
///
/// ```
/// use grpc_websocket_core::{Code, Event, Limits};
/// use grpc_websocket_core::single::{Client, Fragment};
///
/// let mut client = Client::new(Limits::DEFAULT);
/// let block = b"content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";
/// assert_eq!(client.send_metadata(block.len().try_into()?)?.head(), b"");   // the block follows, bare
/// assert_eq!(client.send_message(false, 5)?.head(), [0, 0, 0, 0, 0, 5]);    // "hello" follows
/// assert_eq!(client.half_close()?.head(), [1]);
///
/// let mut answer = Fragment::message(b"\x80\0\0\0\x10grpc-status: 5\r\n");
/// assert!(matches!(client.recv(&mut answer)?, Some(Event::Metadata(_))));
/// assert_eq!(client.recv(&mut answer)?, Some(Event::Trailers(Code::NotFound)));
/// assert_eq!(client.recv(&mut answer)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    limits: Limits,
    receiver: Receiver,
    sender: Sender,
    deadline: Deadline,
    failed: Option<RecvError>,
}

impl Client {
    /// A call whose WebSocket is open. `limits` are this side's, for what the server sends.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            receiver: Receiver::new(Role::Server),
            sender: Sender::new(Role::Client, Some(DATA), Some(MAX_WEBSOCKET_MESSAGE)),
            deadline: Deadline::NEVER,
            failed: None,
        }
    }

    /// Takes the next event from a part of a WebSocket binary message. Call it until it returns
    /// `None`: then the fragment is used up.
    ///
    /// After [`Event::Trailers`] the call is over, and whatever comes is dropped.
    ///
    /// # Errors
    /// What the server did wrong: the call is over with [`RecvError::code`]. It is repeated on
    /// every further call.
    pub fn recv<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
    ) -> Result<Option<Event<'i>>, RecvError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        // The end of a WebSocket message means nothing in this direction.
        fragment.fin = false;
        let result = self.receiver.recv(&self.limits, &mut fragment.bytes);
        self.failed = result.err();
        if self.failed.is_some() || self.is_ended() {
            self.end();
        }
        result
    }

    /// A WebSocket text message came.
    ///
    /// # Errors
    /// Always, as [`Client::recv`] does, unless the call was over.
    pub fn handle_text(&mut self) -> Result<(), RecvError> {
        if !self.is_ended() {
            self.failed = Some(RecvError::TextMessage);
            self.end();
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// The WebSocket closed, with that code, or its connection is lost without one. The status of
    /// the call if it was not over; never [`Code::Ok`].
    pub fn handle_close(&mut self, close_code: Option<u16>) -> Option<Code> {
        if self.is_ended() {
            return None;
        }
        let truncated = !self.receiver.is_at_boundary();
        self.end();
        match Code::from_close_code(close_code) {
            Code::Unknown if truncated => Some(Code::Internal),
            code => Some(code),
        }
    }

    /// The time is `now`: [`Event::DeadlineExceeded`] once, when the deadline has passed. The call
    /// is over; close the WebSocket, which cancels it at the server.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        if self.is_ended() || !self.deadline.is_due(now) {
            return None;
        }
        self.end();
        Some(Event::DeadlineExceeded)
    }

    /// When [`Client::handle_timeout`] is to be called. Ask again after every other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.get().filter(|_| !self.is_ended())
    }

    /// Sets when the call's time is over; `None` is never. The server learns of it by
    /// `grpc-timeout` in the metadata only.
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = Deadline::new(deadline);
    }

    /// Sends the initial metadata: a bare block of `len` bytes, in a WebSocket message of its own.
    /// `content-type: application/grpc-web+proto` belongs in it, and `x-grpc-web: 1`.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] unless it is the first thing sent;
    /// [`SendError::MetadataTooLong`] over [`MAX_WEBSOCKET_MESSAGE`].
    pub fn send_metadata(&mut self, len: u32) -> Result<Segment, SendError> {
        if len > MAX_WEBSOCKET_MESSAGE {
            return Err(SendError::MetadataTooLong {
                len,
                max: MAX_WEBSOCKET_MESSAGE,
            });
        }
        self.sender.advance(Step::Metadata)?;
        Ok(Segment::new(None, None, len))
    }

    /// Sends a message of `len` bytes: the segment takes the first of them, [`Client::resume`]
    /// the rest.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] before the metadata, after the half-close or the end of the
    /// call; [`SendError::FrameOpen`] while another message is not complete.
    pub fn send_message(&mut self, compressed: bool, len: u32) -> Result<Segment, SendError> {
        self.sender.message(compressed, len)
    }

    /// The next WebSocket message of the message begun; `None` when it is complete.
    pub fn resume(&mut self) -> Option<Segment> {
        self.sender.resume()
    }

    /// Sends a slice of a stream of messages that has its prefixes already, as gRPC libraries
    /// make it; it may be cut anywhere. The segment says how much of it was taken: give the rest
    /// to the next call.
    ///
    /// # Errors
    /// As [`Client::send_message`], and [`SendError::Frame`] if the bytes are no such stream.
    pub fn forward(&mut self, framed: &[u8]) -> Result<Segment, SendError> {
        self.sender.forward(framed)
    }

    /// Ends the messages. The answer may still come.
    ///
    /// # Errors
    /// As [`Client::send_message`].
    pub fn half_close(&mut self) -> Result<Segment, SendError> {
        self.sender.advance(Step::HalfClose)?;
        Ok(Segment::new(Some(HALF_CLOSE), None, 0))
    }

    /// Whether the call is over: by its trailers, an error, its deadline or the end of the
    /// WebSocket.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.receiver.state() == State::Closed
    }

    fn end(&mut self) {
        self.receiver.close();
        self.sender.close();
    }
}
