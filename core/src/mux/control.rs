//! What the peer sends: control frames.

use super::budget::Budget;
use super::connection::Connection;
use super::error::ConnectionError;
use super::event::{End, Event};
use super::id::CallId;
use super::lifecycle::Step;
use super::reading::{Position, unit};
use super::recv::Received;
use super::table::CallTable;
use crate::fragment::Fragment;
use crate::wire::mux::{FrameType, HEADER_LEN, Header, MAX_CONTROL_FRAME, MAX_ID};
use crate::wire::status::Code;

/// The longest payload of a control frame in bytes.
const MAX_PAYLOAD: usize = MAX_CONTROL_FRAME - HEADER_LEN;

impl<T: CallTable> Connection<T> {
    pub(super) fn recv_control<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
        header: Header,
        taken: u32,
    ) -> Received<'i> {
        let room = MAX_PAYLOAD.saturating_sub(usize::try_from(taken).unwrap_or(usize::MAX));
        let whole = fragment.bytes.get(..room).unwrap_or(fragment.bytes);
        let mut input = whole;
        let text = self.take_control(&mut input, header, taken)?;
        let read = fragment.advance(whole.len().saturating_sub(input.len()));
        let taken = taken.saturating_add(read);
        self.reading.position = Position::Control { header, taken };
        if text.is_some() {
            return Ok(text);
        }
        if read == 0 && !fragment.bytes.is_empty() {
            return Err(ConnectionError::Malformed);
        }
        if fragment.take_fin() {
            self.reading.position = Position::Header;
            return self.end_control(header);
        }
        Ok(None)
    }

    /// Reads on in a control frame: numbers into the scratch, a text as an event.
    fn take_control<'i>(
        &mut self,
        input: &mut &'i [u8],
        header: Header,
        taken: u32,
    ) -> Received<'i> {
        let has_text = matches!(header.kind, FrameType::Reset { .. } | FrameType::GoAway);
        if has_text && taken > 0 {
            let text = core::mem::take(input);
            return Ok(self.text_event(header, text).filter(|_| !text.is_empty()));
        }
        self.reading.scratch.fill(input, unit(header.kind));
        if header.kind == FrameType::Settings {
            return self.take_setting();
        }
        Ok(None)
    }

    fn take_setting(&mut self) -> Received<'static> {
        if let Some([key, a, b, c, d, ..]) = self.reading.scratch.take(unit(FrameType::Settings)) {
            let value = u32::from_be_bytes([a, b, c, d]);
            let applied = self.peer.apply(key, value);
            applied.map_err(|_| ConnectionError::Settings)?;
        }
        Ok(None)
    }

    fn text_event<'i>(&self, header: Header, text: &'i [u8]) -> Option<Event<'i>> {
        if header.kind == FrameType::GoAway {
            return Some(Event::GoAwayText(text));
        }
        let call = CallId::new(header.id).filter(|call| self.contains(*call))?;
        Some(Event::ResetText { call, text })
    }

    /// A control frame is complete.
    #[cfg_attr(target_os = "none", inline(never))]
    fn end_control(&mut self, header: Header) -> Received<'static> {
        let Header { kind, id } = header;
        if kind == FrameType::Settings {
            return self.end_settings();
        }
        let scratch = self.reading.scratch.take(unit(kind));
        let [a, b, c, d, ..] = scratch.ok_or(ConnectionError::Malformed)?;
        match kind {
            FrameType::Window => self.recv_window(id, u32::from_be_bytes([a, b, c, d])),
            FrameType::Reset { refused } => self.recv_reset(id, a, refused),
            FrameType::GoAway => self.recv_go_away(id, a),
            FrameType::Ping { ack: false } => {
                self.outbox.pong = scratch;
                Ok(None)
            }
            // An answer to a PING is a sign of life, like any other frame.
            _ => Ok(None),
        }
    }

    fn end_settings(&mut self) -> Received<'static> {
        if !self.reading.scratch.is_empty() {
            return Err(ConnectionError::Settings);
        }
        self.is_ready = true;
        self.timers.is_ready(self.peer.keepalive_ms);
        Ok(Some(Event::Ready(self.peer)))
    }

    fn recv_window(&mut self, id: u32, increment: u32) -> Received<'static> {
        if increment == 0 || increment > MAX_ID {
            return Err(ConnectionError::Credit);
        }
        let call = self.known(id)?;
        let Ok((_, slot)) = self.live(call) else {
            self.budgets.spend(Budget::StrayFrames)?;
            return Ok(None);
        };
        let is_over = slot.sending.is_half_closed();
        if !is_over {
            let credit = slot.sending.credit.checked_add(increment);
            let credit = credit.filter(|credit| *credit <= MAX_ID);
            slot.sending.credit = credit.ok_or(ConnectionError::Credit)?;
        }
        self.budgets.spend(Budget::Windows)?;
        Ok((!is_over).then_some(Event::Credit(call)))
    }

    fn recv_reset(&mut self, id: u32, code: u8, refused: bool) -> Received<'static> {
        let call = self.known(id)?;
        let Ok((position, slot)) = self.live(call) else {
            if let Some(position) = self.calls.find(call) {
                self.advance(position, Step::PeerReset);
            }
            self.forget_refusal(call);
            self.budgets.spend(Budget::StrayFrames)?;
            return Ok(None);
        };
        // Only the side that answers can know that a call was not processed.
        let is_answered = Self::answers(slot);
        let refused = refused && !is_answered;
        if is_answered {
            self.budgets.spend(Budget::Resets)?;
        }
        self.advance(position, Step::PeerReset);
        let code = match Code::from_value(code) {
            Code::Ok => Code::Unknown,
            code => code,
        };
        let end = End::Reset { code, refused };
        Ok(Some(Event::Ended { call, end }))
    }

    fn recv_go_away(&mut self, id: u32, code: u8) -> Received<'static> {
        let is_ours = CallId::new(id).is_none_or(|call| call.opener() == self.side);
        if !is_ours || self.peer_going_away.is_some_and(|(last, _)| id > last) {
            return Err(ConnectionError::GoAway);
        }
        if self.peer_going_away.is_some() {
            self.budgets.spend(Budget::StrayFrames)?;
        }
        let code = Code::from_value(code);
        self.peer_going_away = Some((id, code));
        self.outbox.unprocessed = true;
        Ok(Some(Event::GoAway(code)))
    }

    /// After a GOAWAY: the end of a call that was made here and that the peer did not take.
    pub(super) fn next_unprocessed(&mut self) -> Option<Event<'static>> {
        let (last, _) = self.peer_going_away.filter(|_| self.outbox.unprocessed)?;
        for position in 0..self.calls.positions() {
            let Some(slot) = self.calls.get(position) else {
                continue;
            };
            let call = slot.call();
            if slot.is_of(self.side) && slot.state.is_live() && call.get() > last {
                self.advance(position, Step::PeerReset);
                let (code, refused) = (Code::Unavailable, true);
                let end = End::Reset { code, refused };
                return Some(Event::Ended { call, end });
            }
        }
        self.outbox.unprocessed = false;
        None
    }
}
