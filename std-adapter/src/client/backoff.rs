//! How long a client waits before it connects again.

use std::time::Duration;

/// Times between attempts to connect, each longer than the one before (gRPC's connection backoff
/// protocol), and each varied at random by a fifth, so that clients that lost the same server do not
/// come back together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    most: Duration,
}

impl Backoff {
    /// The first wait, and the longest.
    #[must_use]
    pub fn new(base: Duration, most: Duration) -> Self {
        Self { base, most }
    }

    /// The wait after so many failures in a row, the last included.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        const FACTOR: f64 = 1.6;
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = self.base.as_secs_f64() * FACTOR.powi(exponent);
        let wait = wait.min(self.most.as_secs_f64());
        let varied = wait * (0.8 + 0.4 * fastrand::f64());
        Duration::try_from_secs_f64(varied).unwrap_or(self.most)
    }
}

impl Default for Backoff {
    /// 1 s, then 1.6 times as long each time, up to 120 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(120))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_vary() {
        let backoff = Backoff::default();
        let secs = |failures| backoff.wait(failures).as_secs_f64();
        for (failures, about) in [
            (1, 1.0),
            (2, 1.6),
            (3, 2.56),
            (100, 120.0),
            (u32::MAX, 120.0),
        ] {
            for _ in 0..100 {
                let wait = secs(failures);
                assert!(
                    (about * 0.79..about * 1.21).contains(&wait),
                    "{failures}: {wait}"
                );
            }
        }
        let first: Vec<f64> = (0..10).map(|_| secs(1)).collect();
        assert!(first.iter().any(|wait| *wait != first[0]));
    }
}
