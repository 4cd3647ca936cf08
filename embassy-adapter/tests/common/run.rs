//! Runs futures without threads, on a clock that goes when nothing else does.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use embassy_time::{Duration, Instant, MockDriver, Timer};

use super::clock::turn;

/// More polls than any test needs: a future that is woken for ever makes no progress.
const MAX_POLLS: usize = 10_000_000;

/// The longest time that nothing may happen in: a second is what the last words of a connection have.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// Runs a future to its end. Whenever nothing wakes it, time passes.
///
/// # Panics
/// When it hangs: it is not done, and nothing has woken it for 2 s.
pub fn run<F: Future>(future: F) -> F::Output {
    run_until(future, Duration::from_millis(10), LONGEST_REST)
}

/// Polls a future as often as `count` at most, then drops it. `None` if it is not done.
///
/// # Panics
/// When it hangs: it is not done, and nothing has woken it.
pub fn poll_count<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let flag = Arc::new(Flag::woken());
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    for _ in 0..count {
        assert!(
            flag.0.swap(false, Ordering::Relaxed),
            "the future hangs: nothing wakes it"
        );
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// Runs a future to its end, and lets time pass whenever it waits for that; how much passed.
///
/// # Panics
/// When it is not done, and nothing has woken it for ten minutes.
pub fn run_timed<F: Future>(future: F) -> (F::Output, Duration) {
    let future = Box::pin(future);
    let timed = async {
        let started = Instant::now();
        (future.await, started.elapsed())
    };
    run_until(timed, Duration::from_millis(100), Duration::from_secs(600))
}

fn run_until<F: Future>(future: F, step: Duration, longest_rest: Duration) -> F::Output {
    let _turn = turn();
    MockDriver::get().reset();
    // A test's future may be too much for a stack.
    let mut future = Box::pin(future);
    let flag = Arc::new(Flag::woken());
    let waker = Waker::from(Arc::clone(&flag));
    let mut rest = Duration::from_ticks(0);
    for _ in 0..MAX_POLLS {
        if !flag.0.swap(false, Ordering::Relaxed) {
            assert!(rest < longest_rest, "the future hangs: nothing wakes it");
            MockDriver::get().advance(step);
            rest += step;
            continue;
        }
        rest = Duration::from_ticks(0);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
    panic!("the future is woken again and again, and does not end");
}

/// Waits until something is so, and lets time pass meanwhile.
///
/// # Panics
/// When it is not so in 5 s.
pub async fn until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(5), "it never is so");
        Timer::after_millis(10).await;
    }
}

/// Polls a future so often at most, wherever it is, then drops it. `None` if it is not done.
pub async fn at_most<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    std::future::poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Lets all else go on.
pub async fn yield_now() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Runs two futures at the same time until both are done.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        poll_into(&mut first, a.as_mut(), context);
        poll_into(&mut second, b.as_mut(), context);
        if first.is_none() || second.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(first.take().zip(second.take()).expect("both are done"))
    })
    .await
}

fn poll_into<F: Future>(output: &mut Option<F::Output>, future: Pin<&mut F>, c: &mut Context<'_>) {
    if output.is_none()
        && let Poll::Ready(ready) = future.poll(c)
    {
        *output = Some(ready);
    }
}

/// Whether a future was woken.
pub(super) struct Flag(pub(super) AtomicBool);

impl Flag {
    /// Of a future that has not been polled yet.
    pub(super) fn woken() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
