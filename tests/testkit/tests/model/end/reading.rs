//! What comes in, and what it has to bring.

use super::call::{Call, State};
use super::{End, MAX_CALLS, config};
use crate::wire::{Brought, Message};
use grpc_websocket_core::call::{self, Role};
use grpc_websocket_core::mux::{CallId, End as CallEnd, Event, MAX_PENDING_REFUSALS};
use grpc_websocket_core::{Code, Fragment, Instant};
use grpc_websocket_testkit::frame::{Frame, Kind};

impl End {
    /// Reads at most so many bytes of a message; whether it is read to its end.
    pub(crate) fn read(&mut self, now: Instant, message: &mut Message, most: usize) -> bool {
        let (start, all) = (message.read, message.bytes.len());
        let stop = all.min(start.saturating_add(most));
        if start < 5 && stop >= 5 {
            self.begin(message);
        }
        let part = message.bytes[start..stop].to_vec();
        let mut fragment = if stop == all {
            Fragment::message(&part)
        } else {
            Fragment::part(&part)
        };
        message.read = stop;
        while let Some(event) = self.core.recv(now, &mut fragment).expect("honest peers") {
            self.handle(event, message);
        }
        if stop == all {
            self.finish(message);
        }
        stop == all
    }

    /// The header is there: what it does to the table.
    fn begin(&mut self, message: &Message) {
        let Frame { id, ref kind } = message.frame;
        if !matches!(kind, Kind::Data { open: true, .. }) || self.is_going_away {
            return;
        }
        let answered = self.calls.values().filter(|call| call.role == Role::Server);
        if answered.count() < MAX_CALLS as usize {
            self.calls.insert(id, Call::new(Role::Server, id));
            self.last_accepted = id;
            return;
        }
        // The driver of a model writes refusals in time.
        while self.refusals.len() >= MAX_PENDING_REFUSALS {
            self.transmit();
        }
        self.refusals.push_back(id);
    }

    fn handle(&mut self, event: Event<'_>, message: &mut Message) {
        let Frame { id, ref kind } = message.frame;
        let brought = match event {
            Event::Ready(settings) => {
                assert_eq!(settings, config().settings(self.side.peer()));
                self.is_ready = true;
                Brought::Ready
            }
            Event::Opened(call) => {
                assert_eq!(call.get(), id);
                self.ids.push(call);
                Brought::Opened
            }
            Event::Call { call, event } => {
                assert_eq!(call.get(), id);
                match self.handle_call(call, event) {
                    Some(brought) => brought,
                    None => return,
                }
            }
            Event::Credit(call) => {
                assert_eq!(call.get(), id);
                Brought::Credit
            }
            Event::ResetText { .. } | Event::GoAwayText(_) => return,
            Event::Ended { call, end } => {
                self.handle_end(call, end, kind, id);
                Brought::Ended
            }
            Event::GoAway(code) => {
                assert_eq!(code, Code::Unavailable);
                self.peer_is_going_away = true;
                Brought::GoAway
            }
            event => panic!("{event:?} of a frame"),
        };
        message.brought.push(brought);
    }

    fn handle_call(&mut self, id: CallId, event: call::Event<'_>) -> Option<Brought> {
        let call = self.live(id).expect("an event of a call that is not live");
        let stream = call.receives().clone();
        match event {
            call::Event::Metadata(piece) => {
                call.follower.metadata(&stream, &piece);
                let len = u32::try_from(piece.framed.len()).unwrap();
                call.granted -= len;
                call.owed += len;
            }
            call::Event::Message { compressed, piece } => {
                call.follower.message(&stream, compressed, &piece);
                let len = u32::try_from(piece.framed.len()).unwrap();
                call.granted -= len;
                call.held += len;
            }
            call::Event::InitialMetadata => assert_eq!(call.follower.items(), 1),
            call::Event::HalfClosed => {
                assert!(call.role == Role::Server && call.follower.is_complete(&stream));
                call.peer_half_closed = true;
                return Some(Brought::HalfClosed);
            }
            call::Event::Trailers(code) => {
                assert_eq!((call.role, code), (Role::Client, Code::Ok));
                assert!(call.follower.is_complete(&stream));
                self.calls.remove(&id.get());
            }
            event => panic!("{event:?} of DATA"),
        }
        None
    }

    fn handle_end(&mut self, id: CallId, end: CallEnd, kind: &Kind, frame_id: u32) {
        let call = self.live(id).expect("the end of a call that is not live");
        let role = call.role;
        let (code, refused) = match *kind {
            Kind::Reset { refused, code } => {
                assert_eq!(frame_id, id.get());
                (code, refused && role == Role::Client)
            }
            Kind::GoAway { .. } => {
                assert!(role == Role::Client && id.get() > frame_id);
                (Code::Unavailable.value(), true)
            }
            ref kind => panic!("{end:?} of {kind:?}"),
        };
        let code = Code::from_value(code);
        assert_eq!(end, CallEnd::Reset { code, refused });
        match role {
            Role::Client => drop(self.calls.remove(&id.get())),
            Role::Server => call.state = State::Held,
        }
    }

    /// The message has ended: what it has to have brought, and what it does without an event.
    fn finish(&mut self, message: &Message) {
        let Frame { id, ref kind } = message.frame;
        let has = |brought| message.brought.contains(&brought);
        match *kind {
            Kind::Settings(_) => assert!(has(Brought::Ready)),
            Kind::Data { open, end, .. } => {
                let call = self.calls.get(&id).filter(|call| call.state == State::Live);
                let is_answered = call.is_some_and(|call| call.role == Role::Server);
                assert!(!open || !is_answered || has(Brought::Opened));
                assert_eq!(end && is_answered, has(Brought::HalfClosed));
                // A server's END ends the call; its last byte has.
                assert!(!end || call.is_none_or(|call| call.role == Role::Server));
            }
            Kind::Window(increment) => {
                let call = self.calls.get_mut(&id);
                let call = call.filter(|call| call.state == State::Live);
                let call = call.filter(|call| !call.has_half_closed);
                assert_eq!(has(Brought::Credit), call.is_some());
                if let Some(call) = call {
                    call.credit += increment;
                }
            }
            Kind::Reset { .. } => {
                let state = self.calls.get(&id).map(|call| call.state);
                assert_ne!(state, Some(State::Live));
                self.refusals.retain(|refused| *refused != id);
                if state == Some(State::Resetting) {
                    self.calls.remove(&id);
                }
            }
            Kind::GoAway { .. } => {
                assert!(has(Brought::GoAway));
                let mut live = self
                    .calls
                    .iter()
                    .filter(|(_, call)| call.state == State::Live);
                assert!(!live.any(|(call, of)| of.role == Role::Client && *call > id));
            }
            Kind::Ping(_) | Kind::Pong(_) => panic!("nobody asked for a sign of life"),
        }
    }
}
