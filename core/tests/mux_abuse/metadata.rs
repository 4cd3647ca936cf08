//! Metadata without end: the CONTINUATION flood (RUSTSEC-2024-0332), and blocks that others could
//! not read (tonic-web's endless loop on empty trailers).

use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{
    Budget, Config, ConnectionError, End, Event, MAX_METADATA_FRAGMENTS, Side, TINY_FRAME_BUDGET,
};
use grpc_websocket_core::wire::metadata::MalformedBlock;
use grpc_websocket_core::{Code, Fragment, RecvError, call};

use crate::flood::{MANY, Reading, check, check_exact, offer};
use crate::harness::*;

const MAX_METADATA: u32 = 8192;

/// Takes calls with any number of bytes.
fn serving() -> Crowd {
    let config = Config::DEFAULT.with_max_calls(100);
    let config = config.with_window(1 << 24).with_max_frame(1 << 24);
    Crowd::ready(Side::Acceptor, config, &[])
}

/// Serves a call whose block was announced to be as long as may be, and begins well.
fn in_block() -> Crowd {
    let mut end = serving();
    end.recv(&open(1, &[0x80, 0, 0, 0x20, 0]));
    end.recv(&data(1, b":path: /demo.Pump/On\r\nx: "));
    end
}

#[test]
fn a_block_in_frames_of_one_byte_spends_its_budget() {
    // Two are read already.
    let most = MAX_METADATA_FRAGMENTS - 2;
    check_exact(in_block, |_| data(1, b"x"), Budget::MetadataFragments, most);
}

#[test]
fn a_block_in_frames_of_32_bytes_ends_at_its_limit() {
    let mut end = in_block();
    let frames = (0..MANY / 1_000).map(|_| data(1, &[b'x'; 32]));
    let outcome = offer(&mut end, Reading::Always, frames);
    // The RESET, and then frames for a call that is gone.
    assert_eq!((outcome.error, outcome.written), (None, 1));
    let most = usize::try_from(MAX_METADATA / 32).unwrap();
    assert!(outcome.events <= most + 1, "{}", outcome.events);
}

#[test]
fn blocks_of_one_byte_frames_on_many_calls_spend_one_budget() {
    let many = || {
        let mut end = serving();
        for index in 0..100 {
            end.recv(&open(2 * index + 1, &[0x80, 0, 0, 0x20, 0]));
        }
        end
    };
    let text = b":path: /demo.Pump/On/and/so/on/and/so/on";
    let frame = |index: u32| {
        let at = usize::try_from(index / 100).unwrap() % text.len();
        data(2 * (index % 100) + 1, &text[at..=at])
    };
    check(many, frame, Budget::TinyFrames, TINY_FRAME_BUDGET);
}

#[test]
fn a_block_in_fragments_of_one_byte_ends_at_its_limit() {
    let mut end = in_block();
    let head = data(1, b"");
    assert_eq!(end.try_recv_part(Fragment::part(&head)), Ok(vec![]));
    let mut read = 0;
    loop {
        match end.try_recv_part(Fragment::part(b"x")).unwrap()[..] {
            [Event::Call { .. }] => read += 1,
            [Event::Ended { end, .. }] => {
                assert_eq!(end.code(), Code::ResourceExhausted);
                break;
            }
            ref events => panic!("{events:?}"),
        }
        assert!(read < MAX_METADATA);
    }
    for _ in 0..MANY / 10 {
        assert_eq!(end.try_recv_part(Fragment::part(b"x")), Ok(vec![]));
    }
    assert_eq!(end.control().len(), 1, "the RESET");
}

#[test]
fn blank_lines_count() {
    let mut end = serving();
    end.recv(&open(1, &[0x80, 0, 0, 0x20, 0]));
    let lines = [b":path: /demo.Pump/On\r\n".to_vec(), b"\n".repeat(8_000)].concat();
    let max = MAX_METADATA;
    let error = RecvError::Frame(DeframeError::MetadataTooLong { max });
    match end.recv(&data(1, &lines))[..] {
        [Event::Ended { end, .. }] => assert_eq!(end, End::Failed(error)),
        ref events => panic!("{events:?}"),
    }
}

#[test]
fn a_block_that_never_ends_has_its_time() {
    let mut end = in_block();
    let mut ended = vec![];
    for _ in 0..1_000 {
        end.recv(&data(1, &[b'x'; 1]));
        ended = end.wait(millis(1_000)).unwrap();
        if !ended.is_empty() {
            break;
        }
    }
    assert!(matches!(ended[..], [Event::Ended { .. }]));
    assert_eq!(end.now.as_micros(), 10_000_000);
}

#[test]
fn odd_trailers_end_their_call_once() {
    let long = "grpc-message: ".to_owned() + &"x".repeat(7_000);
    for (block, expected) in [
        ("", Some(Code::Unknown)),
        ("\r\n", Some(Code::Unknown)),
        ("\n\n\n", Some(Code::Unknown)),
        ("grpc-status: 5", Some(Code::NotFound)),
        ("grpc-status:5\n", Some(Code::NotFound)),
        ("GRPC-STATUS: 5\r\n", Some(Code::NotFound)),
        ("grpc-status: 5\r\ngrpc-status: 0\r\n", Some(Code::NotFound)),
        ("grpc-status: 99999999999999999999\r\n", Some(Code::Unknown)),
        ("grpc-status: \r\n", Some(Code::Unknown)),
        ("a-bin: %%%\r\ngrpc-status: 5\r\n", Some(Code::NotFound)),
        (&long, Some(Code::Unknown)),
        (": x\r\n", None),
        (":", None),
        ("no colon", None),
        ("\r", Some(Code::Unknown)),
        ("\rx", None),
        ("a b: c\r\n", None),
        ("\u{e9}: c\r\n", None),
    ] {
        let config = Config::DEFAULT.with_window(1 << 16).with_max_frame(1 << 16);
        let mut dialer = Endpoint::ready(Side::Dialer, config, &[]);
        let call = dialer.opened();
        dialer.recv(&data(1, &message(b"an answer")));
        let len = u32::try_from(block.len()).unwrap();
        let bytes = [&[0x80][..], &len.to_be_bytes(), block.as_bytes()].concat();
        let trailers = data_end(1, &bytes);
        let events = dialer.recv(&trailers);
        let end = End::Failed(RecvError::Metadata(MalformedBlock));
        let last = match expected {
            Some(code) => Event::Call {
                call,
                event: call::Event::Trailers(code),
            },
            None => Event::Ended { call, end },
        };
        assert_eq!(events.last(), Some(&last), "{block:?}");
        assert!(!dialer.mux.contains(call));
        assert_eq!(dialer.lost(), []);
    }
}

#[test]
fn a_million_empty_blocks_are_one_error() {
    let mut end = Endpoint::acceptor(1);
    end.accepted(1);
    let blocks = [0x80, 0, 0, 0, 0].repeat(90);
    let frames = (0..MANY / 100).map(|_| data(1, &blocks));
    let outcome = offer(&mut end, Reading::Always, frames);
    assert_eq!((outcome.events, outcome.written), (1, 2));
    assert_eq!(
        outcome.error,
        Some(ConnectionError::Flood(Budget::StrayFrames))
    );
}
