//! One end of a connection. Every method does what the machine's does and checks what comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::mux::{
    CallId, Calls, Config, Connection, ConnectionError, End, Event, MAX_CONTROL_FRAME,
    MAX_PENDING_REFUSALS, OpenError, Side,
};
use grpc_websocket_core::wire::mux::{FrameType, Header, MAX_ID, Settings};
use grpc_websocket_core::{Code, Fragment, Instant, Role, SendError, call};

use super::TABLE;
use super::book::{Book, Call};
use super::frames;
use crate::at_once::messages;
use crate::log;

/// One thing that a connection said, but for the streams of its calls: those are in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Ready(Settings),
    Opened(CallId),
    Credit(CallId),
    Ended(CallId, End, Vec<u8>),
    GoAway(Code, Vec<u8>),
    Idle,
    Control(Vec<u8>),
    Error(ConnectionError),
    Lost(CallId, Code),
}

/// All that a connection said, for comparison.
pub(crate) type Record = (Vec<Entry>, Vec<(CallId, Vec<log::Entry>)>);

/// Frames that a connection may owe at most: SETTINGS, ACK, PING and GOAWAY, refusals, and RESET or
/// WINDOW of each call.
const MOST_CONTROL_FRAMES: usize = 4 + MAX_PENDING_REFUSALS + TABLE;

/// A connection and what it may do.
pub(crate) struct Endpoint {
    connection: Connection<Calls<TABLE>>,
    pub(crate) book: Book,
    pub(crate) log: Vec<Entry>,
    pub(crate) now: Instant,
    pub(crate) peer: Option<Settings>,
    pub(crate) error: Option<ConnectionError>,
    is_closed: bool,
    /// Messages that lie side by side are taken at once.
    at_once: bool,
    /// What came of the frame that is being received.
    frame: Vec<u8>,
    goaway_text: Vec<u8>,
    settings_said: bool,
    /// Calls for which a RESET was sent.
    resets: BTreeSet<u32>,
}

impl Endpoint {
    pub(crate) fn new(side: Side, config: Config) -> Self {
        let calls = [const { None }; TABLE];
        Self {
            connection: Connection::new(Instant::EPOCH, side, config, calls),
            book: Book::new(side),
            log: Vec::new(),
            now: Instant::EPOCH,
            peer: None,
            error: None,
            is_closed: false,
            at_once: false,
            frame: Vec::new(),
            goaway_text: Vec::new(),
            settings_said: false,
            resets: BTreeSet::new(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_closed || self.error.is_some()
    }

    /// From now on messages that lie side by side are taken at once, which changes nothing.
    pub(crate) fn take_at_once(&mut self) {
        self.at_once = true;
    }

    // What the network and the clock bring.

    /// Takes a part of a frame; its end too with `fin`.
    pub(crate) fn recv(&mut self, bytes: &[u8], fin: bool) {
        self.frame.extend(bytes);
        let mut fragment = match fin {
            true => Fragment::message(bytes),
            false => Fragment::part(bytes),
        };
        // Each event but the last of a block takes a byte, and a GOAWAY may end all calls.
        let mut bound = 2 * bytes.len() + TABLE + 4;
        loop {
            match self.connection.recv(self.now, &mut fragment) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    self.event(event);
                    if let Event::Call { call, event } = event
                        && self.at_once
                    {
                        self.messages(call, event, &mut fragment);
                    }
                }
                Err(error) => return self.failed(error),
            }
            bound = bound.checked_sub(1).expect("an event for each byte");
        }
        assert!(fragment.rest().is_empty(), "input was left over");
        if fin {
            self.end_of_frame();
        }
        self.check();
    }

    /// Takes those that follow one.
    fn messages(&mut self, call: CallId, event: call::Event<'_>, fragment: &mut Fragment<'_>) {
        if !matches!(event, call::Event::Message { piece, .. } if piece.end) {
            return;
        }
        for piece in messages(self.connection.recv_messages(fragment)) {
            let compressed = false;
            let event = call::Event::Message { compressed, piece };
            self.event(Event::Call { call, event });
        }
    }

    pub(crate) fn text(&mut self) {
        match self.connection.handle_text() {
            Ok(()) => assert!(self.is_closed),
            Err(error) => self.failed(error),
        }
    }

    pub(crate) fn close(&mut self, close_code: Option<u16>) {
        self.connection.handle_close(close_code);
        self.is_closed |= self.error.is_none();
        self.check();
    }

    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now.checked_add(duration).expect("a short while");
        for _ in 0..=2 * TABLE + 1 {
            match self.connection.handle_timeout(self.now) {
                Ok(None) => {
                    let next = self.connection.poll_timeout();
                    assert!(next.is_none_or(|at| at > self.now), "due for ever");
                    return self.check();
                }
                Ok(Some(event)) => self.event(event),
                Err(error) => return self.failed(error),
            }
        }
        panic!("time never stops");
    }

    // What the application does. What is to be written is returned.

    pub(crate) fn open(&mut self, parts: &[&[u8]], end: bool) -> Option<(CallId, Vec<u8>)> {
        match self.connection.open(self.now, parts, end) {
            Ok((call, segment)) => {
                let peer = self.peer.expect("the peer's SETTINGS");
                self.book.begin(call, peer.initial_window);
                let own = self
                    .book
                    .live
                    .values()
                    .filter(|call| call.role == Role::Client);
                assert!(own.count() <= peer.max_streams as usize);
                let frame = self.data(call, segment, parts, (true, end));
                Some((call, frame))
            }
            Err(error) => {
                assert_eq!(error == OpenError::Closed, self.is_over());
                assert!(!error.to_string().is_empty());
                let _ = error.blame();
                None
            }
        }
    }

    pub(crate) fn send(&mut self, call: CallId, parts: &[&[u8]], end: bool) -> Option<Vec<u8>> {
        let is_live = self.is_live(call);
        match self.connection.send(call, parts, end) {
            Ok(Some(segment)) => Some(self.data(call, segment, parts, (false, end))),
            Ok(None) => {
                let is_empty = parts.iter().all(|part| part.is_empty());
                assert!(is_empty || self.book.call(call).credit() == 0);
                None
            }
            Err(error) => {
                assert_eq!(error == SendError::UnknownCall, !is_live);
                let _ = error.blame();
                None
            }
        }
    }

    pub(crate) fn consume(&mut self, call: CallId, bytes: u32) {
        self.connection.consume(call, bytes);
        if let Some(call) = self.book.live.get_mut(&call) {
            call.consume(bytes);
        }
        self.check();
    }

    pub(crate) fn reset(&mut self, call: CallId, code: Code, text: &str) -> Option<Vec<u8>> {
        let is_live = self.is_live(call);
        let result = self.connection.reset(call, code, text);
        assert_eq!(result.is_ok(), is_live);
        result
            .ok()
            .map(|segment| self.end_by_reset(call, segment, text))
    }

    pub(crate) fn refuse(&mut self, call: CallId, text: &str) -> Option<Vec<u8>> {
        let is_server = self.is_live(call) && self.book.call(call).role == Role::Server;
        let result = self.connection.refuse(call, text);
        assert_eq!(result.is_ok(), is_server);
        result
            .ok()
            .map(|segment| self.end_by_reset(call, segment, text))
    }

    pub(crate) fn release(&mut self, call: CallId) {
        self.connection.release(call);
        self.book.held.remove(&call);
        self.check();
    }

    pub(crate) fn set_deadline(&mut self, call: CallId, after: Option<Duration>) {
        let deadline = after.and_then(|after| self.now.checked_add(after));
        let result = self.connection.set_deadline(call, deadline);
        assert_eq!(result.is_ok(), self.is_live(call));
    }

    pub(crate) fn go_away(&mut self, code: Code, text: &'static str) {
        self.connection.go_away(code, text);
        assert!(self.is_over() || self.connection.is_going_away());
    }

    // What is to be done.

    /// Up to `most` control frames.
    pub(crate) fn transmit(&mut self, most: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut out = [0; MAX_CONTROL_FRAME];
        while frames.len() < most {
            let Some(len) = self.connection.poll_transmit(&mut out) else {
                self.check_nothing_owed();
                break;
            };
            self.control(&out[..len]);
            frames.push(out[..len].to_vec());
            assert!(frames.len() <= MOST_CONTROL_FRAMES, "more than is owed");
        }
        self.check();
        frames
    }

    /// The calls that the end of the connection ended.
    pub(crate) fn lost(&mut self) {
        while let Some((call, code)) = self.connection.poll_lost() {
            assert!(self.is_over());
            assert_ne!(code, Code::Ok, "a loss is no success");
            self.book.end(call);
            self.log.push(Entry::Lost(call, code));
        }
        if self.is_over() {
            assert!(self.book.live.is_empty(), "a call that never ends");
            assert_eq!(self.connection.calls(), 0);
            self.book.held.clear();
        }
    }

    /// The connection ends, and with it every call.
    pub(crate) fn end(&mut self) {
        self.close(None);
        self.lost();
    }

    /// All that was said, after the end.
    pub(crate) fn finish(mut self) -> Record {
        self.end();
        let calls = self.book.over.into_iter();
        (
            self.log,
            calls.map(|(id, call)| (id, call.log.entries)).collect(),
        )
    }

    fn is_live(&self, call: CallId) -> bool {
        !self.is_over() && self.book.live.contains_key(&call)
    }

    fn event(&mut self, event: Event<'_>) {
        assert!(!self.is_over(), "{event:?} after the end");
        let is_ready = matches!(event, Event::Ready(_));
        assert!(
            self.peer.is_some() != is_ready,
            "{event:?} before or after SETTINGS"
        );
        match event {
            Event::Ready(settings) => {
                self.peer = Some(settings);
                self.log.push(Entry::Ready(settings));
            }
            Event::Opened(call) => self.opened(call),
            Event::Call { call, event } => self.book.event(call, event),
            Event::Credit(call) => {
                self.book.call(call);
                self.log.push(Entry::Credit(call));
            }
            Event::ResetText { call, text } => self.book.call(call).text.extend(text),
            Event::Ended { call, end } => {
                let text = self.book.ended(call, end);
                self.log.push(Entry::Ended(call, end, text));
            }
            Event::GoAwayText(text) => self.goaway_text.extend(text),
            Event::GoAway(code) => {
                let text = std::mem::take(&mut self.goaway_text);
                self.log.push(Entry::GoAway(code, text));
            }
            Event::Idle => {
                assert_eq!(self.connection.calls(), 0);
                self.log.push(Entry::Idle);
            }
            other => panic!("{other:?} is new here"),
        }
    }

    fn opened(&mut self, call: CallId) {
        assert_ne!(call.opener(), self.connection.side());
        let window = self.peer.expect("SETTINGS").initial_window;
        self.book.begin(call, window);
        let answered = self
            .book
            .live
            .values()
            .filter(|call| call.role == Role::Server);
        let places = answered.count() + self.book.held.len();
        assert!(places <= self.connection.config().max_calls as usize);
        self.log.push(Entry::Opened(call));
    }

    fn failed(&mut self, error: ConnectionError) {
        assert!(!self.is_closed);
        if let Some(first) = self.error.replace(error) {
            return assert_eq!(error, first, "errors repeat");
        }
        assert_ne!(error.code(), Code::Ok);
        assert!(error.close_code().value() > 1000);
        assert!(!error.text().is_empty() && !error.to_string().is_empty());
        let _ = error.blame();
        self.log.push(Entry::Error(error));
        self.check();
    }

    /// A frame has come whole, and nothing was wrong with it. A WINDOW has its effect.
    fn end_of_frame(&mut self) {
        let frame = std::mem::take(&mut self.frame);
        if self.is_over() {
            return;
        }
        let (header, payload) = frames::parse(&frame).expect("a header");
        let max_frame = self.connection.config().max_frame as usize;
        assert!(frames::is_allowed(header.kind, payload.len(), max_frame));
        assert!(self.peer.is_some(), "SETTINGS come first");
        if header.kind == FrameType::Window
            && let Some(call) = self.find(header.id).filter(|call| !call.is_half_closed)
        {
            call.granted += u64::from(frames::window(payload).expect("an increment"));
        }
    }

    fn find(&mut self, id: u32) -> Option<&mut Call> {
        let mut live = self.book.live.iter_mut();
        live.find_map(|(call, found)| (call.get() == id).then_some(found))
    }

    /// A DATA frame was made; `open` and `end` are what it may say.
    fn data(
        &mut self,
        call: CallId,
        segment: Segment,
        parts: &[&[u8]],
        (open, end): (bool, bool),
    ) -> Vec<u8> {
        let payload = parts.concat();
        let taken = segment.payload_len() as usize;
        assert!(taken <= self.peer.expect("SETTINGS").max_frame as usize);
        let end = end && taken == payload.len();
        assert!(taken > 0 || end, "a frame for nothing");
        let kind = FrameType::Data { open, end };
        let id = call.get();
        assert_eq!(
            frames::parse(segment.head()),
            Some((Header { kind, id }, &[][..]))
        );
        let sender = self.book.call(call);
        sender.sent += taken as u64;
        sender.is_half_closed = end;
        if end && sender.role == Role::Server {
            self.book.end(call);
        }
        self.check();
        [segment.head(), &payload[..taken]].concat()
    }

    fn end_by_reset(&mut self, call: CallId, segment: Segment, text: &str) -> Vec<u8> {
        let len = segment.payload_len() as usize;
        assert!(text.is_char_boundary(len) && (len == text.len() || len > 115));
        let text = &text.as_bytes()[..len];
        let frame = [segment.head(), text].concat();
        let (header, _) = frames::check_control(&frame);
        assert_eq!(header.id, call.get());
        assert!(self.resets.insert(header.id), "a second RESET");
        self.book.end(call);
        self.check();
        frame
    }

    /// A control frame was made.
    fn control(&mut self, frame: &[u8]) {
        let (Header { kind, id }, payload) = frames::check_control(frame);
        let is_settings = kind == FrameType::Settings;
        assert_ne!(
            is_settings,
            std::mem::replace(&mut self.settings_said, true)
        );
        let last_words = is_settings || kind == FrameType::GoAway;
        assert!(
            self.error.is_none() || last_words,
            "after an error: {kind:?}"
        );
        match kind {
            FrameType::Window => {
                let increment = frames::window(payload).expect("an increment");
                let call = self.find(id).expect("a WINDOW of a live call");
                call.returned += u64::from(increment);
            }
            FrameType::Reset { .. } => {
                assert!(self.resets.insert(id), "a second RESET");
                assert!(self.book.live.keys().all(|call| call.get() != id));
            }
            _ => {}
        }
        self.log.push(Entry::Control(frame.to_vec()));
    }

    /// All that was owed is written.
    fn check_nothing_owed(&self) {
        if self.is_over() {
            return;
        }
        assert_eq!(self.connection.calls(), self.book.places());
        for call in self.book.live.values().filter(|call| !call.log.is_over()) {
            assert!(
                call.owed() < self.window().div_ceil(2),
                "credit is kept back"
            );
        }
    }

    fn check(&self) {
        assert_eq!(self.connection.is_over(), self.is_over());
        assert_eq!(self.connection.failure(), self.error);
        assert_eq!(self.connection.peer_settings(), self.peer);
        assert!(self.connection.calls() <= TABLE);
        for (&id, call) in &self.book.live {
            let credit = call.credit();
            assert!(credit <= u64::from(MAX_ID));
            let is_over = self.is_over();
            assert_eq!(self.connection.contains(id), !is_over);
            assert!(is_over || u64::from(self.connection.credit(id)) == credit);
            assert!(
                call.unconsumed <= self.window(),
                "more waits than was granted"
            );
            assert!(call.came() <= self.window() + call.returned);
        }
        if let Some((id, _)) = self.book.over.last() {
            assert!(!self.connection.contains(*id) && self.connection.credit(*id) == 0);
        }
        assert!(self.is_over() || self.connection.calls() >= self.book.places());
    }

    fn window(&self) -> u64 {
        self.connection.config().window.into()
    }
}
