//! SPEC.md#credit: what the application gives back.

use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{CallId, Config, ConnectionError, Event, Side};
use grpc_websocket_core::wire::mux::HEADER_LEN;

use crate::harness::*;

/// A call whose peer has sent its block, and a message of 300 bytes with its prefix.
fn full() -> (Endpoint, CallId) {
    let mut end = Endpoint::acceptor(1);
    let call = end.accepted(1);
    assert_eq!(framed(&end.recv(&data(1, &message(&[7; 295])))).len(), 300);
    (end, call)
}

#[test]
fn credit_is_given_back_by_half_windows() {
    let (mut end, call) = full();
    end.mux.consume(call, 256 - 27 - 1);
    assert_eq!(end.control(), SILENCE);
    end.mux.consume(call, 1);
    assert_eq!(end.control(), [window(1, 256)]);
    end.mux.consume(call, 71);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn half_of_an_odd_window_is_rounded_up() {
    let config = Config::DEFAULT.with_max_calls(1).with_window(65);
    let mut end = Endpoint::ready(Side::Acceptor, config, &[]);
    let call = end.accepted(1);
    end.recv(&data(1, &message(&[7; 10])));
    end.mux.consume(call, 5);
    assert_eq!(end.control(), SILENCE);
    end.mux.consume(call, 1);
    assert_eq!(end.control(), [window(1, 33)]);
}

#[test]
fn what_is_consumed_beyond_what_came_is_not_given_back() {
    let (mut end, call) = full();
    end.mux.consume(call, u32::MAX);
    end.mux.consume(call, u32::MAX);
    assert_eq!(end.control(), [window(1, 327)]);
    end.mux.consume(call, u32::MAX);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn a_window_can_be_made_wider() {
    let (mut end, call) = full();
    end.mux.grant(call, 1000);
    assert_eq!(end.control(), [window(1, 1027)], "and the block's 27");
    let wide = message(&[7; 512 - 300 + 1000 - 5]);
    for part in wide.chunks(512) {
        end.recv(&data(1, part));
    }
    end.mux.grant(call, 300);
    assert_eq!(end.control(), [window(1, 300)]);
    let _ = end.mux.reset(call, Code::Cancelled, "").unwrap();
    end.mux.grant(call, 1000);
    assert_eq!(end.control(), SILENCE, "it is over");
}

#[test]
fn metadata_gives_itself_back() {
    let config = Config::DEFAULT.with_max_calls(1).with_window(64);
    let mut end = Endpoint::ready(Side::Acceptor, config, &[]);
    let block = [&b"\x80\0\0\0\x64:path: /s/m\r\na: "[..], &[b'x'; 84]].concat();
    end.recv(&open(1, &block[..31]));
    assert_eq!(end.control(), SILENCE);
    end.recv(&data(1, &block[31..64]));
    assert_eq!(end.control(), [window(1, 64)]);
}

#[test]
fn a_client_gives_back_the_metadata_of_its_server() {
    let config = Config::DEFAULT.with_window(64);
    let mut end = Endpoint::ready(Side::Dialer, config, &[]);
    end.opened();
    let block = [&b"\x80\0\0\0\x64a: "[..], &[b'x'; 97]].concat();
    end.recv(&data(1, &block[..64]));
    assert_eq!(end.control(), [window(1, 64)]);
}

#[test]
fn nothing_is_given_back_to_a_peer_that_has_ended() {
    let (mut consumed, call) = full();
    consumed.mux.consume(call, u32::MAX);
    consumed.recv(&data_end(1, b""));
    assert_eq!(consumed.control(), SILENCE);
    let (mut half_closed, call) = full();
    half_closed.recv(&data_end(1, b""));
    half_closed.mux.consume(call, u32::MAX);
    assert_eq!(half_closed.control(), SILENCE);
}

#[test]
fn nothing_is_given_back_for_a_call_that_is_gone() {
    let (mut end, call) = full();
    end.mux.consume(call, u32::MAX);
    assert!(end.mux.reset(call, Code::Aborted, "").is_ok());
    assert_eq!(end.control(), SILENCE);
    end.mux.consume(call, u32::MAX);
    assert_eq!(end.control(), SILENCE);
}

#[test]
fn a_shut_window_stops_its_call_and_no_other() {
    let config = Config::DEFAULT.with_max_calls(2).with_window(64);
    let mut end = Endpoint::ready(Side::Acceptor, config, &[]);
    end.accepted(1);
    end.recv(&data(1, &message(&[7; 32])));
    let other = end.accepted(3);
    end.recv(&data(3, &message(&[7; 32])));
    end.mux.consume(other, 37);
    assert_eq!(end.control(), [window(3, 64)]);
    assert!(end.try_recv(&data(1, b"\0")).is_err(), "no credit is left");
}

#[test]
fn a_message_longer_than_the_window_passes_through_it() {
    let peer = [(setting::INITIAL_WINDOW, 64), (setting::MAX_FRAME, 64)];
    let mut client = Endpoint::ready(Side::Dialer, Config::DEFAULT, &peer);
    let config = Config::DEFAULT.with_max_calls(1).with_window(64);
    let mut server = Endpoint::ready(Side::Acceptor, config.with_max_frame(64), &[]);
    let (call, first) = client.open(REQUEST, false).expect("room");
    let same = opened(&server.recv(&first));
    let len = if cfg!(miri) { 1_000 } else { 100_000 };
    let stream = message(&vec![7; len]);
    let mut rest = &stream[..];
    let mut got = 0;
    while got < stream.len() {
        while let Some(frame) = client.send(call, rest, false).expect("in order") {
            rest = &rest[frame.len() - HEADER_LEN..];
            let len = framed(&server.recv(&frame)).len();
            server.mux.consume(same, u32::try_from(len).unwrap());
            got += len;
        }
        let credit = server.control();
        assert!(!credit.is_empty() || got == stream.len(), "no way on");
        for frame in credit {
            assert_eq!(client.recv(&frame), [Event::Credit(call)]);
        }
    }
    assert_eq!(rest, b"");
}

#[test]
fn credit_has_a_highest_sum() {
    let mut dialer = Endpoint::dialer(1);
    let call = dialer.opened();
    let most = 0x7fff_ffff;
    let room = most - dialer.mux.credit(call);
    assert_eq!(dialer.recv(&window(1, room)), [Event::Credit(call)]);
    assert_eq!(dialer.mux.credit(call), most);
    assert_eq!(dialer.fails(&window(1, 1)), ConnectionError::Credit);
}

#[test]
fn credit_for_what_is_over_is_ignored_however_much_it_is() {
    let mut dialer = Endpoint::dialer(1);
    let (call, _) = dialer.open(REQUEST, true).expect("room");
    for _ in 0..3 {
        assert_eq!(dialer.try_recv(&window(1, 0x7fff_ffff)), Ok(vec![]));
    }
    assert!(dialer.mux.contains(call));
}
