//! Frames of `grpc-mux.v1` as bytes: what a peer may send, and what may be sent to it.

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::MAX_CONTROL_FRAME;
use grpc_websocket_core::wire::mux::{FrameType, HEADER_LEN, Header, MAX_ID, Settings};

/// Parts of streams: whole gRPC-Web frames, parts of them, and what is wrong.
const CHUNKS: [&[u8]; 14] = [
    b"\x80\0\0\0\x0e:path: /s/m\r\n\n",
    b"\0\0\0\0\x02hi",
    b"\x80\0\0\0\x10grpc-status: 0\r\n",
    b"\x80\0\0\0\x06a: b\r\n",
    b"\x01\0\0\0\0",
    b"\0\0\0\0\xff",
    b"\0\0\x01",
    b"\x80\0\0\0\x07a: b",
    b"\x80\0\0\0\x04a:b\n",
    b"\x80\0\0\x02\0",
    &[b'x'; 40],
    &[b'\n'; 200],
    b"\x02",
    b"\0\xff\xff\xff\xff",
];

/// Reads up to three chunks: each one of [`CHUNKS`], or bytes with their length before them.
pub(crate) fn read_chunks<'d>(input: &mut Unstructured<'d>) -> Result<Vec<&'d [u8]>> {
    let count = input.int_in_range(0..=3_u8)?;
    (0..count).map(|_| read_chunk(input)).collect()
}

fn read_chunk<'d>(input: &mut Unstructured<'d>) -> Result<&'d [u8]> {
    match CHUNKS.get(input.int_in_range(0..=CHUNKS.len())?) {
        Some(chunk) => Ok(chunk),
        None => short_bytes(input),
    }
}

/// Reads bytes with their length before them.
pub(crate) fn short_bytes<'d>(input: &mut Unstructured<'d>) -> Result<&'d [u8]> {
    let len = usize::from(u8::arbitrary(input)?).min(input.len());
    input.bytes(len)
}

/// A frame as its bytes.
pub(crate) fn frame(kind: FrameType, id: u32, payload: &[&[u8]]) -> Vec<u8> {
    let header = Header { kind, id }.encode();
    [&header[..], &payload.concat()].concat()
}

/// The increment of a WINDOW.
pub(crate) fn window(payload: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(payload.try_into().ok()?))
}

/// Takes a frame apart.
pub(crate) fn parse(frame: &[u8]) -> Option<(Header, &[u8])> {
    let (header, payload) = frame.split_first_chunk::<HEADER_LEN>()?;
    Some((Header::decode(*header).ok()?, payload))
}

/// Whether a control frame is as SPEC.md#frames has it.
pub(crate) fn check_control(frame: &[u8]) -> (Header, &[u8]) {
    assert!(frame.len() <= MAX_CONTROL_FRAME);
    let (header, payload) = parse(frame).expect("a header");
    match header.kind {
        FrameType::Window => {
            let increment = window(payload).expect("four bytes");
            assert!((1..=MAX_ID).contains(&increment));
        }
        FrameType::Reset { .. } => check_text(payload, 1),
        FrameType::GoAway => check_text(payload, 0),
        FrameType::Ping { .. } => assert_eq!(payload.len(), 8),
        FrameType::Settings => check_settings(payload),
        other => panic!("{other:?} is no control frame"),
    }
    let has_call = matches!(header.kind, FrameType::Window | FrameType::Reset { .. });
    assert!(header.kind == FrameType::GoAway || has_call == (header.id > 0));
    (header, payload)
}

/// Whether a frame of the peer may have been taken, by its length (SPEC.md#frames).
pub(crate) fn is_allowed(kind: FrameType, len: usize, max_frame: usize) -> bool {
    match kind {
        FrameType::Data { .. } | FrameType::Extension(_) => len <= max_frame,
        FrameType::Window => len == 4,
        FrameType::Ping { .. } => len == 8,
        FrameType::Reset { .. } | FrameType::GoAway => (1..=120).contains(&len),
        FrameType::Settings => len <= 120 && len.is_multiple_of(5),
    }
}

/// A status code and a text.
fn check_text(payload: &[u8], least_code: u8) {
    let (&code, text) = payload.split_first().expect("a code");
    assert!(code >= least_code && Code::from_value(code).value() == code);
    assert!(std::str::from_utf8(text).is_ok());
}

fn check_settings(payload: &[u8]) {
    let (entries, rest) = payload.as_chunks::<5>();
    assert!(rest.is_empty());
    let mut settings = Settings::of(grpc_websocket_core::mux::Side::Dialer);
    for &[key, a, b, c, d] in entries {
        let applied = settings.apply(key, u32::from_be_bytes([a, b, c, d]));
        assert!(applied.is_ok() && (1..=7).contains(&key));
    }
}
