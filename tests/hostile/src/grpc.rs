//! What honest clients of `grpc-websockets` put into their WebSocket messages.

use crate::frame::Frame;

/// The header block of the clients in use.
pub const BLOCK: &str = "content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";

/// The block's frame.
#[must_use]
pub fn headers() -> Vec<u8> {
    Frame::binary(BLOCK).encode()
}

/// A gRPC message behind its prefix.
#[must_use]
pub fn message(payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a gRPC message");
    [&prefix(0, len), payload].concat()
}

/// The prefix of a message.
#[must_use]
pub fn prefix(flags: u8, len: u32) -> Vec<u8> {
    let mut prefix = vec![flags];
    prefix.extend_from_slice(&len.to_be_bytes());
    prefix
}

/// The frame of a data message: the control byte and a slice of the stream of messages.
#[must_use]
pub fn data(slice: &[u8]) -> Vec<u8> {
    Frame::binary([&[0], slice].concat()).encode()
}

/// The frame that half-closes.
#[must_use]
pub fn half_close() -> Vec<u8> {
    Frame::binary([1]).encode()
}

/// All frames of a call with one message.
#[must_use]
pub fn unary(payload: &[u8]) -> Vec<u8> {
    [headers(), data(&message(payload)), half_close()].concat()
}
