//! Two connections of `grpc-mux.v1`, joined: whatever their applications do and however the link
//! delays, cuts and drops what they write, each call ends once at each end, streams arrive unchanged,
//! and neither end ever finds fault with the other. When all is said that was begun, nothing is left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{CallId, Config, ConnectionError, End, Side};
use grpc_websocket_core::wire::mux::{FrameType, HEADER_LEN};
use grpc_websocket_core::{Code, RecvError, Role};

use crate::log;
use crate::mux::end::{Endpoint, Entry};
use crate::mux::{frames, read_config};

const REQUEST: &[u8] = b"\x80\0\0\0\x0e:path: /s/m\r\n\n";
const METADATA: &[u8] = b"\x80\0\0\0\x06a: b\r\n";
const TRAILERS: &[u8] = b"\x80\0\0\0\x10grpc-status: 5\r\n";
/// No application sends longer streams.
const MOST_BYTES: usize = 10_000;

/// What happens. A side and an age of a call say where.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Open,
    /// A message of that length is to be sent.
    Message(u16),
    /// The stream is to end.
    Finish,
    /// Up to so many bytes are written.
    Write(u8),
    Consume(u16),
    Reset(Code),
    Refuse,
    Release,
    SetDeadline(Duration),
    /// Control frames are written.
    Transmit,
    /// So many bytes of a frame that was written to this side arrive.
    Deliver(u8),
    GoAway,
    /// Time passes, for both.
    Wait(Duration),
    /// The connection is lost, to both.
    Drop,
}

/// Input: two configurations, and operations with a byte for the side and the age of a call.
pub fn run(data: &[u8]) {
    let _ = check(&mut Unstructured::new(data));
}

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let mut pair = Pair {
        ends: [
            Application::new(Side::Dialer, read_config(input)?),
            Application::new(Side::Acceptor, read_config(input)?),
        ],
        carried: 0,
        is_dropped: false,
    };
    while !input.is_empty() {
        let place = u8::arbitrary(input)?;
        let operation = read_operation(input)?;
        pair.apply(usize::from(place & 1), place >> 1, operation);
    }
    pair.settle();
    pair.check_end();
    Ok(())
}

fn read_operation(input: &mut Unstructured<'_>) -> Result<Operation> {
    let millis = |millis: u16| Duration::from_millis(millis.into());
    Ok(match input.int_in_range(0..=17_u8)? {
        0 => Operation::Open,
        1 | 2 => Operation::Message(u16::arbitrary(input)? % 2_000),
        3 => Operation::Finish,
        4 | 5 => Operation::Write(u8::arbitrary(input)?),
        6 => Operation::Consume(u16::arbitrary(input)?),
        7 => Operation::Reset(Code::from_value(u8::arbitrary(input)?)),
        8 => Operation::Refuse,
        9 => Operation::Release,
        10 => Operation::SetDeadline(millis(u16::arbitrary(input)?)),
        11 => Operation::Transmit,
        12..=14 => Operation::Deliver(u8::arbitrary(input)?),
        15 => Operation::GoAway,
        16 => Operation::Wait(millis(u16::arbitrary(input)?)),
        _ => Operation::Drop,
    })
}

/// Both sides, and the link between them.
struct Pair {
    ends: [Application; 2],
    /// How many frames were written.
    carried: usize,
    is_dropped: bool,
}

impl Pair {
    fn apply(&mut self, side: usize, age: u8, operation: Operation) {
        match operation {
            Operation::Deliver(len) => self.ends[side].deliver(len),
            Operation::Wait(duration) => self.ends.iter_mut().for_each(|end| end.wait(duration)),
            Operation::Drop => self.lose(None),
            other => self.ends[side].apply(age, other),
        }
        self.carry();
    }

    /// Puts what was written on its way; the end of one side is the end of the other.
    fn carry(&mut self) {
        let [dialer, acceptor] = &mut self.ends;
        self.carried += dialer.writing.len() + acceptor.writing.len();
        acceptor.arriving.extend(dialer.writing.drain(..));
        dialer.arriving.extend(acceptor.writing.drain(..));
        let error = self.ends.iter().find_map(|end| end.end.error);
        if let Some(error) = error {
            let is_silence = [
                ConnectionError::SettingsTimeout,
                ConnectionError::KeepaliveTimeout,
            ];
            assert!(is_silence.contains(&error), "{error} between honest ends");
            self.lose(Some(error.close_code().value()));
        }
    }

    fn lose(&mut self, close_code: Option<u16>) {
        self.is_dropped = true;
        for end in &mut self.ends {
            end.arriving.clear();
            end.end.close(close_code);
            end.end.lost();
            end.look();
        }
    }

    /// Nothing new begins, and nothing is held back any more.
    fn settle(&mut self) {
        let mut carried = None;
        while !self.is_idle() {
            assert_ne!(
                carried.replace(self.carried),
                Some(self.carried),
                "a deadlock"
            );
            self.ends.iter_mut().for_each(Application::settle);
            self.carry();
        }
    }

    fn is_idle(&self) -> bool {
        let mut ends = self.ends.iter();
        ends.all(|end| end.arriving.is_empty() && end.is_idle())
    }

    fn check_end(&mut self) {
        for end in &mut self.ends {
            assert!(self.is_dropped || end.end.book.live.is_empty());
            end.end.end();
        }
        let [dialer, acceptor] = &self.ends;
        dialer.check_against(acceptor);
        acceptor.check_against(dialer);
    }
}

/// One side: a connection, and what its application has in mind.
struct Application {
    end: Endpoint,
    /// Of live calls.
    tasks: BTreeMap<CallId, Task>,
    /// The bytes of streams that were sent.
    written: BTreeMap<CallId, Vec<u8>>,
    /// Calls that were not processed.
    refused: BTreeSet<CallId>,
    /// Frames to the peer.
    writing: Vec<Vec<u8>>,
    /// Frames from the peer.
    arriving: VecDeque<Vec<u8>>,
    /// How far the log was looked at.
    looked: usize,
}

/// What is still to be sent of a call.
#[derive(Default)]
struct Task {
    stream: Vec<u8>,
    /// Nothing comes after that.
    is_last: bool,
    /// All is sent.
    is_done: bool,
}

impl Application {
    fn new(side: Side, config: Config) -> Self {
        Self {
            end: Endpoint::new(side, config),
            tasks: BTreeMap::new(),
            written: BTreeMap::new(),
            refused: BTreeSet::new(),
            writing: Vec::new(),
            arriving: VecDeque::new(),
            looked: 0,
        }
    }

    fn apply(&mut self, age: u8, operation: Operation) {
        // Control frames go before all else.
        self.transmit();
        let index = usize::from(age).checked_rem(self.tasks.len());
        let call = index.and_then(|index| self.tasks.keys().rev().nth(index).copied());
        match (operation, call) {
            (Operation::Open, _) => self.open(age & 1 == 1),
            (Operation::GoAway, _) => self.end.go_away(Code::Unavailable, "bye"),
            (Operation::Release, _) => self.release(),
            (Operation::Message(len), Some(call)) => self.message(call, len),
            (Operation::Finish, Some(call)) => self.finish(call),
            (Operation::Write(len), Some(call)) => drop(self.write(call, len.into())),
            (Operation::Consume(bytes), Some(call)) => self.end.consume(call, bytes.into()),
            (Operation::Reset(code), Some(call)) => {
                self.writing.extend(self.end.reset(call, code, "enough"));
            }
            (Operation::Refuse, Some(call)) => self.refuse(call),
            (Operation::SetDeadline(after), Some(call)) => {
                self.end.set_deadline(call, Some(after));
            }
            _ => {}
        }
        self.look();
    }

    fn transmit(&mut self) {
        self.writing.extend(self.end.transmit(usize::MAX));
    }

    fn open(&mut self, end: bool) {
        let Some((call, frame)) = self.end.open(&[REQUEST], end) else {
            return;
        };
        let task = Task {
            stream: REQUEST[frame.len() - HEADER_LEN..].to_vec(),
            is_last: end,
            is_done: false,
        };
        self.tasks.insert(call, task);
        self.wrote(call, frame);
    }

    /// A DATA frame was made.
    fn wrote(&mut self, call: CallId, frame: Vec<u8>) {
        let written = self.written.entry(call).or_default();
        written.extend(&frame[HEADER_LEN..]);
        if let (Some(task), Some((header, _))) = (self.tasks.get_mut(&call), frames::parse(&frame))
        {
            task.is_done = matches!(header.kind, FrameType::Data { end: true, .. });
        }
        self.writing.push(frame);
    }

    fn message(&mut self, call: CallId, len: u16) {
        let task = self.tasks.get_mut(&call);
        let is_open = |task: &&mut Task| !task.is_last && task.stream.len() < MOST_BYTES;
        let Some(task) = task.filter(is_open) else {
            return;
        };
        let [high, low] = len.to_be_bytes();
        task.stream.extend([0, 0, 0, high, low]);
        // So that no two places look alike.
        let begin = task.stream.len();
        task.stream
            .extend((0..len).map(|at| (begin as u16 ^ at) as u8));
    }

    fn finish(&mut self, call: CallId) {
        let role = self.role(call);
        let Some(task) = self.tasks.get_mut(&call).filter(|task| !task.is_last) else {
            return;
        };
        task.is_last = true;
        if role == Role::Server {
            if task.stream == METADATA {
                // Trailers-Only.
                task.stream.clear();
            }
            task.stream.extend(TRAILERS);
        }
    }

    /// Sends up to `len` bytes; whether there was something to send and nothing in the way.
    fn write(&mut self, call: CallId, len: usize) -> bool {
        let Some(task) = self.tasks.get_mut(&call).filter(|task| !task.is_done) else {
            return true;
        };
        let len = len.min(task.stream.len());
        let end = task.is_last && len == task.stream.len();
        let (first, second) = task.stream[..len].split_at(len / 2);
        let Some(frame) = self.end.send(call, &[first, second], end) else {
            return len == 0 || self.end.book.call(call).credit() == 0;
        };
        task.stream.drain(..frame.len() - HEADER_LEN);
        self.wrote(call, frame);
        true
    }

    fn refuse(&mut self, call: CallId) {
        if let Some(frame) = self.end.refuse(call, "busy") {
            self.writing.push(frame);
            self.refused.insert(call);
        }
    }

    fn release(&mut self) {
        let held: Vec<CallId> = self.end.book.held.iter().copied().collect();
        held.into_iter().for_each(|call| self.end.release(call));
    }

    /// Up to `len` bytes of the first frame arrive.
    fn deliver(&mut self, len: u8) {
        let Some(frame) = self.arriving.front_mut().filter(|_| len > 0) else {
            return;
        };
        let len = frame.len().min(len.into());
        let part: Vec<u8> = frame.drain(..len).collect();
        let fin = frame.is_empty();
        if fin {
            self.arriving.pop_front();
        }
        self.end.recv(&part, fin);
        self.look();
        self.transmit();
    }

    fn wait(&mut self, duration: Duration) {
        self.end.wait(duration);
        self.look();
    }

    /// Sees what calls there are now.
    fn look(&mut self) {
        for entry in &self.end.log[self.looked..] {
            match entry {
                Entry::Opened(call) => {
                    let stream = METADATA.to_vec();
                    let task = Task {
                        stream,
                        ..Task::default()
                    };
                    self.tasks.insert(*call, task);
                }
                Entry::Ended(_, End::Failed(error), _) => {
                    assert!(is_honest(*error), "{error} between honest ends");
                }
                _ => {}
            }
        }
        self.looked = self.end.log.len();
        let live = &self.end.book.live;
        self.tasks.retain(|call, _| live.contains_key(call));
    }

    fn settle(&mut self) {
        while !self.arriving.is_empty() {
            self.deliver(u8::MAX);
        }
        self.release();
        let calls: Vec<CallId> = self.tasks.keys().copied().collect();
        for &call in &calls {
            self.end.consume(call, u32::MAX);
        }
        self.transmit();
        for call in calls {
            // A server waits for the end of what it is asked.
            if self.role(call) == Role::Client || self.end.book.call(call).log.is_over() {
                self.finish(call);
            }
            if !self.write(call, usize::MAX) {
                self.writing
                    .extend(self.end.reset(call, Code::ResourceExhausted, "too much"));
            }
        }
        self.look();
    }

    fn is_idle(&self) -> bool {
        self.end.book.live.is_empty() && self.end.book.held.is_empty()
    }

    fn role(&mut self, call: CallId) -> Role {
        self.end.book.call(call).role
    }

    /// What came is what the peer sent, and all of it if it came to its end.
    fn check_against(&self, peer: &Self) {
        let nothing = Vec::new();
        for (id, call) in &self.end.book.over {
            let written = peer.written.get(id).unwrap_or(&nothing);
            assert!(written.starts_with(&call.stream));
            assert!(!call.log.is_over() || written == &call.stream);
            let trailers = call.log.entries.iter().find_map(|entry| match entry {
                log::Entry::Trailers(code) => Some(*code),
                _ => None,
            });
            assert!(trailers.is_none_or(|code| code == Code::NotFound));
        }
        for entry in &self.end.log {
            if let Entry::Ended(id, End::Reset { refused: true, .. }, _) = entry {
                let seen = peer.end.book.over.iter().any(|(call, _)| call == id);
                assert!(
                    !seen || peer.refused.contains(id),
                    "processed, and safe to repeat"
                );
            }
        }
    }
}

/// What can be wrong with a call whose ends both do as they should: it took too long; or its block,
/// whose length the sender judges and whose size the receiver does; or messages of no byte at all,
/// which SETTINGS cannot say.
fn is_honest(error: RecvError) -> bool {
    matches!(
        error,
        RecvError::MetadataTimeout
            | RecvError::Frame(
                DeframeError::MetadataTooLong { .. } | DeframeError::MessageTooLong { max: 0, .. }
            )
    )
}
