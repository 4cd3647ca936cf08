//! Limits that come before the bytes: grpc/grpc #43012, tonic's reservation of what a prefix
//! announces, fastwebsockets #100; and memory that cannot grow.

use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{Calls, Config, Connection, ConnectionError, End, Event, Side};
use grpc_websocket_core::{Blame, CloseCode, Code, Fragment, RecvError, Segment};

use crate::harness::*;

const MAX_MESSAGE: u32 = 4 * 1024 * 1024;

fn serving() -> Endpoint {
    let config = Config::DEFAULT.with_max_calls(2).with_window(8 << 20);
    let mut end = Endpoint::ready(Side::Acceptor, config.with_max_frame(1 << 24), &[]);
    end.accepted(1);
    end
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_first_five_bytes() {
    for len in [MAX_MESSAGE + 1, u32::MAX] {
        let mut end = serving();
        let other = end.accepted(3);
        let [a, b, c, d] = len.to_be_bytes();
        let begun = data(1, &[0, a, b, c, d]);
        let events = end.try_recv_part(Fragment::part(&begun)).unwrap();
        let max = MAX_MESSAGE;
        let error = RecvError::Frame(DeframeError::MessageTooLong { len, max });
        assert!(
            matches!(events[..], [Event::Ended { end: End::Failed(found), .. }] if found == error)
        );
        let too_long = reset(1, Code::ResourceExhausted, "a message is too long");
        assert_eq!(end.control(), [too_long], "before the frame is complete");
        assert!(end.mux.contains(other));
    }
}

#[test]
fn a_block_over_the_limit_is_refused_by_its_first_five_bytes() {
    let mut end = serving();
    let begun = open(3, &[0x80, 0, 0, 0x20, 1]);
    assert_eq!(end.recv(&begun).len(), 2, "opened, ended");
    let too_large = reset(3, Code::ResourceExhausted, "metadata is too large");
    assert_eq!(end.control(), [too_large]);
}

#[test]
fn the_longest_message_passes_however_it_is_cut() {
    let longest = data(1, &message(&vec![7; 4 << 20]));
    for size in [longest.len(), 16_384, 100] {
        let mut end = serving();
        let mut got = 0;
        for part in longest.chunks(size) {
            got += framed(&end.try_recv_part(Fragment::part(part)).unwrap()).len();
        }
        assert_eq!(got, (4 << 20) + 5);
    }
}

#[test]
fn the_first_frame_of_a_call_may_be_too_long() {
    let mut end = Endpoint::acceptor(2);
    end.accepted(1);
    let long = [REQUEST, &message(&[7; 600])].concat();
    let error = end.fails(&open(3, &long));
    assert_eq!(error, ConnectionError::FrameTooLong);
    assert_eq!(error.close_code(), CloseCode::TooBig);
    assert_eq!(error.blame(), Blame::Resource);
    let code = Code::ResourceExhausted;
    assert_eq!(end.lost(), [(1, code), (3, code)]);
}

#[test]
fn nothing_is_kept_of_a_call_that_may_not_be_made() {
    for id in [0, 2, 1] {
        let mut end = Endpoint::acceptor(2);
        end.accepted(1);
        assert_eq!(end.fails(&open(id, REQUEST)), ConnectionError::Id);
        assert_eq!(end.lost(), [(1, Code::Internal)]);
    }
}

#[test]
fn frames_that_are_dropped_have_a_limit_too() {
    let head = open(3, b"");
    let mut end = Endpoint::acceptor(1);
    end.accepted(1);
    assert_eq!(end.try_recv_part(Fragment::part(&head)), Ok(vec![]));
    for _ in 0..512 {
        assert_eq!(end.try_recv_part(Fragment::part(b"x")), Ok(vec![]));
    }
    let error = Err(ConnectionError::FrameTooLong);
    assert_eq!(end.try_recv_part(Fragment::part(b"x")), error);
}

/// `no_std` without `alloc`, so it has no heap; and what owns nothing has nothing to drop.
#[test]
fn a_connection_owns_no_memory_but_itself() {
    assert!(!std::mem::needs_drop::<Connection<Calls<4>>>());
    assert!(!std::mem::needs_drop::<Event<'_>>());
    assert!(!std::mem::needs_drop::<Segment>());
    let four = size_of::<Connection<Calls<4>>>();
    let eight = size_of::<Connection<Calls<8>>>();
    assert_eq!(eight - four, size_of::<Calls<4>>());
}

/// There is no frame that says where in a stream its bytes belong: they come as they are sent.
#[test]
fn bytes_have_no_order_but_that_of_arrival() {
    let stream = message(b"abcdef");
    let parts = [&stream[..7], &stream[7..9], &stream[9..]];
    for [first, second] in [[1, 2], [2, 1]] {
        let mut end = serving();
        let mut got = Vec::new();
        for part in [parts[0], parts[first], parts[second]] {
            got.extend(framed(&end.recv(&data(1, part))));
        }
        assert_eq!(got, [parts[0], parts[first], parts[second]].concat());
    }
}
