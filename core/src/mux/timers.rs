//! Deadlines, silence, idleness: time as an argument.

use core::time::Duration;

use super::config::Config;
use super::connection::{Connection, Over};
use super::error::ConnectionError;
use super::event::{End, Event};
use super::lifecycle::Step;
use super::recv::Received;
use super::table::CallTable;
use crate::call::{self, Role};
use crate::error::RecvError;
use crate::time::Instant;
use crate::wire::status::Code;

/// A peer is not sent PINGs more often, whatever it asks for (SPEC.md#ping).
const MIN_KEEPALIVE_MS: u64 = 1000;

/// When something is to be done.
#[derive(Debug, Clone)]
pub(super) struct Timers {
    /// The latest time that was given.
    now: Instant,
    /// When the peer was last heard.
    heard: Instant,
    pinged: Option<Instant>,
    /// When to send the next PING that the peer asked for, and after how many microseconds another.
    asked: Option<(Instant, u64)>,
    /// Until when the peer's SETTINGS may take.
    settings: Option<Instant>,
    /// No call's deadline is earlier.
    calls: Option<Instant>,
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
            pinged: None,
            asked: None,
            settings: now.checked_add(config.limits.metadata_timeout),
            calls: None,
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

    /// The time after `duration`, if there is one.
    pub(super) fn after(&self, duration: Duration) -> Option<Instant> {
        self.now.checked_add(duration)
    }

    /// A call has that deadline.
    pub(super) fn look_at(&mut self, deadline: Option<Instant>) {
        self.calls = earlier(self.calls, deadline);
    }

    /// The peer's SETTINGS came, and ask for a sign of life that often.
    pub(super) fn is_ready(&mut self, keepalive_ms: u32) {
        self.settings = None;
        if keepalive_ms > 0 {
            let millis = u64::from(keepalive_ms).max(MIN_KEEPALIVE_MS);
            self.ask_again(millis.saturating_mul(1000));
        }
    }

    fn ask_again(&mut self, micros: u64) {
        let at = self.now.as_micros().saturating_add(micros);
        self.asked = Some((Instant::from_micros(at), micros));
    }

    pub(super) const fn is_idle(&mut self) {
        self.idle = Idle::Now;
    }

    pub(super) const fn is_busy(&mut self) {
        self.idle = Idle::No;
    }

    /// When the peer's silence is to be looked at.
    fn keepalive(&self, config: &Config) -> Option<Instant> {
        let (interval, timeout) = config.keepalive?;
        match self.pinged {
            Some(at) => at.checked_add(timeout),
            None => self.heard.checked_add(interval),
        }
    }

    fn idle_at(&self, config: &Config) -> Option<Instant> {
        let timeout = config.idle_timeout?;
        match self.idle {
            Idle::No => None,
            Idle::Since(since) => since.checked_add(timeout),
            Idle::Now => Some(self.now),
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
        if is_due(self.timers.settings, now) {
            return Err(self.fail(ConnectionError::SettingsTimeout));
        }
        if let Err(error) = self.check_silence(now) {
            return Err(self.fail(error));
        }
        if is_due(self.timers.calls, now) {
            let event = self.check_calls(now);
            let event = event.map_err(|error| self.fail(error))?;
            if event.is_some() {
                return Ok(event);
            }
        }
        if is_due(self.timers.idle_at(&self.config), now) {
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
        let asked = timers.asked.map(|(at, _)| at);
        let keepalive = earlier(timers.keepalive(&self.config), asked);
        let calls = earlier(timers.calls, timers.settings);
        earlier(earlier(keepalive, calls), timers.idle_at(&self.config))
    }

    /// Something came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.timers.advance(now);
        self.timers.heard = self.timers.now;
        self.timers.pinged = None;
        self.budgets.refill(self.timers.now);
    }

    fn check_silence(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if is_due(self.timers.keepalive(&self.config), now) {
            if self.timers.pinged.is_some() {
                return Err(ConnectionError::KeepaliveTimeout);
            }
            self.timers.pinged = Some(now);
            self.outbox.ping = true;
        }
        if let Some((at, micros)) = self.timers.asked
            && at <= now
        {
            self.timers.ask_again(micros);
            self.outbox.ping = true;
        }
        Ok(())
    }

    /// The next call whose time is over; the time to look again if there is none.
    fn check_calls(&mut self, now: Instant) -> Received<'static> {
        let mut next = None;
        for position in 0..self.calls.positions() {
            let slot = self.calls.get(position).filter(|slot| slot.state.is_live());
            let Some(slot) = slot else { continue };
            if is_due(slot.deadline, now) {
                return self.expire(position);
            }
            next = earlier(next, slot.deadline);
        }
        self.timers.calls = next;
        Ok(None)
    }

    fn expire(&mut self, position: usize) -> Received<'static> {
        let Some(slot) = self.calls.get_mut(position) else {
            return Ok(None);
        };
        let call = slot.call();
        if slot.awaits_metadata() {
            return self.fail_call(position, RecvError::MetadataTimeout);
        }
        slot.deadline = None;
        if slot.role == Role::Server {
            let event = call::Event::DeadlineExceeded;
            return Ok(Some(Event::Call { call, event }));
        }
        slot.reset = (Code::DeadlineExceeded, "the deadline passed");
        self.end_by(position, Step::Fail);
        let end = End::DeadlineExceeded;
        Ok(Some(Event::Ended { call, end }))
    }
}

fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| at <= now)
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
