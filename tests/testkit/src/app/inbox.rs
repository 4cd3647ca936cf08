//! What an application has received of a call.

use crate::clock::after;
use crate::plan::Reads;
use crate::stream::{Follower, Stream};
use grpc_websocket_core::Instant;
use grpc_websocket_core::deframe::Piece;

/// What arrived, and what of it is still held.
#[derive(Debug)]
pub struct Inbox {
    follower: Follower,
    /// Bytes of messages that arrived and are not consumed.
    held: u32,
    /// The most that it was.
    peak: u32,
    /// When the application reads again; never if not set.
    next: Option<Instant>,
    has_stopped: bool,
    /// The client has half-closed.
    pub half_closed: bool,
}

impl Inbox {
    /// An application that is ready to read.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            follower: Follower::default(),
            held: 0,
            peak: 0,
            next: Some(now),
            has_stopped: false,
            half_closed: false,
        }
    }

    /// What has arrived, held or not.
    #[must_use]
    pub const fn follower(&self) -> &Follower {
        &self.follower
    }

    /// Bytes of messages that arrived and are not consumed.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// The most bytes that were held.
    #[must_use]
    pub const fn peak(&self) -> u32 {
        self.peak
    }

    /// A piece of a block arrives. It is not kept.
    pub fn metadata(&mut self, stream: &Stream, piece: &Piece<'_>) {
        self.follower.metadata(stream, piece);
    }

    /// A piece of a message arrives.
    pub fn message(&mut self, stream: &Stream, compressed: bool, piece: &Piece<'_>) {
        self.follower.message(stream, compressed, piece);
        self.held += u32::try_from(piece.framed.len()).unwrap();
        self.peak = self.peak.max(self.held);
    }

    /// How many bytes the application consumes now.
    pub fn read(&mut self, now: Instant, reads: &Reads) -> u32 {
        self.stop(now, reads);
        if self.held == 0 || self.next.is_none_or(|next| next > now) {
            return 0;
        }
        let read = self.held.min(reads.chunk);
        self.held -= read;
        self.next = Some(after(now, reads.pause));
        read
    }

    /// When the application reads again, if it holds something.
    #[must_use]
    pub fn wake(&self) -> Option<Instant> {
        self.next.filter(|_| self.held > 0)
    }

    fn stop(&mut self, now: Instant, reads: &Reads) {
        let Some((at, lasts)) = reads.stop else {
            return;
        };
        if !self.has_stopped && self.follower.at() >= at {
            self.has_stopped = true;
            self.next = lasts.map(|lasts| after(now, lasts));
        }
    }
}
