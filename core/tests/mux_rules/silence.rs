//! SPEC.md#ping: keepalive, and connections without calls.

use std::time::Duration;

use grpc_websocket_core::mux::{Config, ConnectionError, Event, Side};
use grpc_websocket_core::{CloseCode, Code, Fragment};

use crate::harness::*;

const PING: [u8; 8] = [0; 8];

/// PINGs after 20 s of silence, and gives up 5 s later.
fn watchful() -> Endpoint {
    let config = Config::DEFAULT.with_keepalive(millis(20_000), millis(5_000));
    Endpoint::ready(Side::Acceptor, config.with_max_calls(2), &[])
}

fn restless(idle: Duration) -> Endpoint {
    let config = Config::DEFAULT.with_idle_timeout(idle).with_max_calls(2);
    Endpoint::ready(Side::Acceptor, config, &[])
}

#[test]
fn after_silence_the_peer_is_asked_once() {
    let mut end = watchful();
    assert_eq!(end.wait(millis(19_999)), Ok(vec![]));
    assert_eq!(end.control(), SILENCE);
    assert_eq!(end.wait(millis(1)), Ok(vec![]));
    assert_eq!(end.control(), [ping(PING)]);
    assert_eq!(end.wait(millis(4_999)), Ok(vec![]));
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn a_peer_that_stays_silent_is_given_up() {
    let mut end = watchful();
    end.accepted(1);
    assert_eq!(end.wait(millis(20_000)), Ok(vec![]));
    let error = ConnectionError::KeepaliveTimeout;
    assert_eq!(end.wait(millis(5_000)), Err(error));
    assert_eq!(error.close_code(), CloseCode::Policy);
    assert_eq!(end.lost(), [(1, Code::Unavailable)]);
}

#[test]
fn whatever_comes_is_a_sign_of_life() {
    let half = &pong(PING)[..7];
    for sign in [Fragment::message(&pong(PING)), Fragment::part(half)] {
        let mut end = watchful();
        assert_eq!(end.wait(millis(20_000)), Ok(vec![]));
        end.pass(millis(4_999));
        assert_eq!(end.try_recv_part(sign), Ok(vec![]));
        assert_eq!(end.wait(millis(19_999)), Ok(vec![]));
        assert_eq!(end.control(), [ping(PING)], "the first, written late");
        assert_eq!(end.wait(millis(1)), Ok(vec![]));
        assert_eq!(end.control(), [ping(PING)]);
    }
}

#[test]
fn a_peer_that_is_heard_is_not_asked() {
    let mut end = watchful();
    end.accepted(1);
    for _ in 0..50 {
        assert_eq!(end.wait(millis(19_999)), Ok(vec![]));
        end.recv(&data(1, &message(b"")));
        assert_eq!(end.control(), SILENCE);
    }
}

#[test]
fn a_peer_that_asks_for_signs_of_life_gets_them() {
    let asked = [(setting::KEEPALIVE_MS, 2_000)];
    let mut end = Endpoint::ready(Side::Dialer, Config::DEFAULT, &asked);
    for _ in 0..3 {
        assert_eq!(end.wait(millis(1_999)), Ok(vec![]));
        assert_eq!(end.control(), SILENCE);
        assert_eq!(end.wait(millis(1)), Ok(vec![]));
        assert_eq!(end.control(), [ping(PING)]);
    }
}

#[test]
fn a_peer_that_asks_too_often_gets_a_sign_each_second() {
    let asked = [(setting::KEEPALIVE_MS, 1)];
    let mut end = Endpoint::ready(Side::Dialer, Config::DEFAULT, &asked);
    assert_eq!(end.wait(millis(999)), Ok(vec![]));
    assert_eq!(end.control(), SILENCE);
    assert_eq!(end.wait(millis(1)), Ok(vec![]));
    assert_eq!(end.control(), [ping(PING)]);
}

#[test]
fn what_is_asked_of_the_peer_is_in_the_settings() {
    let config = Config::DEFAULT.with_ask_keepalive(millis(25_500));
    let mut end = Endpoint::fresh(Side::Dialer, config);
    let said = settings(&[(5, 4 * 1024 * 1024), (setting::KEEPALIVE_MS, 25_500)]);
    assert_eq!(end.control(), [said]);
}

#[test]
fn a_connection_without_a_call_is_idle_once() {
    let mut end = restless(millis(60_000));
    assert_eq!(end.wait(millis(59_999)), Ok(vec![]));
    assert_eq!(end.wait(millis(1)), Ok(vec![Event::Idle]));
    assert_eq!(end.wait(millis(60_000)), Ok(vec![]));
    assert_eq!(end.mux.poll_timeout(), None);
}

#[test]
fn a_connection_with_a_call_is_not_idle() {
    let mut end = restless(millis(60_000));
    let call = end.accepted(1);
    assert_eq!(end.wait(millis(100_000)), Ok(vec![]));
    end.recv(&reset(1, Code::Cancelled, ""));
    assert_eq!(
        end.wait(millis(100_000)),
        Ok(vec![]),
        "its handler is there"
    );
    end.mux.release(call);
    assert_eq!(end.wait(millis(0)), Ok(vec![]));
    assert_eq!(end.wait(millis(59_999)), Ok(vec![]));
    assert_eq!(end.wait(millis(1)), Ok(vec![Event::Idle]));
}

#[test]
fn a_call_that_is_made_here_is_one() {
    let config = Config::DEFAULT.with_idle_timeout(millis(60_000));
    let mut end = Endpoint::ready(Side::Dialer, config, &[]);
    end.opened();
    assert_eq!(end.wait(millis(60_000)), Ok(vec![]));
    assert_eq!(end.recv(&data_end(1, TRAILERS)).len(), 2);
    assert_eq!(end.wait(millis(60_000)), Ok(vec![Event::Idle]));
}

#[test]
fn idleness_begins_with_the_end_of_the_last_call_and_not_before() {
    let mut end = restless(millis(60_000));
    let call = end.accepted(1);
    end.pass(millis(100_000));
    let answer = end.send(call, TRAILERS, true);
    assert!(matches!(answer, Ok(Some(_))), "{answer:?}");
    assert_eq!(end.wait(millis(0)), Ok(vec![]));
    assert_eq!(end.wait(millis(59_999)), Ok(vec![]));
    assert_eq!(end.wait(millis(1)), Ok(vec![Event::Idle]));
}
