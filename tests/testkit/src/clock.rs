//! Virtual time.

use core::time::Duration;
use grpc_websocket_core::Instant;

/// The time of a simulation: it moves when it is told to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    now: Instant,
}

impl Clock {
    /// A clock at the epoch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            now: Instant::EPOCH,
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Moves to a later time; an earlier one changes nothing.
    pub fn advance_to(&mut self, then: Instant) {
        self.now = self.now.max(then);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// So much later.
#[must_use]
pub fn after(then: Instant, duration: Duration) -> Instant {
    then.checked_add(duration)
        .unwrap_or(Instant::from_micros(u64::MAX))
}

/// How much later `then` is than `since`; nothing if it is not.
#[must_use]
pub const fn elapsed(since: Instant, then: Instant) -> Duration {
    Duration::from_micros(then.as_micros().saturating_sub(since.as_micros()))
}

/// The earlier of two times that may never come.
#[must_use]
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
