//! What a call's status is when its transport failed.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use tonic::Status;

/// Why a connection could not be made, told to all the calls that waited for it.
#[derive(Debug, Clone)]
pub(super) struct Failure(Arc<io::Error>);

impl Failure {
    pub(super) fn connect(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failure {}

/// The status of a failed request or answer. An upstream that reset the call's stream said why (gRPC
/// PROTOCOL-HTTP2 "Errors"); every other failure is the connection's: `UNAVAILABLE`.
pub(super) fn status(error: &(dyn Error + 'static)) -> Status {
    let reset = error
        .downcast_ref::<h2::Error>()
        .filter(|error| error.is_reset() && error.is_remote())
        .and_then(h2::Error::reason);
    match reset {
        Some(reason) => Status::from(h2::Error::from(reason)),
        None => Status::unavailable(format!("the connection to the upstream failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn a_connection_that_fails_is_unavailable() {
        let refused = Failure::connect(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(status(&refused).code(), Code::Unavailable);
        let local = h2::Error::from(h2::Reason::PROTOCOL_ERROR);
        assert_eq!(status(&local).code(), Code::Unavailable);
    }
}
