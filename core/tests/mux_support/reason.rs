//! The names that the vectors of `grpc-mux.v1` have for errors.

use grpc_websocket_core::RecvError;
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::ConnectionError;
use grpc_websocket_core::wire::prefix::PrefixError;
use grpc_websocket_vectors::Failure;

use crate::recorder::status;

pub(crate) fn of_call(error: RecvError) -> &'static str {
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
        RecvError::NoPath => "NoPath",
        RecvError::NoTrailers => "NoTrailers",
        RecvError::MetadataTimeout => "MetadataTimeout",
        other => panic!("no vector has {other:?}"),
    }
}

pub(crate) fn of_connection(error: ConnectionError) -> Failure {
    let reason = match error {
        ConnectionError::Header(error) => format!("{error:?}"),
        other => format!("{other:?}"),
    };
    Failure {
        status: status(error.code()),
        close: error.close_code().value(),
        reason,
    }
}
