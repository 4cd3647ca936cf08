//! Time as an argument: the core reads no clock.

use core::time::Duration;

/// The longest time in microseconds, in seconds.
const MAX_SECS: u64 = u64::MAX / 1_000_000;

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
        // Not `checked_mul`: that of 64 bits is large on a small device.
        let secs = Some(duration.as_secs()).filter(|secs| *secs <= MAX_SECS)?;
        let micros = secs
            .wrapping_mul(1_000_000)
            .checked_add(u64::from(duration.subsec_micros()))?;
        self.0.checked_add(micros).map(Self)
    }
}

/// When something is due, or never: half the memory of an `Option<Instant>`. The end of time is
/// never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) const NEVER: Self = Self(Instant(u64::MAX));

    /// `None` is never.
    pub(crate) const fn new(at: Option<Instant>) -> Self {
        match at {
            Some(at) => Self(at),
            None => Self::NEVER,
        }
    }

    /// So long after `start`.
    pub(crate) fn after(start: Instant, duration: Duration) -> Self {
        Self::new(start.checked_add(duration))
    }

    /// `None` is never.
    pub(crate) fn get(self) -> Option<Instant> {
        (!self.is_never()).then_some(self.0)
    }

    pub(crate) fn is_never(self) -> bool {
        self == Self::NEVER
    }

    pub(crate) fn is_due(self, now: Instant) -> bool {
        self.0 <= now && !self.is_never()
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
        let most = Duration::from_micros(u64::MAX);
        assert_eq!(
            Instant::EPOCH.checked_add(most),
            Some(Instant::from_micros(u64::MAX))
        );
        assert_eq!(
            Instant::EPOCH.checked_add(most + Duration::from_micros(1)),
            None
        );
    }

    #[test]
    fn never_is_due_at_no_time() {
        let at = Deadline::after(Instant::EPOCH, Duration::from_micros(7));
        assert!(!at.is_due(Instant(6)) && at.is_due(Instant(7)));
        let never = Deadline::after(Instant(1), Duration::MAX);
        assert_eq!((never, never.get()), (Deadline::NEVER, None));
        assert!(at < never && !never.is_due(Instant(u64::MAX)));
    }
}
