//! What a server's graceful end means to one WebSocket.

use std::pin::Pin;
use std::task::{Context, Poll};

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
pub(super) struct Stop<'s> {
    shutdown: Option<&'s GracefulShutdown>,
    /// The next one.
    order: Order,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + 's>>>,
}

impl<'s> Stop<'s> {
    pub(super) fn of(shutdown: &'s GracefulShutdown) -> Self {
        Self {
            shutdown: Some(shutdown),
            order: Order::Drain,
            waiting: Some(Box::pin(shutdown.begun())),
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
        if waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let order = std::mem::replace(&mut self.order, Order::Abort);
        let next = self.shutdown.filter(|_| order == Order::Drain);
        self.waiting = next.map(|shutdown| Box::pin(shutdown.aborted()) as _);
        Poll::Ready(order)
    }
}
