//! The names that the vectors of `grpc-mux.v1` have for errors of the connection.

use grpc_websocket_core::mux::ConnectionError;
use grpc_websocket_vectors::Failure;

use crate::recorder::status;

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
