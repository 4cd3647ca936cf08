//! Reads a service's HTTP response as gRPC's answer to a call.

use grpc_websocket_core::Code;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::response::Parts;

use crate::metadata::BlockWriter;
use crate::status::CallStatus;

const GRPC_STATUS: &str = "grpc-status";
const WEB_CONTENT_TYPE: &str = "application/grpc-web+proto";

/// What a response's head says.
pub(crate) enum Answer {
    /// Initial metadata; messages and trailers follow.
    Metadata(BlockWriter),
    /// The status, and all of the answer.
    TrailersOnly(BlockWriter),
    /// No gRPC answer at all.
    NotGrpc(CallStatus),
}

impl Answer {
    pub(crate) fn read(head: &Parts) -> Self {
        let mut block = BlockWriter::new();
        if head.headers.contains_key(GRPC_STATUS) {
            block.field("content-type", content_type(&head.headers).as_bytes());
            block.headers(&head.headers);
            return Self::TrailersOnly(block);
        }
        if head.status != StatusCode::OK {
            let code = Code::from_http_status(head.status.as_u16());
            return Self::NotGrpc(CallStatus::new(
                code,
                format!("HTTP status {}", head.status),
            ));
        }
        if !is_grpc(&head.headers) {
            let message = "the service answered with something that is not gRPC";
            return Self::NotGrpc(CallStatus::new(Code::Unknown, message));
        }
        block.field("content-type", content_type(&head.headers).as_bytes());
        block.headers(&head.headers);
        Self::Metadata(block)
    }
}

/// The block of a service's trailers; one without a status says `UNKNOWN`.
pub(crate) fn trailers_block(trailers: &HeaderMap) -> BlockWriter {
    let mut block = BlockWriter::new();
    if !trailers.contains_key(GRPC_STATUS) {
        block.status(&missing_status());
    }
    block.headers(trailers);
    block
}

/// The status of an answer that ends without one.
pub(crate) fn missing_status() -> CallStatus {
    CallStatus::new(Code::Unknown, "the service ended the call without a status")
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc"))
}

/// `application/grpc+x` as the gRPC-Web type of the same messages.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.strip_prefix("application/grpc+")) {
        Some(subtype) => format!("application/grpc-web+{subtype}"),
        None => WEB_CONTENT_TYPE.to_owned(),
    }
}
