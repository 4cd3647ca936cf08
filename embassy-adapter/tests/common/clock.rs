//! Runs futures in virtual time: when nothing can go on, the clock does.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use embassy_time::{Duration, Instant, MockDriver};

use super::run::Flag;

/// How far the clock goes at once.
const TICK: Duration = Duration::from_millis(1);
/// More virtual time than any test needs.
const MAX_TIME: Instant = Instant::from_secs(600);
/// More real time than any test needs.
const MAX_REAL_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// The clock is one for the process, so tests that use it take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test moves the clock.
pub(super) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a future to its end. The clock starts at 0. A poll takes no time; while nothing wakes the
/// future, the clock goes on by 1 ms.
///
/// # Panics
/// When it hangs: it is not done after 10 minutes on that clock, or 30 s on a real one.
pub fn run_in_time<F: Future>(future: F) -> F::Output {
    let _turn = turn();
    MockDriver::get().reset();
    let started = std::time::Instant::now();
    let mut future = pin!(future);
    let flag = Arc::new(Flag::woken());
    let waker = Waker::from(Arc::clone(&flag));
    loop {
        wait(&flag);
        assert!(started.elapsed() < MAX_REAL_TIME, "the future hangs");
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
}

/// Lets time go by until the flag is up.
fn wait(flag: &Flag) {
    while !flag.0.swap(false, Ordering::Relaxed) {
        assert!(Instant::now() < MAX_TIME, "the future hangs: it waits");
        MockDriver::get().advance(TICK);
    }
}
