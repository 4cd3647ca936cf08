//! SPEC.md#errors, SPEC.md#outcomes: the end of the connection is the end of all.

use grpc_websocket_core::mux::{CallId, ConnectionError, OpenError};
use grpc_websocket_core::{CloseCode, Code, Fragment, SendError};

use crate::harness::*;

const ERROR: ConnectionError = ConnectionError::TextMessage;

/// An end with a live call that it answers, one that is held, and one that failed, and all that
/// there can be to say.
fn busy() -> (Endpoint, [CallId; 3]) {
    let mut end = Endpoint::acceptor(3);
    let calls = [1, 3, 5].map(|id| end.accepted(id));
    end.recv(&reset(3, Code::Cancelled, ""));
    end.recv(&data(5, b"\x02"));
    end.recv(&data(1, &message(&[7; 300])));
    end.mux.consume(calls[0], 305);
    end.recv(&ping(*b"12345678"));
    end.recv(&open(7, REQUEST));
    end.mux.go_away(Code::Unavailable, "restart");
    (end, calls)
}

/// Every method of the application, none of which may do anything.
fn check_that_all_is_over(end: &mut Endpoint, calls: [CallId; 3]) {
    for call in calls {
        assert!(!end.mux.contains(call));
        assert_eq!(end.mux.credit(call), 0);
        assert_eq!(end.send(call, INITIAL, false), Err(SendError::UnknownCall));
        let unknown = Err(SendError::UnknownCall);
        assert_eq!(end.mux.set_deadline(call, Some(end.now)), unknown);
        let unknown = Err(SendError::UnknownCall);
        assert_eq!(end.mux.reset(call, Code::Aborted, ""), unknown);
        assert_eq!(end.mux.refuse(call, ""), unknown);
        end.mux.consume(call, 1_000);
        end.mux.release(call);
    }
    assert_eq!(end.open(REQUEST, true), Err(OpenError::Closed));
    end.mux.go_away(Code::Ok, "");
    assert!(end.mux.is_over());
    assert_eq!(end.mux.poll_timeout(), None);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn an_error_is_repeated_for_ever() {
    let (mut end, calls) = busy();
    assert_eq!(end.mux.handle_text(), Err(ERROR));
    assert_eq!(end.control().len(), 1, "the GOAWAY");
    for _ in 0..2 {
        assert_eq!(end.mux.handle_text(), Err(ERROR));
        assert_eq!(end.try_recv(&data(1, &message(b"hi"))), Err(ERROR));
        assert_eq!(end.try_recv(b""), Err(ERROR));
        assert_eq!(end.wait(millis(1_000_000)), Err(ERROR));
        assert_eq!(end.mux.failure(), Some(ERROR));
        check_that_all_is_over(&mut end, calls);
    }
    end.mux.handle_close(Some(1000));
    assert_eq!(end.mux.failure(), Some(ERROR));
}

#[test]
fn of_all_there_was_to_say_only_the_goaway_is_left_after_an_error() {
    let (mut end, _) = busy();
    assert_eq!(end.mux.handle_text(), Err(ERROR));
    let text = "a WebSocket text message came";
    assert_eq!(end.control(), [goaway(5, Code::Internal, text)]);
    assert_eq!(ERROR.close_code(), CloseCode::Unsupported);
}

#[test]
fn nothing_is_said_to_a_websocket_that_is_closed() {
    let (mut end, calls) = busy();
    end.mux.handle_close(None);
    assert_eq!(end.control(), SILENCE);
    check_that_all_is_over(&mut end, calls);
    assert_eq!(end.try_recv(&data(1, &message(b"hi"))), Ok(vec![]));
    assert_eq!(end.try_recv_part(Fragment::part(b"\xff")), Ok(vec![]));
    assert_eq!(end.mux.handle_text(), Ok(()));
    assert_eq!(end.wait(millis(1_000_000)), Ok(vec![]));
    assert_eq!(end.mux.failure(), None);
    check_that_all_is_over(&mut end, calls);
}

#[test]
fn a_call_that_is_open_is_lost_once_and_no_other() {
    let (mut end, _) = busy();
    assert_eq!(end.lost(), [], "not before the end");
    assert_eq!(end.mux.handle_text(), Err(ERROR));
    assert_eq!(end.lost(), [(1, Code::Internal)]);
    assert_eq!(end.lost(), []);
    assert_eq!(end.mux.calls(), 0);
}

#[test]
fn calls_are_lost_with_the_status_of_the_close_code() {
    for (close_code, code) in [
        (None, Code::Unavailable),
        (Some(1000), Code::Unknown),
        (Some(1001), Code::Unavailable),
        (Some(1002), Code::Internal),
        (Some(1008), Code::PermissionDenied),
        (Some(1009), Code::ResourceExhausted),
        (Some(1011), Code::Internal),
        (Some(1013), Code::Unavailable),
    ] {
        let mut dialer = Endpoint::dialer(3);
        let calls = [(); 3].map(|()| dialer.opened());
        assert!(dialer.mux.reset(calls[1], Code::Cancelled, "").is_ok());
        dialer.mux.handle_close(close_code);
        dialer.mux.handle_close(Some(4000));
        assert_eq!(dialer.lost(), [(1, code), (5, code)], "{close_code:?}");
    }
}

#[test]
fn a_goaway_that_came_before_explains_more_than_the_close_code() {
    for (said, code) in [
        (Code::ResourceExhausted, Code::ResourceExhausted),
        (Code::Ok, Code::PermissionDenied),
    ] {
        let mut dialer = Endpoint::dialer(1);
        dialer.opened();
        dialer.recv(&goaway(1, said, ""));
        dialer.mux.handle_close(Some(1008));
        assert_eq!(dialer.lost(), [(1, code)]);
    }
}

#[test]
fn a_close_never_looks_like_a_half_close_or_an_answer() {
    let mut acceptor = Endpoint::acceptor(1);
    acceptor.accepted(1);
    acceptor.mux.handle_close(Some(1000));
    assert_eq!(acceptor.try_recv(&data_end(1, b"")), Ok(vec![]));
    assert_eq!(acceptor.lost(), [(1, Code::Unknown)]);
}

#[test]
fn calls_that_the_peer_did_not_take_and_that_were_not_told_are_lost() {
    let mut dialer = Endpoint::dialer(2);
    dialer.opened();
    dialer.opened();
    let bye = goaway(1, Code::Unavailable, "");
    let mut fragment = Fragment::message(&bye);
    assert!(matches!(
        dialer.mux.recv(dialer.now, &mut fragment),
        Ok(Some(_))
    ));
    dialer.mux.handle_close(None);
    assert_eq!(
        dialer.lost(),
        [(1, Code::Unavailable), (3, Code::Unavailable)]
    );
}
