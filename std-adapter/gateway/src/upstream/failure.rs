//! What a call's status is when its transport failed.

use std::error::Error;

use tonic::{Status, TimeoutExpired};
use tower::BoxError;

/// The status of a failed request or answer. An upstream that reset the call's stream said why (gRPC
/// PROTOCOL-HTTP2 "Errors"); every other failure is the connection's: `UNAVAILABLE`, whatever the
/// transport calls it.
pub(super) fn status(error: BoxError) -> Status {
    if causes(&*error).any(<dyn Error>::is::<TimeoutExpired>) {
        return Status::deadline_exceeded("the deadline passed");
    }
    if causes(&*error).any(is_reset_by_upstream) {
        return Status::from_error(error);
    }
    let root = causes(&*error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    Status::unavailable(format!("the connection to the upstream failed: {root}"))
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_reset_by_upstream(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<h2::Error>()
        .is_some_and(|error| error.is_reset() && error.is_remote())
}
