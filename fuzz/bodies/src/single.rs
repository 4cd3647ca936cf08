//! A machine of `grpc-websockets` under any operations, in one piece and cut: what the targets of
//! both roles share.

use std::time::Duration;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::call::Segment;
use grpc_websocket_core::single::Fragment;
use grpc_websocket_core::{Code, Event, Instant, Limits, RecvError, Role, SendError};

use crate::cuts::Cuts;
use crate::limits;
use crate::log::{Entry, Log};

/// Payload of messages.
static ZEROS: [u8; 65_535] = [0; 65_535];
/// Blank lines, which are a block of metadata without a field.
static BLANK_LINES: [u8; 65_535] = [b'\n'; 65_535];
/// Trailers.
pub(crate) const STATUS: &[u8] = b"grpc-status: 0\n";

/// Either role, by one face.
pub(crate) trait Machine {
    /// Who sends what this machine receives.
    const SENDER: Role;
    /// The longest WebSocket message that it sends.
    const MAX_WEBSOCKET_MESSAGE: usize;
    /// Whether an error is the end, with nothing to be sent after it.
    const ERROR_ENDS: bool;
    /// What reads what it sends.
    type Peer: Machine;

    fn new(limits: Limits) -> Self;
    fn recv<'i>(&mut self, fragment: &mut Fragment<'i>) -> Recv<Option<Event<'i>>>;
    fn handle_text(&mut self) -> Recv<()>;
    fn handle_close(&mut self, close_code: Option<u16>) -> Option<Code>;
    fn handle_timeout(&mut self, now: Instant) -> Recv<Option<Event<'static>>>;
    fn poll_timeout(&self) -> Option<Instant>;
    fn set_deadline(&mut self, deadline: Option<Instant>);
    fn send(&mut self, send: Send<'_>) -> Option<Sent>;
    fn is_ended(&self) -> bool;
}

pub(crate) type Recv<T> = std::result::Result<T, RecvError>;
pub(crate) type Sent = std::result::Result<Segment, SendError>;

/// What the network, the clock and the application do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation<'d> {
    Recv { bytes: &'d [u8], fin: bool },
    Text,
    Close(Option<u16>),
    Wait(Duration),
    SetDeadline(Option<Duration>),
    Send(Send<'d>),
}

/// What the application sends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Send<'d> {
    Metadata(u32),
    Message(bool, u32),
    Resume,
    Forward(&'d [u8]),
    /// Half-close, or trailers.
    End,
}

/// Input: limits, a cutting plan, and operations.
pub(crate) fn run<M: Machine>(data: &[u8]) {
    let _ = check::<M>(&mut Unstructured::new(data));
}

fn check<M: Machine>(input: &mut Unstructured<'_>) -> Result<()> {
    let limits = limits::read(input)?;
    let cuts = Cuts::read(input)?;
    let mut operations = Vec::new();
    while !input.is_empty() {
        operations.push(read_operation(input)?);
    }
    let whole = Run::<M>::new(limits, Cuts::NONE).all(&operations);
    let cut = Run::<M>::new(limits, cuts).all(&operations);
    assert_eq!(cut, whole);
    Ok(())
}

fn read_operation<'d>(input: &mut Unstructured<'d>) -> Result<Operation<'d>> {
    let millis = |millis: u16| Duration::from_millis(millis.into());
    Ok(match input.int_in_range(0..=10_u8)? {
        0 => Operation::Recv {
            bytes: short_bytes(input)?,
            fin: true,
        },
        1 => Operation::Recv {
            bytes: short_bytes(input)?,
            fin: false,
        },
        2 => Operation::Text,
        3 => Operation::Close(nonzero(input)?),
        4 => Operation::Wait(millis(u16::arbitrary(input)?)),
        5 => Operation::SetDeadline(nonzero(input)?.map(millis)),
        6 => Operation::Send(Send::Metadata((1 << input.int_in_range(0..=16_u32)?) - 1)),
        7 => Operation::Send(Send::Message(
            bool::arbitrary(input)?,
            u16::arbitrary(input)?.into(),
        )),
        8 => Operation::Send(Send::Resume),
        9 => Operation::Send(Send::Forward(short_bytes(input)?)),
        _ => Operation::Send(Send::End),
    })
}

fn short_bytes<'d>(input: &mut Unstructured<'d>) -> Result<&'d [u8]> {
    let len = usize::from(u8::arbitrary(input)?).min(input.len());
    input.bytes(len)
}

fn nonzero(input: &mut Unstructured<'_>) -> Result<Option<u16>> {
    Ok(Some(u16::arbitrary(input)?).filter(|&number| number > 0))
}

/// A machine, what reads its output, and what holds so far.
struct Run<'d, M: Machine> {
    machine: M,
    log: Log,
    cuts: Cuts<'d>,
    now: Instant,
    /// How often the call ended.
    ends: u32,
    /// Bytes of the message begun that are still to be sent.
    remaining: u32,
    reader: Reader<M::Peer>,
}

impl<'d, M: Machine> Run<'d, M> {
    fn new(limits: Limits, cuts: Cuts<'d>) -> Self {
        Self {
            machine: M::new(limits),
            log: Log::new(M::SENDER),
            cuts,
            now: Instant::EPOCH,
            ends: 0,
            remaining: 0,
            reader: Reader::new(),
        }
    }

    fn all(mut self, operations: &[Operation<'_>]) -> Vec<Entry> {
        for &operation in operations {
            self.apply(operation);
            self.check_end();
            let timeout = self.machine.poll_timeout();
            self.log.entries.push(Entry::Timeout(timeout));
        }
        self.log.entries
    }

    fn apply(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Recv { bytes, fin } => self.recv(bytes, fin),
            Operation::Text => {
                let result = self.machine.handle_text();
                self.said(result.map(|()| None));
            }
            Operation::Close(close_code) => self.close(close_code),
            Operation::Wait(duration) => {
                self.now = self.now.checked_add(duration).unwrap_or(self.now);
                let result = self.machine.handle_timeout(self.now);
                self.said(result);
            }
            Operation::SetDeadline(after) => {
                let deadline = after.and_then(|after| self.now.checked_add(after));
                self.machine.set_deadline(deadline);
            }
            Operation::Send(send) => self.send(send),
        }
    }

    fn recv(&mut self, bytes: &[u8], fin: bool) {
        let slices = self.cuts.slices(bytes);
        for (index, slice) in slices.iter().enumerate() {
            let mut fragment = fragment(slice, fin && index + 1 == slices.len());
            loop {
                let result = self.machine.recv(&mut fragment);
                if !self.said(result) {
                    break;
                }
            }
            if self.log.error.is_some() {
                return;
            }
            assert!(fragment.rest().is_empty(), "input was left over");
        }
        self.log.end_of_input();
    }

    /// Takes what the machine said; whether that was an event.
    fn said(&mut self, result: Recv<Option<Event<'_>>>) -> bool {
        match result {
            Ok(None) => return false,
            Ok(Some(event)) => {
                assert_eq!(self.ends, 0, "{event:?} after the end");
                let at_client = M::SENDER == Role::Server;
                let is_end = matches!(event, Event::Trailers(_) | Event::DeadlineExceeded);
                self.ends += u32::from(at_client && is_end);
                self.log.event(event);
            }
            Err(error) => {
                self.ends += u32::from(M::ERROR_ENDS && self.log.error.is_none());
                self.log.error(error);
                return false;
            }
        }
        self.check_end();
        true
    }

    fn close(&mut self, close_code: Option<u16>) {
        let code = self.machine.handle_close(close_code);
        assert_ne!(code, Some(Code::Ok), "a close is no success");
        self.ends += u32::from(code.is_some());
        assert!(self.machine.is_ended());
        self.log.entries.push(Entry::Closed(code));
    }

    fn send(&mut self, send: Send<'_>) {
        let Some(result) = self.machine.send(send) else {
            assert_eq!(self.remaining, 0, "the rest of a message is lost");
            return;
        };
        if let Ok(segment) = result {
            assert_eq!(self.ends, 0, "sent after the end");
            self.sent(send, segment);
        }
        self.log.entries.push(Entry::Sent(result));
    }

    fn sent(&mut self, send: Send<'_>, segment: Segment) {
        let len = segment.payload_len();
        match send {
            Send::Message(_, whole) => self.remaining = whole - len,
            Send::Resume => self.remaining -= len,
            Send::Forward([]) => return,
            Send::End => self.ends += u32::from(M::SENDER == Role::Client),
            Send::Metadata(_) | Send::Forward(_) => {}
        }
        let payload = &payload(send)[..len as usize];
        assert!(segment.head().len() + payload.len() <= M::MAX_WEBSOCKET_MESSAGE);
        self.reader.read(segment.head(), payload);
    }

    /// The call ends exactly once, and for ever.
    fn check_end(&mut self) {
        assert_eq!(self.ends, u32::from(self.machine.is_ended()));
        if self.ends > 0 {
            assert_eq!(self.machine.poll_timeout(), None);
            self.remaining = 0;
        }
    }
}

/// The other role, which must be able to read all that is sent.
struct Reader<M> {
    machine: M,
    log: Log,
}

impl<M: Machine> Reader<M> {
    fn new() -> Self {
        let unlimited = Limits::DEFAULT
            .with_max_message_len(u32::MAX)
            .with_max_metadata_len(u32::MAX);
        Self {
            machine: M::new(unlimited),
            log: Log::new(M::SENDER),
        }
    }

    fn read(&mut self, head: &[u8], payload: &[u8]) {
        for mut fragment in [Fragment::part(head), Fragment::message(payload)] {
            while let Some(event) = self.machine.recv(&mut fragment).expect("what was sent") {
                self.log.event(event);
            }
        }
    }
}

fn fragment(bytes: &[u8], fin: bool) -> Fragment<'_> {
    match fin {
        true => Fragment::message(bytes),
        false => Fragment::part(bytes),
    }
}

fn payload(send: Send<'_>) -> &[u8] {
    match send {
        Send::Metadata(_) => &BLANK_LINES,
        Send::Message(..) | Send::Resume => &ZEROS,
        Send::Forward(framed) => framed,
        Send::End => STATUS,
    }
}
