//! What comes on a WebSocket, put together to messages.
//!
//! A message of one frame is a slice of what was read, unmasked in its place. There is room for all of it
//! as soon as its length is known: of a long one no more is moved than came with its header, and the
//! frames of a message that has several are copied together. Where long messages may come in parts, what
//! would have to be moved or copied is a part instead, if it is not short.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{Error, Event, Reader};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::chunks::COPIED_LEN;
use crate::spare;

/// How much is read at once: this at first, twice as much after a read that took all of it, half as
/// much after one that took less than half and could have taken more.
const SHORTEST_READ: usize = spare::LEN;
const LONGEST_READ: usize = 48 * 1024;

/// So little room is not worth a read, and so few bytes may be moved for more.
const SHORT: usize = 256;

/// So long is a part of a message at least, but for the last one: less would be copied on its way all the same.
const SHORTEST_PART: usize = COPIED_LEN;

/// What came.
#[derive(Debug)]
pub(super) enum Item {
    /// The payload of a binary message, or the last part of it.
    Binary(Bytes),
    /// A part of one that goes on.
    Part(Bytes),
    /// A part of a text message.
    Text,
    /// To be answered with a Pong, see [`Inbox::control_payload`].
    Ping,
    Pong,
    Close(Option<u16>),
}

/// What a step of the reader found.
enum Found {
    Nothing,
    /// Of a binary message.
    Piece {
        fin: bool,
    },
    Item(Item),
}

/// Why nothing more can be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The message is longer than the limit.
    TooLong,
    Protocol(Error),
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        match error {
            // No limit allows it.
            Error::LengthOutOfRange => Self::TooLong,
            error => Self::Protocol(error),
        }
    }
}

/// See the module.
pub(super) struct Inbox {
    reader: Reader,
    /// Bytes that were read: `held` of the message that is being read, and behind them what was not
    /// looked at.
    bytes: BytesMut,
    held: usize,
    /// What came of the message in frames before the present one.
    before: BytesMut,
    max_message_len: usize,
    next_read: usize,
    /// Messages may come in parts.
    gives_parts: bool,
    /// How much of the message was given in parts.
    given: usize,
}

impl Inbox {
    pub(super) fn new(role: Role, max_message_len: usize) -> Self {
        Self {
            reader: Reader::new(role),
            bytes: BytesMut::new(),
            held: 0,
            before: BytesMut::new(),
            max_message_len,
            next_read: SHORTEST_READ,
            gives_parts: false,
            given: 0,
        }
    }

    /// Long messages may come in parts from now on.
    pub(super) fn give_parts(&mut self) {
        self.gives_parts = true;
    }

    pub(super) fn set_max_message_len(&mut self, bytes: usize) {
        self.max_message_len = bytes;
    }

    /// The payload of the ping that has just come.
    pub(super) fn control_payload(&self) -> &[u8] {
        self.reader.control_payload()
    }

    /// Takes the next item out of what was read; `None` if more is to be read for it.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Unreadable> {
        loop {
            let mut input = self.bytes.get_mut(self.held..).unwrap_or_default();
            let unread = input.len();
            let event = self.reader.recv(&mut input)?;
            let taken = unread - input.len();
            let (payload_len, found) = match event {
                None => (0, Found::Nothing),
                Some(Event::Data { text: true, .. }) => (0, Found::Item(Item::Text)),
                Some(Event::Data { payload, fin, .. }) => (payload.len(), Found::Piece { fin }),
                Some(Event::Ping) => (0, Found::Item(Item::Ping)),
                Some(Event::Pong) => (0, Found::Item(Item::Pong)),
                Some(Event::Close(code)) => (0, Found::Item(Item::Close(code))),
            };
            self.hold(taken, payload_len)?;
            match found {
                Found::Nothing => return Ok(self.take_part().map(Item::Part)),
                Found::Item(item) => return Ok(Some(item)),
                Found::Piece { fin: true } => return Ok(Some(Item::Binary(self.take_message()))),
                Found::Piece { fin: false } => {}
            }
        }
    }

    /// What came of a message so far, if there is no room for the rest where it is.
    fn take_part(&mut self) -> Option<Bytes> {
        let fits = self.before.is_empty() && self.spare() >= self.to_come().max(SHORT);
        if !self.gives_parts || fits || self.before.len() + self.held < SHORTEST_PART {
            return None;
        }
        let part = self.take_held();
        self.given += part.len();
        Some(part)
    }

    /// Keeps the last `payload_len` of the bytes that were looked at, and drops those before them.
    fn hold(&mut self, taken: usize, payload_len: usize) -> Result<(), Unreadable> {
        let dropped = taken - payload_len;
        if dropped > 0 {
            self.put_by();
            self.bytes.advance(dropped);
        }
        self.held += payload_len;
        let len = self.given + self.before.len() + self.held;
        if len.saturating_add(self.to_come()) > self.max_message_len {
            return Err(Unreadable::TooLong);
        }
        Ok(())
    }

    /// Puts what is held to what came before it.
    fn put_by(&mut self) {
        if self.held == 0 {
            return;
        }
        let held = self.bytes.split_to(self.held);
        self.held = 0;
        if self.before.is_empty() {
            self.before = held;
        } else {
            self.before.extend_from_slice(&held);
        }
    }

    fn take_message(&mut self) -> Bytes {
        self.given = 0;
        self.take_held()
    }

    fn take_held(&mut self) -> Bytes {
        if !self.before.is_empty() {
            self.put_by();
            return std::mem::take(&mut self.before).freeze();
        }
        let message = self.bytes.split_to(self.held).freeze();
        self.held = 0;
        message
    }

    /// Reads more; how many bytes. While nothing comes and nothing is begun no memory is kept.
    pub(super) fn poll_read(
        &mut self,
        io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        let room = self.spare();
        let read = poll_read_buf(io, cx, &mut self.bytes);
        match &read {
            Poll::Ready(Ok(len)) if *len >= self.next_read => {
                self.next_read = (self.next_read * 2).min(LONGEST_READ);
            }
            Poll::Ready(Ok(len)) if *len < room.min(self.next_read / 2) => {
                self.next_read = (self.next_read / 2).max(SHORTEST_READ);
            }
            Poll::Pending if self.bytes.is_empty() => spare::give(std::mem::take(&mut self.bytes)),
            _ => {}
        }
        read
    }

    /// For the rest of the message, and for what may come behind it if that does not make what is
    /// there move.
    fn make_room(&mut self) {
        let to_come = self.to_come();
        let wanted = to_come.max(self.next_read);
        if self.bytes.capacity() == 0 && wanted <= spare::LEN {
            self.bytes = spare::take();
        }
        let spare = self.spare();
        let is_short = spare < SHORT && self.bytes.len() < SHORT;
        if spare < to_come.max(1) || is_short {
            self.bytes.reserve(wanted);
        }
    }

    /// How many bytes can be read where the others are.
    fn spare(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// How many bytes of the message's present frame are to come.
    fn to_come(&self) -> usize {
        usize::try_from(self.reader.payload_left()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use grpc_websocket_core::ws::{Header, Mask, Opcode};

    use super::*;

    /// A connection that gives one slice with each read, and nothing then.
    struct Script(VecDeque<Vec<u8>>);

    impl AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(mut slice) = self.0.pop_front() else {
                return Poll::Pending;
            };
            let rest = slice.split_off(slice.len().min(buffer.remaining()));
            buffer.put_slice(&slice);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
            Poll::Ready(Ok(()))
        }
    }

    fn frame(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
        let key = [7, 0, 99, 200];
        let header = Header::new(opcode, fin, payload.len() as u64).masked(key);
        let mut payload = payload.to_vec();
        Mask::new(key).apply(&mut payload);
        [header.encode().as_slice(), &payload].concat()
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|n| n.to_le_bytes()[0]).collect()
    }

    /// All items of a stream that comes in slices of that length.
    fn items(inbox: &mut Inbox, stream: &[u8], step: usize) -> Vec<Item> {
        let mut io = Script(stream.chunks(step).map(<[u8]>::to_vec).collect());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut items = Vec::new();
        loop {
            while let Some(item) = inbox.next().unwrap() {
                items.push(item);
            }
            if inbox.poll_read(Pin::new(&mut io), &mut cx).is_pending() {
                return items;
            }
        }
    }

    #[test]
    fn messages_are_the_same_however_they_come() {
        let long = bytes(100_000);
        let stream = [
            frame(Opcode::Binary, true, b"whole"),
            frame(Opcode::Binary, false, b"one,"),
            frame(Opcode::Ping, true, b"hi"),
            frame(Opcode::Continuation, false, b""),
            frame(Opcode::Continuation, true, b"two"),
            frame(Opcode::Binary, true, &long),
            frame(Opcode::Binary, false, &long),
            frame(Opcode::Continuation, true, &long),
            frame(Opcode::Binary, true, b""),
        ]
        .concat();
        let twice = [&long[..], &long].concat();
        let expected: [&[u8]; 5] = [b"whole", b"one,two", &long, &twice, b""];
        let steps = [1, 2, 3, 7, 100, 5000, 99_999, 1_000_000];
        for (step, gives_parts) in steps.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            let mut inbox = Inbox::new(Role::Server, 200_000);
            inbox.gives_parts = gives_parts;
            let (mut messages, mut message, mut parts) = (Vec::new(), Vec::new(), 0);
            for item in items(&mut inbox, &stream, step) {
                match item {
                    Item::Binary(last) => {
                        message.extend_from_slice(&last);
                        messages.push(std::mem::take(&mut message));
                    }
                    Item::Part(part) => {
                        assert!(part.len() >= SHORTEST_PART);
                        message.extend_from_slice(&part);
                        parts += 1;
                    }
                    item => assert!(matches!(item, Item::Ping), "{item:?}"),
                }
            }
            assert!(messages == expected, "by {step}");
            assert_eq!(parts > 0, gives_parts, "by {step}");
            assert_eq!(inbox.bytes.capacity(), 0, "an idle one keeps no memory");
        }
    }

    #[test]
    fn a_part_is_not_copied_where_it_was_read() {
        let mut inbox = Inbox::new(Role::Server, 1_000_000);
        inbox.give_parts();
        inbox.next_read = 10_000;
        let stream = frame(Opcode::Binary, true, &bytes(100_000));
        let mut io = Script(VecDeque::from([stream]));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        inbox.bytes = BytesMut::with_capacity(10_000);
        let read_at = inbox.bytes.as_ptr();
        assert!(inbox.poll_read(Pin::new(&mut io), &mut cx).is_ready());
        let Some(Item::Part(part)) = inbox.next().unwrap() else {
            panic!("no part");
        };
        assert_eq!(part.as_ptr(), read_at.wrapping_add(14));
        assert_eq!(part.len() + 14, 10_000);
        assert!(inbox.bytes.is_empty());
    }

    #[test]
    fn a_message_of_one_frame_is_not_copied_where_it_was_read() {
        let mut inbox = Inbox::new(Role::Server, 1000);
        let stream = [frame(Opcode::Binary, true, b"abc"), bytes(0)].concat();
        let mut io = Script(VecDeque::from([stream]));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(inbox.poll_read(Pin::new(&mut io), &mut cx).is_ready());
        let read_at = inbox.bytes.as_ptr();
        let Some(Item::Binary(message)) = inbox.next().unwrap() else {
            panic!("no message");
        };
        assert_eq!(message.as_ptr(), read_at.wrapping_add(6));
    }

    #[test]
    fn a_message_that_grows_too_long_is_known_by_its_headers() {
        let announced = frame(Opcode::Binary, true, &bytes(1001));
        let grown = [
            frame(Opcode::Binary, false, &bytes(600)),
            frame(Opcode::Continuation, true, &bytes(401)),
        ]
        .concat();
        for (stream, len) in [(announced, 8), (grown, 616)] {
            let mut inbox = Inbox::new(Role::Server, 1000);
            inbox.give_parts();
            inbox.bytes.extend_from_slice(&stream[..len]);
            let refused = inbox.next();
            assert!(matches!(refused, Err(Unreadable::TooLong)), "{refused:?}");
        }
        let parts = [
            frame(Opcode::Binary, false, &bytes(15_000)),
            frame(Opcode::Continuation, true, &bytes(5001)),
        ]
        .concat();
        let mut inbox = Inbox::new(Role::Server, 20_000);
        inbox.give_parts();
        let mut io = Script(VecDeque::from([parts]));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let refused = loop {
            match inbox.next() {
                Ok(Some(Item::Part(_))) => {}
                Ok(None) => assert!(inbox.poll_read(Pin::new(&mut io), &mut cx).is_ready()),
                end => break end,
            }
        };
        assert!(matches!(refused, Err(Unreadable::TooLong)), "{refused:?}");

        let mut inbox = Inbox::new(Role::Server, 1000);
        let longest = frame(Opcode::Binary, true, &bytes(1000));
        assert_eq!(items(&mut inbox, &longest, 64).len(), 1);
    }
}
