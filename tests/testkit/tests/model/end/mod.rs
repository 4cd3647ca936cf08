//! One end: the core, and what the model knows of it.

mod call;
mod reading;
mod writing;

use crate::wire::Message;
use call::{Call, State};
use core::time::Duration;
use grpc_websocket_core::call::{Event, Role};
use grpc_websocket_core::mux::{
    self, CallId, Calls, Config, Connection, End as CallEnd, OpenError, Side,
};
use grpc_websocket_core::{Code, Instant, Limits, Segment, SendError};
use grpc_websocket_testkit::clock::after;
use grpc_websocket_testkit::frame::{Frame, Kind};
use std::collections::{BTreeMap, VecDeque};

const TABLE: usize = 4;
/// How many calls each end takes. The rest of the table is for its own.
const MAX_CALLS: u32 = 2;
const WINDOW: u32 = 100;
const MAX_FRAME: u32 = 70;

pub(crate) struct End {
    core: Connection<Calls<TABLE>>,
    side: Side,
    /// All calls that this end ever knew.
    ids: Vec<CallId>,
    /// Those that have a place in the table.
    calls: BTreeMap<u32, Call>,
    pub(crate) written: VecDeque<Message>,
    has_said_settings: bool,
    is_ready: bool,
    last_own: u32,
    last_accepted: u32,
    /// In the order they are to be written.
    refusals: VecDeque<u32>,
    is_going_away: bool,
    owes_go_away: bool,
    peer_is_going_away: bool,
}

fn config() -> Config {
    let patient = Limits::DEFAULT.with_metadata_timeout(Duration::from_secs(1_000_000));
    Config::DEFAULT
        .with_limits(patient)
        .with_window(WINDOW)
        .with_max_frame(MAX_FRAME)
        .with_max_calls(MAX_CALLS)
}

/// What the application does.
impl End {
    pub(crate) fn new(side: Side) -> Self {
        let table: Calls<TABLE> = [const { None }; TABLE];
        Self {
            core: Connection::new(Instant::EPOCH, side, config(), table),
            side,
            ids: Vec::new(),
            calls: BTreeMap::new(),
            written: VecDeque::new(),
            has_said_settings: false,
            is_ready: false,
            last_own: 0,
            last_accepted: 0,
            refusals: VecDeque::new(),
            is_going_away: false,
            owes_go_away: false,
            peer_is_going_away: false,
        }
    }

    pub(crate) fn open(&mut self, now: Instant, len: u16) {
        let id = match self.last_own {
            0 if self.side == Side::Dialer => 1,
            0 => 2,
            last => last + 2,
        };
        let mut call = Call::new(Role::Client, id);
        let len = usize::from(len.max(1)).min(call.sends().bytes().len());
        let result = self.core.open(now, &[&call.sends().bytes()[..len]], false);
        let own = self.calls.values().filter(|call| call.role == Role::Client);
        let expected = if self.is_going_away || self.peer_is_going_away {
            Err(OpenError::GoingAway)
        } else if !self.is_ready || !self.has_said_settings {
            Err(OpenError::NotReady)
        } else if own.count() >= MAX_CALLS as usize {
            Err(OpenError::TooManyCalls)
        } else {
            Ok((id, call.may_send(len)))
        };
        let shown = result
            .as_ref()
            .map(|(id, segment)| (id.get(), segment.payload_len()));
        assert_eq!(shown, expected.as_ref().map(|made| *made));
        let Ok((call_id, segment)) = result else {
            return;
        };
        let frame = self.write(&segment, &call.sends().bytes()[..len]);
        let (open, end) = (true, false);
        let len = segment.payload_len();
        assert_eq!(
            frame,
            Frame {
                id,
                kind: Kind::Data { open, end, len }
            }
        );
        call.sent = len;
        call.credit -= len;
        self.last_own = id;
        self.ids.push(call_id);
        self.calls.insert(id, call);
    }

    /// Sends up to so many of the bytes that come next; a server ends with the last of them.
    pub(crate) fn send(&mut self, pick: u8, len: u16) {
        let Some(id) = self.pick(pick) else { return };
        let Some(call) = self.live(id) else {
            assert_eq!(
                self.core.send(id, &[b"x"], false),
                Err(SendError::UnknownCall)
            );
            return;
        };
        let stream = call.sends().clone();
        let rest = &stream.bytes()[call.sent as usize..];
        let offered = &rest[..rest.len().min(usize::from(len))];
        let is_last = offered.len() == rest.len();
        self.offer(id, offered, is_last && id.role(self.side) == Role::Server);
    }

    pub(crate) fn half_close(&mut self, pick: u8) {
        let Some(id) = self.pick(pick) else { return };
        let Some(call) = self.live(id).filter(|call| call.role == Role::Client) else {
            return;
        };
        let all = call.sent as usize == call.sends().bytes().len();
        if call.has_half_closed {
            assert_eq!(self.core.send(id, &[], true), Err(SendError::OutOfOrder));
        } else if all {
            self.offer(id, &[], true);
        }
    }

    fn offer(&mut self, id: CallId, offered: &[u8], end: bool) {
        let call = self.live(id).expect("the call is live");
        let take = call.may_send(offered.len());
        let ends = end && take as usize == offered.len();
        let expected = (take > 0 || ends).then_some(take);
        let parts = offered.split_at(offered.len() / 3);
        let result = self.core.send(id, &[parts.0, parts.1], end);
        let segment = result.expect("a stream that is in order");
        assert_eq!(segment.as_ref().map(Segment::payload_len), expected);
        let Some(segment) = segment else { return };
        let frame = self.write(&segment, offered);
        let kind = Kind::Data {
            open: false,
            end: ends,
            len: take,
        };
        assert_eq!(frame, Frame { id: id.get(), kind });
        let call = self.live(id).expect("the call is live");
        call.sent += take;
        call.credit -= take;
        call.has_half_closed |= ends;
        if ends && call.role == Role::Server {
            self.calls.remove(&id.get());
        }
    }

    pub(crate) fn consume(&mut self, pick: u8, bytes: u16) {
        let Some(id) = self.pick(pick) else { return };
        self.core.consume(id, u32::from(bytes));
        if let Some(call) = self.live(id) {
            let bytes = u32::from(bytes).min(call.held);
            call.held -= bytes;
            call.owed += bytes;
        }
    }

    pub(crate) fn reset(&mut self, pick: u8, code: u16) {
        let Some(id) = self.pick(pick) else { return };
        let code = Code::ALL[usize::from(code) % Code::ALL.len()];
        let result = self.core.reset(id, code, "text");
        self.check_reset(id, result, false, code);
    }

    pub(crate) fn refuse(&mut self, pick: u8) {
        let Some(id) = self.pick(pick) else { return };
        let result = self.core.refuse(id, "text");
        if id.role(self.side) == Role::Client {
            assert_eq!(result, Err(SendError::OutOfOrder));
        } else {
            self.check_reset(id, result, true, Code::Unavailable);
        }
    }

    fn check_reset(
        &mut self,
        id: CallId,
        result: Result<Segment, SendError>,
        refused: bool,
        code: Code,
    ) {
        if self.live(id).is_none() {
            assert_eq!(result, Err(SendError::UnknownCall));
            return;
        }
        let frame = self.write(&result.expect("the call is live"), b"text");
        let code = match code {
            Code::Ok => Code::Unknown.value(),
            code => code.value(),
        };
        let kind = Kind::Reset { refused, code };
        assert_eq!(frame, Frame { id: id.get(), kind });
        self.calls.remove(&id.get());
    }

    pub(crate) fn release(&mut self, pick: u8) {
        let Some(id) = self.pick(pick) else { return };
        self.core.release(id);
        let state = self.calls.get(&id.get()).map(|call| call.state);
        if state == Some(State::Held) {
            self.calls.remove(&id.get());
        }
    }

    /// At the side that answers, a deadline before the metadata is there does not count.
    pub(crate) fn set_deadline(&mut self, now: Instant, pick: u8, micros: u16) {
        let Some(id) = self.pick(pick) else { return };
        let deadline = Some(after(now, Duration::from_micros(u64::from(micros) + 1)));
        let result = self.core.set_deadline(id, deadline);
        let Some(call) = self.live(id) else {
            assert_eq!(result, Err(SendError::UnknownCall));
            return;
        };
        assert_eq!(result, Ok(()));
        if call.role == Role::Client || call.follower.items() > 0 {
            call.deadline = deadline;
        }
    }

    pub(crate) fn go_away(&mut self) {
        self.core.go_away(Code::Unavailable, "text");
        self.is_going_away = true;
        self.owes_go_away = true;
    }

    /// Consumes and releases all there is.
    pub(crate) fn let_go(&mut self) {
        for pick in 0..self.ids.len() {
            let pick = u8::try_from(pick).unwrap();
            self.consume(pick, u16::MAX);
            self.release(pick);
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(event) = self.core.handle_timeout(now).expect("nobody is silent") {
            let (id, role) = match event {
                mux::Event::Call { call, event } => {
                    assert_eq!(event, Event::DeadlineExceeded);
                    (call, Role::Server)
                }
                mux::Event::Ended { call, end } => {
                    assert_eq!(end, CallEnd::DeadlineExceeded);
                    (call, Role::Client)
                }
                event => panic!("{event:?} by the clock"),
            };
            let call = self.live(id).expect("the call is live");
            assert_eq!(call.role, role);
            let deadline = call.deadline.take();
            assert!(
                deadline.is_some_and(|deadline| deadline <= now),
                "{deadline:?}"
            );
            if role == Role::Client {
                call.state = State::Resetting;
            }
        }
        let mut live = self.calls.values().filter(|call| call.state == State::Live);
        assert!(live.all(|call| call.deadline.is_none_or(|deadline| deadline > now)));
    }
}

/// What must be.
impl End {
    /// The core is as the model says.
    pub(crate) fn check(&self) {
        assert_eq!(self.core.calls(), self.calls.len(), "places taken");
        for id in &self.ids {
            let call = self.calls.get(&id.get());
            let live = call.filter(|call| call.state == State::Live);
            assert_eq!(self.core.contains(*id), live.is_some(), "{id} is live");
            assert_eq!(
                self.core.credit(*id),
                live.map_or(0, |call| call.credit),
                "{id}"
            );
        }
        for call in self.calls.values() {
            assert!(call.held + call.granted + call.owed <= WINDOW);
        }
    }

    /// Nothing is under way: both ends know the same calls, and the same of them.
    pub(crate) fn agree(&self, other: &Self) {
        let live = |end: &Self| -> Vec<u32> { end.calls.keys().copied().collect() };
        assert_eq!(live(self), live(other), "the same calls");
        for (id, call) in &self.calls {
            let peer = &other.calls[id];
            assert_eq!((call.state, peer.state), (State::Live, State::Live));
            for (from, to) in [(call, peer), (peer, call)] {
                assert_eq!(from.sent as usize, to.follower.at(), "bytes of {id}");
                let is_credit_told = from.credit == to.granted || from.has_half_closed;
                assert!(is_credit_told, "credit of {id}");
                assert_eq!(from.has_half_closed, to.peer_half_closed, "{id}");
            }
        }
    }

    fn pick(&self, pick: u8) -> Option<CallId> {
        let at = usize::from(pick).checked_rem(self.ids.len())?;
        Some(self.ids[at])
    }

    fn live(&mut self, id: CallId) -> Option<&mut Call> {
        let call = self.calls.get_mut(&id.get())?;
        (call.state == State::Live).then_some(call)
    }
}
