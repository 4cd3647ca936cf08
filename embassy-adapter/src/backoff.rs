//! When to connect again.

use embassy_time::{Duration, Timer};

use crate::random::Random;

/// Waits between attempts to connect: each twice as long as the one before, up to a most, and each a
/// random part shorter, so that devices that lost the same server do not come back at the same time.
///
/// ```no_run
/// # use embassy_time::Duration;
/// # use grpc_websocket_embassy::{Backoff, Error};
/// # async fn connect_and_run() -> Result<(), Error> { Ok(()) }
/// # async fn device(seed: u64) {
/// let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60), seed);
/// loop {
///     if connect_and_run().await.is_ok() {
///         backoff.reset();
///     }
///     backoff.wait().await;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
    random: Random,
}

impl Backoff {
    /// The first wait is up to `least` long, and no wait is longer than `most`.
    #[must_use]
    pub const fn new(least: Duration, most: Duration, seed: u64) -> Self {
        Self {
            least,
            most,
            next: least,
            random: Random::new(seed),
        }
    }

    /// Waits for the next attempt. Dropping the future makes the next wait no shorter.
    pub async fn wait(&mut self) {
        Timer::after(self.next_wait()).await;
    }

    /// The connection was good: the next wait is the first one again.
    pub const fn reset(&mut self) {
        self.next = self.least;
    }

    /// Between half of what it may be and all of it.
    fn next_wait(&mut self) -> Duration {
        let ticks = self.next.as_ticks();
        self.next = Duration::from_ticks(ticks.saturating_mul(2)).min(self.most);
        let half = ticks >> 1;
        // A fraction in 1/65536, without a division.
        let [a, b, ..] = self.random.next();
        let fraction = u64::from(u16::from_be_bytes([a, b]));
        let part = (half >> 16).saturating_mul(fraction);
        let rest = (half & 0xffff).saturating_mul(fraction) >> 16;
        Duration::from_ticks(ticks.saturating_sub(part.saturating_add(rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_most_and_vary() {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(least, most, 7);
        let mut other = Backoff::new(least, most, 8);
        let mut expected = least;
        let mut same = 0;
        for _ in 0..20 {
            let wait = backoff.next_wait();
            assert!(
                wait <= expected && wait >= expected / 2,
                "{wait:?} of {expected:?}"
            );
            same += u32::from(wait == other.next_wait());
            expected = (expected * 2).min(most);
        }
        assert!(same < 5);
        backoff.reset();
        assert!(backoff.next_wait() <= least);
    }
}
