//! Honest traffic of the look of an attack: no time passes in it, and no budget stops it.

use grpc_websocket_core::mux::{CallId, Calls, Config, Connection, Event, Side};
use grpc_websocket_core::wire::mux::HEADER_LEN;
use grpc_websocket_core::{Code, Fragment, Instant, Limits, call};

use crate::flood::release_ended;
use crate::harness::*;

const WINDOW: u32 = 64;

/// Two ends with windows and frames of 64 bytes, and a call between them.
fn pair() -> (Endpoint, Endpoint, CallId) {
    let said = |calls| {
        [
            (setting::MAX_FRAME, 64),
            (setting::INITIAL_WINDOW, WINDOW),
            (setting::MAX_STREAMS, calls),
        ]
    };
    let config = Config::DEFAULT.with_max_frame(64).with_window(WINDOW);
    let mut client = Endpoint::ready(Side::Dialer, config, &said(8));
    let mut server = Endpoint::ready(Side::Acceptor, config.with_max_calls(8), &said(0));
    let (call, frame) = client.open(REQUEST, false).expect("room");
    assert_eq!(opened(&server.recv(&frame)), call);
    (client, server, call)
}

/// Brings a frame, and what is to be said because of it both ways. The bytes of messages that came
/// are consumed, and returned.
fn deliver(from: &mut Endpoint, to: &mut Endpoint, call: CallId, frame: &[u8]) -> Vec<u8> {
    let bytes = framed(&to.recv(frame));
    let len = u32::try_from(bytes.len()).unwrap();
    to.mux.consume(call, len);
    for frame in to.control() {
        from.recv(&frame);
    }
    bytes
}

#[test]
fn a_hundred_thousand_of_the_smallest_messages_to_and_fro() {
    let (mut client, mut server, call) = pair();
    assert!(server.send(call, INITIAL, false).is_ok());
    client.recv(&data(1, INITIAL));
    for index in 0..100_000 {
        let small = message(&b"abc"[..index % 4]);
        let request = client.send(call, &small, false).unwrap().expect("credit");
        let got = deliver(&mut client, &mut server, call, &request);
        let answer = server.send(call, &got, false).unwrap().expect("credit");
        let back = deliver(&mut server, &mut client, call, &answer);
        assert_eq!(back, small);
    }
}

/// As firmware may do that has no buffer for both.
#[test]
fn prefix_and_payload_apart() {
    let (mut client, mut server, call) = pair();
    for _ in 0..50_000 {
        for part in [&b"\0\0\0\0\x03"[..], b"abc"] {
            let frame = client.send(call, part, false).unwrap().expect("credit");
            deliver(&mut client, &mut server, call, &frame);
        }
    }
}

/// Frames as short as the credit leaves them: windows that no frame divides.
#[test]
fn long_messages_through_small_windows() {
    for window in [64, 65, 67, 70, 80, 95, 96, 127, 129, 190] {
        let peer = [(setting::MAX_FRAME, 64), (setting::INITIAL_WINDOW, window)];
        let mut client = Endpoint::ready(Side::Dialer, Config::DEFAULT, &peer);
        let config = Config::DEFAULT.with_max_calls(1).with_max_frame(64);
        let mut server = Endpoint::ready(Side::Acceptor, config.with_window(window), &[]);
        let (call, first) = client.open(REQUEST, false).expect("room");
        server.recv(&first);
        let stream = message(&vec![7; 300_000]);
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let frame = client.send(call, rest, false).unwrap();
            let frame = frame.unwrap_or_else(|| panic!("no credit with a window of {window}"));
            rest = &rest[frame.len() - HEADER_LEN..];
            deliver(&mut client, &mut server, call, &frame);
        }
    }
}

/// The same, but the sender uses its whole credit before the receiver looks.
#[test]
fn long_messages_in_bursts_of_a_window() {
    let peer = [(setting::MAX_FRAME, 64), (setting::INITIAL_WINDOW, 1000)];
    let mut client = Endpoint::ready(Side::Dialer, Config::DEFAULT, &peer);
    let config = Config::DEFAULT.with_max_calls(1).with_max_frame(64);
    let mut server = Endpoint::ready(Side::Acceptor, config.with_window(1000), &[]);
    let (call, first) = client.open(REQUEST, false).expect("room");
    server.recv(&first);
    let stream = message(&vec![7; 1_000_000]);
    let mut rest = &stream[..];
    while !rest.is_empty() {
        let mut burst = Vec::new();
        while let Some(frame) = client.send(call, rest, false).unwrap() {
            rest = &rest[frame.len() - HEADER_LEN..];
            burst.push(frame);
        }
        assert!(!burst.is_empty(), "no credit");
        for frame in burst {
            deliver(&mut client, &mut server, call, &frame);
        }
    }
}

#[test]
fn many_unary_calls() {
    let mut client = Endpoint::dialer(1);
    let mut server = Endpoint::acceptor(1);
    let request = [REQUEST, &message(b"")].concat();
    let answer = [INITIAL, &message(b""), TRAILERS].concat();
    for _ in 0..20_000 {
        let (call, frame) = client.open(&request, true).expect("room");
        server.recv(&frame);
        let frame = server.send(call, &answer, true).unwrap().expect("credit");
        client.recv(&frame);
        assert_eq!((client.control(), server.control()), (vec![], vec![]));
    }
}

/// The server returns credit for the block before it sees that the call is complete.
#[test]
fn unary_calls_that_arrive_in_pieces() {
    let mut client = Endpoint::dialer(1);
    let mut server = Endpoint::acceptor(1);
    let text = ":path: /s/M\r\na: ".to_owned() + &"x".repeat(284);
    let len = u32::try_from(text.len()).unwrap().to_be_bytes();
    let request = [&[0x80][..], &len, text.as_bytes(), &message(b"hi")].concat();
    for _ in 0..10_000 {
        let (call, frame) = client.open(&request, true).expect("room");
        let (front, back) = frame.split_at(frame.len() - 5);
        server.try_recv_part(Fragment::part(front)).expect("honest");
        let credit = server.control();
        assert_eq!(credit.len(), 1);
        client.recv(&credit[0]);
        server.recv(back);
        let frame = server.send(call, TRAILERS, true).unwrap().expect("credit");
        client.recv(&frame);
    }
}

#[test]
fn calls_that_are_cancelled_now_and_then() {
    let mut client = Endpoint::dialer(4);
    let mut server = Endpoint::acceptor(4);
    for _ in 0..10_000 {
        server.pass(millis(20));
        let (call, frame) = client.open(REQUEST, false).expect("room");
        server.recv(&frame);
        assert!(client.mux.reset(call, Code::Cancelled, "").is_ok());
        let cancel = reset(call.get(), Code::Cancelled, "");
        let events = server.recv(&cancel);
        release_ended(&mut server, &events);
        assert_eq!(server.control(), SILENCE);
    }
}

#[test]
fn all_calls_of_a_page_that_is_left_and_opened_again() {
    let mut client = Crowd::dialer(100);
    let mut server = Crowd::acceptor(100);
    for round in 0..5 {
        let calls: Vec<_> = (0..100).map(|_| client.opened()).collect();
        for call in &calls {
            server.accepted(call.get());
        }
        for call in calls {
            assert!(client.mux.reset(call, Code::Cancelled, "").is_ok());
            let cancel = reset(call.get(), Code::Cancelled, "");
            let events = server.recv(&cancel);
            release_ended(&mut server, &events);
        }
        assert_eq!(server.mux.calls(), 0, "round {round}");
    }
}

/// New calls in the place of cancelled ones whose handlers are still there: the client cannot know.
#[test]
fn calls_in_the_place_of_calls_whose_handlers_take_their_time() {
    let mut client = Crowd::dialer(100);
    let mut server = Crowd::acceptor(100);
    let calls: Vec<_> = (0..100).map(|_| client.opened()).collect();
    for call in &calls {
        server.accepted(call.get());
    }
    for call in &calls {
        assert!(client.mux.reset(*call, Code::Cancelled, "").is_ok());
        server.recv(&reset(call.get(), Code::Cancelled, ""));
        let (call, frame) = client.open(REQUEST, false).expect("room");
        assert_eq!(server.recv(&frame), []);
        let refusal = server.control();
        for _ in 0..20 {
            let late = client
                .send(call, &message(b""), false)
                .unwrap()
                .expect("credit");
            assert_eq!(server.recv(&late), []);
        }
        assert!(matches!(
            client.recv(&refusal[0]).last(),
            Some(Event::Ended { .. })
        ));
    }
}

/// The server answers before it has read what the client sends, which is on its way by then.
fn check_early_answers(pieces: &[&[u8]]) {
    let mut client = Endpoint::dialer(1);
    let mut server = Endpoint::acceptor(1);
    for _ in 0..2_000 {
        let (call, frame) = client.open(REQUEST, false).expect("room");
        server.recv(&frame);
        let answer = server.send(call, TRAILERS, true).unwrap().expect("credit");
        for piece in pieces {
            let late = client.send(call, piece, false).unwrap().expect("credit");
            assert_eq!(server.recv(&late), []);
        }
        let event = call::Event::Trailers(Code::Ok);
        let trailers = Event::Call { call, event };
        assert_eq!(client.recv(&answer).last(), Some(&trailers));
    }
}

#[test]
fn early_answers_while_the_client_still_sends() {
    let stream = message(&[7; 480]);
    check_early_answers(&stream.chunks(32).collect::<Vec<_>>());
}

#[test]
fn early_answers_while_the_client_sends_small_messages() {
    check_early_answers(&[&message(b"")[..]; 97]);
}

/// The same from the other side: the client cancels what the server still sends.
#[test]
fn cancelled_calls_while_the_server_still_answers() {
    let mut client = Endpoint::dialer(1);
    let mut server = Endpoint::acceptor(1);
    let answer = [INITIAL, &message(&[7; 300])].concat();
    for _ in 0..5_000 {
        let (call, frame) = client.open(REQUEST, false).expect("room");
        server.pass(millis(20));
        server.recv(&frame);
        assert!(client.mux.reset(call, Code::Cancelled, "").is_ok());
        for piece in answer.chunks(32) {
            let late = server.send(call, piece, false).unwrap().expect("credit");
            assert_eq!(client.recv(&late), []);
        }
        let events = server.recv(&reset(call.get(), Code::Cancelled, "")).len();
        assert_eq!(events, 1);
        server.mux.release(call);
    }
}

#[test]
fn the_largest_metadata_through_the_smallest_window() {
    let (mut client, mut server, _) = pair();
    let text = ":path: /s/M\r\na: ".to_owned() + &"x".repeat(8_000);
    let len = u32::try_from(text.len()).unwrap().to_be_bytes();
    let block = [&[0x80][..], &len, text.as_bytes()].concat();
    for _ in 0..50 {
        let (call, frame) = client.open(&block, false).expect("room");
        let mut rest = &block[frame.len() - HEADER_LEN..];
        deliver(&mut client, &mut server, call, &frame);
        while !rest.is_empty() {
            let frame = client.send(call, rest, false).unwrap().expect("credit");
            rest = &rest[frame.len() - HEADER_LEN..];
            deliver(&mut client, &mut server, call, &frame);
        }
        let frame = server.send(call, TRAILERS, true).unwrap().expect("credit");
        client.recv(&frame);
    }
}

#[test]
fn signs_of_life_once_a_second_for_hours() {
    let peer = [(setting::KEEPALIVE_MS, 1_000)];
    let config = Config::DEFAULT.with_keepalive(millis(1_000), millis(1_000));
    let mut client = Endpoint::ready(Side::Dialer, config, &peer);
    let mut server = Endpoint::ready(Side::Acceptor, config, &peer);
    for _ in 0..20_000 {
        for end in [&mut client, &mut server] {
            assert_eq!(end.wait(millis(1_000)), Ok(vec![]));
        }
        let (asked, said) = (client.control(), server.control());
        asked
            .iter()
            .for_each(|frame| assert_eq!(server.recv(frame), []));
        said.iter()
            .for_each(|frame| assert_eq!(client.recv(frame), []));
        let (asked, said) = (client.control(), server.control());
        asked
            .iter()
            .for_each(|frame| assert_eq!(server.recv(frame), []));
        said.iter()
            .for_each(|frame| assert_eq!(client.recv(frame), []));
    }
}

/// All calls of a connection that may have many.
#[test]
fn a_thousand_calls_that_are_cancelled_at_once() {
    const CALLS: usize = 1_000;
    let table = [const { None }; CALLS];
    let config = Config::DEFAULT.with_max_calls(1_000);
    let now = Instant::EPOCH;
    let mut server = Connection::<Calls<CALLS>>::new(now, Side::Acceptor, config, table);
    let mut take = |frame: &[u8]| {
        let mut fragment = Fragment::message(frame);
        while server.recv(now, &mut fragment).expect("honest").is_some() {}
    };
    take(b"\x50\0\0\0\0");
    let ids = (0..1_000).map(|index| 2 * index + 1);
    ids.clone().for_each(|id| take(&open(id, REQUEST)));
    ids.for_each(|id| take(&reset(id, Code::Cancelled, "")));
}

/// 63 KiB of metadata through the smallest window, where the limit allows it.
#[test]
fn a_huge_block_through_the_smallest_window() {
    let limits = Limits::DEFAULT.with_max_metadata_len(64 * 1024);
    let config = Config::DEFAULT.with_limits(limits).with_max_frame(64);
    let config = config.with_window(WINDOW).with_max_calls(1);
    let mut server = Endpoint::ready(Side::Acceptor, config, &[]);
    let block = ":path: /s/M\r\na: ".to_owned() + &"x".repeat(63 * 1024);
    let len = u32::try_from(block.len()).unwrap().to_be_bytes();
    let stream = [&[0x80][..], &len, block.as_bytes()].concat();
    for (index, slice) in stream.chunks(64).enumerate() {
        server.recv(&if index == 0 {
            open(1, slice)
        } else {
            data(1, slice)
        });
        server.control();
    }
}
