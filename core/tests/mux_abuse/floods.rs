//! Frames that cost their receiver work and bring nothing: HTTP/2's floods of 2019, 2024 and 2026
//! (CVE-2019-9512 to -9518, RUSTSEC-2024-0003, RUSTSEC-2026-0258, CVE-2026-84304), and yamux's
//! replies that are queued while the peer does not read (CVE-2024-32984).

use grpc_websocket_core::mux::{
    Budget, Config, ConnectionError, EMPTY_FRAME_BUDGET, MAX_PENDING_REFUSALS, PING_BUDGET,
    REFUSED_BUDGET, STRAY_FRAME_BUDGET, Side, TINY_FRAME_BUDGET, WINDOW_BUDGET,
};
use grpc_websocket_core::wire::mux::{FrameType, HEADER_LEN};
use grpc_websocket_core::{Code, Fragment};

use crate::flood::{MANY, Reading, check, check_exact, offer};
use crate::harness::*;

const MIB: u32 = 1 << 20;

/// An end that answers a call, with a window that does not end the flood.
fn serving() -> Endpoint {
    let config = Config::DEFAULT.with_max_calls(2).with_window(8 * MIB);
    let mut end = Endpoint::ready(Side::Acceptor, config, &[]);
    end.accepted(1);
    end
}

/// The same, in a message of 4 MiB.
fn receiving() -> Endpoint {
    let mut end = serving();
    end.recv(&data(1, &[0, 0, 0x40, 0, 0]));
    end
}

#[test]
fn pings() {
    check_exact(serving, |_| ping(*b"are you "), Budget::Pings, PING_BUDGET);
}

#[test]
fn answers_to_pings_that_nobody_sent() {
    check_exact(serving, |_| pong(*b"yes I am"), Budget::Pings, PING_BUDGET);
}

#[test]
fn pings_at_a_bearable_rate_leave_one_answer_however_long_nobody_reads() {
    let mut end = serving();
    for _ in 0..MANY / 4 {
        end.pass(millis(100));
        assert_eq!(end.recv(&ping(*b"are you ")), []);
    }
    assert_eq!(end.control(), [pong(*b"are you ")]);
}

#[test]
fn calls_over_the_limit() {
    let frame = |index| open(2 * index + 1, b"");
    let none = || Endpoint::acceptor(0);
    check(none, frame, Budget::Refused, REFUSED_BUDGET);
    let mut end = none();
    let refusal = |index| refused(2 * index + 1, Code::Unavailable, "too many calls");
    for index in 0..u32::from(REFUSED_BUDGET) {
        assert_eq!(end.recv(&frame(index)), []);
        assert_eq!(end.control(), [refusal(index)]);
    }
}

#[test]
fn calls_over_the_limit_of_a_peer_that_does_not_read() {
    let mut end = Endpoint::acceptor(0);
    let frames = (0..MANY).map(|index| open(2 * index + 1, b""));
    let outcome = offer(&mut end, Reading::Never, frames);
    let most = u32::try_from(MAX_PENDING_REFUSALS).unwrap();
    assert_eq!(outcome.taken, most);
    assert_eq!(outcome.error, Some(ConnectionError::Flood(Budget::Refused)));
}

#[test]
fn a_million_frames_that_break_the_rules() {
    for reading in [Reading::Always, Reading::Never] {
        let mut end = serving();
        let frames = (0..MANY).map(|_| b"\x70\0\0\0\0".to_vec());
        let outcome = offer(&mut end, reading, frames);
        assert_eq!((outcome.taken, outcome.events), (0, 0));
        let left = end.control().len();
        assert_eq!(outcome.written + left, 1, "one GOAWAY");
    }
}

#[test]
fn calls_that_are_made_after_a_goaway() {
    let leaving = || {
        let mut end = Endpoint::acceptor(0);
        end.mux.go_away(Code::Unavailable, "restart");
        assert_eq!(end.control().len(), 1);
        end
    };
    let frame = |index| open(2 * index + 1, b"");
    check_exact(leaving, frame, Budget::Refused, REFUSED_BUDGET);
}

#[test]
fn windows() {
    check_exact(serving, |_| window(1, 1), Budget::Windows, WINDOW_BUDGET);
}

#[test]
fn windows_for_a_call_that_is_answered_already() {
    let answered = || {
        let mut dialer = Endpoint::dialer(1);
        assert!(dialer.open(REQUEST, true).is_ok());
        dialer
    };
    // The frame of the call may have given some back.
    check(answered, |_| window(1, 1), Budget::Windows, WINDOW_BUDGET);
}

#[test]
fn frames_of_unknown_types() {
    for kind in 8..16 {
        let frame = |index| frame(FrameType::Extension(kind), index, b"");
        check_exact(serving, frame, Budget::StrayFrames, STRAY_FRAME_BUDGET);
    }
}

#[test]
fn frames_for_calls_that_never_were_but_could_have_been() {
    let frames: [fn(u32) -> Vec<u8>; 4] = [
        |id| data(id, b"\x02"),
        |id| data_end(id, b""),
        |id| window(id, 1),
        |id| reset(id, Code::Cancelled, ""),
    ];
    for make_frame in frames {
        let late = || {
            let mut end = serving();
            end.accepted(0x7fff_ffff);
            end
        };
        let frame = |index| make_frame(2 * index + 3);
        check_exact(late, frame, Budget::StrayFrames, STRAY_FRAME_BUDGET);
    }
}

#[test]
fn frames_for_a_call_that_is_over() {
    let over = || {
        let mut acceptor = Endpoint::acceptor(1);
        let call = acceptor.accepted(1);
        assert!(acceptor.send(call, TRAILERS, true).is_ok());
        acceptor
    };
    // What may have been on its way: the rest of 512 bytes in empty messages, a WINDOW, a RESET.
    let most = STRAY_FRAME_BUDGET + (512 - 27) / 5 + 2;
    check(over, |_| data(1, b"x"), Budget::StrayFrames, most);
}

#[test]
fn goaways() {
    let frame = |_| goaway(0, Code::Unavailable, "");
    check(serving, frame, Budget::StrayFrames, STRAY_FRAME_BUDGET + 1);
}

#[test]
fn empty_data() {
    let frame = |_| data(1, b"");
    check_exact(serving, frame, Budget::EmptyFrames, EMPTY_FRAME_BUDGET);
}

#[test]
fn empty_data_after_the_half_close() {
    let half_closed = || {
        let mut end = serving();
        end.recv(&data_end(1, b""));
        end
    };
    let frame = |_| data(1, b"");
    check(half_closed, frame, Budget::EmptyFrames, EMPTY_FRAME_BUDGET);
}

#[test]
fn empty_websocket_messages() {
    let mut end = serving();
    let outcome = offer(&mut end, Reading::Always, (0..MANY).map(|_| Vec::new()));
    assert_eq!(outcome.error, Some(ConnectionError::Malformed));
    assert_eq!(outcome.taken, 0);
}

#[test]
fn empty_fragments_of_websocket_messages() {
    let mut end = receiving();
    let frame = data(1, b"x");
    let mut taken = 0;
    let mut error = None;
    assert_eq!(end.try_recv_part(Fragment::part(&frame[..3])), Ok(vec![]));
    for _ in 0..MANY {
        match end.try_recv_part(Fragment::part(b"")) {
            Ok(events) => {
                assert_eq!((events, error), (vec![], None));
                taken += 1;
            }
            Err(flood) => error = Some(flood),
        }
    }
    assert_eq!(taken, EMPTY_FRAME_BUDGET);
    assert_eq!(error, Some(ConnectionError::Flood(Budget::EmptyFrames)));
}

#[test]
fn four_mib_in_frames_of_one_byte() {
    let frame = |_| data(1, b"x");
    // The prefix of the message was the first of them.
    check_exact(receiving, frame, Budget::TinyFrames, TINY_FRAME_BUDGET - 1);
}

#[test]
fn four_mib_in_frames_of_31_bytes() {
    let frame = |_| data(1, &[b'x'; 31]);
    check_exact(receiving, frame, Budget::TinyFrames, TINY_FRAME_BUDGET - 1);
}

#[test]
fn four_mib_in_frames_of_one_byte_on_many_calls() {
    let many = || {
        let config = Config::DEFAULT.with_max_calls(100).with_window(MIB);
        let mut end = Crowd::ready(Side::Acceptor, config, &[]);
        for index in 0..100 {
            end.accepted(2 * index + 1);
            end.recv(&data(2 * index + 1, &[0, 0, 0x40, 0, 0]));
        }
        end
    };
    // The prefixes were tiny too: of each two frames so far one gave back what the other took.
    let frame = |index| data(2 * (index % 100) + 1, b"x");
    check(many, frame, Budget::TinyFrames, TINY_FRAME_BUDGET);
}

#[test]
fn credit_of_one_byte_at_a_time() {
    let peer = [(setting::INITIAL_WINDOW, 64)];
    let config = Config::DEFAULT.with_max_calls(1);
    let mut end = Endpoint::ready(Side::Acceptor, config, &peer);
    let call = end.accepted(1);
    let answer = [INITIAL, &message(&[7; 100_000])].concat();
    let mut rest = &answer[64..];
    assert!(end.send(call, &answer, false).is_ok());
    let (mut frames, mut windows) = (0, 0);
    while !rest.is_empty() && end.try_recv(&window(1, 1)).is_ok() {
        windows += 1;
        if let Ok(Some(frame)) = end.send(call, rest, false) {
            frames += 1;
            rest = &rest[frame.len() - HEADER_LEN..];
        }
    }
    assert!(frames <= windows, "never more than the peer pays for");
}
