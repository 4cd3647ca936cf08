//! Whatever comes: a connection goes on as it was, or is over for good (CVE-2026-32314: state that
//! was kept before it was checked); and each step gets on (RUSTSEC-2024-0336, -0399: loops and
//! panics on input in pieces).

use std::collections::BTreeSet;

use grpc_websocket_core::mux::{CallId, Config, ConnectionError, Event, Side};
use grpc_websocket_core::{Code, Fragment, call};
use proptest::prelude::*;

use crate::harness::*;

/// An end in the midst of things, and the calls that go on.
struct Busy {
    end: Endpoint,
    live: BTreeSet<u32>,
}

/// It answers two calls, made one, and holds one.
fn busy() -> Busy {
    let peer = [(setting::MAX_STREAMS, 2)];
    let config = Config::DEFAULT.with_max_calls(4);
    let mut end = Endpoint::ready(Side::Acceptor, config, &peer);
    end.opened();
    end.accepted(1);
    end.recv(&open(3, &REQUEST[..9]));
    end.accepted(5);
    end.recv(&reset(5, Code::Cancelled, ""));
    let live = [1, 2, 3].into();
    Busy { end, live }
}

/// Frames that are likely to mean something there, and noise.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x03, 0x10, 0x20, 0x21, 0x30, 0x31, 0x40, 0x50, 0x80, 0x70, 0x04,
    ]);
    let id = prop_oneof![4 => 0..10_u32, 1 => any::<u32>()];
    let payload = prop_oneof![
        Just(REQUEST.to_vec()),
        Just(TRAILERS.to_vec()),
        Just(message(b"hello")),
        Just(REQUEST[9..].to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(Just(0), 0..600),
    ];
    let frame = (head, id, payload)
        .prop_map(|(head, id, payload)| [&[head][..], &id.to_be_bytes(), &payload].concat());
    prop_oneof![9 => frame, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

impl Busy {
    /// Takes a fragment step by step, each of which must get on; whether a call ended.
    fn step_through(&mut self, mut fragment: Fragment<'_>) -> Result<bool, ConnectionError> {
        let (mut is_ended, mut idle_steps) = (false, 0);
        loop {
            let before = fragment.rest().len();
            let event = self.end.mux.recv(self.end.now, &mut fragment)?;
            let after = fragment.rest().len();
            assert!(after <= before);
            let Some(event) = event else {
                assert_eq!(after, 0, "input was left over");
                return Ok(is_ended);
            };
            is_ended |= self.note(event);
            idle_steps = if after == before { idle_steps + 1 } else { 0 };
            // What is complete is said without another byte; a GOAWAY ends a call and itself.
            assert!(idle_steps <= 3, "{event:?} again");
        }
    }

    fn step_through_parts(&mut self, frame: &[u8], size: usize) -> Result<bool, ConnectionError> {
        let (front, last) = frame.split_at(frame.len() - frame.len().min(size));
        let mut is_ended = false;
        for part in front.chunks(size) {
            is_ended |= self.step_through(Fragment::part(part))?;
        }
        Ok(is_ended | self.step_through(Fragment::message(last))?)
    }

    /// Notes which calls go on; whether one ended.
    fn note(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Opened(call) => {
                assert!(self.live.insert(call.get()));
                false
            }
            Event::Ended { call, .. }
            | Event::Call {
                call,
                event: call::Event::Trailers(_),
            } => {
                assert!(self.live.remove(&call.get()), "it ends once");
                true
            }
            _ => false,
        }
    }

    /// Each call that went on is lost, and then nothing is left.
    fn check_over(&mut self, error: ConnectionError) {
        assert_eq!(self.end.mux.failure(), Some(error));
        assert_eq!(self.end.fails(b"\x50\0\0\0\0"), error);
        assert!(self.end.control().len() <= 1, "the GOAWAY");
        let expected = self.live.iter().map(|id| (*id, error.code())).collect();
        let lost: BTreeSet<_> = self.end.lost().into_iter().collect();
        assert_eq!(lost, expected);
        assert_eq!((self.end.mux.calls(), self.end.lost()), (0, vec![]));
    }

    /// It takes and says what it should.
    fn check_alive(&mut self) {
        self.end.control();
        // The peer may have four calls, and here were made two at most.
        assert!((self.live.len()..=6).contains(&self.end.mux.calls()));
        let number = *b"go on...";
        assert_eq!(self.end.recv(&ping(number)), []);
        assert_eq!(self.end.control(), [pong(number)]);
        self.end.mux.handle_close(None);
        let lost: BTreeSet<_> = self.end.lost().into_iter().map(|(id, _)| id).collect();
        assert_eq!(lost, self.live);
    }
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn any_frames_leave_the_connection_alive_or_over(
        frames in prop::collection::vec(hostile(), 1..8),
        transmit in any::<bool>(),
    ) {
        let mut busy = busy();
        for frame in &frames {
            if let Err(error) = busy.step_through(Fragment::message(frame)) {
                busy.check_over(error);
                return Ok(());
            }
            if transmit {
                busy.end.control();
            }
        }
        busy.check_alive();
    }

    /// The state is the same, down to the last field. When a call ends, how far it was read is not.
    #[test]
    fn it_does_not_matter_how_frames_are_cut(
        frames in prop::collection::vec(hostile(), 1..6),
        size in 1..9_usize,
    ) {
        let (mut whole, mut cut) = (busy(), busy());
        for frame in &frames {
            let in_one = whole.step_through(Fragment::message(frame));
            let in_parts = cut.step_through_parts(frame, size);
            prop_assert_eq!(in_parts, in_one);
            if in_one != Ok(false) {
                prop_assert_eq!(cut.end.lost(), whole.end.lost());
                return Ok(());
            }
            prop_assert_eq!(format!("{:?}", cut.end.mux), format!("{:?}", whole.end.mux));
        }
    }

    /// What cannot be done changes nothing.
    #[test]
    fn a_method_that_fails_leaves_no_trace(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            Just(REQUEST.to_vec()),
            Just(TRAILERS.to_vec()),
            Just([INITIAL, &message(b"hi"), TRAILERS].concat()),
            Just([&message(b"hi")[..], REQUEST].concat()),
        ],
        cut in any::<prop::sample::Index>(),
        ends in any::<bool>(),
    ) {
        let mut end = busy().end;
        let (own, theirs) = (end.opened(), end.accepted(7));
        let parts = bytes.split_at(cut.index(bytes.len() + 1));
        let parts = [parts.0, parts.1];
        type Fails = fn(&mut Endpoint, [CallId; 2], &[&[u8]], bool) -> bool;
        let methods: [Fails; 3] = [
            |end, _, parts, ends| end.mux.open(end.now, parts, ends).is_err(),
            |end, [own, _], parts, ends| end.mux.send(own, parts, ends).is_err(),
            |end, [_, theirs], parts, ends| end.mux.send(theirs, parts, ends).is_err(),
        ];
        for fails in methods {
            let before = format!("{:?}", end.mux);
            if fails(&mut end, [own, theirs], &parts, ends) {
                prop_assert_eq!(before, format!("{:?}", end.mux));
            }
        }
    }
}

#[test]
fn a_goaway_gives_up_each_call_once() {
    let mut dialer = Crowd::dialer(100);
    for _ in 0..100 {
        dialer.opened();
    }
    let bye = goaway(0, Code::Unavailable, "");
    let events = dialer.recv(&bye);
    let ended = |event: &&Event<'_>| matches!(event, Event::Ended { .. });
    assert_eq!(events.iter().filter(ended).count(), 100);
    assert_eq!(dialer.mux.calls(), 0);
}
