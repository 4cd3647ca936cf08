//! The status that ends a call.

use grpc_websocket_core::{Code, RecvError};

/// A gRPC status code and its message, made by this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallStatus {
    code: Code,
    message: String,
}

impl CallStatus {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<RecvError> for CallStatus {
    fn from(error: RecvError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<CallStatus> for tonic::Status {
    fn from(status: CallStatus) -> Self {
        Self::new(
            tonic::Code::from(i32::from(status.code.value())),
            status.message,
        )
    }
}
