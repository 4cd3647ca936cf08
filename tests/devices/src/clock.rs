//! The time of device code.
//!
//! embassy-time has one driver in a program, and cargo unifies features in a workspace: the adapter's
//! own tests want the time that stands still. Here a thread moves it on.

use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use embassy_time::MockDriver;

/// From now on embassy's time is the host's.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| drop(thread::spawn(run)));
}

fn run() {
    let begun = Instant::now();
    let mut passed = 0;
    loop {
        thread::sleep(Duration::from_millis(1));
        let now = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        MockDriver::get().advance(embassy_time::Duration::from_micros(now - passed));
        passed = now;
    }
}
