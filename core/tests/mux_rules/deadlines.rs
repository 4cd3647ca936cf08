//! SPEC.md#deadlines, and the time that SETTINGS and metadata may take.

use grpc_websocket_core::mux::{Config, ConnectionError, End, Event, Side};
use grpc_websocket_core::{CloseCode, Code, Fragment, Instant, RecvError, call};

use crate::harness::*;

/// The default of `Limits::metadata_timeout`.
const METADATA_TIMEOUT: u64 = 10_000;

fn deadline(after: u64) -> Option<Instant> {
    Instant::EPOCH.checked_add(millis(after))
}

#[test]
fn settings_that_do_not_come_in_time_end_the_connection() {
    let mut acceptor = Endpoint::fresh(Side::Acceptor, Config::DEFAULT);
    assert_eq!(acceptor.control().len(), 1);
    assert_eq!(acceptor.mux.poll_timeout(), deadline(METADATA_TIMEOUT));
    assert_eq!(acceptor.wait(millis(METADATA_TIMEOUT - 1)), Ok(vec![]));
    let error = ConnectionError::SettingsTimeout;
    assert_eq!(acceptor.wait(millis(1)), Err(error));
    assert_eq!(
        (error.code(), error.close_code()),
        (Code::Unavailable, CloseCode::Policy)
    );
    let goaway = goaway(0, Code::Unavailable, "the SETTINGS did not arrive in time");
    assert_eq!(acceptor.control(), [goaway]);
}

#[test]
fn settings_in_time_stop_their_clock() {
    let mut dialer = Endpoint::dialer(1);
    assert_eq!(dialer.mux.poll_timeout(), None);
    assert_eq!(dialer.wait(millis(METADATA_TIMEOUT)), Ok(vec![]));
}

#[test]
fn a_part_of_the_settings_does_not_stop_their_clock() {
    let mut dialer = Endpoint::fresh(Side::Dialer, Config::DEFAULT);
    let part = Fragment::part(b"\x50\0\0\0\0\x03\0");
    assert_eq!(dialer.try_recv_part(part), Ok(vec![]));
    let error = ConnectionError::SettingsTimeout;
    assert_eq!(dialer.wait(millis(METADATA_TIMEOUT)), Err(error));
}

#[test]
fn metadata_that_does_not_come_in_time_ends_its_call_and_no_other() {
    let mut acceptor = Endpoint::acceptor(2);
    let other = acceptor.accepted(1);
    acceptor.pass(millis(5_000));
    let late = opened(&acceptor.recv(&open(3, &REQUEST[..9])));
    let ended = Event::Ended {
        call: late,
        end: End::Failed(RecvError::MetadataTimeout),
    };
    assert_eq!(acceptor.wait(millis(METADATA_TIMEOUT - 1)), Ok(vec![]));
    assert_eq!(acceptor.wait(millis(1)), Ok(vec![ended]));
    let text = "the initial metadata did not arrive in time";
    assert_eq!(acceptor.control(), [reset(3, Code::DeadlineExceeded, text)]);
    assert!(acceptor.mux.contains(other) && !acceptor.mux.contains(late));
}

#[test]
fn the_time_of_the_metadata_ends_with_its_block() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = opened(&acceptor.recv(&open(1, &REQUEST[..9])));
    acceptor.pass(millis(METADATA_TIMEOUT - 1));
    acceptor.recv(&data(1, &REQUEST[9..]));
    assert_eq!(acceptor.wait(millis(METADATA_TIMEOUT)), Ok(vec![]));
    assert!(acceptor.mux.contains(call));
}

#[test]
fn a_deadline_cannot_be_set_before_the_metadata_has_come() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = opened(&acceptor.recv(&open(1, b"")));
    assert_eq!(acceptor.mux.set_deadline(call, None), Ok(()));
    assert_eq!(acceptor.mux.poll_timeout(), deadline(METADATA_TIMEOUT));
    assert_eq!(acceptor.wait(millis(METADATA_TIMEOUT)).unwrap().len(), 1);
}

#[test]
fn the_deadline_of_a_client_ends_its_call_and_tells_the_server() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert_eq!(dialer.mux.set_deadline(call, deadline(300)), Ok(()));
    assert_eq!(dialer.wait(millis(299)), Ok(vec![]));
    let end = End::DeadlineExceeded;
    assert_eq!(end.code(), Code::DeadlineExceeded);
    assert_eq!(dialer.wait(millis(1)), Ok(vec![Event::Ended { call, end }]));
    let text = "the deadline passed";
    assert_eq!(dialer.control(), [reset(1, Code::DeadlineExceeded, text)]);
    assert_eq!(dialer.mux.calls(), 0);
    assert_eq!(dialer.wait(millis(1_000)), Ok(vec![]));
}

#[test]
fn the_servers_first_words_do_not_end_the_deadline_of_a_client() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert_eq!(dialer.mux.set_deadline(call, deadline(300)), Ok(()));
    dialer.recv(&data(1, INITIAL));
    dialer.recv(&data(1, &message(b"hi")));
    assert_eq!(dialer.mux.poll_timeout(), deadline(300));
    let end = End::DeadlineExceeded;
    assert_eq!(
        dialer.wait(millis(300)),
        Ok(vec![Event::Ended { call, end }])
    );
}

#[test]
fn the_deadline_of_a_server_is_for_its_application_to_answer() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    assert_eq!(acceptor.mux.set_deadline(call, deadline(300)), Ok(()));
    let event = call::Event::DeadlineExceeded;
    assert_eq!(
        acceptor.wait(millis(300)),
        Ok(vec![Event::Call { call, event }])
    );
    assert_eq!(acceptor.wait(millis(300)), Ok(vec![]));
    assert_eq!(acceptor.control(), SILENCE);
    let answer = b"\x80\0\0\0\x10grpc-status: 4\r\n";
    assert_eq!(
        acceptor.send(call, answer, true),
        Ok(Some(data_end(1, answer)))
    );
}

#[test]
fn deadlines_that_pass_together_are_told_one_after_the_other() {
    let mut acceptor = Endpoint::acceptor(3);
    let calls = [1, 3, 5].map(|id| acceptor.accepted(id));
    for (call, after) in calls.into_iter().zip([300, 200, 301]) {
        assert_eq!(acceptor.mux.set_deadline(call, deadline(after)), Ok(()));
    }
    assert_eq!(acceptor.mux.poll_timeout(), deadline(200));
    let exceeded = |call| Event::Call {
        call,
        event: call::Event::DeadlineExceeded,
    };
    let [first, second, third] = calls.map(exceeded);
    assert_eq!(acceptor.wait(millis(300)), Ok(vec![first, second]));
    assert_eq!(acceptor.mux.poll_timeout(), deadline(301));
    assert_eq!(acceptor.wait(millis(1)), Ok(vec![third]));
}

#[test]
fn a_deadline_can_be_moved_and_taken_away() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    for at in [deadline(100), deadline(500), None] {
        assert_eq!(acceptor.mux.set_deadline(call, at), Ok(()));
    }
    assert_eq!(acceptor.wait(millis(1_000)), Ok(vec![]));
    assert_eq!(acceptor.mux.set_deadline(call, deadline(0)), Ok(()));
    assert_eq!(acceptor.wait(millis(0)).unwrap().len(), 1);
}

#[test]
fn an_answer_after_the_deadline_comes_too_late() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert_eq!(dialer.mux.set_deadline(call, deadline(300)), Ok(()));
    assert_eq!(dialer.wait(millis(300)).unwrap().len(), 1);
    assert_eq!(dialer.recv(&data_end(1, TRAILERS)), []);
    assert!(dialer.mux.set_deadline(call, None).is_err());
}

#[test]
fn no_deadline_outlives_its_call() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    assert_eq!(dialer.mux.set_deadline(call, deadline(300)), Ok(()));
    let event = call::Event::Trailers(Code::Ok);
    let trailers = Event::Call { call, event };
    assert_eq!(dialer.recv(&data_end(1, TRAILERS)).last(), Some(&trailers));
    assert_eq!(dialer.wait(millis(300)), Ok(vec![]));
    assert_eq!(dialer.control(), SILENCE);
}

#[test]
fn time_never_goes_back() {
    let mut acceptor = Endpoint::acceptor(1);
    let call = acceptor.accepted(1);
    assert_eq!(acceptor.mux.set_deadline(call, deadline(300)), Ok(()));
    acceptor.pass(millis(300));
    acceptor.recv(&ping(*b"12345678"));
    let early = acceptor.mux.handle_timeout(Instant::EPOCH);
    assert!(matches!(early, Ok(Some(Event::Call { .. }))), "{early:?}");
}

#[test]
fn a_deadline_after_the_end_of_time_is_none() {
    let now = Instant::from_micros(u64::MAX);
    let mut late = Endpoint::fresh(Side::Acceptor, Config::DEFAULT.with_max_calls(1));
    late.now = now;
    assert_eq!(late.recv(&settings(&[])).len(), 1);
    late.recv(&open(1, b""));
    assert_eq!(late.mux.poll_timeout(), None);
}
