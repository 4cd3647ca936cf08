//! What the vectors call limits and errors, in the core's terms.

use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::wire::prefix::PrefixError;
use grpc_websocket_core::{Limits, RecvError};
use grpc_websocket_vectors as vectors;

pub(crate) fn limits(said: vectors::Limits) -> Limits {
    let default = Limits::DEFAULT;
    default
        .with_max_message_len(said.max_message_len.unwrap_or(default.max_message_len))
        .with_max_metadata_len(said.max_metadata_len.unwrap_or(default.max_metadata_len))
}

/// The name the vectors have for an error of a call.
pub(crate) fn reason(error: RecvError) -> &'static str {
    match error {
        RecvError::Frame(DeframeError::Prefix(PrefixError::UnknownFlags(_))) => "UnknownFlags",
        RecvError::Frame(DeframeError::Prefix(PrefixError::CompressedMetadata)) => {
            "CompressedMetadata"
        }
        RecvError::Frame(DeframeError::MessageTooLong { .. }) => "MessageTooLong",
        RecvError::Frame(DeframeError::MetadataTooLong { .. }) => "MetadataTooLong",
        RecvError::Metadata(_) => "MalformedBlock",
        RecvError::OutOfOrder => "OutOfOrder",
        RecvError::Truncated => "Truncated",
        RecvError::TextMessage => "TextMessage",
        RecvError::EmptyMessages => "EmptyMessages",
        RecvError::NoPath => "NoPath",
        RecvError::NoTrailers => "NoTrailers",
        RecvError::MetadataTimeout => "MetadataTimeout",
        other => panic!("no vector has {other:?}"),
    }
}
