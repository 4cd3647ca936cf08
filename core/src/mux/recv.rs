//! What the peer sends: headers, and DATA frames.

use super::budget::{Budget, MAX_METADATA_FRAGMENTS, TINY_FRAME_LEN};
use super::connection::{Connection, Over};
use super::error::ConnectionError;
use super::event::{End, Event};
use super::id::CallId;
use super::lifecycle::Step;
use super::reading::{DataFrame, Position};
use super::slot::Slot;
use super::table::CallTable;
use crate::call::state::State;
use crate::call::{self, Role};
use crate::error::RecvError;
use crate::fragment::Fragment;
use crate::time::{Deadline, Instant};
use crate::wire::mux::{FrameType, Header};
use crate::wire::status::Code;

/// What a step of reading gives.
pub(super) type Received<'i> = Result<Option<Event<'i>>, ConnectionError>;

impl<T: CallTable> Connection<T> {
    /// Takes the next event from a part of a WebSocket binary message. Call it until it returns
    /// `None`: then the fragment is used up. Then ask [`poll_transmit`](Self::poll_transmit).
    ///
    /// Each call takes time for a bounded part of the fragment, and looks at each byte of metadata
    /// once; a GOAWAY looks at all calls.
    ///
    /// # Errors
    /// What the peer did wrong; it is repeated on every further call. The connection is over: take
    /// what [`poll_lost`](Self::poll_lost) and [`poll_transmit`](Self::poll_transmit) have, then
    /// close the WebSocket with [`ConnectionError::close_code`].
    pub fn recv<'i>(&mut self, now: Instant, fragment: &mut Fragment<'i>) -> Received<'i> {
        match self.over {
            Some(Over::Failed(error)) => return Err(error),
            Some(Over::Closed(_)) => {
                *fragment = Fragment::part(&[]);
                return Ok(None);
            }
            None if fragment.is_done() && self.is_between_frames() => return Ok(None),
            None => {}
        }
        self.heard(now);
        let result = self.step(fragment);
        result.map_err(|error| self.fail(error))
    }

    /// Takes the whole messages at the front of the fragment that follow one that
    /// [`recv`](Self::recv) gave, all at once: their bytes, prefixes included, as
    /// [`Deframer::next_messages`](crate::deframe::Deframer::next_messages) has them. To be used right
    /// after a message's [end](crate::deframe::Piece::end); what is left, and all errors, are for `recv`.
    /// Empty if there is none, and once the connection is over. Takes time for each message.
    pub fn recv_messages<'i>(&mut self, fragment: &mut Fragment<'i>) -> &'i [u8] {
        let Position::Data(mut frame) = self.reading.position else {
            return &[];
        };
        let slot = self.calls.get_mut(frame.position);
        let slot = slot.filter(|slot| slot.call() == frame.call && slot.state.is_live());
        let Some(slot) = slot.filter(|_| frame.completed && self.over.is_none()) else {
            return &[];
        };
        let room = usize::try_from(frame.left.min(slot.granted)).unwrap_or(usize::MAX);
        let mut input = fragment.bytes.get(..room).unwrap_or(fragment.bytes);
        let limits = &self.config.limits;
        let messages = slot.receiver.recv_messages(limits, &mut input);
        let taken = fragment.advance(messages.len());
        slot.granted = slot.granted.saturating_sub(taken);
        frame.left = frame.left.saturating_sub(taken);
        frame.taken = frame.taken.saturating_add(taken);
        self.reading.position = Position::Data(frame);
        messages
    }

    /// A WebSocket text message came.
    ///
    /// # Errors
    /// Always, as [`recv`](Self::recv) does, unless the WebSocket is gone.
    pub fn handle_text(&mut self) -> Result<(), ConnectionError> {
        match self.over {
            Some(Over::Closed(_)) => Ok(()),
            Some(Over::Failed(error)) => Err(error),
            None => Err(self.fail(ConnectionError::TextMessage)),
        }
    }

    /// The WebSocket closed, with that code, or its connection is lost without one. The calls that
    /// were open are for [`poll_lost`](Self::poll_lost); the code of a GOAWAY that came before, if
    /// it is not OK, is their status, and else what the close code says (SPEC.md#close-codes).
    pub fn handle_close(&mut self, close_code: Option<u16>) {
        let code = match self.peer_going_away {
            Some((_, code)) if code != Code::Ok => code,
            _ => Code::from_close_code(close_code),
        };
        self.over.get_or_insert(Over::Closed(code));
        self.outbox.clear();
    }

    /// Nothing of the last frame awaits its event: most frames end with that of a message.
    fn is_between_frames(&self) -> bool {
        matches!(self.reading.position, Position::Header) && !self.outbox.unprocessed
    }

    /// Makes an error the connection's end.
    pub(super) fn fail(&mut self, error: ConnectionError) -> ConnectionError {
        self.over = Some(Over::Failed(error));
        self.outbox.fail(error);
        error
    }

    fn step<'i>(&mut self, fragment: &mut Fragment<'i>) -> Received<'i> {
        if fragment.take_emptiness() {
            self.budgets.spend(Budget::EmptyFrames)?;
        }
        loop {
            if let Some(event) = self.next_unprocessed() {
                return Ok(Some(event));
            }
            let received = match self.reading.position {
                Position::Header => self.recv_header(fragment),
                Position::Data(frame) => self.recv_data(fragment, frame),
                Position::Control { header, taken } => self.recv_control(fragment, header, taken),
                Position::Skip { left } => self.recv_skipped(fragment, left),
            };
            if !matches!(received, Ok(None)) || fragment.is_used_up() {
                return received;
            }
        }
    }

    fn recv_header<'i>(&mut self, fragment: &mut Fragment<'i>) -> Received<'i> {
        match self.reading.take_header(&mut fragment.bytes) {
            Some(bytes) => self.begin_frame(Header::decode(bytes)?),
            None if fragment.take_fin() => Err(ConnectionError::Malformed),
            None => Ok(None),
        }
    }

    /// Decides by its header what becomes of a frame.
    fn begin_frame(&mut self, header: Header) -> Received<'static> {
        let Header { kind, id } = header;
        if self.is_ready == (kind == FrameType::Settings) {
            return Err(ConnectionError::Settings);
        }
        match kind {
            FrameType::Data { open: true, end } => return self.begin_call(id, end),
            FrameType::Data { open: false, end } => return self.begin_data(id, end),
            FrameType::Extension(_) => {
                self.budgets.spend(Budget::StrayFrames)?;
                return Ok(self.skip());
            }
            FrameType::Window | FrameType::Reset { .. } => {
                self.known(id)?;
            }
            FrameType::Settings | FrameType::Ping { .. } if id != 0 => {
                return Err(ConnectionError::Malformed);
            }
            FrameType::Ping { .. } => self.budgets.spend(Budget::Pings)?,
            FrameType::Settings | FrameType::GoAway => {}
        }
        self.reading.position = Position::Control { header, taken: 0 };
        Ok(None)
    }

    /// The peer makes a call.
    fn begin_call(&mut self, id: u32, end: bool) -> Received<'static> {
        let call = CallId::new(id).ok_or(ConnectionError::Id)?;
        if call.opener() == self.side || id <= self.last_peer {
            return Err(ConnectionError::Id);
        }
        self.last_peer = id;
        let (window, credit) = (self.settings.initial_window, self.peer.initial_window);
        let mut slot = Slot::new(call, Role::Server, window, credit);
        let on_its_way = slot.on_its_way();
        if self.going_away {
            self.budgets.spend(Budget::Refused)?;
            self.budgets.extend(Budget::StrayFrames, on_its_way);
            return Ok(self.skip());
        }
        slot.deadline = self.timers.after(self.config.limits.metadata_timeout);
        let deadline = slot.deadline;
        let is_taken = T::takes_calls()
            && self.peer_calls < self.settings.max_streams
            && self.calls.insert(slot);
        if !is_taken {
            self.budgets.spend(Budget::Refused)?;
            self.budgets.extend(Budget::StrayFrames, on_its_way);
            self.refuse_later(call)?;
            return Ok(self.skip());
        }
        self.peer_calls = self.peer_calls.saturating_add(1);
        self.last_accepted = id;
        self.timers.look_at(deadline);
        self.timers.is_busy();
        let position = self.calls.find(call).unwrap_or(usize::MAX);
        self.read_data(call, position, true, end);
        Ok(Some(Event::Opened(call)))
    }

    fn begin_data(&mut self, id: u32, end: bool) -> Received<'static> {
        let call = self.known(id)?;
        let position = self.calls.find(call).unwrap_or(usize::MAX);
        let slot = self.calls.get(position);
        if slot.is_some_and(|slot| slot.state.is_live()) {
            self.read_data(call, position, false, end);
            return Ok(None);
        }
        self.budgets.spend(Budget::StrayFrames)?;
        Ok(self.skip())
    }

    fn read_data(&mut self, call: CallId, position: usize, open: bool, end: bool) {
        self.reading.position = Position::Data(DataFrame {
            call,
            position,
            open,
            end,
            left: self.settings.max_frame,
            taken: 0,
            completed: false,
        });
    }

    /// Drops the rest of a frame that is just begun.
    const fn skip(&mut self) -> Option<Event<'static>> {
        self.reading.position = Position::Skip {
            left: self.settings.max_frame,
        };
        None
    }

    /// An id must be that of a call that is or was.
    #[inline(never)]
    pub(super) fn known(&self, id: u32) -> Result<CallId, ConnectionError> {
        let call = CallId::new(id).ok_or(ConnectionError::Id)?;
        let last = if call.opener() == self.side {
            self.last_own
        } else {
            self.last_peer
        };
        if id > last {
            return Err(ConnectionError::Id);
        }
        Ok(call)
    }

    fn recv_skipped(&mut self, fragment: &mut Fragment<'_>, left: u32) -> Received<'static> {
        let skipped = core::mem::take(&mut fragment.bytes);
        let skipped = u32::try_from(skipped.len()).unwrap_or(u32::MAX);
        let left = left
            .checked_sub(skipped)
            .ok_or(ConnectionError::FrameTooLong)?;
        self.reading.position = if fragment.take_fin() {
            Position::Header
        } else {
            Position::Skip { left }
        };
        Ok(None)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn recv_data<'i>(&mut self, fragment: &mut Fragment<'i>, mut frame: DataFrame) -> Received<'i> {
        let slot = self.calls.get_mut(frame.position);
        let slot = slot.filter(|slot| slot.call() == frame.call && slot.state.is_live());
        let Some(slot) = slot else {
            // It ended in the middle of the frame.
            self.reading.position = Position::Skip { left: frame.left };
            return Ok(None);
        };
        if slot.receiver.state() == State::Closed && !fragment.bytes.is_empty() {
            self.reading.position = Position::Skip { left: frame.left };
            return self.fail_call(frame.position, RecvError::OutOfOrder);
        }
        let room = usize::try_from(frame.left.min(slot.granted)).unwrap_or(usize::MAX);
        let whole = fragment.bytes.get(..room).unwrap_or(fragment.bytes);
        let mut input = whole;
        let result = slot.receiver.recv(&self.config.limits, &mut input);
        let taken = fragment.advance(whole.len().saturating_sub(input.len()));
        slot.granted = slot.granted.saturating_sub(taken);
        frame.left = frame.left.saturating_sub(taken);
        frame.taken = frame.taken.saturating_add(taken);
        match result {
            Ok(Some(call::Event::InitialMetadata)) if Self::answers(slot) && !slot.has_path() => {
                self.reading.position = Position::Skip { left: frame.left };
                self.fail_call(frame.position, RecvError::NoPath)
            }
            Ok(Some(event)) => {
                frame.completed |= is_end(&event);
                self.reading.position = Position::Data(frame);
                self.recv_event(&frame, &event, taken);
                if ends_message(&event) && !frame.end && fragment.take_fin() {
                    self.end_data(frame)?;
                }
                let call = frame.call;
                Ok(Some(Event::Call { call, event }))
            }
            Err(error) => {
                self.reading.position = Position::Skip { left: frame.left };
                self.fail_call(frame.position, error)
            }
            Ok(None) if !fragment.bytes.is_empty() && frame.left == 0 => {
                Err(ConnectionError::FrameTooLong)
            }
            Ok(None) if !fragment.bytes.is_empty() => Err(ConnectionError::Credit),
            Ok(None) if fragment.take_fin() => self.end_data(frame),
            Ok(None) => Ok(None),
        }
    }

    /// What an event means to the call, beside what it means to the application.
    fn recv_event(&mut self, frame: &DataFrame, event: &call::Event<'_>, taken: u32) {
        let Some(slot) = self.calls.get_mut(frame.position) else {
            return;
        };
        match event {
            call::Event::Metadata(piece) => {
                slot.look_for_path(piece.payload);
                if !self.config.keeps_metadata {
                    // Looked at, and given away: nothing of it is kept here.
                    slot.owed = slot.owed.saturating_add(taken);
                }
                let due = slot.owes_window(self.settings.initial_window);
                self.outbox.slots_due |= due;
            }
            // The time for it is over; at a client the deadline is that of the call.
            call::Event::InitialMetadata if Self::answers(slot) => {
                slot.deadline = Deadline::NEVER;
            }
            call::Event::Trailers(_) => self.end_by(frame.position, Step::Finish),
            _ => {}
        }
    }

    /// A DATA frame is complete.
    fn end_data(&mut self, frame: DataFrame) -> Received<'static> {
        self.reading.position = Position::Header;
        self.judge_data(&frame)?;
        let Some(slot) = self.calls.get_mut(frame.position) else {
            return Ok(None);
        };
        if !frame.end {
            return Ok(None);
        }
        if !Self::answers(slot) {
            let error = match slot.receiver.is_at_boundary() {
                true => RecvError::NoTrailers,
                false => RecvError::Truncated,
            };
            // To the server the call is over, so no RESET is sent.
            self.end_by(frame.position, Step::Finish);
            let (call, end) = (frame.call, End::Failed(error));
            return Ok(Some(Event::Ended { call, end }));
        }
        if let Err(error) = slot.receiver.half_close() {
            return self.fail_call(frame.position, error);
        }
        self.advance(frame.position, Step::HalfClose);
        let (call, event) = (frame.call, call::Event::HalfClosed);
        Ok(Some(Event::Call { call, event }))
    }

    /// Whether a DATA frame was worth its cost.
    fn judge_data(&mut self, frame: &DataFrame) -> Result<(), ConnectionError> {
        let is_needed = frame.open || frame.end || frame.completed;
        match frame.taken {
            0 if !is_needed => self.budgets.spend(Budget::EmptyFrames)?,
            1..TINY_FRAME_LEN if !is_needed => self.budgets.spend(Budget::TinyFrames)?,
            _ => self.budgets.give(Budget::TinyFrames, 1),
        }
        let Some(slot) = self.calls.get_mut(frame.position) else {
            return Ok(());
        };
        if !slot.receiver.is_in_metadata() {
            slot.fragments = 0;
            return Ok(());
        }
        slot.fragments = slot.fragments.saturating_add(1);
        let most = self.config.limits.max_metadata_len / TINY_FRAME_LEN;
        if slot.fragments > most.max(u32::from(MAX_METADATA_FRAGMENTS)) {
            return Err(ConnectionError::Flood(Budget::MetadataFragments));
        }
        Ok(())
    }

    /// The peer broke the rules of a call: that call is over, and no other.
    pub(super) fn fail_call(&mut self, position: usize, error: RecvError) -> Received<'static> {
        let Some(slot) = self.calls.get_mut(position) else {
            return Ok(None);
        };
        let call = slot.call();
        slot.set_reset(error.code(), error.text());
        if Self::answers(slot) {
            self.budgets.spend(Budget::Resets)?;
        }
        self.end_by(position, Step::Fail);
        let end = End::Failed(error);
        Ok(Some(Event::Ended { call, end }))
    }
}

/// Whether an event is the end of a message or block.
const fn is_end(event: &call::Event<'_>) -> bool {
    match event {
        call::Event::Metadata(piece) => piece.end,
        event => ends_message(event),
    }
}

const fn ends_message(event: &call::Event<'_>) -> bool {
    matches!(event, call::Event::Message { piece, .. } if piece.end)
}
