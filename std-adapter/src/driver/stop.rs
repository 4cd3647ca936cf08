//! What a server's graceful end means to one WebSocket.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::seldom::Seldom;
use crate::server::shutdown::GracefulShutdown;

/// What a WebSocket is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Take no more calls, and end with those there are.
    Drain,
    /// End the calls there are.
    Abort,
}

/// Waits for the orders, each of which comes once.
pub(super) struct Stop {
    shutdown: Option<GracefulShutdown>,
    /// The next one.
    order: Order,
    /// The server's end comes once, and the WebSocket is woken all the time.
    waiting: Option<Seldom<Pin<Box<WaitForCancellationFutureOwned>>>>,
}

impl Stop {
    pub(super) fn of(shutdown: &GracefulShutdown) -> Self {
        Self {
            shutdown: Some(shutdown.clone()),
            order: Order::Drain,
            waiting: Some(Seldom::new(Box::pin(shutdown.begun()))),
        }
    }

    /// It never comes.
    pub(super) fn never() -> Self {
        Self {
            shutdown: None,
            order: Order::Abort,
            waiting: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Order> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        if Pin::new(waiting).poll(cx).is_pending() {
            return Poll::Pending;
        }
        let order = std::mem::replace(&mut self.order, Order::Abort);
        let next = self.shutdown.take();
        self.waiting = next.map(|shutdown| Seldom::new(Box::pin(shutdown.aborted())));
        Poll::Ready(order)
    }
}
