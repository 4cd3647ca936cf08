//! The way to make calls on a connection that runs in another task.
//!
//! A call waits for one of the places that the peer's MAX_STREAMS gives before it goes to the
//! connection, so what waits costs the connection nothing, and who gives up waiting leaves no trace.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use crate::client::outgoing::{Outgoing, Unanswered};

/// Both ends of the way.
pub(crate) fn caller() -> (Caller, Orders) {
    let (sender, orders) = unbounded_channel();
    let shared = Arc::new(Shared {
        places: Arc::new(Semaphore::new(0)),
        phase: watch::Sender::new(Phase::Opening),
    });
    let caller = Caller {
        orders: sender,
        shared: Arc::clone(&shared),
    };
    (caller, Orders { orders, shared })
}

struct Shared {
    places: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
}

/// How far a connection is.
#[derive(Debug, Clone)]
enum Phase {
    /// The peer's SETTINGS have not come.
    Opening,
    Ready,
    /// No new call can be made, for this reason.
    Over(Status),
}

/// A call with a place.
pub(crate) struct Order {
    pub(crate) outgoing: Outgoing,
    /// Given back when the call is over.
    pub(crate) place: OwnedSemaphorePermit,
}

/// The end of those who call. Once all of them are dropped, a connection that serves nothing else
/// ends with its last call.
#[derive(Clone)]
pub(crate) struct Caller {
    // In boxes, for the channel keeps room for 32 at least.
    orders: UnboundedSender<Box<Order>>,
    shared: Arc<Shared>,
}

impl Caller {
    /// Makes a call. Its future may be dropped at any time, which cancels the call.
    pub(crate) async fn call(
        &self,
        request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Unanswered> {
        let Ok(place) = Arc::clone(&self.shared.places).acquire_owned().await else {
            return Err(Unanswered::unsent(self.why_over(), request));
        };
        let (outgoing, answered) = Outgoing::new(request, deadline);
        let order = Box::new(Order { outgoing, place });
        if let Err(unsent) = self.orders.send(order) {
            unsent.0.outgoing.give_back(self.why_over());
        }
        match answered.await {
            Ok(answer) => answer,
            Err(_) => Err(self.why_over().into()),
        }
    }

    /// Waits for the peer's SETTINGS, after which calls can be made.
    pub(crate) async fn ready(&self) -> Result<(), Status> {
        let mut phase = self.shared.phase.subscribe();
        let phase = phase
            .wait_for(|phase| !matches!(phase, Phase::Opening))
            .await;
        match phase.as_deref() {
            Ok(Phase::Over(status)) => Err(status.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until no new call can be made. The future keeps nothing up.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut phase = self.shared.phase.subscribe();
        async move {
            let over = phase.wait_for(|phase| matches!(phase, Phase::Over(_)));
            drop(over.await);
        }
    }

    /// Whether no new call can be made.
    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.shared.phase.borrow(), Phase::Over(_))
    }

    fn why_over(&self) -> Status {
        match &*self.shared.phase.borrow() {
            Phase::Over(status) => status.clone(),
            Phase::Ready if self.shared.places.is_closed() => takes_no_calls(),
            _ => Status::unavailable("the connection ended"),
        }
    }
}

/// Why no call can be made to a peer whose MAX_STREAMS is 0.
pub(super) fn takes_no_calls() -> Status {
    Status::unimplemented("the peer takes no calls")
}

/// The connection's end.
pub(crate) struct Orders {
    orders: UnboundedReceiver<Box<Order>>,
    shared: Arc<Shared>,
}

impl Orders {
    /// The next call to be made; `None` when nobody can order any.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Box<Order>>> {
        self.orders.poll_recv(cx)
    }

    /// The peer takes so many calls at a time.
    pub(super) fn open(&self, places: u32) {
        match usize::try_from(places).unwrap_or(usize::MAX) {
            // The connection may still be good for calls that the peer makes.
            0 => self.shared.places.close(),
            places => self
                .shared
                .places
                .add_permits(places.min(Semaphore::MAX_PERMITS)),
        }
        self.shared.phase.send_if_modified(|phase| {
            let opens = matches!(phase, Phase::Opening);
            if opens {
                *phase = Phase::Ready;
            }
            opens
        });
    }

    /// From now on no call can be made. The first reason counts.
    pub(super) fn refuse(&self, why: Status) {
        self.shared.phase.send_if_modified(|phase| {
            let is_first = !matches!(phase, Phase::Over(_));
            if is_first {
                *phase = Phase::Over(why);
            }
            is_first
        });
        self.shared.places.close();
    }

    /// Gives back the calls that are on their way.
    pub(super) fn end(&mut self, why: &Status) {
        self.refuse(why.clone());
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            order.outgoing.give_back(why.clone());
        }
    }
}
