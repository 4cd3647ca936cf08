//! Frames that break RFC 6455.

use std::time::Duration;

use grpc_websocket_hostile::grpc::headers;
use grpc_websocket_hostile::{Code, Frame, LengthForm, Outcome, Target};

/// What comes of frames in place of the header block, and of the same after it.
fn before_and_after_the_block(target: &Target, frames: &[u8]) -> [Outcome; 2] {
    [
        target.attack("Bidi", frames),
        target.attack("Bidi", &[&headers(), frames].concat()),
    ]
}

/// Runs the cases beside each other, for some end only when the server stops to wait for the
/// client's Close.
fn assert_closed(cases: &[(&str, Vec<u8>)], status: Option<Code>, close: u16) {
    for target in Target::both() {
        std::thread::scope(|scope| {
            for (case, frames) in cases {
                let target = &target;
                scope.spawn(move || {
                    for outcome in before_and_after_the_block(target, frames) {
                        outcome.assert(case, status, Some(close));
                        assert!(outcome.took < Duration::from_secs(8), "{case}: {outcome}");
                    }
                });
            }
        });
        target.assert_recovered();
    }
}

#[test]
fn a_broken_frame_is_closed_with_1002() {
    let binary = || Frame::binary("x: 1\r\n");
    let cases = [
        ("unmasked", binary().unmasked().encode()),
        ("unmasked empty", Frame::binary([]).unmasked().encode()),
        ("RSV1", binary().reserved_bits(0x40).encode()),
        ("RSV2", binary().reserved_bits(0x20).encode()),
        ("RSV3", binary().reserved_bits(0x10).encode()),
        (
            "RSV1 on a ping",
            Frame::ping([]).reserved_bits(0x40).encode(),
        ),
        ("opcode 3", Frame::new(0x3, []).encode()),
        ("opcode 7", Frame::new(0x7, "x").encode()),
        ("opcode 11", Frame::new(0xb, []).encode()),
        ("opcode 15", Frame::new(0xf, "x").encode()),
        ("fragmented ping", Frame::ping("x").unfinished().encode()),
        ("fragmented pong", Frame::pong("x").unfinished().encode()),
        (
            "fragmented Close",
            Frame::close_code(1000).unfinished().encode(),
        ),
        ("ping of 126 bytes", Frame::ping([0; 126]).encode()),
        (
            "pong of 70,000 bytes",
            Frame::pong(vec![0; 70_000]).encode(),
        ),
        ("Close of 126 bytes", Frame::close([3; 126]).encode()),
        (
            "16-bit length of 5",
            binary().length_form(LengthForm::Bits16).encode(),
        ),
        (
            "64-bit length of 5",
            binary().length_form(LengthForm::Bits64).encode(),
        ),
        (
            "64-bit length of 65,535",
            Frame::binary(vec![0; 65_535])
                .length_form(LengthForm::Bits64)
                .encode(),
        ),
        ("continuation of nothing", Frame::continuation("x").encode()),
        (
            "unfinished continuation of nothing",
            Frame::continuation([]).unfinished().encode(),
        ),
        (
            "a message inside a message",
            [binary().unfinished().encode(), binary().encode()].concat(),
        ),
        (
            "a text inside a message",
            [binary().unfinished().encode(), Frame::text("x").encode()].concat(),
        ),
    ];
    assert_closed(&cases, None, 1002);
}

#[test]
fn a_broken_close_is_closed_with_1002() {
    let mut cases = vec![("Close of 1 byte".to_owned(), Frame::close([3]).encode())];
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535,
    ] {
        cases.push((format!("Close {code}"), Frame::close_code(code).encode()));
    }
    let cases: Vec<_> = cases
        .iter()
        .map(|(case, frames)| (case.as_str(), frames.clone()))
        .collect();
    assert_closed(&cases, None, 1002);
}

#[test]
fn a_reason_that_is_not_utf_8_is_closed_with_1007() {
    let reason = Frame::close(*b"\x03\xe8\xff\xfe").encode();
    assert_closed(&[("reason of a Close", reason)], None, 1007);
}

#[test]
fn a_good_close_is_echoed() {
    let cases = [
        (Frame::close_code(1000), 1000),
        (Frame::close_code(1001), 1001),
        (Frame::close_code(3000), 3000),
        (Frame::close_code(4999), 4999),
        (Frame::close(*b"\x03\xe8bye"), 1000),
        (Frame::close([]), 1005),
    ];
    for target in Target::both() {
        for (frame, code) in &cases {
            for outcome in before_and_after_the_block(&target, &frame.encode()) {
                outcome.assert(&format!("Close {code}"), None, Some(*code));
            }
        }
        target.assert_recovered();
    }
}

#[test]
fn frames_after_a_close_are_ignored() {
    for target in Target::both() {
        let frames = [
            headers(),
            Frame::close_code(1000).encode(),
            Frame::ping("x").encode(),
            Frame::close_code(1001).encode(),
            b"\xff\xff\xff\xff".to_vec(),
        ];
        let outcome = target.attack("Bidi", &frames.concat());
        assert_eq!(outcome.status(), None, "{outcome}");
        assert!(outcome.pongs.is_empty(), "{outcome}");
        target.assert_recovered();
    }
}

#[test]
fn a_text_message_is_refused_with_internal_and_1003() {
    let cases = [
        ("text", Frame::text("x: 1\r\n").encode()),
        ("empty text", Frame::text([]).encode()),
        // Nobody reads it, so nobody looks whether it is UTF-8.
        ("text that is none", Frame::text([0xff, 0xfe]).encode()),
        (
            "text in fragments",
            [
                Frame::text("x").unfinished().encode(),
                Frame::continuation("y").encode(),
            ]
            .concat(),
        ),
    ];
    assert_closed(&cases, Some(Code::Internal), 1003);
}

#[test]
fn a_websocket_message_over_the_limit_is_refused_with_a_status() {
    const MIB: usize = 1024 * 1024;
    let announced = |len: u64| Frame::binary([]).announcing(len).encode();
    let cases = [
        ("5 MiB announced", announced(5 * MIB as u64)),
        ("5 MiB sent", Frame::binary(vec![0; 5 * MIB]).encode()),
        (
            "text of 5 MiB announced",
            Frame::text([]).announcing(5 * MIB as u64).encode(),
        ),
        ("2^63 announced", announced(1 << 63)),
        ("2^64 - 1 announced", announced(u64::MAX)),
        (
            "5 MiB in fragments",
            [
                Frame::binary(vec![0; 3 * MIB]).unfinished().encode(),
                Frame::continuation(vec![0; 2 * MIB]).encode(),
            ]
            .concat(),
        ),
    ];
    assert_closed(&cases, Some(Code::ResourceExhausted), 1009);
}
