//! How long answers take.

use std::sync::Mutex;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// The times to answers, in nanoseconds.
#[derive(Debug, Default)]
pub struct Latencies(Mutex<Vec<u32>>);

/// How long an answer took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

impl Latencies {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// An answer came just now, to what was asked at `start`.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn note(&self, start: Instant) {
        let nanos = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
        self.0.lock().expect("nobody panics here").push(nanos);
    }

    /// Of the answers since it was asked last; `None` if there were none.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    #[must_use]
    pub fn take(&self) -> Option<Latency> {
        let mut nanos = std::mem::take(&mut *self.0.lock().expect("nobody panics here"));
        nanos.sort_unstable();
        let at = |part: f64| {
            let place = (nanos.len() as f64 * part) as usize;
            nanos.get(place).map(|&nanos| f64::from(nanos) / 1e3)
        };
        Some(Latency {
            p50: at(0.5)?,
            p99: at(0.99)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_100_may_take_longer_than_p99() {
        let latencies = Latencies::new();
        let nanos = (1..=1000).rev().map(|it| it * 1000);
        latencies.0.lock().unwrap().extend(nanos);
        let (p50, p99) = (501.0, 991.0);
        assert_eq!(latencies.take(), Some(Latency { p50, p99 }));
        assert_eq!(latencies.take(), None);
    }
}
