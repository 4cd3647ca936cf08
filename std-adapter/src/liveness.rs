//! Tells a quiet peer from one that is gone, that drips, or that never reads.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Keepalive;
use crate::socket::Traffic;

/// A message that is begun must come at this pace, after a grace. Slower is an attack or a link
/// that no call survives (slowloris).
const MIN_BYTES_PER_SEC: u64 = 100;
const GRACE: Duration = Duration::from_secs(10);

/// The bytes of a ping without payload; they show nothing about the peer.
const PING_LEN: u64 = 2;

/// How often a peer may ping: this many at once, and one each tenth of a second.
const PING_BURST: u32 = 100;
const PING_INTERVAL: Duration = Duration::from_millis(100);

/// What is to be done about the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// Ask whether it is there.
    Ping,
    /// It is gone.
    Dead,
    /// It began a message and does not get on with it.
    TooSlow,
}

/// See the module.
pub(crate) struct Liveness {
    keepalive: Keepalive,
    /// Traffic that showed the peer alive, and since when there is none.
    seen: Traffic,
    silent_since: Instant,
    pings_sent: u64,
    awaiting_pong: bool,
    /// What was read when the last whole message came.
    read_at_message: u64,
    /// Since when a message is begun, and what was read before it.
    begun: Option<(Instant, u64)>,
    control_credit: u32,
    control_credit_at: Instant,
}

impl Liveness {
    pub(crate) fn new(keepalive: Keepalive, now: Instant) -> Self {
        Self {
            keepalive,
            seen: Traffic::default(),
            silent_since: now,
            pings_sent: 0,
            awaiting_pong: false,
            read_at_message: 0,
            begun: None,
            control_credit: PING_BURST,
            control_credit_at: now,
        }
    }

    /// A whole WebSocket message came.
    pub(crate) fn message_came(&mut self, traffic: Traffic) {
        self.read_at_message = traffic.read;
        self.begun = None;
    }

    /// A ping or pong came: whether the peer keeps within its budget for them.
    pub(crate) fn control_came(&mut self, now: Instant) -> bool {
        let elapsed = now.duration_since(self.control_credit_at);
        let earned = elapsed.as_millis() / PING_INTERVAL.as_millis();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(PING_BURST);
            self.control_credit = self.control_credit.saturating_add(earned).min(PING_BURST);
            self.control_credit_at = now;
        }
        let within = self.control_credit > 0;
        self.control_credit = self.control_credit.saturating_sub(1);
        within
    }

    /// Judges the peer. `reading`: all that came was read; `writing`: it has not taken all that
    /// was sent.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        traffic: Traffic,
        reading: bool,
        writing: bool,
    ) -> Verdict {
        if self.progressed(traffic) || !(reading || writing) {
            // While the handler holds up the reading, silence is not the peer's.
            self.silent_since = now;
            self.awaiting_pong = false;
        }
        if reading && self.is_too_slow(now, traffic) {
            return Verdict::TooSlow;
        }
        let silence = now.duration_since(self.silent_since);
        if silence >= self.keepalive.interval + self.keepalive.timeout {
            return Verdict::Dead;
        }
        if silence >= self.keepalive.interval && !self.awaiting_pong {
            self.awaiting_pong = true;
            self.pings_sent += 1;
            return Verdict::Ping;
        }
        Verdict::Fine
    }

    /// When to judge again at the latest.
    pub(crate) fn next_check(&self, traffic: Traffic) -> Instant {
        let mut silence = self.keepalive.interval;
        if self.awaiting_pong {
            silence += self.keepalive.timeout;
        }
        let keepalive = self.silent_since + silence;
        let pace = self
            .begun
            .map(|(since, before)| since + allowed_time(traffic.read - before));
        pace.map_or(keepalive, |pace| pace.min(keepalive))
    }

    /// Whether bytes moved that only a live peer can move.
    fn progressed(&mut self, traffic: Traffic) -> bool {
        let written = traffic.written.saturating_sub(self.pings_sent * PING_LEN);
        let before = self.seen;
        self.seen.read = self.seen.read.max(traffic.read);
        self.seen.written = self.seen.written.max(written);
        self.seen != before
    }

    fn is_too_slow(&mut self, now: Instant, traffic: Traffic) -> bool {
        if traffic.read == self.read_at_message {
            return false;
        }
        let (since, before) = *self.begun.get_or_insert((now, self.read_at_message));
        now.duration_since(since) >= allowed_time(traffic.read - before)
    }
}

fn allowed_time(bytes: u64) -> Duration {
    GRACE + Duration::from_millis(bytes.saturating_mul(1000 / MIN_BYTES_PER_SEC))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn traffic(read: u64, written: u64) -> Traffic {
        Traffic { read, written }
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test]
    async fn silence_gives_a_ping_and_then_a_death() {
        let start = Instant::now();
        let mut peer = Liveness::new(Keepalive::default(), start);
        let quiet = traffic(0, 0);
        assert_eq!(
            peer.judge(start + secs(19), quiet, true, false),
            Verdict::Fine
        );
        assert_eq!(peer.next_check(quiet), start + secs(20));
        assert_eq!(
            peer.judge(start + secs(20), quiet, true, false),
            Verdict::Ping
        );
        // The ping itself leaves; that shows nothing.
        let pinged = traffic(0, PING_LEN);
        assert_eq!(
            peer.judge(start + secs(21), pinged, true, false),
            Verdict::Fine
        );
        assert_eq!(peer.next_check(pinged), start + secs(30));
        assert_eq!(
            peer.judge(start + secs(30), pinged, true, false),
            Verdict::Dead
        );
    }

    #[tokio::test]
    async fn a_pong_or_a_reading_peer_is_alive() {
        let start = Instant::now();
        let mut peer = Liveness::new(Keepalive::default(), start);
        assert_eq!(
            peer.judge(start + secs(20), traffic(0, 0), true, false),
            Verdict::Ping
        );
        peer.message_came(traffic(6, 2));
        assert_eq!(
            peer.judge(start + secs(25), traffic(6, 2), true, false),
            Verdict::Fine
        );
        assert_eq!(
            peer.judge(start + secs(44), traffic(6, 2), true, false),
            Verdict::Fine
        );
        assert_eq!(
            peer.judge(start + secs(45), traffic(6, 2), true, false),
            Verdict::Ping
        );
        assert_eq!(
            peer.judge(start + secs(54), traffic(6, 5000), false, true),
            Verdict::Fine
        );
        assert_eq!(
            peer.judge(start + secs(73), traffic(6, 5000), false, true),
            Verdict::Fine
        );
    }

    #[tokio::test]
    async fn a_handler_that_holds_up_the_reading_is_not_the_peers_fault() {
        let start = Instant::now();
        let mut peer = Liveness::new(Keepalive::default(), start);
        for step in 1..100 {
            let verdict = peer.judge(start + secs(step * 7), traffic(10, 0), false, false);
            assert_eq!(verdict, Verdict::Fine);
        }
    }

    #[tokio::test]
    async fn a_drip_is_found_and_an_honest_slow_link_is_not() {
        let start = Instant::now();
        let mut drip = Liveness::new(Keepalive::default(), start);
        let mut honest = Liveness::new(Keepalive::default(), start);
        let mut found = None;
        for second in 1..60 {
            let now = start + secs(second);
            if drip.judge(now, traffic(second, 0), true, false) == Verdict::TooSlow {
                found.get_or_insert(second);
            }
            let verdict = honest.judge(now, traffic(second * 200, 0), true, false);
            assert_eq!(verdict, Verdict::Fine);
        }
        assert_eq!(found, Some(12));
    }

    #[tokio::test]
    async fn pings_have_a_budget() {
        let start = Instant::now();
        let mut peer = Liveness::new(Keepalive::default(), start);
        let allowed = (0..1000).take_while(|_| peer.control_came(start)).count();
        assert_eq!(allowed, 100);
        assert!(!peer.control_came(start));
        assert!(peer.control_came(start + secs(1)));
        let mut calm = Liveness::new(Keepalive::default(), start);
        assert!((0..10_000).all(|second| calm.control_came(start + secs(second))));
    }
}
