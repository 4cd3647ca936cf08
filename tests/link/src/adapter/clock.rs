//! A clock that shows anything.

use core::sync::atomic::{AtomicU32, Ordering};
use core::task::Waker;

use embassy_time_driver::Driver;

/// Set by whoever likes.
#[unsafe(no_mangle)]
static LINK_CLOCK: AtomicU32 = AtomicU32::new(0);

struct Clock;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);

impl Driver for Clock {
    fn now(&self) -> u64 {
        let half = || u64::from(LINK_CLOCK.load(Ordering::Relaxed));
        half() << 32 | half()
    }

    fn schedule_wake(&self, _at: u64, waker: &Waker) {
        waker.wake_by_ref();
    }
}
