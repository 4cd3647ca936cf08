//! The connection: its parts, what the application does, and what it can ask.

use super::budget::{Budget, Budgets};
use super::config::Config;
use super::error::{ConnectionError, OpenError};
use super::id::{CallId, Side};
use super::lifecycle::Step;
use super::reading::Reading;
use super::slot::Slot;
use super::table::CallTable;
use super::timers::Timers;
use super::transmit::Outbox;
use crate::call::{Role, Segment};
use crate::error::SendError;
use crate::time::{Deadline, Instant};
use crate::wire::mux::{FrameType, Header, MAX_ID, Settings};
use crate::wire::status::Code;

/// One WebSocket with the subprotocol `grpc-mux.v1`, at either end.
///
/// Its methods come in four families:
/// * getters;
/// * [`recv`](Self::recv) and `handle_*`, which take what the network and the clock bring;
/// * [`open`](Self::open), [`send`](Self::send), [`consume`](Self::consume), [`grant`](Self::grant),
///   [`reset`](Self::reset), [`refuse`](Self::refuse), [`release`](Self::release) and [`go_away`](Self::go_away), which take
///   what the application does; a [`Segment`] that they return is to be written, in the order they
///   were made, each as one WebSocket binary message;
/// * `poll_*`, which say what is to be done: [`poll_transmit`](Self::poll_transmit) before any
///   segment and after every call of the others, [`poll_timeout`](Self::poll_timeout) before
///   waiting, [`poll_lost`](Self::poll_lost) when the connection is over.
///
/// Memory is `size_of::<Connection<T>>()` and what the table takes for its calls; nothing a peer
/// sends makes it grow. Work is bounded for each call of a method: what looks at all calls says so.
/// No method panics.
///
/// ```
/// use grpc_websocket_core::{Code, Fragment, Instant, call};
/// use grpc_websocket_core::mux::{Calls, Config, Connection, Event, Side, MAX_CONTROL_FRAME};
///
/// let now = Instant::EPOCH;
/// let calls: Calls<4> = [const { None }; 4];
/// let mut client = Connection::new(now, Side::Dialer, Config::DEFAULT, calls);
///
/// // First of all each side says what it takes.
/// let mut control = [0; MAX_CONTROL_FRAME];
/// let len = client.poll_transmit(&mut control).unwrap();
/// assert_eq!(control[..len][..5], [0x50, 0, 0, 0, 0]);
/// let mut settings = Fragment::message(b"\x50\0\0\0\0\x03\0\0\0\x08");   // MAX_STREAMS 8
/// assert!(matches!(client.recv(now, &mut settings)?, Some(Event::Ready(_))));
///
/// // A unary call is one WebSocket message: head, block, message.
/// let block = b"\x80\0\0\0\x16:path: /demo.Pump/On\r\n";
/// let (call, segment) = client.open(now, &[block, b"\0\0\0\0\x02hi"], true)?;
/// assert_eq!(segment.head(), [0x03, 0, 0, 0, 1]);
/// assert_eq!(segment.payload_len(), 27 + 7);
///
/// let mut answer = Fragment::message(b"\x02\0\0\0\x01\x80\0\0\0\x10grpc-status: 5\r\n");
/// assert!(matches!(client.recv(now, &mut answer)?, Some(Event::Call { .. })));   // the block
/// let event = call::Event::Trailers(Code::NotFound);
/// assert_eq!(client.recv(now, &mut answer)?, Some(Event::Call { call, event }));
/// assert_eq!(client.recv(now, &mut answer)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Connection<T> {
    pub(super) side: Side,
    pub(super) config: Config,
    /// What was announced to the peer.
    pub(super) settings: Settings,
    /// What the peer announced, once it is ready.
    pub(super) peer: Settings,
    pub(super) is_ready: bool,
    pub(super) calls: T,
    /// How many of them the peer made.
    pub(super) peer_calls: u32,
    /// The highest id of a call that was made here.
    pub(super) last_own: u32,
    /// The highest id of a call that the peer made, taken or not.
    pub(super) last_peer: u32,
    /// The highest id of a call that the peer made and that was taken.
    pub(super) last_accepted: u32,
    /// This side takes no more calls.
    pub(super) going_away: bool,
    /// The peer takes no more calls: it processed those up to this id, and why.
    pub(super) peer_going_away: Option<(u32, Code)>,
    pub(super) reading: Reading,
    pub(super) outbox: Outbox,
    pub(super) timers: Timers,
    pub(super) budgets: Budgets,
    pub(super) over: Option<Over>,
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Failed(ConnectionError),
    /// The WebSocket is gone. The status for the calls that were open.
    Closed(Code),
}

impl<T: CallTable> Connection<T> {
    /// A connection whose WebSocket is open since `now`. The peer may make as many calls as the
    /// configuration says and the table has room for; what room is left is for calls made here.
    #[must_use]
    pub fn new(now: Instant, side: Side, config: Config, calls: T) -> Self {
        let room = if T::takes_calls() {
            calls.capacity()
        } else {
            0
        };
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let config = config.with_max_calls(config.max_calls.min(room));
        Self {
            side,
            config,
            settings: config.settings(side),
            peer: Settings::of(side.peer()),
            is_ready: false,
            calls,
            peer_calls: 0,
            last_own: 0,
            last_peer: 0,
            last_accepted: 0,
            going_away: false,
            peer_going_away: None,
            reading: Reading::new(),
            outbox: Outbox::new(),
            timers: Timers::new(now, &config),
            budgets: Budgets::new(now, config.max_calls),
            over: None,
        }
    }

    /// Makes a call, with the first bytes of its stream of gRPC-Web frames: the block of metadata,
    /// whose first field is `:path`, and whatever follows. Otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// Why not; nothing changed.
    pub fn open(
        &mut self,
        now: Instant,
        parts: &[&[u8]],
        end: bool,
    ) -> Result<(CallId, Segment), OpenError> {
        self.timers.advance(now);
        let call = self.next_call()?;
        let (window, credit) = (self.settings.initial_window, self.peer.initial_window);
        let mut slot = Slot::new(call, Role::Client, window, credit);
        let made = slot.sending.next(call, &self.peer, parts, end)?;
        let (segment, ended) = made.ok_or(SendError::OutOfOrder)?;
        if ended {
            slot.advance(Step::HalfClose);
        }
        if !self.calls.insert(slot) {
            return Err(OpenError::TableFull);
        }
        self.last_own = call.get();
        self.timers.is_busy();
        self.budgets.give(Budget::Windows, 2);
        Ok((call, segment))
    }

    /// Makes the next DATA frame of a call out of the front of `parts`, which one after the other
    /// are a slice of its stream of gRPC-Web frames, cut anywhere. The segment says how many of
    /// their bytes it takes; give the rest to the next call. `end` is said by the frame that takes
    /// the last byte: for the side that made the call it is the half-close, for the other, after
    /// the trailers, the end of the call.
    ///
    /// `None`: no byte can be sent before [`Event::Credit`](super::Event::Credit), or there is none.
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] once the call is over; [`SendError::OutOfOrder`],
    /// [`SendError::FrameOpen`] and [`SendError::Frame`] if the bytes do not go on with the stream
    /// as gRPC has it, or a message or block is longer than the peer takes. Nothing changed.
    pub fn send(
        &mut self,
        call: CallId,
        parts: &[&[u8]],
        end: bool,
    ) -> Result<Option<Segment>, SendError> {
        let peer = self.peer;
        let (position, slot) = self.live(call)?;
        let Some((segment, ended)) = slot.sending.next(call, &peer, parts, end)? else {
            return Ok(None);
        };
        if ended && Self::answers(slot) {
            self.end_by(position, Step::Finish);
        } else if ended {
            slot.advance(Step::HalfClose);
        }
        self.budgets.give(Budget::Windows, 2);
        Ok(Some(segment))
    }

    /// The application has consumed so many bytes of [`Piece::framed`](crate::deframe::Piece) of
    /// messages, and has room for as many more. Bytes that it only keeps for later and that have a
    /// bound of their own count as consumed; those of metadata, unless [kept](Config::keeps_metadata),
    /// and those of a call that is over, give themselves back.
    pub fn consume(&mut self, call: CallId, bytes: u32) {
        let window = self.settings.initial_window;
        if let Ok((_, slot)) = self.live(call) {
            slot.consume(window, bytes);
            let due = slot.owes_window(window);
            self.outbox.slots_due |= due;
        }
    }

    /// Lets the peer send so many bytes of a call more than its window allows: for an application that
    /// makes room for a call that proves to be fast (SPEC.md#credit). Bytes that are consumed then
    /// are to be given back so as well, and not by [`consume`](Self::consume), which knows of one
    /// window. Without effect on a call that is over.
    pub fn grant(&mut self, call: CallId, bytes: u32) {
        let window = self.settings.initial_window;
        if let Ok((_, slot)) = self.live(call) {
            slot.owed = slot.owed.saturating_add(bytes);
            let due = slot.owes_window(window);
            self.outbox.slots_due |= due;
        }
    }

    /// Ends a call: cancels it at the side that made it, aborts it at the other. The segment's
    /// payload is the front of `message`, at most 119 bytes of it. `Code::Ok` is sent as
    /// `Code::Unknown`: only trailers can say that all is well.
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] once the call is over.
    pub fn reset(&mut self, call: CallId, code: Code, message: &str) -> Result<Segment, SendError> {
        self.end_by_reset(call, false, code, message)
    }

    /// As [`reset`](Self::reset), with a RESET that [`poll_transmit`](Self::poll_transmit) makes, so
    /// that there need not be room for it now. A call that is answered here is owed a
    /// [`release`](Self::release) then. Without effect on a call that is over.
    pub fn reset_later(&mut self, call: CallId, code: Code, message: &'static str) {
        if let Ok((position, slot)) = self.live(call) {
            slot.set_reset(code, message);
            self.end_by(position, Step::Fail);
        }
    }

    /// Ends a call that was not processed, which makes it safe to make it again. Otherwise as
    /// [`reset`](Self::reset), with [`Code::Unavailable`].
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] once the call is over, [`SendError::OutOfOrder`] at the side that
    /// made it.
    pub fn refuse(&mut self, call: CallId, message: &str) -> Result<Segment, SendError> {
        if call.role(self.side) == Role::Client {
            return Err(SendError::OutOfOrder);
        }
        self.end_by_reset(call, true, Code::Unavailable, message)
    }

    /// The application has let go of a call that it answered and that ended by
    /// [`Event::Ended`](super::Event::Ended): its handler is gone. Until then the call counts
    /// against the calls that the peer may have (SPEC.md#abuse). Without effect on other calls.
    pub fn release(&mut self, call: CallId) {
        if let Some(position) = self.calls.find(call) {
            self.advance(position, Step::Release);
        }
    }

    /// Takes no more calls. Those that were taken go on; close the WebSocket when
    /// [`calls`](Self::calls) is zero. The peer is told `text`, at most 119 bytes of it.
    pub fn go_away(&mut self, code: Code, text: &'static str) {
        if self.over.is_some() {
            return;
        }
        if !core::mem::replace(&mut self.going_away, true) {
            // So many calls may be on their way already.
            let most = self.settings.max_streams;
            self.budgets.extend(Budget::Refused, most);
        }
        self.outbox.goaway = Some((code, text));
    }

    /// Sets when a call's time is over; `None` is never. The peer learns of it by `grpc-timeout`
    /// only. Without effect on a call that is answered here before its metadata is complete: until
    /// then it has [`Limits::metadata_timeout`](crate::Limits::metadata_timeout).
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] once the call is over.
    pub fn set_deadline(
        &mut self,
        call: CallId,
        deadline: Option<Instant>,
    ) -> Result<(), SendError> {
        let (_, slot) = self.live(call)?;
        if !slot.awaits_metadata() {
            slot.deadline = Deadline::new(deadline);
            self.timers.look_at(Deadline::new(deadline));
        }
        Ok(())
    }

    /// After an error of the connection or [`handle_close`](Self::handle_close): a call that was
    /// still open, once, and its status. To be called until it returns `None`. Looks at all calls.
    pub fn poll_lost(&mut self) -> Option<(CallId, Code)> {
        let code = match self.over? {
            Over::Failed(error) => error.code(),
            Over::Closed(code) => code,
        };
        for position in 0..self.calls.positions() {
            let found = self
                .calls
                .get(position)
                .map(|slot| (slot.call(), slot.state));
            self.remove(position);
            if let Some((call, state)) = found
                && state.is_live()
            {
                return Some((call, code));
            }
        }
        None
    }

    /// Which end this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// What this end takes.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// What the peer takes, once its SETTINGS came.
    #[must_use]
    pub fn peer_settings(&self) -> Option<Settings> {
        self.is_ready.then_some(self.peer)
    }

    /// How many places of the call table are taken: calls that are open, and calls that are over
    /// and not released or not told to the peer yet.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether a call is open.
    #[must_use]
    pub fn contains(&self, call: CallId) -> bool {
        self.find_live(call).is_some()
    }

    /// How many bytes of a call can be sent now; none once it is over.
    #[must_use]
    pub fn credit(&self, call: CallId) -> u32 {
        self.find_live(call).map_or(0, |slot| slot.sending.credit)
    }

    /// Whether either side takes no more calls.
    #[must_use]
    pub const fn is_going_away(&self) -> bool {
        self.going_away || self.peer_going_away.is_some()
    }

    /// Whether the connection is over, by an error or by its WebSocket.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// The error that ended the connection.
    #[must_use]
    pub const fn failure(&self) -> Option<ConnectionError> {
        match self.over {
            Some(Over::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// The id of the next call to be made here, or why there can be none.
    fn next_call(&self) -> Result<CallId, OpenError> {
        if self.over.is_some() {
            return Err(OpenError::Closed);
        }
        if self.is_going_away() {
            return Err(OpenError::GoingAway);
        }
        if !self.is_ready || !self.outbox.settings_said {
            return Err(OpenError::NotReady);
        }
        let own = self.calls.len().saturating_sub(to_usize(self.peer_calls));
        if own >= to_usize(self.peer.max_streams) {
            return Err(OpenError::TooManyCalls);
        }
        // The rest of the table is kept for the peer's calls.
        let kept = to_usize(self.config.max_calls);
        if own >= self.calls.capacity().saturating_sub(kept) {
            return Err(OpenError::TableFull);
        }
        let next = match self.last_own {
            0 => self.side.first_id(),
            last => last.saturating_add(2),
        };
        let call = CallId::new(next).filter(|call| call.get() <= MAX_ID);
        call.ok_or(OpenError::IdsExhausted)
    }

    fn end_by_reset(
        &mut self,
        call: CallId,
        refused: bool,
        code: Code,
        message: &str,
    ) -> Result<Segment, SendError> {
        let (position, _) = self.live(call)?;
        self.end_by(position, Step::Reset);
        let kind = FrameType::Reset { refused };
        let header = Header {
            kind,
            id: call.get(),
        };
        let text_len = u32::try_from(reset_text(message).len()).unwrap_or(0);
        Ok(Segment::frame(header, Some(reset_code(code)), text_len))
    }

    /// Whether a call is answered here. Known when it is compiled where none ever is.
    pub(super) fn answers(slot: &Slot) -> bool {
        T::takes_calls() && slot.role == Role::Server
    }

    /// A live call, to be changed.
    pub(super) fn live(&mut self, call: CallId) -> Result<(usize, &mut Slot), SendError> {
        if self.over.is_some() {
            return Err(SendError::UnknownCall);
        }
        let position = self.calls.find(call).ok_or(SendError::UnknownCall)?;
        let slot = self
            .calls
            .get_mut(position)
            .filter(|slot| slot.state.is_live());
        Ok((position, slot.ok_or(SendError::UnknownCall)?))
    }

    fn find_live(&self, call: CallId) -> Option<&Slot> {
        if self.over.is_some() {
            return None;
        }
        let slot = self.calls.get(self.calls.find(call)?)?;
        slot.state.is_live().then_some(slot)
    }

    /// Ends a call whose peer may not know of it yet, and may go on sending for a while.
    pub(super) fn end_by(&mut self, position: usize, step: Step) {
        let Some(slot) = self.calls.get(position) else {
            return;
        };
        self.budgets.extend(Budget::StrayFrames, slot.on_its_way());
        self.advance(position, step);
    }

    /// Moves a call on, and forgets it when it is closed; whether the table allowed the step.
    pub(super) fn advance(&mut self, position: usize, step: Step) -> bool {
        let Some(slot) = self.calls.get_mut(position) else {
            return false;
        };
        let allowed = slot.advance(step);
        self.outbox.slots_due |= slot.state.owes_reset();
        self.forget(position);
        allowed
    }

    /// Gives the place of a call free if nothing is to be known of it any more.
    pub(super) fn forget(&mut self, position: usize) {
        if self.calls.get(position).is_some_and(Slot::is_forgotten) {
            self.remove(position);
        }
    }

    fn remove(&mut self, position: usize) {
        let Some(slot) = self.calls.get(position) else {
            return;
        };
        if slot.is_of(self.side.peer()) {
            self.peer_calls = self.peer_calls.saturating_sub(1);
        }
        self.calls.remove(position);
        if self.calls.is_empty() {
            self.timers.is_idle();
        }
    }
}

/// The part of a text that a RESET or GOAWAY has room for.
pub(super) fn reset_text(text: &str) -> &str {
    const ROOM: usize = 119;
    let mut end = text.len().min(ROOM);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// A RESET with OK would look like the success that only trailers can say.
pub(super) const fn reset_code(code: Code) -> u8 {
    match code {
        Code::Ok => Code::Unknown.value(),
        other => other.value(),
    }
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
