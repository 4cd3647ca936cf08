//! What this side has to say on its own account: control frames, made from state when they are
//! asked for. Nothing is queued, so nothing grows while a peer does not read.

use super::MAX_PENDING_REFUSALS;
use super::budget::Budget;
use super::connection::{Connection, reset_code, reset_text};
use super::error::ConnectionError;
use super::id::CallId;
use super::lifecycle::Step;
use super::table::CallTable;
use crate::wire::mux::{FrameType, Header, MAX_CONTROL_FRAME, MAX_SETTINGS_LEN};
use crate::wire::status::Code;

/// What is due.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    pub(super) settings_said: bool,
    /// The answer to the last PING.
    pub(super) pong: Option<[u8; 8]>,
    /// Calls to be refused, in the order they came.
    refusals: [u32; MAX_PENDING_REFUSALS],
    /// Some call may owe a RESET or a WINDOW.
    pub(super) slots_due: bool,
    /// Where to look for it next.
    cursor: usize,
    pub(super) ping: bool,
    pub(super) goaway: Option<(Code, &'static str)>,
    /// Calls that a GOAWAY gave up have yet to be told.
    pub(super) unprocessed: bool,
}

impl Outbox {
    pub(super) const fn new() -> Self {
        Self {
            settings_said: false,
            pong: None,
            refusals: [0; MAX_PENDING_REFUSALS],
            slots_due: false,
            cursor: 0,
            ping: false,
            goaway: None,
            unprocessed: false,
        }
    }

    /// Notes that a call is to be refused; whether there was room.
    fn refuse(&mut self, call: CallId) -> bool {
        let place = self.refusals.iter_mut().find(|id| **id == 0);
        place.map(|place| *place = call.get()).is_some()
    }

    /// A call need not be refused after all.
    fn forget_refusal(&mut self, call: CallId) {
        let position = self.refusals.iter().position(|id| *id == call.get());
        position.map(|position| self.take_refusal(position));
    }

    /// Takes a refusal out, and moves those that came later up; 0 if there was none.
    fn take_refusal(&mut self, position: usize) -> u32 {
        let from_there = self.refusals.iter_mut().skip(position);
        from_there
            .rev()
            .fold(0, |later, id| core::mem::replace(id, later))
    }

    /// The connection failed: all that is left to say is the GOAWAY.
    pub(super) const fn fail(&mut self, error: ConnectionError) {
        let settings_said = self.settings_said;
        self.clear();
        self.settings_said = settings_said;
        self.goaway = Some((error.code(), error.text()));
    }

    /// Nothing is left to say.
    pub(super) const fn clear(&mut self) {
        *self = Self::new();
        self.settings_said = true;
    }
}

impl<T: CallTable> Connection<T> {
    /// Writes the next control frame that is due into `out` and returns its length: one WebSocket
    /// binary message. To be called until it returns `None`, before any segment is written, and
    /// after every call of another method. After an error there may be one last frame, the GOAWAY.
    ///
    /// Each is at most 125 bytes long. It comes before the segments that are made later, and after
    /// those that were made before: it may end a call that one of them began. Looks at all calls
    /// when one of them may have something to say.
    #[must_use = "the frame is to be written"]
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn poll_transmit(&mut self, out: &mut [u8; MAX_CONTROL_FRAME]) -> Option<usize> {
        if !core::mem::replace(&mut self.outbox.settings_said, true) {
            return Some(self.write_settings(out));
        }
        if let Some(answered) = self.outbox.pong.take() {
            let kind = FrameType::Ping { ack: true };
            return Some(write(out, Header { kind, id: 0 }, &answered));
        }
        let id = self.outbox.take_refusal(0);
        if id != 0 {
            return Some(write_refusal(out, id));
        }
        if let Some(len) = self.write_slots(out) {
            return Some(len);
        }
        if core::mem::take(&mut self.outbox.ping) {
            let kind = FrameType::Ping { ack: false };
            return Some(write(out, Header { kind, id: 0 }, &[0; 8]));
        }
        let (code, text) = self.outbox.goaway.take()?;
        let (kind, id) = (FrameType::GoAway, self.last_accepted);
        Some(write_text(out, Header { kind, id }, code.value(), text))
    }

    /// Notes that a call is to be refused. Where there is no room for it otherwise, the call whose
    /// place it would need keeps it: one that is over, which the peer may not know. A peer that
    /// keeps to MAX_STREAMS never has more to be refused than there are of these.
    pub(super) fn refuse_later(&mut self, call: CallId) -> Result<(), ConnectionError> {
        if self.outbox.refuse(call) {
            return Ok(());
        }
        for position in 0..self.calls.positions() {
            let slot = self.calls.get_mut(position);
            if let Some(slot) = slot.filter(|slot| slot.can_refuse()) {
                slot.refusal = Some(call);
                self.outbox.slots_due = true;
                return Ok(());
            }
        }
        Err(ConnectionError::Flood(Budget::Refused))
    }

    /// The peer gave up a call that it may have to be refused.
    pub(super) fn forget_refusal(&mut self, call: CallId) {
        self.outbox.forget_refusal(call);
        for position in 0..self.calls.positions() {
            let slot = self.calls.get_mut(position);
            if let Some(slot) = slot.filter(|slot| slot.refusal == Some(call)) {
                slot.refusal = None;
                self.forget(position);
            }
        }
    }

    fn write_settings(&self, out: &mut [u8; MAX_CONTROL_FRAME]) -> usize {
        let mut payload = [0; MAX_SETTINGS_LEN];
        let len = self.settings.encode(self.side, &mut payload);
        let kind = FrameType::Settings;
        let payload = payload.get(..len).unwrap_or_default();
        write(out, Header { kind, id: 0 }, payload)
    }

    /// The next RESET or WINDOW that a call owes. It looks on where it stopped.
    fn write_slots(&mut self, out: &mut [u8; MAX_CONTROL_FRAME]) -> Option<usize> {
        if !self.outbox.slots_due || self.over.is_some() {
            return None;
        }
        let positions = self.calls.positions();
        for _ in 0..positions {
            let position = self.outbox.cursor;
            let next = position.saturating_add(1);
            self.outbox.cursor = if next < positions { next } else { 0 };
            if let Some(len) = self.write_slot(position, out) {
                return Some(len);
            }
        }
        self.outbox.slots_due = false;
        None
    }

    fn write_slot(&mut self, position: usize, out: &mut [u8; MAX_CONTROL_FRAME]) -> Option<usize> {
        let slot = self.calls.get_mut(position)?;
        let id = slot.call().get();
        if let Some(call) = slot.refusal.take() {
            // It may owe more: the next look is at the same place.
            self.outbox.cursor = position;
            self.forget(position);
            return Some(write_refusal(out, call.get()));
        }
        if slot.state.owes_reset() {
            let (code, text) = (slot.reset_code, slot.reset_text);
            self.advance(position, Step::ResetSent);
            let kind = FrameType::Reset { refused: false };
            return Some(write_text(out, Header { kind, id }, reset_code(code), text));
        }
        if !slot.owes_window(self.settings.initial_window) {
            return None;
        }
        let increment = core::mem::take(&mut slot.owed);
        slot.granted = slot.granted.saturating_add(increment);
        let kind = FrameType::Window;
        Some(write(out, Header { kind, id }, &increment.to_be_bytes()))
    }
}

fn write_refusal(out: &mut [u8; MAX_CONTROL_FRAME], id: u32) -> usize {
    let (kind, code) = (FrameType::Reset { refused: true }, Code::Unavailable);
    write_text(out, Header { kind, id }, code.value(), "too many calls")
}

fn write_text(out: &mut [u8; MAX_CONTROL_FRAME], header: Header, code: u8, text: &str) -> usize {
    write_parts(out, header, &[code], reset_text(text).as_bytes())
}

fn write(out: &mut [u8; MAX_CONTROL_FRAME], header: Header, payload: &[u8]) -> usize {
    write_parts(out, header, &[], payload)
}

fn write_parts(
    out: &mut [u8; MAX_CONTROL_FRAME],
    header: Header,
    code: &[u8],
    payload: &[u8],
) -> usize {
    let mut len: usize = 0;
    for part in [&header.encode(), code, payload] {
        let room = out.get_mut(len..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(part) {
            *place = *byte;
            len = len.saturating_add(1);
        }
    }
    len
}
