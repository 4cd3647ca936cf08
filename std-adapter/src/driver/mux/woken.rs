//! Which calls have something to do: a call is looked at when its waker was used, and only then, so
//! that many quiet calls cost nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use grpc_websocket_core::mux::CallId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How many wakers of calls that are over are kept for others.
const MAX_SPARE: usize = 64;

/// The calls that were woken, each once, in their order.
pub(super) struct Woken {
    /// Those that were woken from here.
    here: VecDeque<CallId>,
    // Never more than there are wakers, for each is in it once.
    calls: UnboundedReceiver<CallId>,
    sender: UnboundedSender<CallId>,
    spare: Vec<Arc<CallWaker>>,
}

impl Woken {
    pub(super) fn new() -> Self {
        let (sender, calls) = unbounded_channel();
        Self {
            here: VecDeque::new(),
            calls,
            sender,
            spare: Vec::new(),
        }
    }

    /// The waker of a call, not used yet.
    pub(super) fn waker(&mut self, call: CallId) -> Arc<CallWaker> {
        if let Some(mut spare) = self.spare.pop()
            && let Some(waker) = Arc::get_mut(&mut spare)
        {
            waker.call = call;
            *waker.is_woken.get_mut() = false;
            return spare;
        }
        Arc::new(CallWaker {
            call,
            is_woken: AtomicBool::new(false),
            woken: self.sender.clone(),
        })
    }

    /// Takes back the waker of a call that is over.
    pub(super) fn take_back(&mut self, mut waker: Arc<CallWaker>) {
        // Somebody may hold it still, and use it.
        if self.spare.len() < MAX_SPARE && Arc::get_mut(&mut waker).is_some() {
            self.spare.push(waker);
        }
    }

    /// As the waker, from here.
    pub(super) fn wake(&mut self, waker: &CallWaker) {
        if !waker.is_woken.swap(true, Ordering::AcqRel) {
            self.here.push_back(waker.call);
        }
    }

    /// The next call, which may be gone.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<CallId> {
        if let Some(call) = self.here.pop_front() {
            return Poll::Ready(call);
        }
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
