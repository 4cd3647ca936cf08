//! Deadlines, silence, idleness: time as an argument.

use core::time::Duration;

use super::config::Config;
use super::connection::{Connection, Over};
use super::error::ConnectionError;
use super::event::{End, Event};
use super::lifecycle::Step;
use super::recv::Received;
use super::table::CallTable;
use crate::call;
use crate::error::RecvError;
use crate::time::{Deadline, Instant};
use crate::wire::status::Code;

/// A peer is not sent PINGs more often, whatever it asks for (SPEC.md#ping).
const MIN_KEEPALIVE_MS: u32 = 1000;

/// When something is to be done.
#[derive(Debug, Clone)]
pub(super) struct Timers {
    /// The latest time that was given.
    now: Instant,
    /// When a PING was sent that the peer has not answered; never, if there is none.
    pinged: Deadline,
    /// When the peer was last heard.
    heard: Instant,
    /// When to send the next PING that the peer asked for.
    asked: Deadline,
    /// After how many microseconds another.
    asked_micros: u64,
    /// Until when the peer's SETTINGS may take.
    settings: Deadline,
    /// No call's deadline is earlier.
    calls: Deadline,
    /// Whether there is no call.
    idle: Idle,
}

/// Since when there is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    /// There is one, or the event of it was given.
    No,
    Since(Instant),
    /// Since the next time that is given: methods of the application take no time.
    Now,
}

impl Timers {
    pub(super) fn new(now: Instant, config: &Config) -> Self {
        Self {
            now,
            heard: now,
            pinged: Deadline::NEVER,
            asked: Deadline::NEVER,
            asked_micros: 0,
            settings: Deadline::after(now, config.limits.metadata_timeout),
            calls: Deadline::NEVER,
            idle: Idle::Since(now),
        }
    }

    /// The time is `now`; it never goes back.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.idle == Idle::Now {
            self.idle = Idle::Since(self.now);
        }
    }

    /// The time after `duration`.
    pub(super) fn after(&self, duration: Duration) -> Deadline {
        Deadline::after(self.now, duration)
    }

    /// A call has that deadline.
    pub(super) fn look_at(&mut self, deadline: Deadline) {
        self.calls = self.calls.min(deadline);
    }

    /// The peer's SETTINGS came, and ask for a sign of life that often.
    pub(super) fn is_ready(&mut self, keepalive_ms: u32) {
        self.settings = Deadline::NEVER;
        if keepalive_ms > 0 {
            let millis = keepalive_ms.max(MIN_KEEPALIVE_MS);
            self.asked_micros = u64::from(millis).wrapping_mul(1000);
            self.ask_again();
        }
    }

    fn ask_again(&mut self) {
        let at = self.now.as_micros().saturating_add(self.asked_micros);
        self.asked = Deadline::new(Some(Instant::from_micros(at)));
    }

    pub(super) const fn is_idle(&mut self) {
        self.idle = Idle::Now;
    }

    pub(super) const fn is_busy(&mut self) {
        self.idle = Idle::No;
    }

    /// When the peer's silence is to be looked at.
    fn keepalive(&self, config: &Config) -> Deadline {
        let Some((interval, timeout)) = config.keepalive else {
            return Deadline::NEVER;
        };
        let (since, time) = match self.pinged.get() {
            Some(pinged) => (pinged, timeout),
            None => (self.heard, interval),
        };
        Deadline::after(since, time)
    }

    fn idle_at(&self, config: &Config) -> Deadline {
        match (self.idle, config.idle_timeout) {
            (Idle::Since(since), Some(timeout)) => Deadline::after(since, timeout),
            (Idle::Now, Some(_)) => Deadline::new(Some(self.now)),
            _ => Deadline::NEVER,
        }
    }
}

impl<T: CallTable> Connection<T> {
    /// The time is `now`. To be called when [`poll_timeout`](Self::poll_timeout) has passed, until
    /// it returns `None`; earlier does no harm. Looks at all calls when one may be due.
    ///
    /// # Errors
    /// [`ConnectionError::SettingsTimeout`] and [`ConnectionError::KeepaliveTimeout`], as by
    /// [`recv`](Self::recv).
    pub fn handle_timeout(&mut self, now: Instant) -> Received<'static> {
        match self.over {
            Some(Over::Failed(error)) => return Err(error),
            Some(Over::Closed(_)) => return Ok(None),
            None => self.timers.advance(now),
        }
        let now = self.timers.now;
        if self.timers.settings.is_due(now) {
            return Err(self.fail(ConnectionError::SettingsTimeout));
        }
        if let Err(error) = self.check_silence(now) {
            return Err(self.fail(error));
        }
        if self.timers.calls.is_due(now) {
            let event = self.check_calls(now);
            let event = event.map_err(|error| self.fail(error))?;
            if event.is_some() {
                return Ok(event);
            }
        }
        if self.timers.idle_at(&self.config).is_due(now) {
            self.timers.idle = Idle::No;
            return Ok(Some(Event::Idle));
        }
        Ok(None)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called. Ask again after every other
    /// call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.over.is_some() {
            return None;
        }
        let timers = &self.timers;
        let keepalive = timers.keepalive(&self.config).min(timers.asked);
        let calls = timers.calls.min(timers.settings);
        let idle = timers.idle_at(&self.config);
        keepalive.min(calls).min(idle).get()
    }

    /// Something came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.timers.advance(now);
        self.timers.heard = self.timers.now;
        self.timers.pinged = Deadline::NEVER;
        self.budgets.refill(self.timers.now);
    }

    fn check_silence(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if self.timers.keepalive(&self.config).is_due(now) {
            if !self.timers.pinged.is_never() {
                return Err(ConnectionError::KeepaliveTimeout);
            }
            self.timers.pinged = Deadline::new(Some(now));
            self.outbox.ping = true;
        }
        if self.timers.asked.is_due(now) {
            self.timers.ask_again();
            self.outbox.ping = true;
        }
        Ok(())
    }

    /// The next call whose time is over; the time to look again if there is none.
    fn check_calls(&mut self, now: Instant) -> Received<'static> {
        let mut next = Deadline::NEVER;
        for position in 0..self.calls.positions() {
            let slot = self.calls.get(position).filter(|slot| slot.state.is_live());
            let Some(slot) = slot else { continue };
            if slot.deadline.is_due(now) {
                return self.expire(position);
            }
            next = next.min(slot.deadline);
        }
        self.timers.calls = next;
        Ok(None)
    }

    fn expire(&mut self, position: usize) -> Received<'static> {
        let Some(slot) = self.calls.get_mut(position) else {
            return Ok(None);
        };
        let call = slot.call();
        if Self::answers(slot) && slot.awaits_metadata() {
            return self.fail_call(position, RecvError::MetadataTimeout);
        }
        slot.deadline = Deadline::NEVER;
        if Self::answers(slot) {
            let event = call::Event::DeadlineExceeded;
            return Ok(Some(Event::Call { call, event }));
        }
        slot.set_reset(Code::DeadlineExceeded, "the deadline passed");
        self.end_by(position, Step::Fail);
        let end = End::DeadlineExceeded;
        Ok(Some(Event::Ended { call, end }))
    }
}
