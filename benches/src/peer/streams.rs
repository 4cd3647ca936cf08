//! What goes out on many streams, as far as credit allows, each in turn.

use std::collections::{HashMap, VecDeque};

use super::{Job, Kind, message};

/// The longest slice of a stream in a frame, in HTTP/2 as in `grpc-mux.v1`.
const MAX_FRAME: u64 = 16 * 1024;

/// The streams of a connection. A stream is a head and messages; all of them say the same.
pub(super) struct Streams {
    kind: Kind,
    head: Vec<u8>,
    message: Vec<u8>,
    streams: HashMap<u32, Stream>,
    waiting: VecDeque<u32>,
    /// How many bidi calls have messages in turn.
    calls: u64,
    /// How many messages were asked for.
    asked: u64,
    /// The credit of a new stream.
    pub(super) initial: i64,
    /// The credit of all together.
    pub(super) connection: i64,
}

/// One of them.
pub(super) struct Stream {
    sent: u64,
    target: u64,
    credit: i64,
    is_waiting: bool,
    /// How many bytes came.
    pub(super) received: u64,
    /// How many of them the peer got no credit for.
    pub(super) unreturned: u32,
    /// How many messages of a bidi stream were counted.
    pub(super) counted: u64,
}

/// A slice of a stream that goes out.
pub(super) struct Slice<'a> {
    pub(super) id: u32,
    pub(super) len: usize,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    parts: [&'a [u8]; 2],
    message: &'a [u8],
}

impl Streams {
    /// `head` is what each stream begins with.
    pub(super) fn new(job: Job, head: Vec<u8>, initial: i64, connection: i64) -> Self {
        Self {
            kind: job.kind,
            head,
            message: message(job.size),
            streams: HashMap::new(),
            waiting: VecDeque::new(),
            calls: job.calls,
            asked: 0,
            initial,
            connection,
        }
    }

    /// The length of a message with its prefix.
    pub(super) fn message_len(&self) -> u64 {
        self.message.len() as u64
    }

    /// One more message: on a stream of its own, or on the next of those that there are.
    pub(super) fn ask(&mut self) {
        let more = self.message.len() as u64;
        let number = match self.kind {
            Kind::Unary => self.asked,
            Kind::Bidi | Kind::Messages => self.asked % self.calls,
        };
        self.asked += 1;
        let id = 1 + 2 * number as u32;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.target += more;
            self.wait(id);
            return;
        }
        let stream = Stream {
            sent: 0,
            target: self.head.len() as u64 + more,
            credit: self.initial,
            is_waiting: false,
            received: 0,
            unreturned: 0,
            counted: 0,
        };
        self.streams.insert(id, stream);
        self.wait(id);
    }

    fn wait(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if !stream.is_waiting && stream.sent < stream.target {
            stream.is_waiting = true;
            self.waiting.push_back(id);
        }
    }

    /// Hands out the slices that may go.
    pub(super) fn pump(&mut self, mut write: impl FnMut(Slice<'_>)) {
        while self.connection > 0
            && let Some(id) = self.waiting.pop_front()
        {
            let Some(stream) = self.streams.get_mut(&id) else {
                continue;
            };
            let credit = u64::try_from(stream.credit.min(self.connection)).unwrap_or(0);
            let rest = match self.kind {
                Kind::Messages => rest(&self.head, &self.message, stream.sent),
                Kind::Unary | Kind::Bidi => MAX_FRAME,
            };
            let len = (stream.target - stream.sent)
                .min(credit)
                .min(rest)
                .min(MAX_FRAME);
            stream.is_waiting = false;
            if len == 0 {
                continue;
            }
            let position = stream.sent;
            stream.sent += len;
            stream.credit -= len as i64;
            self.connection -= len as i64;
            write(Slice {
                id,
                len: len as usize,
                is_first: position == 0,
                is_last: self.kind == Kind::Unary && stream.sent == stream.target,
                parts: parts(&self.head, &self.message, position),
                message: &self.message,
            });
            self.wait(id);
        }
    }

    /// The peer gave credit to one stream.
    pub(super) fn give(&mut self, id: u32, credit: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.credit += i64::from(credit);
            self.wait(id);
        }
    }

    /// The peer changed the credit that streams begin with.
    pub(super) fn set_initial(&mut self, credit: u32) {
        let more = i64::from(credit) - self.initial;
        self.initial = i64::from(credit);
        let ids: Vec<_> = self.streams.keys().copied().collect();
        for id in ids {
            self.streams.get_mut(&id).expect("it was there").credit += more;
            self.wait(id);
        }
    }

    pub(super) fn get(&mut self, id: u32) -> Result<&mut Stream, String> {
        let stream = self.streams.get_mut(&id);
        stream.ok_or_else(|| format!("an answer on stream {id}, which is not open"))
    }

    /// A unary call is over.
    pub(super) fn end(&mut self, id: u32) -> Result<u64, String> {
        let stream = self.streams.remove(&id).ok_or("an end of no call")?;
        if self.kind != Kind::Unary || stream.received < self.message_len() {
            return Err(format!("the call ended after {} bytes", stream.received));
        }
        Ok(1)
    }

    /// Whether a call has one message each way.
    pub(super) fn is_unary(&self) -> bool {
        self.kind == Kind::Unary
    }
}

impl Stream {
    /// The messages that came complete since it was asked last.
    pub(super) fn count(&mut self, message_len: u64) -> u64 {
        let complete = self.received / message_len;
        complete - std::mem::replace(&mut self.counted, complete)
    }
}

impl Slice<'_> {
    /// Its bytes.
    pub(super) fn copy_to(&self, out: &mut Vec<u8>) {
        let mut left = self.len;
        for part in self
            .parts
            .into_iter()
            .chain(std::iter::repeat(self.message))
        {
            let len = left.min(part.len());
            out.extend_from_slice(&part[..len]);
            left -= len;
            if left == 0 {
                return;
            }
        }
    }
}

/// How many bytes there are from a position to the end of a message; the head goes with the first.
fn rest(head: &[u8], message: &[u8], position: u64) -> u64 {
    let (head, message) = (head.len() as u64, message.len() as u64);
    match position.checked_sub(head) {
        None => head - position + message,
        Some(position) => message - position % message,
    }
}

/// What is at a position of a stream, up to the end of the message there.
fn parts<'a>(head: &'a [u8], message: &'a [u8], position: u64) -> [&'a [u8]; 2] {
    let position = position as usize;
    match position.checked_sub(head.len()) {
        None => [&head[position..], &[]],
        Some(position) => [&[], &message[position % message.len()..]],
    }
}
