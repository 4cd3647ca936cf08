//! The examples of RFC 6455 section 5.7.

use grpc_websocket_core::Role;
use grpc_websocket_core::ws::Opcode;

use crate::frames::{frame, plain};
use crate::log::{Entry, binary, read, text};

#[test]
fn a_text_message_in_one_frame() {
    let bytes = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(read(Role::Client, &bytes), [text("Hello")]);
    assert_eq!(plain(Opcode::Text, true, b"Hello"), bytes);
}

#[test]
fn a_masked_text_message_in_one_frame() {
    let bytes = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(read(Role::Server, &bytes), [text("Hello")]);
    assert_eq!(frame(Role::Server, Opcode::Text, true, b"Hello"), bytes);
}

#[test]
fn a_text_message_in_two_frames() {
    let bytes = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(read(Role::Client, &bytes), [text("Hello")]);
    let first = plain(Opcode::Text, false, b"Hel");
    let second = plain(Opcode::Continuation, true, b"lo");
    assert_eq!([first, second].concat(), bytes);
}

#[test]
fn a_ping_and_its_masked_answer() {
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(read(Role::Client, &ping), [Entry::Ping(b"Hello".to_vec())]);
    assert_eq!(plain(Opcode::Ping, true, b"Hello"), ping);
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(read(Role::Server, &pong), [Entry::Pong(b"Hello".to_vec())]);
    assert_eq!(frame(Role::Server, Opcode::Pong, true, b"Hello"), pong);
}

#[test]
fn lengths_of_two_and_of_eight_bytes() {
    let heads: [(usize, &[u8]); 2] = [
        (256, &[0x82, 0x7e, 0x01, 0x00]),
        (65_536, &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
    ];
    for (len, head) in heads {
        let payload = vec![7; len];
        let bytes = [head, &payload].concat();
        assert_eq!(read(Role::Client, &bytes), [binary(&payload)]);
        assert_eq!(plain(Opcode::Binary, true, &payload), bytes);
    }
}
