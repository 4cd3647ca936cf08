//! Any operations of a peer, a clock and an application on one connection of `grpc-mux.v1`.
//!
//! Checked after each: the credit of a call is what was granted less what was sent, and never
//! negative; no more waits for the application than its window; every call ends exactly once, and
//! nothing is said of it afterwards; no more calls than there is room for; errors are for ever; what
//! is owed to the peer is bounded, and well formed.

use std::time::Duration;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{CallId, Config, Side};
use grpc_websocket_core::wire::mux::{FrameType, MAX_ID};

use crate::mux::end::Endpoint;
use crate::mux::frames::{self, frame};
use crate::mux::read_config;

/// How many operations are done at most, those that are repeated included.
const MOST_OPERATIONS: usize = 4_000;
/// SETTINGS with INITIAL_WINDOW 100 and MAX_STREAMS 3.
const SETTINGS: &[u8] = b"\x50\0\0\0\0\x02\0\0\0\x64\x03\0\0\0\x03";
/// A text that does not fit a RESET.
const TEXT: &str = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé";

/// Of WINDOWs: good ones, the highest and none.
const INCREMENTS: [&[u8]; 6] = [
    b"\0\0\0\x01",
    b"\0\0\0\x32",
    b"\0\0\x02\0",
    b"\0\x01\0\0",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\0",
];

/// What happens.
#[derive(Debug, Clone)]
enum Operation<'d> {
    /// A frame of the peer, or the begin of one that the next goes on with.
    Frame(Frame<'d>, bool),
    Open(Vec<&'d [u8]>, bool),
    Send(Call, Vec<&'d [u8]>, bool),
    Consume(Call, u32),
    Reset(Call, Code),
    Refuse(Call),
    Release(Call),
    SetDeadline(Call, Option<Duration>),
    Wait(Duration),
    Transmit(usize),
    GoAway(Code),
    Text,
    Close(Option<u16>),
    Lost,
    /// The last of the operations, so many of them and so often again.
    Repeat(usize, u16),
}

/// A call that was made before, by its age.
type Call = u8;

/// What a peer sends.
#[derive(Debug, Clone)]
enum Frame<'d> {
    Typed(FrameType, Id, Vec<&'d [u8]>),
    Raw(&'d [u8]),
}

/// The id of a frame.
#[derive(Debug, Clone, Copy)]
enum Id {
    /// The next of the peer's.
    Next,
    /// The last of the peer's.
    Last,
    /// The last of this side's.
    Own,
    Number(u32),
}

/// Input: the side and whether SETTINGS came, a configuration, and operations.
pub fn run(data: &[u8]) {
    let _ = check(&mut Unstructured::new(data));
}

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let choice = input.int_in_range(0..=3_u8)?;
    let side = if choice & 1 == 0 {
        Side::Acceptor
    } else {
        Side::Dialer
    };
    let mut run = Run::new(side, read_config(input)?);
    if choice & 2 == 0 {
        run.end.transmit(usize::MAX);
        run.end.recv(SETTINGS, true);
    }
    let mut operations = Vec::new();
    while !input.is_empty() {
        let Ok(operation) = read_operation(input) else {
            break;
        };
        run.apply(&operation);
        if let Operation::Repeat(count, times) = operation {
            let begin = operations.len() - count.min(operations.len());
            (0..times).for_each(|_| run.all(&operations[begin..]));
        }
        operations.push(operation);
    }
    run.end.finish();
    Ok(())
}

fn read_operation<'d>(input: &mut Unstructured<'d>) -> Result<Operation<'d>> {
    let millis = |millis: u16| Duration::from_millis(millis.into());
    Ok(match input.int_in_range(0..=17_u8)? {
        0..=3 => Operation::Frame(read_frame(input)?, true),
        4 => Operation::Frame(read_frame(input)?, false),
        5 => Operation::Open(frames::read_chunks(input)?, bool::arbitrary(input)?),
        6 => {
            let call = Call::arbitrary(input)?;
            Operation::Send(call, frames::read_chunks(input)?, bool::arbitrary(input)?)
        }
        7 => Operation::Consume(Call::arbitrary(input)?, u16::arbitrary(input)?.into()),
        8 => Operation::Reset(Call::arbitrary(input)?, read_code(input)?),
        9 => Operation::Refuse(Call::arbitrary(input)?),
        10 => Operation::Release(Call::arbitrary(input)?),
        11 => {
            let call = Call::arbitrary(input)?;
            Operation::SetDeadline(call, Option::<u16>::arbitrary(input)?.map(millis))
        }
        12 => Operation::Wait(millis(u16::arbitrary(input)?)),
        13 => Operation::Transmit([usize::MAX, 1][usize::from(input.int_in_range(0..=1_u8)?)]),
        14 => Operation::GoAway(read_code(input)?),
        15 => Operation::Repeat(input.int_in_range(1..=4)?, input.int_in_range(1..=1_100)?),
        16 => Operation::Lost,
        _ => match input.int_in_range(0..=2_u8)? {
            0 => Operation::Text,
            1 => Operation::Close(None),
            _ => Operation::Close(Some(u16::arbitrary(input)?)),
        },
    })
}

fn read_code(input: &mut Unstructured<'_>) -> Result<Code> {
    u8::arbitrary(input).map(Code::from_value)
}

fn read_frame<'d>(input: &mut Unstructured<'d>) -> Result<Frame<'d>> {
    let kind = match input.int_in_range(0..=12_u8)? {
        flags @ 0..=3 => FrameType::Data {
            open: flags & 1 > 0,
            end: flags & 2 > 0,
        },
        4 => FrameType::Window,
        5 => FrameType::Reset { refused: false },
        6 => FrameType::Reset { refused: true },
        7 => FrameType::Ping { ack: false },
        8 => FrameType::Ping { ack: true },
        9 => FrameType::GoAway,
        10 => FrameType::Settings,
        11 => FrameType::Extension(9),
        _ => return frames::short_bytes(input).map(Frame::Raw),
    };
    let payload = match kind {
        FrameType::Data { .. } => frames::read_chunks(input)?,
        FrameType::Window => vec![*input.choose(&INCREMENTS)?],
        FrameType::Ping { .. } => vec![b"12345678".as_slice()],
        _ => vec![frames::short_bytes(input)?],
    };
    Ok(Frame::Typed(kind, read_id(input)?, payload))
}

fn read_id(input: &mut Unstructured<'_>) -> Result<Id> {
    Ok(match input.int_in_range(0..=15_u32)? {
        0 => Id::Next,
        1 => Id::Last,
        2 => Id::Own,
        15 => Id::Number(MAX_ID),
        number => Id::Number(number - 3),
    })
}

/// A connection under operations.
struct Run {
    end: Endpoint,
    /// All calls so far.
    calls: Vec<CallId>,
    side: Side,
    /// The last id that the peer used.
    last_peer: u32,
    left: usize,
}

impl Run {
    fn new(side: Side, config: Config) -> Self {
        Self {
            end: Endpoint::new(side, config),
            calls: Vec::new(),
            side,
            last_peer: 0,
            left: MOST_OPERATIONS,
        }
    }

    fn all(&mut self, operations: &[Operation<'_>]) {
        operations
            .iter()
            .for_each(|operation| self.apply(operation));
    }

    fn apply(&mut self, operation: &Operation<'_>) {
        let Some(left) = self.left.checked_sub(1) else {
            return;
        };
        self.left = left;
        match operation {
            Operation::Frame(frame, fin) => self.recv(frame, *fin),
            Operation::Open(parts, end) => {
                let opened = self.end.open(parts, *end);
                self.calls.extend(opened.map(|(call, _)| call));
            }
            Operation::Wait(duration) => self.end.wait(*duration),
            Operation::Transmit(most) => drop(self.end.transmit(*most)),
            Operation::GoAway(code) => self.end.go_away(*code, TEXT),
            Operation::Text => self.end.text(),
            Operation::Close(close_code) => self.end.close(*close_code),
            Operation::Lost => self.end.lost(),
            Operation::Repeat(..) => {}
            on_call => self.apply_to_call(on_call),
        }
    }

    fn apply_to_call(&mut self, operation: &Operation<'_>) {
        let end = &mut self.end;
        let find = |age: &Call| {
            let index = usize::from(*age).checked_rem(self.calls.len())?;
            self.calls.iter().rev().nth(index).copied()
        };
        match operation {
            Operation::Send(age, parts, last) => {
                find(age).and_then(|call| end.send(call, parts, *last));
            }
            Operation::Consume(age, bytes) => {
                find(age)
                    .into_iter()
                    .for_each(|call| end.consume(call, *bytes));
            }
            Operation::Reset(age, code) => {
                find(age).and_then(|call| end.reset(call, *code, TEXT));
            }
            Operation::Refuse(age) => {
                find(age).and_then(|call| end.refuse(call, "busy"));
            }
            Operation::Release(age) => {
                find(age).into_iter().for_each(|call| end.release(call));
            }
            Operation::SetDeadline(age, after) => {
                find(age)
                    .into_iter()
                    .for_each(|call| end.set_deadline(call, *after));
            }
            other => unreachable!("{other:?} is for no call"),
        }
    }

    fn recv(&mut self, frame: &Frame<'_>, fin: bool) {
        let bytes = match frame {
            Frame::Raw(bytes) => bytes.to_vec(),
            Frame::Typed(kind, id, payload) => self::frame(*kind, self.id(*id), payload),
        };
        let before = self.end.log.len();
        self.end.recv(&bytes, fin);
        for entry in &self.end.log[before..] {
            if let crate::mux::end::Entry::Opened(call) = entry {
                self.calls.push(*call);
            }
        }
    }

    fn id(&mut self, id: Id) -> u32 {
        match id {
            Id::Next => {
                self.last_peer = match (self.last_peer, self.side) {
                    (0, Side::Acceptor) => 1,
                    (0, Side::Dialer) => 2,
                    (last, _) => last + 2,
                };
                self.last_peer
            }
            Id::Last => self.last_peer,
            Id::Own => self.own_calls().max().unwrap_or(0),
            Id::Number(number) => number,
        }
    }

    fn own_calls(&self) -> impl Iterator<Item = u32> {
        let own = self.calls.iter().filter(|call| call.opener() == self.side);
        own.map(|call| call.get())
    }
}
