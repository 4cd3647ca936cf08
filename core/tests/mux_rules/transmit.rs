//! What `poll_transmit` says, and in which order.

use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{Config, MAX_CONTROL_FRAME, Side};

use crate::harness::*;

const RULES: &str = "reserved flags of a gRPC frame are set";

#[test]
fn the_settings_are_the_first_word_and_said_once() {
    for side in [Side::Dialer, Side::Acceptor] {
        let config = Config::DEFAULT.with_max_calls(2).with_max_frame(64);
        let mut end = Endpoint::fresh(side, config.with_window(1 << 20));
        end.recv(&settings(&[]));
        end.recv(&ping(*b"12345678"));
        end.mux.go_away(Code::Ok, "");
        let said = settings(&[(1, 64), (2, 1 << 20), (3, 2), (5, 4 << 20)]);
        let bye = goaway(0, Code::Ok, "");
        assert_eq!(end.control(), [said, pong(*b"12345678"), bye]);
        assert_eq!(end.control(), SILENCE);
    }
}

#[test]
fn the_settings_are_said_even_after_an_error() {
    let mut end = Endpoint::fresh(Side::Acceptor, Config::DEFAULT.with_max_calls(1));
    let error = end.fails(b"\x50");
    let said = settings(&[(5, 4 << 20)]);
    let bye = goaway(0, error.code(), error.text());
    assert_eq!(end.control(), [said, bye]);
}

#[test]
fn answers_come_first_then_calls_then_the_connection() {
    let config = Config::DEFAULT.with_max_calls(2);
    let config = config.with_keepalive(millis(1), millis(1_000));
    let mut end = Endpoint::ready(Side::Acceptor, config, &[]);
    let first = end.accepted(1);
    end.accepted(3);
    end.mux.go_away(Code::Ok, "bye");
    end.recv(&data(1, &message(&[7; 300])));
    end.mux.consume(first, 305);
    end.recv(&data(3, b"\x02"));
    end.recv(&ping(*b"12345678"));
    assert_eq!(end.wait(millis(1)), Ok(vec![]));
    assert_eq!(
        end.control(),
        [
            pong(*b"12345678"),
            window(1, 332),
            reset(3, Code::Internal, RULES),
            ping([0; 8]),
            goaway(3, Code::Ok, "bye"),
        ]
    );
}

#[test]
fn refusals_come_in_the_order_of_their_calls_and_before_the_calls() {
    let mut end = Endpoint::acceptor(1);
    end.accepted(1);
    end.recv(&data(1, b"\x02"));
    for id in [3, 7, 9, 11] {
        assert_eq!(end.recv(&open(id, REQUEST)), []);
    }
    let refusal = |id| refused(id, Code::Unavailable, "too many calls");
    let mut expected = [3, 7, 9, 11].map(refusal).to_vec();
    expected.push(reset(1, Code::Internal, RULES));
    assert_eq!(end.control(), expected);
}

#[test]
fn of_several_pings_the_last_is_answered() {
    let mut end = Endpoint::acceptor(1);
    end.recv(&ping(*b"11111111"));
    end.recv(&ping(*b"22222222"));
    assert_eq!(end.control(), [pong(*b"22222222")]);
}

#[test]
fn an_answer_to_a_ping_is_not_answered() {
    let mut end = Endpoint::acceptor(1);
    assert_eq!(end.recv(&pong(*b"11111111")), []);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn each_call_that_owes_a_frame_gets_its_turn() {
    let mut end = Crowd::acceptor(100);
    let calls: Vec<_> = (0..100).map(|index| end.accepted(2 * index + 1)).collect();
    for call in &calls {
        end.recv(&data(call.get(), &message(&[7; 300])));
        end.mux.consume(*call, 305);
    }
    let windows: Vec<_> = calls.iter().map(|call| window(call.get(), 332)).collect();
    assert_eq!(end.control(), windows);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn a_call_that_owes_nothing_does_not_hide_one_that_does() {
    let mut end = Endpoint::acceptor(2);
    let calls = [1, 3].map(|id| end.accepted(id));
    end.recv(&data(1, &message(&[7; 300])));
    end.recv(&data(3, &message(&[7; 300])));
    end.mux.consume(calls[0], 305);
    end.mux.consume(calls[1], 1);
    assert_eq!(end.control(), [window(1, 332)]);
}

#[test]
fn what_is_written_between_two_looks_is_not_lost() {
    let mut end = Endpoint::acceptor(3);
    let calls = [1, 3, 5].map(|id| end.accepted(id));
    let mut out = [0; MAX_CONTROL_FRAME];
    for call in calls {
        end.recv(&data(call.get(), b"\x02"));
        assert!(end.mux.poll_transmit(&mut out).is_some());
    }
    assert_eq!(end.control(), SILENCE);
    for call in calls {
        end.mux.release(call);
    }
    assert_eq!(end.mux.calls(), 0);
}
