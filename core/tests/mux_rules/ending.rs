//! SPEC.md#reset, SPEC.md#call-states: RESET of either side, and when a place is free again.

use grpc_websocket_core::mux::{CallId, Config, End, Event, Side};
use grpc_websocket_core::{Code, Fragment, RecvError, Segment, SendError};

use crate::harness::*;

fn bytes(segment: Segment, text: &str) -> Vec<u8> {
    let len = usize::try_from(segment.payload_len()).expect("a length");
    [segment.head(), &text.as_bytes()[..len]].concat()
}

fn ended(call: CallId, code: Code, refused: bool) -> Event<'static> {
    let end = End::Reset { code, refused };
    Event::Ended { call, end }
}

#[test]
fn a_client_cancels() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    let segment = dialer.mux.reset(call, Code::Cancelled, "enough");
    let frame = bytes(segment.expect("a call"), "enough");
    assert_eq!(frame, reset(1, Code::Cancelled, "enough"));
    assert_eq!((dialer.mux.calls(), dialer.control()), (0, vec![]));
    let again = dialer.mux.reset(call, Code::Cancelled, "enough");
    assert_eq!(again, Err(SendError::UnknownCall));
}

#[test]
fn a_server_aborts() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    let segment = acceptor.mux.reset(call, Code::NotFound, "nf");
    let frame = bytes(segment.expect("a call"), "nf");
    assert_eq!(frame, reset(1, Code::NotFound, "nf"));
    assert_eq!(acceptor.mux.calls(), 0, "the application has let go of it");
    acceptor.accepted(3);
}

#[test]
fn a_server_refuses_and_a_client_cannot() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    let segment = acceptor.mux.refuse(call, "full").expect("a call");
    let frame = bytes(segment, "full");
    assert_eq!(frame, refused(1, Code::Unavailable, "full"));
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert_eq!(dialer.mux.refuse(call, ""), Err(SendError::OutOfOrder));
    assert!(dialer.mux.contains(call));
    let code = Code::Unavailable;
    assert_eq!(dialer.recv(&frame).last(), Some(&ended(call, code, true)));
}

#[test]
fn a_reset_never_says_ok() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    let segment = acceptor.mux.reset(call, Code::Ok, "").expect("a call");
    assert_eq!(segment.head(), [0x20, 0, 0, 0, 1, Code::Unknown.value()]);
}

#[test]
fn a_text_is_cut_between_characters_to_119_bytes() {
    for (text, len) in [
        ("x".repeat(118), 118),
        ("x".repeat(119), 119),
        ("x".repeat(120), 119),
        ("ä".repeat(60), 118),
        ("x".to_owned() + &"ä".repeat(60), 119),
        ("€".repeat(40), 117),
        ("🦀".repeat(30), 116),
        ("🦀".repeat(10_000), 116),
    ] {
        let mut acceptor = Endpoint::acceptor(1);
        let call = acceptor.accepted(1);
        let segment = acceptor.mux.reset(call, Code::Aborted, &text);
        let segment = segment.expect("a call");
        assert_eq!(segment.payload_len(), len, "{text}");
        let frame = bytes(segment, &text);
        assert!(frame.len() <= 125 && str::from_utf8(&frame[6..]).is_ok());
    }
}

#[test]
fn the_place_of_a_call_that_its_client_reset_is_free_when_it_is_released() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    let cancelled = ended(call, Code::Cancelled, false);
    assert_eq!(acceptor.recv(&reset(1, Code::Cancelled, "")), [cancelled]);
    assert!(!acceptor.mux.contains(call));
    assert_eq!(acceptor.mux.calls(), 1);
    assert_eq!(acceptor.recv(&open(3, REQUEST)), []);
    let too_many = refused(3, Code::Unavailable, "too many calls");
    assert_eq!(acceptor.control(), [too_many]);
    acceptor.mux.release(call);
    assert_eq!(acceptor.mux.calls(), 0);
    acceptor.accepted(5);
}

/// A call that failed at its server, whether or not its client had half-closed.
fn failed(half_closed: bool) -> (Endpoint, CallId) {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    if half_closed {
        acceptor.recv(&data_end(1, b""));
    }
    let end = End::Failed(RecvError::OutOfOrder);
    let failed = Event::Ended { call, end };
    assert_eq!(acceptor.recv(&data(1, REQUEST)), [failed]);
    assert!(!acceptor.mux.contains(call));
    (acceptor, call)
}

#[test]
fn a_call_that_failed_is_free_when_it_is_told_and_released_in_any_order() {
    let told = [reset(1, Code::Internal, "a frame came out of order")];
    for half_closed in [true, false] {
        let (mut acceptor, call) = failed(half_closed);
        assert_eq!(acceptor.control(), told);
        assert_eq!(acceptor.mux.calls(), 1);
        acceptor.mux.release(call);
        assert_eq!(acceptor.mux.calls(), 0);

        let (mut acceptor, call) = failed(half_closed);
        acceptor.mux.release(call);
        assert_eq!(acceptor.mux.calls(), 1);
        assert_eq!(acceptor.control(), told);
        assert_eq!(acceptor.mux.calls(), 0);
    }
}

#[test]
fn a_call_that_failed_and_was_released_is_free_when_its_client_resets_it() {
    let (mut acceptor, call) = failed(false);
    acceptor.mux.release(call);
    assert_eq!(acceptor.recv(&reset(1, Code::Cancelled, "")), []);
    assert_eq!((acceptor.mux.calls(), acceptor.control()), (0, vec![]));
    acceptor.accepted(3);
}

#[test]
fn a_call_that_is_half_closed_can_be_cancelled() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    acceptor.recv(&data_end(1, b""));
    let cancelled = ended(call, Code::Cancelled, false);
    assert_eq!(acceptor.recv(&reset(1, Code::Cancelled, "")), [cancelled]);
    assert_eq!(acceptor.mux.calls(), 1);
    acceptor.mux.release(call);
    acceptor.accepted(3);
}

#[test]
fn only_calls_that_ended_can_be_released_and_only_where_they_were_answered() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    acceptor.mux.release(call);
    assert!(acceptor.mux.contains(call));
    acceptor.recv(&reset(1, Code::Cancelled, ""));
    acceptor.mux.release(call);
    acceptor.mux.release(call);
    acceptor.accepted(3);
    assert_eq!(acceptor.mux.calls(), 1);

    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    dialer.recv(&data(1, b"\x02"));
    dialer.mux.release(call);
    assert_eq!(dialer.control().len(), 1, "the RESET is still written");
    assert_eq!(dialer.mux.calls(), 0);
}

#[test]
fn resets_that_cross_end_the_call_once() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert!(dialer.mux.reset(call, Code::Cancelled, "").is_ok());
    assert_eq!(dialer.recv(&reset(1, Code::Aborted, "no")), []);

    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    assert_eq!(acceptor.recv(&data(1, b"\x02")).len(), 1, "it fails");
    assert_eq!(acceptor.recv(&reset(1, Code::Cancelled, "")), []);
    assert_eq!(acceptor.control(), SILENCE, "a RESET is not answered");
    acceptor.mux.release(call);
    assert_eq!(acceptor.mux.calls(), 0);
}

#[test]
fn a_call_that_is_reset_in_the_middle_of_a_frame_takes_no_more_of_it() {
    let mut acceptor = Endpoint::acceptor(2);
    let call = acceptor.accepted(1);
    let long = data(1, &message(&[7; 200]));
    let (front, back) = long.split_at(100);
    let events = acceptor.try_recv_part(Fragment::part(front));
    assert_eq!(events.unwrap().len(), 1);
    assert!(acceptor.mux.reset(call, Code::Aborted, "").is_ok());
    assert_eq!(acceptor.recv(back), []);
    acceptor.accepted(3);
}

#[test]
fn the_rest_of_a_frame_is_not_for_a_call_in_the_same_place() {
    let peer = [(setting::MAX_STREAMS, 1)];
    let config = Config::DEFAULT.with_max_calls(1);
    let mut acceptor = Endpoint::ready(Side::Acceptor, config, &peer);
    let call = acceptor.accepted(1);
    let whole = data(1, &message(b"hello"));
    let (front, back) = whole.split_at(9);
    assert!(acceptor.try_recv_part(Fragment::part(front)).is_ok());
    assert!(acceptor.mux.reset(call, Code::Aborted, "").is_ok());
    let own = acceptor.opened();
    assert_eq!(acceptor.recv(back), []);
    assert_eq!(acceptor.recv(&data_end(own.get(), TRAILERS)).len(), 2);
}

/// As many calls as can be, each cancelled and another made, of which the client cannot know that
/// they have no place yet.
fn cancelled_and_made_again() -> (Endpoint, [CallId; 8]) {
    let mut acceptor = Endpoint::acceptor(8);
    let calls = [1, 3, 5, 7, 9, 11, 13, 15].map(|id| acceptor.accepted(id));
    for call in calls {
        acceptor.recv(&reset(call.get(), Code::Cancelled, ""));
        assert_eq!(acceptor.recv(&open(call.get() + 16, REQUEST)), []);
    }
    (acceptor, calls)
}

#[test]
fn each_place_that_is_still_taken_keeps_a_refusal() {
    let (mut acceptor, calls) = cancelled_and_made_again();
    for call in calls {
        acceptor.mux.release(call);
    }
    let mut refusals = acceptor.control();
    refusals.sort();
    let refusal = |id| refused(id, Code::Unavailable, "too many calls");
    let expected = [17, 19, 21, 23, 25, 27, 29, 31].map(refusal);
    assert_eq!(refusals, expected);
    assert_eq!((acceptor.mux.calls(), acceptor.control()), (0, vec![]));
}

#[test]
fn a_call_that_is_given_up_is_not_refused_any_more() {
    let (mut acceptor, calls) = cancelled_and_made_again();
    for call in calls {
        let id = call.get() + 16;
        assert_eq!(acceptor.recv(&reset(id, Code::Cancelled, "")), []);
    }
    assert_eq!(acceptor.control(), SILENCE);
    for call in calls {
        acceptor.mux.release(call);
    }
    assert_eq!(acceptor.mux.calls(), 0);
}

#[test]
fn a_client_that_says_refused_cancels() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    let cancelled = ended(call, Code::Cancelled, false);
    assert_eq!(acceptor.recv(&refused(1, Code::Cancelled, "")), [cancelled]);
}

#[test]
fn an_answer_ends_the_call_whether_or_not_the_client_has_half_closed() {
    for half_closed in [true, false] {
        let mut acceptor = Endpoint::acceptor(1);
        let call = acceptor.accepted(1);
        if half_closed {
            acceptor.recv(&data_end(1, b""));
        }
        assert!(acceptor.send(call, TRAILERS, true).is_ok());
        assert_eq!(acceptor.mux.calls(), 0);
        acceptor.mux.release(call);
        acceptor.accepted(3);
        assert_eq!(acceptor.recv(&data_end(1, &message(b"late"))), []);
    }
}

#[test]
fn an_answer_that_just_ends_fails_at_its_client() {
    for (bytes, error) in [
        (&b""[..], RecvError::NoTrailers),
        (INITIAL, RecvError::NoTrailers),
        (&TRAILERS[..9], RecvError::Truncated),
        (b"\0\0\0\0\x09x", RecvError::Truncated),
    ] {
        let mut dialer = Endpoint::dialer(1);
        let call = dialer.opened();
        let end = End::Failed(error);
        assert_eq!(end.code(), Code::Internal);
        let failed = Event::Ended { call, end };
        assert_eq!(dialer.recv(&data_end(1, bytes)).last(), Some(&failed));
        assert_eq!(dialer.control(), SILENCE, "the call is over at the server");
        dialer.opened();
    }
}
