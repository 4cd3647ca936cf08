//! SPEC.md#goaway.

use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{ConnectionError, End, Event};

use crate::harness::*;

const RESTART: Code = Code::Unavailable;

#[test]
fn calls_that_were_taken_go_on() {
    let mut acceptor = Endpoint::acceptor(2);
    let call = acceptor.accepted(1);
    acceptor.mux.go_away(RESTART, "restart");
    assert_eq!(acceptor.control(), [goaway(1, RESTART, "restart")]);
    assert!(acceptor.mux.is_going_away());
    assert_eq!(acceptor.recv(&data(1, &message(b"hi"))).len(), 1);
    assert!(acceptor.send(call, TRAILERS, true).is_ok());
    assert_eq!(acceptor.mux.calls(), 0);
}

#[test]
fn calls_that_come_after_it_are_ignored_and_gone() {
    let mut acceptor = Endpoint::acceptor(2);
    acceptor.accepted(1);
    acceptor.mux.go_away(RESTART, "");
    assert_eq!(acceptor.recv(&open(3, REQUEST)), [], "before it is written");
    assert_eq!(acceptor.control(), [goaway(1, RESTART, "")]);
    assert_eq!(acceptor.recv(&open(5, REQUEST)), []);
    for frame in [data(3, b"\x02"), data_end(5, b""), window(5, 9)] {
        assert_eq!(acceptor.recv(&frame), []);
    }
    assert_eq!((acceptor.control(), acceptor.mux.calls()), (vec![], 1));
    let error = acceptor.fails(&open(5, REQUEST));
    assert_eq!(error, ConnectionError::Id, "its rules still hold");
}

#[test]
fn all_calls_that_may_be_on_their_way_are_ignored() {
    let mut acceptor = Crowd::acceptor(128);
    acceptor.mux.go_away(RESTART, "");
    for index in 0..128 {
        assert_eq!(acceptor.recv(&open(2 * index + 1, REQUEST)), []);
        for _ in 0..20 {
            assert_eq!(acceptor.recv(&data(2 * index + 1, &message(b""))), []);
        }
    }
}

#[test]
fn the_last_of_several_texts_is_written() {
    let mut acceptor = Endpoint::acceptor(1);
    acceptor.mux.go_away(Code::Ok, "idle");
    acceptor.mux.go_away(RESTART, "restart");
    assert_eq!(acceptor.control(), [goaway(0, RESTART, "restart")]);
    acceptor.mux.go_away(Code::Ok, "");
    assert_eq!(acceptor.control(), [goaway(0, Code::Ok, "")]);
}

#[test]
fn calls_that_the_peer_did_not_take_are_refused_and_the_others_go_on() {
    let mut dialer = Endpoint::dialer(4);
    let calls = [(); 4].map(|()| dialer.opened());
    assert!(dialer.mux.reset(calls[3], Code::Cancelled, "").is_ok());
    let (code, refused) = (Code::Unavailable, true);
    let end = End::Reset { code, refused };
    let goaway = goaway(3, RESTART, "bye");
    let call = calls[2];
    assert_eq!(
        dialer.recv(&goaway),
        [
            Event::GoAwayText(b"bye"),
            Event::GoAway(RESTART),
            Event::Ended { call, end }
        ]
    );
    assert_eq!(dialer.control(), SILENCE, "nothing is sent for them");
    assert!(dialer.mux.contains(calls[0]) && dialer.mux.contains(calls[1]));
    assert_eq!(dialer.mux.calls(), 2);
}

#[test]
fn a_second_goaway_may_give_up_more_calls_and_never_fewer() {
    let mut dialer = Endpoint::dialer(2);
    dialer.opened();
    dialer.opened();
    let highest = 0x7fff_ffff;
    assert_eq!(dialer.recv(&goaway(highest, RESTART, "")).len(), 1);
    assert_eq!(dialer.recv(&goaway(1, RESTART, "")).len(), 2);
    let error = dialer.fails(&goaway(3, RESTART, ""));
    assert_eq!(error, ConnectionError::GoAway);
}

#[test]
fn a_goaway_does_not_concern_the_calls_of_its_sender() {
    let mut acceptor = Endpoint::acceptor(2);
    let call = acceptor.accepted(1);
    assert_eq!(acceptor.recv(&goaway(0, RESTART, "")).len(), 1);
    assert!(acceptor.mux.contains(call));
}
