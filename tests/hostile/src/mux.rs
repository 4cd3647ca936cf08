//! Frames of `grpc-mux.v1`, well formed or not.

use crate::frame::Frame;
use crate::grpc;

/// OPEN of DATA.
pub const OPEN: u8 = 1;
/// END of DATA.
pub const END: u8 = 2;

/// MAX_STREAMS of SETTINGS.
pub const MAX_STREAMS: u8 = 3;

/// A frame of any type and flags.
#[must_use]
pub fn frame(kind: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    [&[kind], &id.to_be_bytes()[..], payload].concat()
}

/// SETTINGS.
#[must_use]
pub fn settings(entries: &[(u8, u32)]) -> Vec<u8> {
    let entries = entries.iter();
    let entries = entries.flat_map(|(key, value)| [&[*key], &value.to_be_bytes()[..]].concat());
    frame(0x50, 0, &entries.collect::<Vec<u8>>())
}

/// SETTINGS of a server that takes a few calls with good windows.
#[must_use]
pub fn usual_settings() -> Vec<u8> {
    settings(&[(1, 16 * 1024), (2, 64 * 1024), (MAX_STREAMS, 8)])
}

/// DATA.
#[must_use]
pub fn data(flags: u8, id: u32, stream: &[u8]) -> Vec<u8> {
    frame(flags, id, stream)
}

/// RESET, or RESET REFUSED with flag 1.
#[must_use]
pub fn reset(flags: u8, id: u32, code: u8) -> Vec<u8> {
    frame(0x20 | flags, id, &[code])
}

/// GOAWAY.
#[must_use]
pub fn go_away(id: u32, code: u8, text: &[u8]) -> Vec<u8> {
    frame(0x40, id, &[&[code], text].concat())
}

/// A block of metadata behind its prefix.
#[must_use]
pub fn block(lines: &str) -> Vec<u8> {
    let len = u32::try_from(lines.len()).expect("a short block");
    [&grpc::prefix(0x80, len), lines.as_bytes()].concat()
}

/// The stream of a whole answer of one message.
#[must_use]
pub fn answer(message: &[u8]) -> Vec<u8> {
    let message = grpc::message(message);
    [block(""), message, block("grpc-status: 0\r\n")].concat()
}

/// The WebSocket frames of a server with these messages.
#[must_use]
pub fn messages(messages: &[Vec<u8>]) -> Vec<u8> {
    let frames = messages.iter();
    let frames = frames.flat_map(|message| Frame::binary(message.clone()).unmasked().encode());
    frames.collect()
}
