//! The embassy adapter. Its futures are polled until they are done, and dropped before at will.

mod calls;
mod clock;
mod connection;
mod transport;

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crate::Input;

/// Stands for the panic of an `async fn` that is polled after its end, which every one of them has.
/// Only a broken executor does that.
#[unsafe(no_mangle)]
extern "C" fn async_fn_resumed() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Polls a future as often as it likes, and drops it.
fn run<T>(input: &Input, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    while input.bool() {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}
