//! The stream of gRPC messages, cut and filled as no honest client does.

use std::time::Duration;

use grpc_websocket_hostile::grpc::{data, half_close, headers, message, prefix};
use grpc_websocket_hostile::{Code, Frame, Outcome, Target};

const MIB: usize = 1024 * 1024;

/// What comes of a call of `Count` with these frames after the header block.
fn count(target: &Target, frames: &[Vec<u8>]) -> Outcome {
    target.attack("Count", &[headers(), frames.concat()].concat())
}

/// Asserts what `Count` has counted.
fn assert_counted(outcome: &Outcome, case: &str, counted: &str) {
    outcome.assert(case, Some(Code::Ok), Some(1000));
    assert_eq!(outcome.messages, [counted.as_bytes()], "{case}");
}

#[test]
fn an_announcement_over_the_limit_is_refused_at_once() {
    for target in Target::both() {
        for (case, slice) in [
            ("4 MiB + 1", prefix(0, 4 * 1024 * 1024 + 1)),
            ("4 GiB", prefix(0, u32::MAX)),
            ("4 GiB compressed", prefix(1, u32::MAX)),
            (
                "4 GiB and data",
                [prefix(0, u32::MAX), vec![0; MIB]].concat(),
            ),
            (
                "4 GiB after a good message",
                [message(b"good"), prefix(0, u32::MAX)].concat(),
            ),
        ] {
            let outcome = count(&target, &[data(&slice)]);
            outcome.assert(case, Some(Code::ResourceExhausted), Some(1009));
            assert!(outcome.took < Duration::from_secs(1), "{case}: {outcome}");
        }
        target.assert_recovered();
    }
}

#[test]
fn unknown_flags_are_refused() {
    for target in Target::both() {
        for flags in [0x02, 0x04, 0x7f, 0x80, 0x81, 0x82, 0xff] {
            let frame = data(&[prefix(flags, 2), b"hi".to_vec()].concat());
            let outcome = count(&target, &[frame]);
            outcome.assert(&format!("{flags:#x}"), Some(Code::Internal), Some(1002));
        }
        let alone = count(&target, &[data(&[0x02])]);
        alone.assert("the flags alone", Some(Code::Internal), Some(1002));
        target.assert_recovered();
    }
}

#[test]
fn a_compressed_message_without_an_encoding_is_refused_by_the_service() {
    for target in Target::both() {
        let frame = data(&[prefix(1, 2), b"hi".to_vec()].concat());
        let outcome = count(&target, &[frame, half_close()]);
        outcome.assert("compressed", Some(Code::Internal), Some(1000));
        target.assert_recovered();
    }
}

#[test]
fn a_half_close_inside_a_message_is_internal_and_never_a_clean_end() {
    for target in Target::both() {
        for (case, slice) in [
            ("flags", &[0][..]),
            ("four bytes of prefix", &[0, 0, 0, 0]),
            ("prefix", &[0, 0, 0, 0, 2]),
            ("half of a message", &[0, 0, 0, 0, 2, b'h']),
        ] {
            let outcome = count(&target, &[data(slice), half_close()]);
            outcome.assert(case, Some(Code::Internal), Some(1002));
        }
        target.assert_recovered();
    }
}

#[test]
fn what_follows_the_half_close_is_dropped() {
    for target in Target::both() {
        for (case, late) in [
            ("data", data(&message(b"late"))),
            ("refused flags", data(&[0xff; 16])),
            ("half-close", half_close()),
            ("4 GiB", data(&prefix(0, u32::MAX))),
        ] {
            let outcome = count(&target, &[data(&message(b"one")), half_close(), late]);
            assert_counted(&outcome, case, "1 3");
        }
        target.assert_recovered();
    }
}

#[test]
fn any_cut_of_the_stream_is_the_same_stream() {
    let stream = [message(b""), message(b"abc"), message(&[7; 300])].concat();
    let bytes = stream.iter().map(|byte| data(&[*byte]));
    let one_by_one = bytes.collect::<Vec<_>>().concat();
    let whole = [&[0], &stream[..]].concat();
    let fragments = whole[1..].iter().flat_map(|byte| {
        [
            Frame::continuation([*byte]).unfinished().encode(),
            Frame::continuation([]).unfinished().encode(),
        ]
    });
    let in_fragments = [
        Frame::binary([0]).unfinished().encode(),
        fragments.collect::<Vec<_>>().concat(),
        Frame::continuation([]).encode(),
    ]
    .concat();
    let pings = [
        Frame::binary(&whole[..3]).unfinished().encode(),
        Frame::ping("between").encode(),
        Frame::continuation(&whole[3..9]).unfinished().encode(),
        Frame::pong("unasked").encode(),
        Frame::ping([]).encode(),
        Frame::continuation(&whole[9..]).encode(),
    ]
    .concat();
    for target in Target::both() {
        for (case, frames) in [
            ("in one WebSocket message", data(&stream)),
            ("a byte in each WebSocket message", one_by_one.clone()),
            ("a byte in each fragment", in_fragments.clone()),
            ("control frames between fragments", pings.clone()),
        ] {
            let outcome = count(&target, &[frames, half_close()]);
            assert_counted(&outcome, case, "3 303");
        }
        target.assert_recovered();
    }
}

#[test]
fn four_mib_in_one_byte_websocket_messages_end_the_call() {
    for target in Target::both() {
        let mut client = target.call("Count");
        let chunk = data(&[0]).repeat(MIB / 16);
        let len = 4 * MIB;
        client.send(&data(&prefix(0, u32::try_from(len).expect("4 MiB"))));
        let (outcome, _) = client.flood(&chunk, 64, &half_close());
        let status = Some(Code::ResourceExhausted);
        outcome.assert("one-byte messages", status, Some(1008));
        target.assert_recovered();
    }
}

#[test]
fn four_mib_in_one_byte_fragments_are_one_message() {
    for target in Target::both() {
        let mut client = target.call("Count");
        let len = 4 * MIB;
        let first = [vec![0], prefix(0, u32::try_from(len).expect("4 MiB"))].concat();
        client.send(&Frame::binary(first).unfinished().encode());
        let chunk = Frame::continuation([0])
            .unfinished()
            .encode()
            .repeat(MIB / 16);
        let end = [Frame::continuation([]).encode(), half_close()].concat();
        let (outcome, _) = client.flood(&chunk, 64, &end);
        assert_counted(&outcome, "one-byte fragments", &format!("1 {len}"));
        target.assert_recovered();
    }
}

#[test]
fn a_million_empty_grpc_messages_are_a_million_messages() {
    for target in Target::both() {
        let client = target.call("Count");
        let chunk = data(&message(b"").repeat(1000));
        let (outcome, _) = client.flood(&chunk, 1000, &half_close());
        assert_counted(&outcome, "empty gRPC messages", "1000000 0");
        target.assert_recovered();
    }
}

#[test]
fn a_flood_of_websocket_messages_that_carry_nothing_is_refused() {
    for target in Target::both() {
        for (case, nothing) in [
            ("empty", Frame::binary([]).encode()),
            ("control byte alone", data(b"")),
        ] {
            let client = target.call("Count");
            let (outcome, _) = client.flood(&nothing.repeat(1000), 1000, &[]);
            outcome.assert(case, Some(Code::ResourceExhausted), Some(1008));
        }
        let client = target.call("Hold");
        let (outcome, _) = client.flood(&half_close().repeat(1000), 1000, &[]);
        outcome.assert("half-closes", Some(Code::ResourceExhausted), Some(1008));
        target.assert_recovered();
    }
}

#[test]
fn a_unary_call_without_a_message_or_with_two_is_refused_by_the_service() {
    for target in Target::both() {
        let none = target.attack("Unary", &[headers(), half_close()].concat());
        assert_ne!(none.status(), Some(Code::Ok), "{none}");
        let two = data(&[message(b"one"), message(b"two")].concat());
        let two = target.attack("Unary", &[headers(), two, half_close()].concat());
        assert!(two.status().is_some(), "{two}");
        target.assert_recovered();
    }
}
