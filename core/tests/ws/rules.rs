//! Each rule of RFC 6455 for what comes, kept and broken.

use grpc_websocket_core::ws::{Error, Event, Opcode, Reader, encode_close};
use grpc_websocket_core::{Blame, CloseCode, Role};

use crate::frames::{frame, plain};
use crate::log::{Entry, binary, read, text};

const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// All that a client reads is this error.
fn assert_refused(stream: &[u8], error: Error) {
    assert_eq!(
        read(Role::Client, stream),
        [Entry::Error(error)],
        "{stream:x?}"
    );
}

/// Section 5.2, RSV1 to RSV3.
#[test]
fn reserved_bits_are_refused_with_the_first_byte() {
    for bits in 1..8 {
        for opcode in 0..16 {
            assert_refused(&[0x80 | (bits << 4) | opcode], Error::ReservedBits);
        }
    }
}

/// Section 5.2, Opcode.
#[test]
fn reserved_opcodes_are_refused_with_the_first_byte() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        assert_refused(&[0x80 | opcode], Error::UnknownOpcode);
    }
}

/// Section 5.5: "MUST NOT be fragmented".
#[test]
fn a_fragmented_control_frame_is_refused() {
    for opcode in [8, 9, 10] {
        assert_refused(&[opcode], Error::FragmentedControl);
    }
}

/// Section 5.5: "MUST have a payload length of 125 bytes or less".
#[test]
fn a_control_frame_has_at_most_125_bytes() {
    for opcode in [0x88, 0x89, 0x8a] {
        assert_refused(&[opcode, 126], Error::LongControl);
        assert_refused(&[opcode, 127], Error::LongControl);
    }
    for role in BOTH {
        let ping = frame(role, Opcode::Ping, true, &[5; 125]);
        assert_eq!(read(role, &ping), [Entry::Ping(vec![5; 125])]);
    }
}

/// Section 5.1: clients mask all frames, servers none.
#[test]
fn frames_masked_in_the_wrong_direction_are_refused() {
    for opcode in [0x81, 0x82, 0x88, 0x89, 0x8a] {
        for len in [0, 1, 125, 126, 127] {
            let masking = [Entry::Error(Error::Masking)];
            assert_eq!(read(Role::Server, &[opcode, len]), masking);
            assert_eq!(read(Role::Client, &[opcode, 0x80 | len]), masking);
        }
    }
}

/// Section 5.2, Payload length: "the minimal number of bytes".
#[test]
fn a_length_in_too_many_bytes_is_refused() {
    for len in [0, 1, 125] {
        assert_refused(&[0x82, 126, 0, len], Error::LengthNotMinimal);
        let long = [0x82, 127, 0, 0, 0, 0, 0, 0, 0, len];
        assert_refused(&long, Error::LengthNotMinimal);
    }
    let long = [0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    assert_refused(&long, Error::LengthNotMinimal);
}

/// A wrong length is found before the key.
#[test]
fn a_wrong_length_from_a_client_is_refused_before_its_key() {
    let refused = [Entry::Error(Error::LengthNotMinimal)];
    assert_eq!(read(Role::Server, &[0x82, 0xfe, 0, 125]), refused);
    assert_eq!(read(Role::Server, &[0x82, 0xfe, 0, 126]), []);
}

/// Section 5.2, Payload length: "the most significant bit MUST be 0".
#[test]
fn a_length_of_63_bits_is_the_longest() {
    let head = |first: u8| [0x82, 127, first, 0, 0, 0, 0, 0, 0, 0, b'x'];
    assert_refused(&head(0x80), Error::LengthOutOfRange);
    let pending = [Entry::Pending(b"x".to_vec())];
    assert_eq!(read(Role::Client, &head(0x7f)), pending);
}

/// Section 5.4.
#[test]
fn a_continuation_needs_a_message() {
    for byte in [0x00, 0x80] {
        assert_refused(&[byte], Error::NothingToContinue);
    }
    let message = plain(Opcode::Binary, true, b"m");
    let stream = [&message[..], &[0x80]].concat();
    let entries = [binary(b"m"), Entry::Error(Error::NothingToContinue)];
    assert_eq!(read(Role::Client, &stream), entries);
}

/// Section 5.4: fragments of messages do not mix.
#[test]
fn a_message_in_a_message_is_refused() {
    for opcode in [0x01, 0x02, 0x81, 0x82] {
        let begun = plain(Opcode::Text, false, b"a");
        let stream = [&begun[..], &[opcode]].concat();
        let error = Entry::Error(Error::MessageInMessage);
        let pending = Entry::Pending(b"a".to_vec());
        assert_eq!(read(Role::Client, &stream), [error, pending]);
    }
}

/// Section 5.4: control frames may come between the frames of a message.
#[test]
fn control_frames_come_between_fragments() {
    for role in BOTH {
        let stream = [
            frame(role, Opcode::Text, false, b"one "),
            frame(role, Opcode::Ping, true, b"?"),
            frame(role, Opcode::Continuation, false, b""),
            frame(role, Opcode::Pong, true, b""),
            frame(role, Opcode::Continuation, true, b"message"),
        ];
        let (ping, pong) = (Entry::Ping(b"?".to_vec()), Entry::Pong(Vec::new()));
        let entries = [ping, pong, text("one message")];
        assert_eq!(read(role, &stream.concat()), entries);
    }
}

#[test]
fn empty_frames_are_said_and_so_are_empty_messages() {
    let stream = [
        plain(Opcode::Binary, false, b""),
        plain(Opcode::Continuation, true, b""),
        plain(Opcode::Text, true, b""),
    ];
    let mut stream = stream.concat();
    let mut input = stream.as_mut_slice();
    let mut reader = Reader::new(Role::Client);
    for (text, fin) in [(false, false), (false, true), (true, true)] {
        let payload = &b""[..];
        let event = Event::Data { text, payload, fin };
        assert_eq!(reader.recv(&mut input), Ok(Some(event)));
    }
    assert_eq!(reader.recv(&mut input), Ok(None));
}

#[test]
fn a_payload_that_has_not_come_is_not_said() {
    let mut reader = Reader::new(Role::Client);
    let mut head = [0x82, 1];
    assert_eq!(reader.recv(&mut &mut head[..]), Ok(None));
    assert_eq!(reader.recv(&mut &mut [][..]), Ok(None));
    let payload = &b"x"[..];
    let event = Event::Data {
        text: false,
        payload,
        fin: true,
    };
    assert_eq!(reader.recv(&mut &mut [b'x'][..]), Ok(Some(event)));
}

/// Section 5.5.1.
#[test]
fn a_close_says_its_code_and_its_reason() {
    for role in BOTH {
        let empty = frame(role, Opcode::Close, true, b"");
        assert_eq!(read(role, &empty), [Entry::Close(None, Vec::new())]);
        let mut payload = [0; 125];
        let len = encode_close(1001, "größe", &mut payload);
        let close = frame(role, Opcode::Close, true, &payload[..len]);
        let entry = Entry::Close(Some(1001), payload[..len].to_vec());
        assert_eq!(read(role, &close), [entry]);
    }
}

/// Sections 5.5.1 and 7.4.
#[test]
fn a_malformed_close_is_refused() {
    let cases: [(&[u8], Error); 4] = [
        (b"\x03", Error::CloseOfOneByte),
        (b"\x03\xed", Error::InvalidCloseCode),
        (b"\x00\x00bye", Error::InvalidCloseCode),
        (b"\x03\xe8\xce\xba\xe1", Error::CloseReason),
    ];
    for (payload, error) in cases {
        assert_refused(&plain(Opcode::Close, true, payload), error);
    }
}

/// Section 1.4: what comes after a Close is dropped, well-formed or not.
#[test]
fn nothing_is_read_after_a_close() {
    let close = plain(Opcode::Close, true, b"\x03\xe8");
    let entries = [Entry::Close(Some(1000), b"\x03\xe8".to_vec())];
    for after in [&[0xff, 0xff][..], &plain(Opcode::Binary, true, b"late")] {
        let stream = [&close[..], after].concat();
        assert_eq!(read(Role::Client, &stream), entries);
    }
}

#[test]
fn a_close_in_a_message_leaves_the_message_incomplete() {
    let stream = [
        plain(Opcode::Binary, false, b"half"),
        plain(Opcode::Close, true, b""),
        plain(Opcode::Continuation, true, b"other half"),
    ];
    let close = Entry::Close(None, Vec::new());
    let pending = Entry::Pending(b"half".to_vec());
    assert_eq!(read(Role::Client, &stream.concat()), [close, pending]);
}

#[test]
fn an_error_is_for_ever_and_its_peer_is_to_blame() {
    let mut reader = Reader::new(Role::Client);
    for mut bytes in [[0x83, 0], [0x81, 0], [0x89, 0]] {
        let refused = reader.recv(&mut &mut bytes[..]);
        assert_eq!(refused, Err(Error::UnknownOpcode));
    }
    assert_eq!(Error::UnknownOpcode.blame(), Blame::Peer);
    assert_eq!(Error::UnknownOpcode.close_code(), CloseCode::Protocol);
    assert_eq!(Error::CloseReason.close_code().value(), 1007);
    assert_eq!(Error::LongControl.to_string(), Error::LongControl.text());
}
