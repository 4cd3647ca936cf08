//! What a call's status is when its transport failed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use h2::Reason;
use tonic::Status;

use super::first::NotHttp2;
use crate::client::connect::{ConnectError, Target};
use crate::client::upload::Upload;

/// Why there is no HTTP/2 connection, told to all the calls that waited for it.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The server cannot be reached.
    Connect(ConnectError),
    /// Somebody is there who does not speak HTTP/2.
    NotHttp2(Arc<Target>, NotHttp2),
}

impl Failure {
    /// The status of a call that has no connection.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Connect(error) => Status::new(error.code(), error.to_string()),
            Self::NotHttp2(..) => Status::unavailable(self.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::NotHttp2(target, why) => write!(f, "no HTTP/2 with {target}: {why}"),
        }
    }
}

impl Error for Failure {}

/// A call that has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) status: Status,
    /// Whether the server certainly did nothing about it, so that it may be made once more.
    pub(crate) is_unprocessed: bool,
    /// The messages, if nothing of the call was sent.
    pub(crate) unsent: Option<Upload>,
}

impl Unanswered {
    /// No connection could be made for the call.
    pub(super) fn not_connected(failure: &Failure, upload: Upload) -> Self {
        Self::unsent(failure.status(), upload)
    }

    /// The connection takes no calls.
    pub(super) fn not_sent(error: &h2::Error, upload: Upload) -> Self {
        Self::unsent(status(error), upload)
    }

    fn unsent(status: Status, upload: Upload) -> Self {
        Self {
            status,
            is_unprocessed: true,
            unsent: Some(upload),
        }
    }

    /// The request cannot be one of HTTP/2.
    pub(super) fn invalid(error: &http::Error) -> Self {
        Self {
            status: Status::internal(format!("the request is invalid: {error}")),
            is_unprocessed: false,
            unsent: None,
        }
    }

    /// The head of the request was sent, and no head of an answer came.
    pub(super) fn failed(error: &h2::Error, failure: Option<&Failure>) -> Self {
        Self {
            status: failure.map_or_else(|| status(error), Failure::status),
            is_unprocessed: failure.is_some_and(answered_otherwise) || is_unprocessed(error),
            unsent: None,
        }
    }
}

impl From<Unanswered> for Status {
    fn from(unanswered: Unanswered) -> Self {
        unanswered.status
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)
    }
}

impl Error for Unanswered {}

/// Whoever begins with something else than HTTP/2 understood nothing of the call.
fn answered_otherwise(failure: &Failure) -> bool {
    matches!(failure, Failure::NotHttp2(_, NotHttp2::Answered(_)))
}

/// Whether the server said that it did not process a stream: it refused it (RFC 9113 section 8.7),
/// or it came after the last one that GOAWAY names (section 6.8), which is what `h2` reports on a
/// stream as a GOAWAY from the peer.
fn is_unprocessed(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (error.is_go_away() || is_refused)
}

/// The status of a failed request or answer. A server that reset the call's stream said why (gRPC
/// PROTOCOL-HTTP2 "Errors"); every other failure is the connection's: `UNAVAILABLE`.
pub(super) fn status(error: &h2::Error) -> Status {
    let is_reset = error.is_reset() && error.is_remote();
    match error.reason().filter(|_| is_reset) {
        Some(reason) => Status::from(h2::Error::from(reason)),
        None => Status::unavailable(format!("the connection to the server failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn a_connection_that_fails_is_unavailable() {
        let target = Arc::new(Target::parse("http://h").unwrap());
        let failure = Failure::NotHttp2(target, NotHttp2::Silent);
        assert_eq!(failure.status().code(), Code::Unavailable);
        let local = h2::Error::from(Reason::PROTOCOL_ERROR);
        assert_eq!(status(&local).code(), Code::Unavailable);
    }

    #[test]
    fn only_what_the_server_says_makes_a_call_unprocessed() {
        let local = h2::Error::from(Reason::REFUSED_STREAM);
        assert!(!is_unprocessed(&local));
        let failed = |why| {
            let target = Arc::new(Target::parse("http://h").unwrap());
            let failure = Failure::NotHttp2(target, why);
            Unanswered::failed(&local, Some(&failure)).is_unprocessed
        };
        assert!(failed(NotHttp2::Answered("HTTP/1.1 400".into())));
        assert!(!failed(NotHttp2::Closed));
        assert!(!failed(NotHttp2::Silent));
    }
}
