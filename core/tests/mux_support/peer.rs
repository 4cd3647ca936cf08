//! One end of a connection, and an application that does what a vector says.

use std::collections::BTreeMap;
use std::time::Duration;

use grpc_websocket_core::mux::{
    CallId, Calls, Config, Connection, ConnectionError, Event, MAX_CONTROL_FRAME, Side,
};
use grpc_websocket_core::{Code, Fragment, Instant, Segment};
use grpc_websocket_vectors::Input;
use grpc_websocket_vectors::mux::{End, MuxEvent, MuxSettings, MuxVector, Step};

use crate::mux_recorder::MuxRecorder;
use crate::terms::limits;

/// More calls than any vector has at once.
const CALLS: usize = 8;

/// What an end said and wrote, pieces joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MuxRecord {
    pub(crate) events: Vec<MuxEvent>,
    pub(crate) writes: Vec<Vec<u8>>,
    pub(crate) error: Option<ConnectionError>,
    /// Text of a frame that was never complete.
    pub(crate) unended: Vec<u8>,
}

pub(crate) struct MuxPeer {
    connection: Connection<Calls<CALLS>>,
    now: Instant,
    ids: BTreeMap<u32, CallId>,
    /// What waits for credit.
    unsent: BTreeMap<CallId, Unsent>,
    recorder: MuxRecorder,
    writes: Vec<Vec<u8>>,
    error: Option<ConnectionError>,
}

struct Unsent {
    stream: Vec<u8>,
    end: bool,
}

impl MuxPeer {
    pub(crate) fn new(vector: &MuxVector) -> Self {
        let now = Instant::EPOCH;
        let side = match vector.receiver {
            End::Dialer => Side::Dialer,
            End::Acceptor => Side::Acceptor,
        };
        let calls: Calls<CALLS> = [const { None }; CALLS];
        let mut peer = Self {
            connection: Connection::new(now, side, config(vector, side), calls),
            now,
            ids: BTreeMap::new(),
            unsent: BTreeMap::new(),
            recorder: MuxRecorder::default(),
            writes: Vec::new(),
            error: None,
        };
        peer.transmit();
        if !vector.fresh {
            peer.settle(&vector.peer);
        }
        peer
    }

    /// Lets the SETTINGS pass, and forgets them.
    fn settle(&mut self, settings: &[u8]) {
        let mut settings = Fragment::message(settings);
        let event = self.connection.recv(self.now, &mut settings);
        assert!(matches!(event, Ok(Some(Event::Ready(_)))), "{event:?}");
        assert_eq!(self.connection.recv(self.now, &mut settings), Ok(None));
        self.writes.clear();
    }

    /// Does the steps, the binary messages cut into fragments: `cuts(i)` has the places in the
    /// message of that step, in order.
    pub(crate) fn run<'c>(
        mut self,
        steps: &[Step],
        cuts: impl Fn(usize) -> &'c [usize],
    ) -> MuxRecord {
        for (index, step) in steps.iter().enumerate() {
            if let Err(error) = self.step(step, cuts(index)) {
                self.fail(error);
                break;
            }
            self.transmit();
            self.send_unsent();
        }
        let (events, unended) = self.recorder.finish();
        MuxRecord {
            events,
            writes: self.writes,
            error: self.error,
            unended,
        }
    }

    fn step(&mut self, step: &Step, cuts: &[usize]) -> Result<(), ConnectionError> {
        match step {
            Step::Input(input) => self.input(input, cuts)?,
            Step::Wait(millis) => self.wait(*millis)?,
            Step::Open { stream, end } => self.open(stream, *end),
            Step::Send { call, stream, end } => {
                let (stream, end) = (stream.clone(), *end);
                self.unsent.insert(self.ids[call], Unsent { stream, end });
            }
            Step::Reset { call, status, text } => {
                let segment =
                    self.connection
                        .reset(self.ids[call], Code::from_value(status.value()), text);
                self.end_by(*call, segment.expect("a live call"), text);
            }
            Step::Refuse { call, text } => {
                let segment = self.connection.refuse(self.ids[call], text);
                self.end_by(*call, segment.expect("a live call"), text);
            }
            Step::Consume { call, bytes } => self.connection.consume(self.ids[call], *bytes),
            Step::Release(call) => self.connection.release(self.ids[call]),
            Step::GoAway { status, text } => {
                self.connection
                    .go_away(Code::from_value(status.value()), text.clone().leak());
            }
        }
        Ok(())
    }

    fn input(&mut self, input: &Input, cuts: &[usize]) -> Result<(), ConnectionError> {
        match input {
            Input::Binary(bytes) => self.take_message(bytes, cuts),
            Input::Text(_) => self.connection.handle_text(),
            Input::Close(code) => {
                self.close(Some(*code));
                Ok(())
            }
            Input::Lost => {
                self.close(None);
                Ok(())
            }
        }
    }

    fn take_message(&mut self, bytes: &[u8], cuts: &[usize]) -> Result<(), ConnectionError> {
        let mut begin = 0;
        for &cut in cuts {
            self.take(Fragment::part(&bytes[begin..cut]))?;
            begin = cut;
        }
        self.take(Fragment::message(&bytes[begin..]))
    }

    fn take(&mut self, mut fragment: Fragment<'_>) -> Result<(), ConnectionError> {
        while let Some(event) = self.connection.recv(self.now, &mut fragment)? {
            self.event(event);
        }
        assert_eq!(fragment.rest(), b"", "input was left over");
        Ok(())
    }

    fn event(&mut self, event: Event<'_>) {
        if let Event::Opened(call) = event {
            self.ids.insert(call.get(), call);
        }
        self.recorder.event(self.connection.side(), event);
    }

    fn wait(&mut self, millis: u32) -> Result<(), ConnectionError> {
        let passed = Duration::from_millis(millis.into());
        self.now = self.now.checked_add(passed).expect("a time");
        while let Some(event) = self.connection.handle_timeout(self.now)? {
            self.event(event);
        }
        Ok(())
    }

    fn open(&mut self, stream: &[u8], end: bool) {
        let (front, back) = stream.split_at(stream.len() / 2);
        let opened = self.connection.open(self.now, &[front, back], end);
        let (call, segment) = opened.expect("room for a call");
        self.ids.insert(call.get(), call);
        let rest = self.write(&segment, stream);
        if !rest.is_empty() {
            let stream = rest.to_vec();
            self.unsent.insert(call, Unsent { stream, end });
        }
    }

    fn end_by(&mut self, call: u32, segment: Segment, text: &str) {
        self.write(&segment, text.as_bytes());
        self.recorder.reset(self.ids[&call]);
    }

    /// Writes a segment with its part of the payload; the rest of the payload.
    fn write<'p>(&mut self, segment: &Segment, payload: &'p [u8]) -> &'p [u8] {
        let len = usize::try_from(segment.payload_len()).expect("a length");
        self.writes.push([segment.head(), &payload[..len]].concat());
        &payload[len..]
    }

    fn transmit(&mut self) {
        let mut frame = [0; MAX_CONTROL_FRAME];
        while let Some(len) = self.connection.poll_transmit(&mut frame) {
            self.writes.push(frame[..len].to_vec());
        }
    }

    fn send_unsent(&mut self) {
        for (call, unsent) in std::mem::take(&mut self.unsent) {
            if let Some(rest) = self.send(call, unsent) {
                self.unsent.insert(call, rest);
            }
        }
    }

    /// Sends what credit allows; what it does not.
    fn send(&mut self, call: CallId, unsent: Unsent) -> Option<Unsent> {
        let Unsent { mut stream, end } = unsent;
        while self.connection.contains(call) {
            let (front, back) = stream.split_at(stream.len() / 2);
            let sent = self.connection.send(call, &[front, back], end);
            let Some(segment) = sent.expect("a live call") else {
                return Some(Unsent { stream, end });
            };
            stream = self.write(&segment, &stream).to_vec();
            if stream.is_empty() {
                return None;
            }
        }
        None
    }

    fn close(&mut self, close_code: Option<u16>) {
        self.connection.handle_close(close_code);
        self.take_lost();
    }

    fn fail(&mut self, error: ConnectionError) {
        let again = self.connection.recv(self.now, &mut Fragment::message(&[]));
        assert_eq!(again, Err(error), "errors are sticky");
        self.error = Some(error);
        self.take_lost();
        self.transmit();
    }

    fn take_lost(&mut self) {
        while let Some((call, code)) = self.connection.poll_lost() {
            self.recorder.lost(call, code);
        }
    }
}

fn config(vector: &MuxVector, side: Side) -> Config {
    let MuxSettings {
        max_frame,
        window,
        max_calls,
        keepalive,
    } = vector.settings;
    let usual = match side {
        Side::Dialer => 0,
        Side::Acceptor => 1,
    };
    let config = Config::DEFAULT
        .with_limits(limits(vector.limits))
        .with_max_frame(max_frame.unwrap_or(512))
        .with_window(window.unwrap_or(512))
        .with_max_calls(max_calls.unwrap_or(usual));
    match keepalive.map(|times| times.map(|millis| Duration::from_millis(millis.into()))) {
        Some([interval, timeout]) => config.with_keepalive(interval, timeout),
        None => config,
    }
}
