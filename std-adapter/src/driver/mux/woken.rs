//! Which calls have something to do: a call is looked at when its waker was used, and only then, so
//! that many quiet calls cost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use grpc_websocket_core::mux::CallId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The calls that were woken, each once, in their order.
pub(super) struct Woken {
    // Never more than there are wakers, for each is in it once.
    calls: UnboundedReceiver<CallId>,
    sender: UnboundedSender<CallId>,
}

impl Woken {
    pub(super) fn new() -> Self {
        let (sender, calls) = unbounded_channel();
        Self { calls, sender }
    }

    /// The waker of a call, not used yet.
    pub(super) fn waker(&self, call: CallId) -> Arc<CallWaker> {
        Arc::new(CallWaker {
            call,
            is_woken: AtomicBool::new(false),
            woken: self.sender.clone(),
        })
    }

    /// The next call, which may be gone.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<CallId> {
        match self.calls.poll_recv(cx) {
            Poll::Ready(Some(call)) => Poll::Ready(call),
            // It has a sender of its own, and does not end.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Notes that a call has something to do.
pub(super) struct CallWaker {
    call: CallId,
    is_woken: AtomicBool,
    woken: UnboundedSender<CallId>,
}

impl CallWaker {
    /// The call is about to be looked at: from now on it can be woken again.
    pub(super) fn reset(self: &Arc<Self>) -> Waker {
        self.is_woken.store(false, Ordering::Release);
        Waker::from(Arc::clone(self))
    }
}

impl Wake for CallWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // Nobody listens once the connection is gone.
            let _ = self.woken.send(self.call);
        }
    }
}
