//! Which calls have something to do: a call is looked at when its waker was used, and only then, so
//! that many quiet calls cost nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use grpc_websocket_core::mux::CallId;

/// How many wakers of calls that are over are kept for others.
const MAX_SPARE: usize = 64;

/// The calls that were woken, each once, in their order.
pub(super) struct Woken {
    /// Those that were woken from here, or were taken over.
    here: VecDeque<CallId>,
    queue: Arc<Queue>,
    /// Who is told of those in the queue.
    task: Option<Waker>,
    /// Those of calls that are over, the oldest first: it is the least likely that somebody holds it.
    spare: VecDeque<Arc<CallWaker>>,
}

/// Those that were woken from anywhere.
#[derive(Default)]
struct Queue {
    /// There may be some.
    has_calls: AtomicBool,
    woken: Mutex<WokenAnywhere>,
}

#[derive(Default)]
struct WokenAnywhere {
    // Never more than there are wakers, for each is in it once.
    calls: VecDeque<CallId>,
    task: Option<Waker>,
}

impl Woken {
    pub(super) fn new() -> Self {
        Self {
            here: VecDeque::new(),
            queue: Arc::default(),
            task: None,
            spare: VecDeque::new(),
        }
    }

    /// The waker of a call, not used yet.
    pub(super) fn waker(&mut self, call: CallId) -> Arc<CallWaker> {
        if let Some(mut spare) = self.spare.pop_front()
            && let Some(waker) = Arc::get_mut(&mut spare)
        {
            waker.call = call;
            *waker.is_woken.get_mut() = false;
            return spare;
        }
        Arc::new(CallWaker {
            call,
            is_woken: AtomicBool::new(false),
            queue: Arc::clone(&self.queue),
        })
    }

    /// Takes back the waker of a call that is over. Somebody may hold it still, and use it: an answer that
    /// was not looked at yet does.
    pub(super) fn take_back(&mut self, waker: Arc<CallWaker>) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push_back(waker);
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
        let task = self.task.as_ref();
        let is_known = task.is_some_and(|task| task.will_wake(cx.waker()));
        if is_known && !self.queue.has_calls.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.task = Some(cx.waker().clone());
        self.queue.take(&mut self.here, cx.waker());
        self.here.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Woken {
    /// Whoever holds a waker still does not hold the task.
    fn drop(&mut self) {
        *self.queue.lock() = WokenAnywhere::default();
    }
}

impl Queue {
    /// Moves the calls there are, and tells `task` of the next one.
    fn take(&self, calls: &mut VecDeque<CallId>, task: &Waker) {
        let mut woken = self.lock();
        self.has_calls.store(false, Ordering::Release);
        std::mem::swap(&mut woken.calls, calls);
        woken.task = Some(task.clone());
    }

    fn push(&self, call: CallId) {
        let task = {
            let mut woken = self.lock();
            woken.calls.push_back(call);
            // Those before it told the task.
            let is_first = !self.has_calls.swap(true, Ordering::AcqRel);
            woken.task.clone().filter(|_| is_first)
        };
        if let Some(task) = task {
            task.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, WokenAnywhere> {
        // No code panics while it holds the lock.
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a call has something to do.
pub(super) struct CallWaker {
    call: CallId,
    is_woken: AtomicBool,
    queue: Arc<Queue>,
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
            self.queue.push(self.call);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use grpc_websocket_core::mux::{Calls, Config, Connection, MAX_CONTROL_FRAME, Side};
    use grpc_websocket_core::{Fragment, Instant};

    use super::*;

    /// The ids of three calls.
    fn ids() -> [CallId; 3] {
        let (now, calls): (_, Calls<3>) = (Instant::EPOCH, [const { None }; 3]);
        let mut client = Connection::new(now, Side::Dialer, Config::DEFAULT, calls);
        let _ = client.poll_transmit(&mut [0; MAX_CONTROL_FRAME]);
        let mut settings = Fragment::message(b"\x50\0\0\0\0\x03\0\0\0\x08");
        client.recv(now, &mut settings).unwrap();
        let block = b"\x80\0\0\0\x0d:path: /s/m\r\n";
        [(); 3].map(|()| client.open(now, &[block], false).unwrap().0)
    }

    #[tokio::test]
    async fn each_call_comes_once_and_in_the_order_of_the_wakes() {
        let (ids, mut woken) = (ids(), Woken::new());
        let wakers = ids.map(|id| woken.waker(id));
        for again in 0..3 {
            for waker in &wakers {
                waker.reset();
            }
            for waker in [2, 0, 2, 1, 0].map(|index| &wakers[index]) {
                waker.wake_by_ref();
            }
            let mut calls = Vec::new();
            poll_fn(|cx| {
                while let Poll::Ready(call) = woken.poll_next(cx) {
                    calls.push(call);
                }
                Poll::Ready(())
            })
            .await;
            assert_eq!(calls, [ids[2], ids[0], ids[1]], "{again}");
        }
    }

    #[tokio::test]
    async fn no_wake_of_another_thread_is_lost() {
        let (id, mut woken) = (ids()[0], Woken::new());
        let waker = woken.waker(id);
        for _ in 0..1000 {
            let thread = waker.reset();
            let other = std::thread::spawn(move || thread.wake());
            assert_eq!(poll_fn(|cx| woken.poll_next(cx)).await, id);
            other.join().unwrap();
        }
    }
}
