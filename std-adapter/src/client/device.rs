//! Calls to a device that dialled in.

use http::{Request, Response};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::channel::MAX_RETRIES;
use super::outgoing::Unanswered;
use crate::driver::mux::caller::Caller;

/// Says where a device is now.
pub(super) type Find = dyn Fn() -> Option<Caller> + Send + Sync;

/// Calls a device where it is, and again if it certainly did nothing about the call.
pub(super) async fn call(
    find: &Find,
    mut request: Box<Request<Body>>,
    deadline: Option<Instant>,
) -> Result<Response<Body>, Status> {
    let mut why = Status::unavailable("the device is not connected");
    for _ in 0..=MAX_RETRIES {
        let Some(caller) = find() else {
            break;
        };
        match caller.call(request, deadline).await {
            Ok(response) => return Ok(response),
            Err(Unanswered {
                request: Some(again),
                status,
            }) => (request, why) = (again, status),
            Err(unanswered) => return Err(unanswered.status),
        }
    }
    Err(why)
}
