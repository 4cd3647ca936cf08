//! Tasks that wait.

use core::task::{Context, Waker};

use heapless::Vec;

/// One task that waits.
#[derive(Debug)]
pub(crate) struct Signal(Option<Waker>);

impl Signal {
    pub(crate) const NEW: Self = Self(None);

    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        if !self
            .0
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            // Who waited before may be another task, which has to ask again.
            self.wake();
            self.0 = Some(cx.waker().clone());
        }
    }

    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

/// Up to `N` tasks that wait for the same.
#[derive(Debug)]
pub(crate) struct Signals<const N: usize>(Vec<Waker, N>);

impl<const N: usize> Signals<N> {
    pub(crate) const NEW: Self = Self(Vec::new());

    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        if self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            return;
        }
        if self.0.is_full() {
            // They have to ask again.
            self.wake();
        }
        let _ = self.0.push(cx.waker().clone());
    }

    pub(crate) fn wake(&mut self) {
        while let Some(waker) = self.0.pop() {
            waker.wake();
        }
    }
}
