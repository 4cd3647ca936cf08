//! The rules of the wire that a sender keeps, checked on the frames themselves: what has entered
//! the link, and what has left it at the other end.
//!
//! Everything here is panics: an honest end breaks no rule.

use crate::frame::{Frame, Kind, Settings};
use grpc_websocket_core::mux::Side;
use std::collections::{BTreeMap, VecDeque};

const MOST_CREDIT: u64 = (1 << 31) - 1;

/// The account of a connection.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The dialer's, then the acceptor's.
    ends: [Account; 2],
    /// Frames on their way from each end.
    under_way: [VecDeque<UnderWay>; 2],
}

/// A frame that is written, and how much of it was read.
#[derive(Debug)]
struct UnderWay {
    frame: Frame,
    len: usize,
    read: usize,
}

const HEADER_LEN: usize = 5;

/// What one end has sent and received.
#[derive(Debug, Default)]
struct Account {
    has_sent: bool,
    /// Those of the peer.
    settings: Option<Settings>,
    calls: BTreeMap<u32, Call>,
    last_opened: u32,
    last_accepted: u32,
    pings: u32,
    pongs: u32,
    goaway_sent: Option<u32>,
    goaway_received: bool,
}

/// A call as one end knows it.
#[derive(Debug, Default)]
struct Call {
    /// Bytes that may be sent from the start, and by each WINDOW received.
    granted: u64,
    sent: u64,
    received: u64,
    /// Credit given to the peer beyond the first window.
    returned: u64,
    has_half_closed: bool,
    /// This end may send nothing more for it.
    is_over: bool,
    /// The server has ended it, by END or by GOAWAY.
    was_answered: bool,
}

const fn index(side: Side) -> usize {
    match side {
        Side::Dialer => 0,
        Side::Acceptor => 1,
    }
}

const fn opener(id: u32) -> Side {
    if id % 2 == 1 {
        Side::Dialer
    } else {
        Side::Acceptor
    }
}

impl Ledger {
    /// `side` makes this WebSocket message.
    ///
    /// # Panics
    /// If it may not.
    pub fn made(&mut self, side: Side, message: &[u8]) {
        let frame = Frame::parse(message);
        let window = self.window_of(side);
        let account = &mut self.ends[index(side)];
        let is_settings = matches!(frame.kind, Kind::Settings(_));
        assert_eq!(
            is_settings, !account.has_sent,
            "SETTINGS are first, and once: {frame:?}"
        );
        account.has_sent = true;
        account.send(side, &frame, window);
    }

    /// `side` writes a message that it made.
    pub fn wrote(&mut self, side: Side, message: &[u8]) -> Frame {
        let frame = Frame::parse(message);
        self.under_way[index(side)].push_back(UnderWay {
            frame: frame.clone(),
            len: message.len(),
            read: 0,
        });
        frame
    }

    /// `side` reads so many bytes of a WebSocket message.
    pub fn read(&mut self, side: Side, len: usize) {
        let queue = &mut self.under_way[index(side.peer())];
        let front = queue.front_mut().expect("a message that was not written");
        let payload = |read: usize| read.saturating_sub(HEADER_LEN);
        let had_header = front.read >= HEADER_LEN;
        let new = payload(front.read + len) - payload(front.read);
        front.read += len;
        let account = &mut self.ends[index(side)];
        if front.read >= HEADER_LEN {
            account.receive_bytes(&front.frame, !had_header, new as u64);
        }
        // Trailers end a call as soon as they are there, not when their message ends.
        if front.read == front.len {
            account.receive_all(side, &front.frame);
        }
    }

    /// `side` has read the end of a WebSocket message.
    pub fn read_end(&mut self, side: Side) {
        let queue = &mut self.under_way[index(side.peer())];
        let front = queue.pop_front().expect("a message that was not written");
        self.ends[index(side)].receive(side, &front.frame);
    }

    /// How many bytes `side` may send for a call that it knows and that is not over.
    #[must_use]
    pub fn credit(&self, side: Side, id: u32) -> Option<u64> {
        let call = self.ends[index(side)].calls.get(&id)?;
        (!call.is_over && !call.has_half_closed).then(|| call.granted - call.sent)
    }

    /// How many bytes of a call `side` has received and not given credit for again.
    #[must_use]
    pub fn unreturned(&self, side: Side, id: u32) -> u64 {
        let call = self.ends[index(side)].calls.get(&id);
        call.map_or(0, |call| call.received - call.returned)
    }

    /// The first window that `side` gives, by the SETTINGS on the wire.
    fn window_of(&self, side: Side) -> Option<u64> {
        let settings = self.ends[index(side.peer())].settings;
        settings.map(|settings| u64::from(settings.initial_window))
    }
}

impl Account {
    fn send(&mut self, side: Side, frame: &Frame, own_window: Option<u64>) {
        let id = frame.id;
        match frame.kind {
            Kind::Data { open, end, len } => self.send_data(side, id, [open, end], len),
            Kind::Window(increment) => self.send_window(id, increment, own_window),
            Kind::Reset { refused, .. } => {
                assert!(
                    !refused || opener(id) != side,
                    "only who answers may refuse"
                );
                let call = self.known(id);
                // What was decided before the end of the call was known may wait for the writer.
                let may_reset = !call.is_over || call.was_answered;
                assert!(may_reset, "RESET for {id}, which is over");
                (call.is_over, call.was_answered) = (true, false);
            }
            Kind::Ping(_) | Kind::Settings(_) => {}
            Kind::Pong(_) => {
                self.pongs += 1;
                assert!(self.pongs <= self.pings, "an ACK nobody asked for");
            }
            Kind::GoAway { .. } => {
                assert!(id <= self.last_accepted, "GOAWAY {id} was never opened");
                assert!(
                    self.goaway_sent.is_none_or(|last| id <= last),
                    "GOAWAY raised"
                );
                self.goaway_sent = Some(id);
            }
        }
    }

    fn send_data(&mut self, side: Side, id: u32, [open, end]: [bool; 2], len: u32) {
        let settings = self.settings.expect("DATA before the SETTINGS of the peer");
        assert!(len <= settings.max_frame, "DATA of {len} bytes");
        assert!(len > 0 || open || end, "DATA of nothing");
        if open {
            self.open(side, id, settings);
        }
        let call = self.live(id);
        assert!(!call.has_half_closed, "DATA after END of {id}");
        call.sent += u64::from(len);
        assert!(call.sent <= call.granted, "{id} over its credit: {call:?}");
        call.has_half_closed = end;
        call.is_over = end && opener(id) != side;
    }

    fn open(&mut self, side: Side, id: u32, settings: Settings) {
        assert_eq!(opener(id), side, "the id of the other side");
        assert!(id > self.last_opened, "the id {id} again");
        assert!(!self.goaway_received, "OPEN after the GOAWAY of the peer");
        self.last_opened = id;
        self.calls
            .insert(id, Call::with_credit(settings.initial_window));
        let open = self.calls.iter();
        let open = open.filter(|(id, call)| opener(**id) == side && !call.is_over);
        let default = if side == Side::Dialer { 1 } else { 0 };
        let most = settings.max_streams.unwrap_or(default);
        assert!(open.count() <= most as usize, "more than {most} calls");
    }

    fn send_window(&mut self, id: u32, increment: u32, own_window: Option<u64>) {
        let call = self.live(id);
        call.returned += u64::from(increment);
        assert!(
            call.returned <= call.received,
            "credit for what did not come: {call:?}"
        );
        let half = own_window.map_or(0, |window| window / 2);
        assert!(u64::from(increment) >= half, "a WINDOW of {increment} only");
    }

    /// A part of a frame arrived; with the header if `first`.
    fn receive_bytes(&mut self, frame: &Frame, first: bool, len: u64) {
        let Kind::Data { open, .. } = frame.kind else {
            return;
        };
        if open && first {
            self.accept(frame.id);
        }
        self.known(frame.id).received += len;
    }

    fn accept(&mut self, id: u32) {
        self.last_accepted = id;
        // An OPEN comes after the SETTINGS of the same end.
        let settings = self.settings.expect("OPEN before SETTINGS");
        let mut call = Call::with_credit(settings.initial_window);
        call.is_over = self.goaway_sent.is_some();
        self.calls.insert(id, call);
    }

    /// All bytes of a frame arrived.
    fn receive_all(&mut self, side: Side, frame: &Frame) {
        let has_end = matches!(frame.kind, Kind::Data { end: true, .. });
        if has_end && opener(frame.id) == side {
            self.known(frame.id).end();
        }
    }

    /// A frame has ended.
    fn receive(&mut self, side: Side, frame: &Frame) {
        let id = frame.id;
        match frame.kind {
            Kind::Data { .. } | Kind::Pong(_) => {}
            Kind::Window(increment) => {
                let call = self.known(id);
                call.granted += u64::from(increment);
                assert!(call.granted - call.sent <= MOST_CREDIT, "too much credit");
            }
            Kind::Reset { .. } => self.known(id).is_over = true,
            Kind::Ping(_) => self.pings += 1,
            Kind::GoAway { .. } => {
                self.goaway_received = true;
                let own = self
                    .calls
                    .iter_mut()
                    .filter(|(call, _)| opener(**call) == side);
                let unprocessed = own.filter(|(call, _)| **call > id);
                unprocessed.for_each(|(_, call)| call.end());
            }
            Kind::Settings(settings) => self.settings = Some(settings),
        }
    }

    fn known(&mut self, id: u32) -> &mut Call {
        self.calls.get_mut(&id).expect("a frame for no call")
    }

    fn live(&mut self, id: u32) -> &mut Call {
        let call = self.known(id);
        assert!(!call.is_over, "a frame for {id}, which is over");
        call
    }
}

impl Call {
    fn with_credit(window: u32) -> Self {
        Self {
            granted: u64::from(window),
            ..Self::default()
        }
    }

    /// The server has ended it.
    const fn end(&mut self) {
        self.was_answered |= !self.is_over;
        self.is_over = true;
    }
}
