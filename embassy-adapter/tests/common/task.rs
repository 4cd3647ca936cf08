//! Tasks: futures that are polled only when they were woken.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// A future with a waker of its own: it is polled when something wakes it, and not when something wakes
/// what is beside it, which would hide that nothing woke it. embassy-net's sockets wake its runner whenever they are polled, so
/// in one task with them it would never wait.
pub struct Task<F> {
    future: Pin<Box<F>>,
    wake_up: Arc<WakeUp>,
}

#[derive(Default)]
struct WakeUp {
    is_woken: AtomicBool,
    parent: Mutex<Option<Waker>>,
}

impl<F: Future> Task<F> {
    pub fn new(future: F) -> Self {
        let wake_up = Arc::new(WakeUp::default());
        wake_up.is_woken.store(true, Ordering::Relaxed);
        Self {
            future: Box::pin(future),
            wake_up,
        }
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let parent = context.waker().clone();
        *self.wake_up.parent.lock().expect("no panic in it") = Some(parent);
        if !self.wake_up.is_woken.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.wake_up));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for WakeUp {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Relaxed);
        if let Some(parent) = &*self.parent.lock().expect("no panic in it") {
            parent.wake_by_ref();
        }
    }
}
