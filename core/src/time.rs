//! Time as an argument: the core reads no clock.

use core::time::Duration;

/// A point in time in microseconds since an epoch of the caller's choice.
///
/// Only differences matter, so a device may count from its boot and a server from the start of
/// the connection. 64 bits last for 584,000 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The caller's epoch.
    pub const EPOCH: Self = Self(0);

    /// A point so many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This point plus `duration`; `None` when that is after the end of time, which reads well as
    /// "no deadline".
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let micros = duration
            .as_secs()
            .checked_mul(1_000_000)?
            .checked_add(u64::from(duration.subsec_micros()))?;
        self.0.checked_add(micros).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_beyond_the_end_of_time_gives_none() {
        let start = Instant::from_micros(5);
        assert_eq!(
            start.checked_add(Duration::from_millis(2)),
            Some(Instant::from_micros(2005))
        );
        assert_eq!(start.checked_add(Duration::MAX), None);
        assert_eq!(
            Instant::from_micros(u64::MAX).checked_add(Duration::from_micros(1)),
            None
        );
    }
}
