//! The graceful end of a server: what runs may end, nothing new begins.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long what is left may take to say good-bye after [`GracefulShutdown::abort`].
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// How long a server waits after [`GracefulShutdown::abort`]: a little longer.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Tells the WebSockets of a server to come to their end, and when they are there.
///
/// After [`GracefulShutdown::begin`] they take no more calls and end when those they have are
/// over, and requests for new ones are answered with 503; after [`GracefulShutdown::abort`] the
/// calls that are left end with `UNAVAILABLE`. Clones are the same.
///
/// [`Server::serve_with_shutdown`](crate::Server::serve_with_shutdown) does all of it. Who serves
/// by other means gives it to the layer:
///
/// ```no_run
/// use grpc_websocket_tokio::{GracefulShutdown, WebSocketLayer};
/// use tower::Layer;
///
/// # async fn example(listener: tokio::net::TcpListener, app: axum::Router) -> std::io::Result<()> {
/// let shutdown = GracefulShutdown::new();
/// let app = WebSocketLayer::new().graceful_shutdown(&shutdown).layer(app);
/// let app = axum::Router::new().fallback_service(app);
/// let signal = {
///     let shutdown = shutdown.clone();
///     async move {
///         // Wait for the process's signal here.
///         shutdown.begin();
///     }
/// };
/// axum::serve(listener, app).with_graceful_shutdown(signal).await?;
/// // axum waits for its HTTP connections, this for the WebSockets.
/// shutdown.done().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct GracefulShutdown {
    begun: CancellationToken,
    aborted: CancellationToken,
    running: TaskTracker,
}

impl GracefulShutdown {
    /// A shutdown that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes no more calls; those there are go on.
    pub fn begin(&self) {
        self.begun.cancel();
        self.running.close();
    }

    /// Ends what is left. Each WebSocket has 1.5 s to tell its client.
    pub fn abort(&self) {
        self.begin();
        self.aborted.cancel();
    }

    /// Waits until it has begun and all that ran is over. It may be dropped and called again.
    pub async fn done(&self) {
        self.running.wait().await;
    }

    /// Counts something that [`GracefulShutdown::done`] waits for, until the token is dropped.
    /// `None` once it has begun.
    pub(crate) fn enter(&self) -> Option<TaskTrackerToken> {
        // The token first: whoever begins after the look waits for it.
        let token = self.running.token();
        (!self.begun.is_cancelled()).then_some(token)
    }

    /// Ready once it has begun.
    pub(crate) fn begun(&self) -> WaitForCancellationFutureOwned {
        self.begun.clone().cancelled_owned()
    }

    /// Ready once what is left is to end.
    pub(crate) fn aborted(&self) -> WaitForCancellationFutureOwned {
        self.aborted.clone().cancelled_owned()
    }

    /// Ready once what is left had its time to end.
    pub(crate) fn overdue(&self) -> impl Future<Output = ()> + Send + use<> {
        let aborted = self.aborted();
        async {
            aborted.await;
            // In a box, for it is there for all and needed once.
            Box::pin(sleep(LAST_WORDS)).await;
        }
    }

    /// Begins, and aborts what takes longer than `grace`.
    pub(crate) async fn finish(&self, grace: Duration) {
        self.begin();
        if timeout(grace, self.done()).await.is_err() {
            self.abort();
            // What still runs then is a handler that blocks its thread.
            let _ = timeout(ABORT_TIME, self.done()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_what_runs_and_lets_nothing_in() {
        let shutdown = GracefulShutdown::new();
        let running = shutdown.enter().unwrap();
        let begun = Instant::now();
        tokio::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            drop(running);
        });
        shutdown.finish(Duration::from_secs(30)).await;
        assert_eq!(begun.elapsed().as_secs(), 3);
        assert!(shutdown.enter().is_none());
        assert!(!shutdown.aborted.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_for_ever() {
        let shutdown = GracefulShutdown::new();
        let _running = shutdown.enter().unwrap();
        let begun = Instant::now();
        shutdown.finish(Duration::from_secs(30)).await;
        assert_eq!(begun.elapsed().as_secs(), 32);
        shutdown.overdue().await;
    }
}
