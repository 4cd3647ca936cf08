//! What an application has to send of a call.

use crate::clock::after;
use crate::plan::Writes;
use crate::stream::Stream;
use core::ops::Range;
use grpc_websocket_core::Instant;

/// How far an application is with a stream that it sends.
#[derive(Debug, Default)]
pub struct Outbox {
    sent: usize,
    /// How many blocks and messages it has made.
    made: usize,
    /// When it makes the next; it has not begun before that is set.
    next: Option<Instant>,
    /// Without credit, until the core says otherwise.
    is_blocked: bool,
    has_ended: bool,
}

/// What is offered to the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which bytes of the stream.
    pub range: Range<usize>,
    /// Nothing comes after them.
    pub end: bool,
}

impl Outbox {
    /// The application begins to send, unless it has.
    pub fn begin(&mut self, now: Instant) {
        self.next.get_or_insert(now);
    }

    /// Whether it has begun.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// How many bytes the core took.
    #[must_use]
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// Makes what is due, of the first `most` blocks and messages.
    pub fn make(&mut self, now: Instant, writes: &Writes, most: usize) {
        if self.made >= most || self.next.is_none_or(|next| next > now) {
            return;
        }
        self.made = if writes.pause.is_zero() {
            most
        } else {
            self.made + 1
        };
        self.next = Some(after(now, writes.pause));
    }

    /// When the next of the first `most` blocks and messages is due.
    #[must_use]
    pub fn wake(&self, most: usize) -> Option<Instant> {
        self.next.filter(|_| self.made < most)
    }

    /// What can be offered now.
    #[must_use]
    pub fn offer(&self, stream: &Stream, writes: &Writes) -> Option<Offer> {
        if self.is_blocked || self.has_ended {
            return None;
        }
        let (all, made) = (stream.bytes().len(), stream.end_of(self.made));
        if self.sent == all {
            let range = all..all;
            return Some(Offer { range, end: true });
        }
        let limit = if writes.together {
            made
        } else {
            made.min(self.end_of_current(stream))
        };
        let limit = limit.min(self.sent.saturating_add(writes.chunk));
        let range = self.sent..limit;
        let end = limit == all && !writes.end_apart;
        (!range.is_empty()).then_some(Offer { range, end })
    }

    /// The core took so many bytes, and the end if that was offered with the last of them.
    pub fn took(&mut self, len: usize, offer: &Offer) {
        assert!(len <= offer.range.len(), "more was taken than offered");
        self.sent += len;
        self.has_ended = offer.end && self.sent == offer.range.end;
    }

    /// Whether the core took everything, and the end.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// There is no credit.
    pub const fn block(&mut self) {
        self.is_blocked = true;
    }

    /// There is credit again.
    pub const fn unblock(&mut self) {
        self.is_blocked = false;
    }

    /// Whether there was no credit the last time.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    fn end_of_current(&self, stream: &Stream) -> usize {
        let sent = stream
            .items()
            .partition_point(|item| item.range.end <= self.sent);
        stream.end_of(sent + 1)
    }
}
