//! Tells a quiet peer from one that is gone, that drips, or that never reads.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Keepalive;
use crate::websocket::socket::Traffic;

/// A message that is begun must come at this pace, after a grace. Slower is an attack or a link
/// that no call survives (slowloris).
const MIN_BYTES_PER_SEC: u64 = 100;
const GRACE: Duration = Duration::from_secs(10);

/// How many times its own length a message may cost in bytes: one of single bytes, each in a fragment
/// of its own, costs seven. Empty fragments would cost without end.
const MAX_FRAMING: u64 = 16;

/// How fast a slow link may be that a ping waits on behind what was sent before it.
const LINK_BYTES_PER_SEC: u64 = 25_000;

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
    /// It began a message and sends little but framing.
    Wasteful,
}

/// See the module.
pub(crate) struct Liveness {
    keepalive: Keepalive,
    /// How many bytes may come for one message.
    max_message_traffic: u64,
    /// The traffic at the last judgement.
    seen: Traffic,
    /// What was written when the peer was last heard.
    written_when_heard: u64,
    /// The socket was full at the last judgement, so that more can be written only if the peer
    /// takes what was.
    was_writing: bool,
    /// All that came was read at the last judgement, or is kept waiting by the handler.
    listening: bool,
    silent_since: Instant,
    pinged_at: Option<Instant>,
    /// What was read when the last whole message came.
    read_at_message: u64,
    /// Since when a message is begun, and what was read before it.
    begun: Option<(Instant, u64)>,
    control_credit: u32,
    control_credit_at: Instant,
}

impl Liveness {
    /// `max_message_len`: the longest WebSocket message that is read, in bytes.
    pub(crate) fn new(keepalive: Keepalive, max_message_len: usize, now: Instant) -> Self {
        let max_message_len = u64::try_from(max_message_len).unwrap_or(u64::MAX);
        Self {
            keepalive,
            max_message_traffic: max_message_len.saturating_mul(MAX_FRAMING),
            seen: Traffic::default(),
            written_when_heard: 0,
            was_writing: false,
            listening: true,
            silent_since: now,
            pinged_at: None,
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

    /// A ping or pong came, maybe between the fragments of a message: whether the peer keeps within
    /// its budget for them.
    pub(crate) fn control_came(&mut self, now: Instant, traffic: Traffic) -> bool {
        if self.begun.is_none() {
            self.read_at_message = traffic.read;
        }
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
        self.look_for_life(now, traffic);
        self.was_writing = writing;
        self.listening = reading || writing;
        if reading && self.is_too_slow(now, traffic) {
            return Verdict::TooSlow;
        }
        if self.is_wasteful(traffic) {
            return Verdict::Wasteful;
        }
        if now < self.keepalive_check() {
            return Verdict::Fine;
        }
        if self.pinged_at.is_some() && self.listening {
            return Verdict::Dead;
        }
        // A peer that is not listened to, for the handler holds up the reading, is pinged all the
        // same: a ping to one that is gone cannot be written, the only sign of it there can be.
        self.pinged_at = Some(now);
        Verdict::Ping
    }

    /// When to judge again at the latest.
    pub(crate) fn next_check(&self, traffic: Traffic) -> Instant {
        let keepalive = self.keepalive_check();
        let pace = self
            .begun
            .map(|(since, before)| since + allowed_time(traffic.read - before));
        pace.map_or(keepalive, |pace| pace.min(keepalive))
    }

    /// When the next ping is due, or the answer to the last one.
    fn keepalive_check(&self) -> Instant {
        match self.pinged_at {
            None => self.silent_since + self.keepalive.interval,
            Some(pinged_at) if self.listening => {
                let ahead = self.seen.written.saturating_sub(self.written_when_heard);
                let on_its_way = Duration::from_secs(ahead / LINK_BYTES_PER_SEC);
                pinged_at + self.keepalive.timeout + on_its_way
            }
            Some(pinged_at) => pinged_at + self.keepalive.interval,
        }
    }

    /// Looks for bytes that only a live peer can move. What a socket with room takes shows nothing:
    /// the kernel takes it.
    fn look_for_life(&mut self, now: Instant, traffic: Traffic) {
        let heard = traffic.read > self.seen.read;
        let taken = self.was_writing && traffic.written > self.seen.written;
        if heard {
            self.written_when_heard = traffic.written;
        }
        if heard || taken {
            self.silent_since = now;
            self.pinged_at = None;
        }
        self.seen = traffic;
    }

    fn is_wasteful(&self, traffic: Traffic) -> bool {
        self.begun
            .is_some_and(|(_, before)| traffic.read - before > self.max_message_traffic)
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

    fn new_peer(start: Instant) -> Liveness {
        Liveness::new(Keepalive::default(), 1000, start)
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test]
    async fn silence_gives_a_ping_and_then_a_death() {
        let start = Instant::now();
        let mut peer = new_peer(start);
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
        let pinged = traffic(0, 2);
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
    async fn a_pong_or_a_peer_that_takes_what_it_is_sent_is_alive() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let mut at = |second, read, written, writing| {
            let traffic = traffic(read, written);
            if read > 0 {
                peer.message_came(traffic);
            }
            peer.judge(start + secs(second), traffic, true, writing)
        };
        assert_eq!(at(20, 0, 0, false), Verdict::Ping);
        assert_eq!(at(25, 6, 2, false), Verdict::Fine);
        assert_eq!(at(44, 6, 2, false), Verdict::Fine);
        assert_eq!(at(45, 6, 2, true), Verdict::Ping);
        assert_eq!(at(54, 6, 5000, true), Verdict::Fine);
        assert_eq!(at(73, 6, 5000, true), Verdict::Fine);
        assert_eq!(at(74, 6, 5000, true), Verdict::Ping);
    }

    #[tokio::test]
    async fn what_the_kernel_takes_is_no_sign_of_life() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let verdicts: Vec<Verdict> = (1..=30)
            .map(|second| peer.judge(start + secs(second), traffic(0, second * 10), true, false))
            .collect();
        assert_eq!(verdicts[19], Verdict::Ping);
        assert_eq!(verdicts[29], Verdict::Dead);
    }

    #[tokio::test]
    async fn a_ping_behind_a_large_answer_gets_the_time_of_a_slow_link() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let sent = traffic(0, 1_000_000);
        assert_eq!(peer.judge(start, sent, true, false), Verdict::Fine);
        assert_eq!(
            peer.judge(start + secs(20), sent, true, false),
            Verdict::Ping
        );
        assert_eq!(
            peer.judge(start + secs(69), sent, true, false),
            Verdict::Fine
        );
        assert_eq!(
            peer.judge(start + secs(70), sent, true, false),
            Verdict::Dead
        );
    }

    #[tokio::test]
    async fn nobody_is_dead_before_a_ping_had_its_time() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let late = start + secs(300);
        assert_eq!(peer.judge(late, traffic(0, 0), true, false), Verdict::Ping);
        assert_eq!(peer.next_check(traffic(0, 2)), late + secs(10));
    }

    #[tokio::test]
    async fn a_handler_that_holds_up_the_reading_is_not_the_peers_fault() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let mut pings = 0;
        for step in 1..100 {
            let sent = traffic(10, pings * 2);
            match peer.judge(start + secs(step * 7), sent, false, false) {
                Verdict::Ping => pings += 1,
                verdict => assert_eq!(verdict, Verdict::Fine),
            }
        }
        // One in three steps, for a ping to a peer that is gone cannot be written.
        assert_eq!(pings, 32);
    }

    #[tokio::test]
    async fn a_drip_is_found_and_an_honest_slow_link_is_not() {
        let start = Instant::now();
        let mut drip = new_peer(start);
        let mut honest = new_peer(start);
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
    async fn pings_do_not_cover_a_drip() {
        let start = Instant::now();
        let mut drip = new_peer(start);
        let found = (1..60).find(|&second| {
            let (now, sent) = (start + secs(second), traffic(second * 7, 0));
            let verdict = drip.judge(now, sent, true, false);
            assert!(drip.control_came(now, sent));
            verdict == Verdict::TooSlow
        });
        assert_eq!(found, Some(12));
    }

    #[tokio::test]
    async fn a_message_of_nothing_but_framing_is_found() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let mut judge = |read| peer.judge(start, traffic(read, 0), true, false);
        assert_eq!(judge(16_000), Verdict::Fine);
        assert_eq!(judge(16_001), Verdict::Wasteful);
        peer.message_came(traffic(16_001, 0));
        let verdict = peer.judge(start, traffic(16_002, 0), true, false);
        assert_eq!(verdict, Verdict::Fine);
    }

    #[tokio::test]
    async fn pings_have_a_budget() {
        let start = Instant::now();
        let mut peer = new_peer(start);
        let allowed = (0..1000)
            .take_while(|_| peer.control_came(start, traffic(0, 0)))
            .count();
        assert_eq!(allowed, 100);
        assert!(!peer.control_came(start, traffic(0, 0)));
        assert!(peer.control_came(start + secs(1), traffic(0, 0)));
        let mut calm = new_peer(start);
        assert!((0..10_000).all(|second| calm.control_came(start + secs(second), traffic(0, 0))));
    }
}
