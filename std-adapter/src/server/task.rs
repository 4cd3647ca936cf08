//! The task of a WebSocket at a server: first its upgrade, then its calls.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::seldom::Seldom;
use crate::server::shutdown::GracefulShutdown;

/// See the module. All of it has one place in memory, which is taken while the HTTP connection still has
/// its own: what that gives back is whole then, and fits the next one.
pub(super) struct Task<F> {
    stage: Stage<F>,
    /// The server ends without waiting any longer.
    overdue: Seldom<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _running: TaskTrackerToken,
}

enum Stage<F> {
    Upgrade(Pin<Box<dyn Future<Output = Option<F>> + Send>>),
    Calls(F),
}

impl<F: Future<Output = ()> + Unpin> Task<F> {
    /// `upgrade`: the calls of the WebSocket, if there is to be one.
    pub(super) fn new(
        upgrade: impl Future<Output = Option<F>> + Send + 'static,
        shutdown: &GracefulShutdown,
        running: TaskTrackerToken,
    ) -> Self {
        Self {
            stage: Stage::Upgrade(Box::pin(upgrade)),
            overdue: Seldom::new(Box::pin(shutdown.overdue())),
            _running: running,
        }
    }

    fn poll_calls(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Stage::Upgrade(upgrade) = &mut self.stage {
            match ready!(upgrade.as_mut().poll(cx)) {
                Some(calls) => self.stage = Stage::Calls(calls),
                None => return Poll::Ready(()),
            }
        }
        match &mut self.stage {
            Stage::Calls(calls) => Pin::new(calls).poll(cx),
            Stage::Upgrade(_) => Poll::Pending,
        }
    }
}

impl<F: Future<Output = ()> + Unpin> Future for Task<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_calls(cx).is_ready() {
            return Poll::Ready(());
        }
        ready!(Pin::new(&mut self.overdue).poll(cx));
        tracing::debug!("a WebSocket outlived the server");
        Poll::Ready(())
    }
}
