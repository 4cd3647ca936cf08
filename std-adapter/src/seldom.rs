//! A future that is seldom woken, beside one that often is.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Looks at its future only when that was woken, however often its task is.
pub(crate) struct Seldom<F> {
    future: F,
    wakes: Arc<Wakes>,
    /// Whom the future wakes in the end.
    task: Option<Waker>,
}

struct Wakes {
    is_woken: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl<F: Future + Unpin> Seldom<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future,
            wakes: Arc::new(Wakes {
                is_woken: AtomicBool::new(true),
                task: Mutex::new(None),
            }),
            task: None,
        }
    }

    /// Whether the future has nothing to say since it was looked at.
    fn is_quiet(&self, cx: &Context<'_>) -> bool {
        let task = self.task.as_ref();
        task.is_some_and(|task| task.will_wake(cx.waker()))
            && !self.wakes.is_woken.load(Ordering::Acquire)
    }

    fn look(&mut self, cx: &Context<'_>) -> Poll<F::Output> {
        self.task = Some(cx.waker().clone());
        self.wakes.wake_from_now_on(cx.waker());
        let waker = Waker::from(Arc::clone(&self.wakes));
        Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker))
    }
}

impl<F: Future + Unpin> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.is_quiet(cx) {
            return Poll::Pending;
        }
        self.look(cx)
    }
}

impl Wakes {
    /// The future is about to be looked at.
    fn wake_from_now_on(&self, task: &Waker) {
        *self.task() = Some(task.clone());
        self.is_woken.store(false, Ordering::Release);
    }

    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        // No code panics while it holds the lock.
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        let task = self.task().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_its_future_does() {
        let begun = Instant::now();
        Seldom::new(Box::pin(sleep(Duration::from_secs(3)))).await;
        assert_eq!(begun.elapsed().as_secs(), 3);
        assert_eq!(Seldom::new(Box::pin(async { 7 })).await, 7);
    }

    #[tokio::test]
    async fn it_is_not_looked_at_before_it_is_woken() {
        let (notify, mut looks) = (Notify::new(), 0);
        let mut notified = Box::pin(notify.notified());
        let mut seldom = Seldom::new(poll_fn(|cx| {
            looks += 1;
            notified.as_mut().poll(cx)
        }));
        for _ in 0..100 {
            let pending = timeout(Duration::ZERO, &mut seldom).await;
            assert!(pending.is_err());
        }
        notify.notify_one();
        seldom.await;
        assert_eq!(looks, 2);
    }

    #[tokio::test]
    async fn it_wakes_the_task_that_asked_last() {
        let notify = Arc::new(Notify::new());
        let notified = Arc::clone(&notify);
        let mut seldom = Seldom::new(Box::pin(async move { notified.notified().await }));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut seldom).poll(&mut cx).is_pending());
        let other = tokio::spawn(seldom);
        tokio::task::yield_now().await;
        notify.notify_one();
        other.await.unwrap();
    }
}
