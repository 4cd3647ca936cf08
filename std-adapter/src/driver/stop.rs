//! What a server's graceful end means to one WebSocket.

use std::pin::Pin;
use std::task::{Context, Poll};

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
pub(super) struct Stop<'s> {
    shutdown: Option<&'s GracefulShutdown>,
    /// The next one.
    order: Order,
    waiting: Option<Waiting<'s>>,
}

/// For the end of the server, which comes once, while the WebSocket is woken all the time.
type Waiting<'s> = Seldom<Pin<Box<dyn Future<Output = ()> + Send + 's>>>;

fn wait<'s>(until: impl Future<Output = ()> + Send + 's) -> Waiting<'s> {
    Seldom::new(Box::pin(until))
}

impl<'s> Stop<'s> {
    pub(super) fn of(shutdown: &'s GracefulShutdown) -> Self {
        Self {
            shutdown: Some(shutdown),
            order: Order::Drain,
            waiting: Some(wait(shutdown.begun())),
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
        let next = self.shutdown.filter(|_| order == Order::Drain);
        self.waiting = next.map(|shutdown| wait(shutdown.aborted()));
        Poll::Ready(order)
    }
}
