//! A panic of an application's code is its call's failure and nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use grpc_websocket_core::Code;

use crate::status::CallStatus;

/// Polls an application's future or body.
pub(crate) fn poll_guarded<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, CallStatus>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(CallStatus::new(Code::Internal, "the handler panicked"))),
    }
}

/// Drops what an application made.
pub(super) fn drop_guarded<T>(value: T) {
    replace_guarded(|| drop(value));
}

/// Puts something into the place of what an application made, which is dropped.
pub(super) fn replace_guarded(replace: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(replace));
}
