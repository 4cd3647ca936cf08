//! What goes out, and whether it is due.

use super::End;
use super::call::State;
use crate::wire::Message;
use grpc_websocket_core::Segment;
use grpc_websocket_core::mux::MAX_CONTROL_FRAME;
use grpc_websocket_testkit::frame::{Frame, Kind};

impl End {
    /// Writes the control frame that is due; whether there was one.
    pub(crate) fn transmit(&mut self) -> bool {
        let mut out = [0; MAX_CONTROL_FRAME];
        let Some(len) = self.core.poll_transmit(&mut out) else {
            assert!(self.has_said_settings && self.refusals.is_empty() && !self.owes_go_away);
            let mut calls = self.calls.values();
            assert!(!calls.any(|call| call.owes_window() || call.state == State::Resetting));
            return false;
        };
        let message = Message::new(out[..len].to_vec());
        self.check_due(&message.frame);
        self.written.push_back(message);
        true
    }

    fn check_due(&mut self, frame: &Frame) {
        let id = frame.id;
        match frame.kind {
            Kind::Settings(_) => {
                assert!(!self.has_said_settings);
                self.has_said_settings = true;
            }
            Kind::Reset { refused: true, .. } => assert_eq!(self.refusals.pop_front(), Some(id)),
            Kind::Reset { code, .. } => {
                let call = self.calls.remove(&id).expect("a RESET of no call");
                assert_eq!((call.state, code), (State::Resetting, 4));
            }
            Kind::Window(increment) => {
                let call = self.calls.get_mut(&id).expect("a WINDOW of no call");
                assert!(call.owes_window() && increment == call.owed);
                call.granted += increment;
                call.owed = 0;
            }
            Kind::GoAway { .. } => {
                assert!(self.owes_go_away && id == self.last_accepted);
                self.owes_go_away = false;
            }
            _ => panic!("{frame:?} is not due"),
        }
    }

    pub(super) fn write(&mut self, segment: &Segment, payload: &[u8]) -> Frame {
        let payload = &payload[..segment.payload_len() as usize];
        let message = Message::new([segment.head(), payload].concat());
        let frame = message.frame.clone();
        self.written.push_back(message);
        frame
    }
}
