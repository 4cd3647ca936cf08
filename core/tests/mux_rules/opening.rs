//! SPEC.md#ids, SPEC.md#settings: when a call can be made.

use grpc_websocket_core::mux::{Config, OpenError, Side};
use grpc_websocket_core::{Code, SendError};

use crate::harness::*;

/// How many calls an endpoint has room for.
const CAPACITY: u32 = 8;

#[test]
fn no_call_before_the_settings_of_the_peer() {
    let mut dialer = Endpoint::fresh(Side::Dialer, Config::DEFAULT);
    assert_eq!(dialer.control().len(), 1);
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::NotReady));
    assert_eq!(dialer.mux.peer_settings(), None);
}

#[test]
fn no_call_before_the_own_settings_are_written() {
    let mut dialer = Endpoint::fresh(Side::Dialer, Config::DEFAULT);
    dialer.recv(&settings(&[]));
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::NotReady));
    assert_eq!(dialer.control().len(), 1);
    assert!(dialer.open(REQUEST, true).is_ok());
}

#[test]
fn no_more_calls_than_the_peer_takes() {
    let mut dialer = Endpoint::dialer(2);
    let first = dialer.opened();
    dialer.opened();
    let error = OpenError::TooManyCalls;
    assert_eq!(dialer.open(REQUEST, true), Err(error));
    assert!(dialer.mux.reset(first, Code::Cancelled, "").is_ok());
    dialer.opened();
    assert_eq!(dialer.open(REQUEST, true), Err(error));
    dialer.recv(&data_end(3, TRAILERS));
    dialer.opened();
}

#[test]
fn a_call_that_failed_keeps_its_place_until_the_peer_is_told() {
    let mut dialer = Endpoint::dialer(1);
    dialer.opened();
    dialer.recv(&data(1, b"\x02"));
    assert_eq!((dialer.mux.calls(), dialer.mux.is_over()), (1, false));
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::TooManyCalls));
    assert_eq!(dialer.control().len(), 1);
    dialer.opened();
}

#[test]
fn room_is_kept_for_the_calls_of_the_peer() {
    let config = Config::DEFAULT.with_max_calls(CAPACITY - 2);
    let peer = [(setting::MAX_STREAMS, 10)];
    let mut end = Endpoint::ready(Side::Acceptor, config, &peer);
    end.opened();
    end.opened();
    assert_eq!(end.open(REQUEST, true), Err(OpenError::TableFull));
    for index in 0..CAPACITY - 2 {
        end.accepted(2 * index + 1);
    }
    assert_eq!(end.mux.calls(), 8);
}

#[test]
fn the_peer_is_promised_no_more_than_there_is_room_for() {
    let config = Config::DEFAULT.with_max_calls(1_000_000);
    let end = Endpoint::fresh(Side::Acceptor, config);
    assert_eq!(end.mux.config().max_calls, CAPACITY);
}

#[test]
fn a_dialer_counts_in_odd_ids_and_an_acceptor_in_even_ones() {
    let mut dialer = Endpoint::dialer(3);
    let odd = [(); 3].map(|()| dialer.opened());
    assert_eq!(odd.map(|call| call.get()), [1, 3, 5]);
    let peer = [(setting::MAX_STREAMS, 3)];
    let mut acceptor = Endpoint::ready(Side::Acceptor, Config::DEFAULT, &peer);
    let even = [(); 3].map(|()| acceptor.opened());
    assert_eq!(even.map(|call| call.get()), [2, 4, 6]);
    assert!(even.iter().all(|call| call.opener() == Side::Acceptor));
}

#[test]
fn a_call_that_cannot_be_made_costs_no_id() {
    let mut dialer = Endpoint::dialer(1);
    let out_of_order = Err(OpenError::Send(SendError::OutOfOrder));
    assert_eq!(dialer.open(b"", false), out_of_order, "nothing to send");
    assert_eq!(dialer.open(b"", true), out_of_order, "END before the block");
    assert_eq!(dialer.open(&message(b"hi"), true), out_of_order);
    let open_frame = Err(OpenError::Send(SendError::FrameOpen));
    assert_eq!(dialer.open(&REQUEST[..9], true), open_frame);
    assert!(dialer.open(b"\x02", false).is_err(), "unknown flags");
    assert_eq!(dialer.mux.calls(), 0);
    assert_eq!(dialer.opened().get(), 1);
}

#[test]
fn a_call_begins_with_open_however_little_of_it_there_is() {
    let mut dialer = Endpoint::dialer(1);
    let (call, first) = dialer.open(&REQUEST[..1], false).expect("room");
    assert_eq!(first, open(1, &REQUEST[..1]));
    assert_eq!(
        dialer.send(call, &REQUEST[1..], true),
        Ok(Some(data_end(1, &REQUEST[1..])))
    );
}

#[test]
fn the_first_frame_is_cut_as_all_others_are() {
    let peer = [
        (setting::MAX_STREAMS, 2),
        (setting::MAX_FRAME, 64),
        (setting::INITIAL_WINDOW, 70),
    ];
    let mut dialer = Endpoint::ready(Side::Dialer, Config::DEFAULT, &peer);
    let stream = [REQUEST, &message(&[7; 100])].concat();
    let (call, first) = dialer.open(&stream, true).expect("room");
    assert_eq!(first, open(1, &stream[..64]), "MAX_FRAME, and no END");
    let second = dialer.send(call, &stream[64..], true);
    assert_eq!(second, Ok(Some(data(1, &stream[64..70]))), "credit");
    assert_eq!(dialer.send(call, &stream[70..], true), Ok(None));
}

#[test]
fn no_call_after_a_goaway_of_either_side() {
    let mut dialer = Endpoint::dialer(1);
    dialer.mux.go_away(Code::Ok, "done");
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::GoingAway));
    let mut dialer = Endpoint::dialer(1);
    dialer.recv(&goaway(0, Code::Unavailable, "restart"));
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::GoingAway));
    assert!(dialer.mux.is_going_away());
}

#[test]
fn no_call_after_the_end() {
    let mut dialer = Endpoint::dialer(1);
    dialer.mux.handle_close(None);
    assert_eq!(dialer.open(REQUEST, true), Err(OpenError::Closed));
}
