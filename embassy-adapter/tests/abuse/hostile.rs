//! Peers that break the rules: each connection ends soon, with what the rules say.

use grpc_websocket_core::mux::ConnectionError;
use grpc_websocket_core::ws::Opcode;
use grpc_websocket_embassy::Error;

use crate::attack::{Attack, Outcome};
use crate::common::pair::WINDOW;
use crate::common::raw::{Raw, SETTINGS, Seen};
use crate::service::message;

/// A call that goes on: its block, and the prefix of a message of 64 bytes.
const OPEN: &[u8] = b"\x80\0\0\0\x12:path: /t.T/Echo\r\n\0\0\0\0\x40";

/// A mux frame.
fn mux(kind: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    [&[kind], &id[..], payload].concat()
}

fn close_code(seen: &[Seen]) -> Option<u16> {
    match seen.last() {
        Some(Seen::Close(code)) => *code,
        _ => None,
    }
}

/// Whether there is a GOAWAY of that status.
fn has_goaway(seen: &[Seen], code: u8) -> bool {
    let is_goaway =
        |seen: &&Seen| matches!(seen, Seen::Message(frame) if frame[0] == 0x40 && frame[5] == code);
    seen.iter().any(|seen| is_goaway(&seen))
}

/// Attacks both roles, in all chunks.
fn for_all(attack: Attack, script: impl AsyncFn(&mut Raw), check: impl Fn(&Outcome)) {
    for chunk in [usize::MAX, 7, 1] {
        check(
            &attack
                .chunk(chunk)
                .server(async |raw: &mut Raw| script(raw).await),
        );
        check(
            &attack
                .chunk(chunk)
                .client(async |raw: &mut Raw| script(raw).await),
        );
    }
}

#[test]
fn breaking_rfc_6455_ends_the_connection() {
    let broken: [(Opcode, bool, &[u8], u8, u16); 9] = [
        // opcode, fin, payload, what is changed in the first byte, the code
        (Opcode::Binary, true, b"x", 0x40, 1002),
        (Opcode::Binary, true, b"x", 0x10, 1002),
        (Opcode::Binary, true, b"x", 0x01, 1002),
        (Opcode::Ping, false, b"x", 0, 1002),
        (Opcode::Ping, true, &[0; 126], 0, 1002),
        (Opcode::Continuation, true, b"x", 0, 1002),
        (Opcode::Close, true, b"\x03", 0, 1002),
        (Opcode::Close, true, &[3, 237], 0, 1002),
        (Opcode::Close, true, &[3, 232, 0xff], 0, 1007),
    ];
    for attack in [Attack::MUX, Attack::SINGLE] {
        for (opcode, fin, payload, change, code) in broken {
            let script = async |raw: &mut Raw| {
                let mut frame = raw.frame(opcode, fin, payload);
                frame[0] ^= change;
                raw.send(&frame).await;
            };
            for_all(attack, script, |(result, seen)| {
                assert!(
                    matches!(result, Err(Error::WebSocket(_))),
                    "{result:?} {opcode:?}"
                );
                assert_eq!(close_code(seen), Some(code), "{opcode:?}");
            });
        }
    }
}

#[test]
fn the_wrong_masks_and_lengths_end_the_connection() {
    for frame in [
        // Not masked, for a server; masked, for a client.
        &b"\x82\x01x"[..],
        b"\x82\x81\0\0\0\0x",
        // Lengths that fit into fewer bytes, or into none.
        b"\x82\xfe\0\x7d",
        b"\x82\x7e\0\x7d",
        b"\x82\xff\0\0\0\0\0\0\xff\xff",
        b"\x82\x7f\0\0\0\0\0\0\xff\xff",
        b"\x82\xff\xff\0\0\0\0\0\0\0",
        b"\x82\x7f\xff\0\0\0\0\0\0\0",
    ] {
        let script = async |raw: &mut Raw| {
            raw.message(SETTINGS).await;
            raw.send(frame).await;
        };
        for_all(Attack::MUX, script, |(result, seen)| {
            // One of the roles may have it, but for the incomplete frame behind it.
            let is_error = matches!(result, Err(Error::WebSocket(_) | Error::Mux(_)));
            assert!(is_error, "{result:?} {frame:?}");
            assert_eq!(close_code(seen), Some(1002));
        });
    }
}

#[test]
fn text_ends_the_connection() {
    for attack in [Attack::MUX, Attack::SINGLE] {
        let script = async |raw: &mut Raw| {
            let frame = raw.frame(Opcode::Text, true, b"text");
            raw.send(&frame).await;
        };
        for_all(attack, script, |(result, seen)| {
            assert!(
                matches!(result, Err(Error::Mux(_) | Error::Call(_))),
                "{result:?}"
            );
            assert_eq!(close_code(seen), Some(1003));
        });
    }
}

#[test]
fn breaking_the_mux_ends_the_connection_with_a_goaway() {
    let own = |id: u32, raw: &[u8]| mux(0x01, id, raw);
    let broken: [(Vec<Vec<u8>>, u16); 9] = [
        (vec![mux(0x30, 0, &[0; 8])], 1002),
        (vec![SETTINGS.to_vec(), SETTINGS.to_vec()], 1002),
        (vec![SETTINGS.to_vec(), b"\0\0\0".to_vec()], 1002),
        (vec![SETTINGS.to_vec(), mux(0x60, 0, b"")], 1002),
        (vec![SETTINGS.to_vec(), mux(0x00, 77, b"x")], 1002),
        (vec![SETTINGS.to_vec(), mux(0x10, 99, &[0, 0, 0, 1])], 1002),
        (vec![SETTINGS.to_vec(), own(0, OPEN)], 1002),
        (vec![SETTINGS.to_vec(), mux(0x80, 1, &[0; 2000])], 1009),
        (vec![mux(0x50, 0, &[1, 0, 0, 0, 1])], 1002),
    ];
    for (messages, code) in broken {
        let script = async |raw: &mut Raw| {
            for message in &messages {
                raw.message(message).await;
            }
        };
        for_all(Attack::MUX, script, |(result, seen)| {
            assert!(
                matches!(result, Err(Error::Mux(_))),
                "{result:?} {messages:?}"
            );
            assert_eq!(close_code(seen), Some(code), "{messages:?}");
            assert!(
                seen.iter()
                    .any(|seen| matches!(seen, Seen::Message(frame) if frame[0] == 0x40))
            );
        });
    }
}

#[test]
fn a_peer_that_overruns_the_window_ends_the_connection() {
    // Nobody reads it, and it is longer than the window.
    let call = b"\x80\0\0\0\x12:path: /t.T/Hold\r\n\0\0\0\x10\0";
    for excess in [0, 1, 100] {
        let script = async |raw: &mut Raw| {
            raw.message(SETTINGS).await;
            raw.message(&mux(0x01, 1, call)).await;
            // The block and its prefix are read: they give back less than half a window.
            let left = WINDOW - call.len();
            raw.message(&mux(0x00, 1, &vec![0; left])).await;
            if excess > 0 {
                raw.message(&mux(0x00, 1, &vec![0; excess])).await;
            }
        };
        for chunk in [usize::MAX, 7, 1] {
            let (result, seen) = Attack::MUX.chunk(chunk).server(script);
            if excess == 0 {
                assert_eq!(result, Err(Error::Closed(None)));
                continue;
            }
            assert_eq!(result, Err(Error::Mux(ConnectionError::Credit)));
            assert_eq!(close_code(&seen), Some(1002));
        }
    }
}

#[test]
fn floods_end_the_connection() {
    let reset = |id| [mux(0x01, id, OPEN), mux(0x20, id, &[1])];
    let floods: [Vec<Vec<u8>>; 4] = [
        (0..300).map(|_| mux(0x30, 0, &[0; 8])).collect(),
        (0..1500).flat_map(|call| reset(2 * call + 1)).collect(),
        std::iter::once(mux(0x01, 1, OPEN))
            .chain((0..300).map(|_| mux(0x00, 1, b"")))
            .collect(),
        (0..300).map(|call| mux(0x01, 2 * call + 1, OPEN)).collect(),
    ];
    for frames in floods {
        let script = async |raw: &mut Raw| {
            raw.message(SETTINGS).await;
            for frame in &frames {
                raw.message(frame).await;
            }
        };
        let (result, seen) = Attack::MUX.server(script);
        assert!(
            matches!(result, Err(Error::Mux(ConnectionError::Flood(_)))),
            "{result:?}"
        );
        assert_eq!(close_code(&seen), Some(1008));
        assert!(has_goaway(&seen, 8));
    }
}

#[test]
fn each_ping_has_its_pong() {
    for attack in [Attack::MUX, Attack::SINGLE] {
        let script = async |raw: &mut Raw| {
            for number in 0..500_u16 {
                let payload = [&number.to_be_bytes()[..], &[7; 100]].concat();
                let frame = raw.frame(Opcode::Ping, true, &payload[..usize::from(number) % 103]);
                raw.send(&frame).await;
            }
        };
        for_all(attack, script, |(result, seen)| {
            assert_eq!(*result, Err(Error::Closed(None)));
            let pongs = seen.iter().filter(|seen| matches!(seen, Seen::Pong(_)));
            assert_eq!(pongs.count(), 500);
        });
    }
}

#[test]
fn calls_above_the_limit_are_refused_and_no_other() {
    let script = async |raw: &mut Raw| {
        raw.message(SETTINGS).await;
        for call in 0..5 {
            raw.message(&mux(0x01, 2 * call + 1, OPEN)).await;
        }
        for call in 0..5 {
            let end = message(9, 64);
            raw.message(&mux(0x02, 2 * call + 1, &end)).await;
        }
    };
    let (result, seen) = Attack::MUX.server(script);
    assert_eq!(result, Err(Error::Closed(None)));
    let frames = |kind: u8| {
        let is_kind = move |seen: &&Seen| matches!(seen, Seen::Message(frame) if frame[0] == kind);
        seen.iter().filter(is_kind)
    };
    assert_eq!(frames(0x21).count(), 2);
    assert_eq!(frames(0x20).count(), 0);
    assert_eq!(frames(0x02).count(), 3);
}

#[test]
fn a_timeout_that_is_none_ends_its_call_alone() {
    for timeout in ["1", "S", "-1S", "123456789S", "1.5S"] {
        let fields = format!(":path: /t.T/Echo\r\ngrpc-timeout: {timeout}\r\n");
        let block = [&[0x80, 0, 0, 0, fields.len() as u8], fields.as_bytes()].concat();
        let script = async |raw: &mut Raw| {
            raw.message(SETTINGS).await;
            raw.message(&mux(0x03, 1, &block)).await;
        };
        let (result, seen) = Attack::MUX.server(script);
        assert_eq!(result, Err(Error::Closed(None)));
        assert!(
            seen.contains(&Seen::Message(mux(0x20, 1, &[13]))),
            "{seen:?}"
        );
    }
}

#[test]
fn the_longest_timeout_is_taken() {
    let fields = ":path: /t.T/Echo\r\ngrpc-timeout: 99999999H\r\n";
    let block = [&[0x80, 0, 0, 0, fields.len() as u8], fields.as_bytes()].concat();
    let script = async |raw: &mut Raw| {
        raw.message(SETTINGS).await;
        raw.message(&mux(0x03, 1, &block)).await;
    };
    let (result, seen) = Attack::MUX.server(script);
    assert_eq!(result, Err(Error::Closed(None)));
    let is_ok = |seen: &Seen| matches!(seen, Seen::Message(frame) if frame[0] == 2 && frame.ends_with(b"grpc-status: 0\r\n"));
    assert!(seen.iter().any(is_ok), "{seen:?}");
}

#[test]
fn a_block_that_does_not_fit_into_the_window_ends_its_call_alone() {
    let script = async |raw: &mut Raw| {
        raw.message(SETTINGS).await;
        let block = [
            &b"\x80\0\0\x02\x00:path: /t.T/Echo\r\nx: "[..],
            &[b'y'; 200],
        ]
        .concat();
        raw.message(&mux(0x01, 1, &block[..WINDOW])).await;
        raw.message(&mux(0x30, 0, b"12345678")).await;
    };
    let (result, seen) = Attack::MUX.server(script);
    assert_eq!(result, Err(Error::Closed(None)));
    let reset = mux(0x20, 1, &[8]);
    assert!(
        seen.iter()
            .any(|seen| matches!(seen, Seen::Message(frame) if frame.starts_with(&reset)))
    );
    assert!(seen.contains(&Seen::Message(mux(0x31, 0, b"12345678"))));
}
