//! The frames of scripts and raw requests as bytes, and bytes as frames.

use std::io::Write as _;

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;

use crate::conformance::Frame;
use crate::proto::conformance::unary_response_definition::Response;
use crate::proto::conformance::{
    ConformancePayload, UnaryRequest, UnaryResponse, UnaryResponseDefinition,
};

/// The flag of a block of metadata.
pub(super) const BLOCK: u8 = 0x80;

/// A frame of a request.
pub(super) fn request_frame(frame: &Frame) -> Vec<u8> {
    let definition = |data: &String| UnaryResponseDefinition {
        response: Some(Response::ResponseData(data.clone().into_bytes())),
        ..UnaryResponseDefinition::default()
    };
    let message = frame.message.as_ref().map(|data| UnaryRequest {
        response_definition: (!data.is_empty()).then(|| definition(data)),
        ..UnaryRequest::default()
    });
    encode(frame, message.map(|message| message.encode_to_vec()))
}

/// A frame of a response.
pub(super) fn response_frame(frame: &Frame) -> Vec<u8> {
    let payload = |data: &String| ConformancePayload {
        data: data.clone().into_bytes(),
        ..ConformancePayload::default()
    };
    let message = frame.message.as_ref().map(|data| UnaryResponse {
        payload: (!data.is_empty()).then(|| payload(data)),
    });
    encode(frame, message.map(|message| message.encode_to_vec()))
}

fn encode(frame: &Frame, message: Option<Vec<u8>>) -> Vec<u8> {
    let payload = message.unwrap_or_else(|| frame.text.clone().into_bytes());
    let payload = if frame.gzip { gzip(&payload) } else { payload };
    prefixed(frame.flags, &payload)
}

/// A payload behind its flags and length.
pub(crate) fn prefixed(flags: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len())
        .expect("a short payload")
        .to_be_bytes();
    [&[flags], &len[..], payload].concat()
}

/// As gRPC's encoding `gzip`.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Takes a whole frame off the front: its flags, and all of its bytes.
pub(crate) fn take_frame(input: &mut BytesMut) -> Option<(u8, Bytes)> {
    let mut prefix = input.get(..5)?;
    let flags = prefix.get_u8();
    let len = 5 + usize::try_from(prefix.get_u32()).expect("a length that fits memory");
    (input.len() >= len).then(|| (flags, input.split_to(len).freeze()))
}
