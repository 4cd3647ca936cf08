//! Calls that the acceptor makes and the dialer answers: the ids tell the two apart, nothing else.

use grpc_websocket_core::mux::{Config, ConnectionError, Event, OpenError, Side};
use grpc_websocket_core::wire::mux::FrameType;
use grpc_websocket_core::{Code, call};

use crate::harness::*;

/// A device that takes two calls, and the acceptor that it dialled.
fn pair() -> (Endpoint, Endpoint) {
    let two = [(setting::MAX_STREAMS, 2)];
    let config = Config::DEFAULT.with_max_calls(2);
    (
        Endpoint::ready(Side::Dialer, config, &two),
        Endpoint::ready(Side::Acceptor, config, &two),
    )
}

#[test]
fn a_dialer_takes_no_calls_unless_it_says_so() {
    let mut acceptor = Endpoint::acceptor(1);
    assert_eq!(acceptor.open(REQUEST, true), Err(OpenError::TooManyCalls));
    let mut dialer = Endpoint::dialer(1);
    assert_eq!(dialer.recv(&open(2, REQUEST)), []);
    let refusal = refused(2, Code::Unavailable, "too many calls");
    assert_eq!(dialer.control(), [refusal]);
}

#[test]
fn a_dialer_answers_a_call() {
    let (mut device, mut cloud) = pair();
    let request = [REQUEST, &message(b"21")].concat();
    let (call, frame) = cloud.open(&request, true).expect("room");
    assert_eq!(call.get(), 2);
    let events = device.recv(&frame);
    assert_eq!(opened(&events), call);
    assert_eq!(framed(&events), message(b"21"));
    let half_closed = call::Event::HalfClosed;
    assert_eq!(
        events.last(),
        Some(&Event::Call {
            call,
            event: half_closed
        })
    );

    let answer = [INITIAL, &message(b"42"), TRAILERS].concat();
    let frame = device.send(call, &answer, true).unwrap().unwrap();
    let events = cloud.recv(&frame);
    assert_eq!(framed(&events), message(b"42"));
    let event = call::Event::Trailers(Code::Ok);
    assert_eq!(events.last(), Some(&Event::Call { call, event }));
    assert_eq!((device.mux.calls(), cloud.mux.calls()), (0, 0));
}

#[test]
fn calls_of_both_sides_share_a_connection_and_count_apart() {
    let (mut device, mut cloud) = pair();
    for _ in 0..2 {
        let (_, frame) = device.open(REQUEST, false).expect("room");
        cloud.recv(&frame);
        let (_, frame) = cloud.open(REQUEST, false).expect("room");
        device.recv(&frame);
    }
    assert_eq!((device.mux.calls(), cloud.mux.calls()), (4, 4));
    for end in [&mut device, &mut cloud] {
        assert_eq!(end.open(REQUEST, false), Err(OpenError::TooManyCalls));
    }
    assert_eq!(cloud.recv(&open(5, REQUEST)), [], "a third of the device");
    assert_eq!(cloud.control().len(), 1);
}

#[test]
fn a_side_that_answers_may_cancel_nothing_of_the_other_side() {
    let (mut device, mut cloud) = pair();
    let (own, frame) = device.open(REQUEST, false).expect("room");
    cloud.recv(&frame);
    let (theirs, frame) = cloud.open(REQUEST, false).expect("room");
    device.recv(&frame);
    assert!(device.mux.refuse(own, "").is_err());
    assert!(device.mux.refuse(theirs, "").is_ok());
    assert!(device.mux.contains(own));
}

#[test]
fn a_dialer_keeps_the_place_of_a_call_until_its_handler_is_gone() {
    let (mut device, _) = pair();
    let held = device.accepted(2);
    device.accepted(4);
    device.recv(&reset(2, Code::Cancelled, ""));
    assert_eq!(device.recv(&open(6, REQUEST)), []);
    assert_eq!(device.control().len(), 1);
    device.mux.release(held);
    device.accepted(8);
}

#[test]
fn each_side_has_ids_of_its_own() {
    let (mut device, _) = pair();
    device.accepted(2);
    let (open, end) = (false, false);
    let foreign = frame(FrameType::Data { open, end }, 1, b"");
    let error = device.fails(&foreign);
    assert_eq!(error, ConnectionError::Id);
}
