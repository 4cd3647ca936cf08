//! Futures that are dropped at a chosen await point.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Polls a future up to `polls` times, whenever it is woken, and drops it then; what it came to if it
/// came that far.
pub async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // It would not be polled again.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
