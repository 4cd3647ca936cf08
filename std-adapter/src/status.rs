//! The status that ends a call.

use grpc_websocket_core::{Code, RecvError};

/// A gRPC status code and its message, made by this crate or taken from a service.
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

    /// The status of a failure on the way: a tonic status among its causes, or an HTTP/2 error's
    /// gRPC counterpart, or `UNKNOWN`.
    pub(crate) fn from_error(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        tonic::Status::from_error(error).into()
    }
}

impl From<tonic::Status> for CallStatus {
    fn from(status: tonic::Status) -> Self {
        let value = u8::try_from(i32::from(status.code())).unwrap_or(Code::Unknown.value());
        Self::new(Code::from_value(value), status.message())
    }
}

impl From<RecvError> for CallStatus {
    fn from(error: RecvError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
