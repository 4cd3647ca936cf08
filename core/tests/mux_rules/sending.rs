//! SPEC.md#data: order, END and the cut into frames, on the way out.

use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{CallId, Config, Event, Side};
use grpc_websocket_core::wire::prefix::PrefixError;
use grpc_websocket_core::{Code, SendError};

use crate::harness::*;

const OUT_OF_ORDER: Result<Option<Vec<u8>>, SendError> = Err(SendError::OutOfOrder);

/// A call at the side that answers it.
fn server() -> (Endpoint, CallId) {
    let mut end = Endpoint::acceptor(1);
    let call = end.accepted(1);
    (end, call)
}

/// A call at the side that made it, whose peer has these SETTINGS.
fn client(peer: &[(u8, u32)]) -> (Endpoint, CallId) {
    let mut end = Endpoint::ready(Side::Dialer, Config::DEFAULT, peer);
    let call = end.opened();
    (end, call)
}

fn sent(bytes: &[u8]) -> Result<Option<Vec<u8>>, SendError> {
    Ok(Some(data(1, bytes)))
}

#[test]
fn a_client_sends_its_block_then_messages_then_the_half_close() {
    let (mut end, call) = client(&[]);
    let hello = message(b"hello");
    assert_eq!(
        end.send(call, REQUEST, false),
        OUT_OF_ORDER,
        "a second block"
    );
    assert_eq!(end.send(call, &hello, false), sent(&hello));
    assert_eq!(end.send(call, TRAILERS, true), OUT_OF_ORDER);
    let half_close = data_end(1, b"");
    assert_eq!(end.send(call, b"", true), Ok(Some(half_close)));
    assert_eq!(end.send(call, &hello, false), OUT_OF_ORDER);
    assert_eq!(end.send(call, b"", true), OUT_OF_ORDER);
    assert!(end.mux.contains(call), "the answer is still to come");
}

#[test]
fn a_server_sends_its_block_then_messages_then_trailers() {
    let (mut end, call) = server();
    let hello = message(b"hello");
    assert_eq!(end.send(call, INITIAL, false), sent(INITIAL));
    assert_eq!(end.send(call, &hello, false), sent(&hello));
    let trailers = data_end(1, TRAILERS);
    assert_eq!(end.send(call, TRAILERS, true), Ok(Some(trailers)));
    assert_eq!(end.mux.calls(), 0);
    let unknown = Err(SendError::UnknownCall);
    assert_eq!(end.send(call, b"", true), unknown);
}

#[test]
fn a_server_may_leave_its_first_block_out() {
    let (mut end, call) = server();
    let hello = message(b"hello");
    assert_eq!(end.send(call, &hello, false), sent(&hello));
    let again = end.send(call, INITIAL, false);
    assert_eq!(again, OUT_OF_ORDER, "only trailers can follow a message");
    let answer = [&hello, TRAILERS].concat();
    let frame = data_end(1, &answer);
    assert_eq!(end.send(call, &answer, true), Ok(Some(frame)));
}

#[test]
fn the_trailers_are_not_complete_without_the_end() {
    let (mut end, call) = server();
    assert_eq!(end.send(call, INITIAL, false), sent(INITIAL));
    assert_eq!(end.send(call, TRAILERS, false), OUT_OF_ORDER);
    let (front, last) = TRAILERS.split_at(TRAILERS.len() - 1);
    assert_eq!(end.send(call, front, false), sent(front));
    assert_eq!(end.send(call, last, false), OUT_OF_ORDER);
    let more = [last, &message(b"hi")].concat();
    assert_eq!(end.send(call, &more, true), OUT_OF_ORDER);
    let last_frame = data_end(1, last);
    assert_eq!(end.send(call, last, true), Ok(Some(last_frame)));
}

#[test]
fn a_server_cannot_end_without_trailers() {
    let (mut end, call) = server();
    assert_eq!(end.send(call, b"", true), OUT_OF_ORDER, "nothing was said");
    let answer = [INITIAL, &message(b"hi")].concat();
    assert_eq!(end.send(call, &answer, true), OUT_OF_ORDER);
    assert_eq!(end.send(call, &answer, false), sent(&answer), "not changed");
    assert_eq!(end.send(call, b"", true), OUT_OF_ORDER);
}

#[test]
fn one_block_with_end_is_trailers_only() {
    let (mut end, call) = server();
    let trailers = data_end(1, TRAILERS);
    assert_eq!(end.send(call, TRAILERS, true), Ok(Some(trailers)));
    assert_eq!(end.mux.calls(), 0);
}

#[test]
fn a_whole_answer_is_one_frame() {
    let (mut end, call) = server();
    let answer = [INITIAL, &message(b"hi"), TRAILERS].concat();
    let frame = data_end(1, &answer);
    assert_eq!(end.send(call, &answer, true), Ok(Some(frame)));
}

#[test]
fn nothing_ends_inside_a_message_or_block() {
    for (mut end, call, bytes) in [
        {
            let (end, call) = client(&[]);
            (end, call, message(b"hello"))
        },
        {
            let (end, call) = server();
            (end, call, TRAILERS.to_vec())
        },
    ] {
        for len in 1..bytes.len() {
            let part = end.send(call, &bytes[..len], true);
            assert_eq!(part, Err(SendError::FrameOpen), "{len} bytes");
        }
        assert!(end.send(call, &bytes, true).is_ok());
    }
}

#[test]
fn an_early_answer_ends_the_call_and_what_the_client_sends() {
    let (mut end, call) = client(&[]);
    assert_eq!(
        end.send(call, &message(b"hello")[..7], false)
            .unwrap()
            .map(|sent| sent.len()),
        Some(12)
    );
    end.recv(&data_end(1, TRAILERS));
    assert_eq!(end.send(call, b"llo", true), Err(SendError::UnknownCall));
}

#[test]
fn what_is_too_long_for_the_peer_is_found_with_its_prefix() {
    let (mut end, call) = client(&[(5, 8)]);
    let (len, max) = (9, 8);
    let too_long = Err(SendError::Frame(DeframeError::MessageTooLong { len, max }));
    assert_eq!(end.send(call, &[0, 0, 0, 0, 9], false), too_long);
    let fits = message(&[1; 8]);
    assert_eq!(end.send(call, &fits, false), sent(&fits));
}

#[test]
fn a_peer_that_says_no_length_takes_any_message() {
    let (mut end, call) = client(&[]);
    let prefix = [0, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(end.send(call, &prefix, false), sent(&prefix));
}

#[test]
fn metadata_too_large_for_the_peer_makes_no_call() {
    let peer = [(setting::MAX_STREAMS, 1), (4, 21)];
    let mut end = Endpoint::ready(Side::Dialer, Config::DEFAULT, &peer);
    let error = end.open(REQUEST, true).expect_err("22 bytes");
    let max = 21;
    let too_long = SendError::Frame(DeframeError::MetadataTooLong { max });
    assert_eq!(error, too_long.into());
}

#[test]
fn bytes_that_are_no_grpc_frames_are_refused() {
    let (mut end, call) = client(&[]);
    let unknown = PrefixError::UnknownFlags(2);
    let refused = Err(SendError::Frame(DeframeError::Prefix(unknown)));
    let both = [&message(b"hi")[..], &[2]].concat();
    assert_eq!(end.send(call, &both, false), refused);
    assert_eq!(end.send(call, &both[..7], false), sent(&both[..7]));
}

#[test]
fn without_credit_nothing_is_sent_until_there_is_some() {
    let (mut end, call) = client(&[(setting::INITIAL_WINDOW, 64)]);
    assert_eq!(end.mux.credit(call), 64 - 27);
    let stream = message(&[7; 100]);
    assert_eq!(end.send(call, &stream, true), sent(&stream[..37]));
    assert_eq!(end.mux.credit(call), 0);
    assert_eq!(end.send(call, &stream[37..], true), Ok(None));
    assert_eq!(end.recv(&window(1, 32)), [Event::Credit(call)]);
    assert_eq!(end.send(call, &stream[37..], true), sent(&stream[37..69]));
    assert_eq!(end.recv(&window(1, 100)), [Event::Credit(call)]);
    let rest = data_end(1, &stream[69..]);
    assert_eq!(end.send(call, &stream[69..], true), Ok(Some(rest)));
    assert_eq!(end.recv(&window(1, 64)), [], "nothing more to send");
}

#[test]
fn an_end_without_bytes_needs_no_credit() {
    let (mut end, call) = client(&[(setting::INITIAL_WINDOW, 64)]);
    let stream = message(&[7; 32]);
    assert_eq!(end.send(call, &stream, false), sent(&stream));
    assert_eq!(end.mux.credit(call), 0);
    let half_close = data_end(1, b"");
    assert_eq!(end.send(call, b"", true), Ok(Some(half_close)));
}

#[test]
fn a_server_without_credit_keeps_its_call_until_its_trailers_are_sent() {
    let config = Config::DEFAULT.with_max_calls(1);
    let peer = [(setting::INITIAL_WINDOW, 64)];
    let mut end = Endpoint::ready(Side::Acceptor, config, &peer);
    let call = end.accepted(1);
    let answer = [INITIAL, &message(&[7; 40]), TRAILERS].concat();
    assert_eq!(end.send(call, &answer, true), sent(&answer[..64]));
    assert_eq!(end.mux.calls(), 1);
    assert_eq!(end.recv(&window(1, 32)), [Event::Credit(call)]);
    let rest = data_end(1, &answer[64..]);
    assert_eq!(end.send(call, &answer[64..], true), Ok(Some(rest)));
    assert_eq!(end.mux.calls(), 0);
}

#[test]
fn nothing_to_send_makes_no_frame() {
    let (mut end, call) = client(&[]);
    assert_eq!(end.send(call, b"", false), Ok(None));
    assert_eq!(end.mux.credit(call), 512 - 27);
}

#[test]
#[cfg_attr(miri, ignore = "every cut of a stream")]
fn it_does_not_matter_where_the_parts_are_cut() {
    let stream = [message(b"hello"), message(b""), message(&[7; 70])].concat();
    let frames = [data(1, &stream[..64]), data_end(1, &stream[64..])];
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let (mut end, call) = client(&[(setting::MAX_FRAME, 64)]);
            let parts = [&stream[..first], &stream[first..second], &stream[second..]];
            let segment = end.mux.send(call, &parts, true).unwrap().unwrap();
            assert_eq!(segment.head(), &frames[0][..5]);
            assert_eq!(segment.payload_len(), 64);
            let rest = end.send(call, &stream[64..], true).unwrap().unwrap();
            assert_eq!(rest, frames[1]);
        }
    }
}

#[test]
fn it_does_not_matter_how_much_is_sent_at_once() {
    let stream = [INITIAL, &message(b"hello"), TRAILERS].concat();
    let (mut server, call) = server();
    let mut client = Endpoint::dialer(1);
    client.opened();
    let mut events = 0;
    for (index, byte) in stream.chunks(1).enumerate() {
        let last = index + 1 == stream.len();
        let frame = server.send(call, byte, last).unwrap().unwrap();
        events += client.recv(&frame).len();
    }
    assert!(events > stream.len(), "each byte, and what is complete");
    assert_eq!((client.mux.calls(), client.lost()), (0, vec![]));
}

#[test]
fn a_call_that_is_over_takes_nothing() {
    let (mut end, call) = client(&[]);
    assert!(end.mux.reset(call, Code::Cancelled, "").is_ok());
    let unknown = Err(SendError::UnknownCall);
    assert_eq!(end.send(call, &message(b"hi"), false), unknown);
    assert_eq!(end.mux.credit(call), 0);
    assert_eq!(
        end.mux.set_deadline(call, None),
        Err(SendError::UnknownCall)
    );
}
