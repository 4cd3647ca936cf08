//! What a peer may cost beyond its bytes: counters of frames that bring nothing.
//!
//! Bounds on bytes and calls alone have not been enough for others: each constant names the
//! incident that set it. A budget is for one connection. It is refilled within about ten seconds,
//! and those of frames that honest peers send in proportion to others by these too. Going over it
//! ends the connection (SPEC.md#abuse).

use super::error::ConnectionError;
use crate::time::Instant;

/// PINGs. Each costs an answer (CVE-2019-9512).
pub const PING_BUDGET: u16 = 100;
/// Calls that the peer resets, or that must be reset for its fault: each costs a call's work for
/// two frames (CVE-2023-44487 "rapid reset", CVE-2025-8671 "made you reset"). A peer that may have
/// more calls may reset all of them at once.
pub const RESET_BUDGET: u16 = 500;
/// Calls over the limit, which the peer knows before it makes its first one (RUSTSEC-2024-0003).
pub const REFUSED_BUDGET: u16 = 100;
/// DATA frames with neither bytes nor flags, and fragments of WebSocket messages without bytes
/// (CVE-2019-9518, RUSTSEC-2026-0258).
pub const EMPTY_FRAME_BUDGET: u16 = 100;
/// DATA frames of less than [`TINY_FRAME_LEN`] bytes that complete nothing (CVE-2026-84304). Each
/// other DATA frame gives one back.
pub const TINY_FRAME_BUDGET: u16 = 1_000;
/// Frames for calls that are gone, and of unknown types. What the peer may have had on its way
/// when a call ended early is added (CVE-2019-9514).
pub const STRAY_FRAME_BUDGET: u16 = 1_000;
/// WINDOWs (CVE-2019-9517 is their cousin). Each DATA frame sent gives two back.
pub const WINDOW_BUDGET: u16 = 1_000;
/// DATA frames for one block of metadata, or one for each [`TINY_FRAME_LEN`] bytes of the longest
/// block if that is more (RUSTSEC-2024-0332 "CONTINUATION flood").
pub const MAX_METADATA_FRAGMENTS: u16 = 512;

/// A shorter DATA frame is tiny. No honest sender needs one often: with the smallest window, 64
/// bytes, credit comes in 32 bytes at least.
pub const TINY_FRAME_LEN: u32 = 32;

/// Which budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// [`PING_BUDGET`]
    Pings,
    /// [`RESET_BUDGET`]
    Resets,
    /// [`REFUSED_BUDGET`], or more than
    /// [`MAX_PENDING_REFUSALS`](super::MAX_PENDING_REFUSALS) that wait to be written.
    Refused,
    /// [`EMPTY_FRAME_BUDGET`]
    EmptyFrames,
    /// [`TINY_FRAME_BUDGET`]
    TinyFrames,
    /// [`STRAY_FRAME_BUDGET`]
    StrayFrames,
    /// [`WINDOW_BUDGET`]
    Windows,
    /// [`MAX_METADATA_FRAGMENTS`]
    MetadataFragments,
}

impl Budget {
    /// What the GOAWAY says.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Pings => "too many PINGs",
            Self::Resets => "too many calls were reset",
            Self::Refused => "too many calls over MAX_STREAMS",
            Self::EmptyFrames => "too many empty frames",
            Self::TinyFrames => "too many tiny DATA frames",
            Self::StrayFrames => "too many frames for calls that are gone",
            Self::Windows => "too many WINDOWs",
            Self::MetadataFragments => "a metadata block in too many frames",
        }
    }
}

/// How often a part of the budgets is refilled: 2^17 microseconds. A shift, for a division of 64
/// bits is large on a small device.
const REFILL_SHIFT: u32 = 17;

/// The part of a budget that one refill gives, so that all of it comes back in about ten seconds.
const REFILL_PARTS: u32 = 64;

/// What is left of each budget.
#[derive(Debug, Clone)]
pub(super) struct Budgets {
    refilled: Instant,
    pings: u32,
    resets: u32,
    refused: u32,
    empty: u32,
    tiny: u32,
    strays: u32,
    windows: u32,
}

impl Budgets {
    /// For a connection whose peer may have so many calls open.
    pub(super) fn new(now: Instant, max_calls: u32) -> Self {
        Self {
            refilled: now,
            pings: u32::from(PING_BUDGET),
            resets: max_calls.max(u32::from(RESET_BUDGET)),
            refused: u32::from(REFUSED_BUDGET),
            empty: u32::from(EMPTY_FRAME_BUDGET),
            tiny: u32::from(TINY_FRAME_BUDGET),
            strays: u32::from(STRAY_FRAME_BUDGET),
            windows: u32::from(WINDOW_BUDGET),
        }
    }

    /// Gives back what the time up to `now` is worth.
    pub(super) fn refill(&mut self, now: Instant) {
        let elapsed = now.as_micros().saturating_sub(self.refilled.as_micros());
        let ticks = elapsed >> REFILL_SHIFT;
        if ticks == 0 {
            return;
        }
        let counted = self
            .refilled
            .as_micros()
            .saturating_add(ticks << REFILL_SHIFT);
        self.refilled = Instant::from_micros(counted);
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        for budget in [
            Budget::Pings,
            Budget::Resets,
            Budget::Refused,
            Budget::EmptyFrames,
            Budget::TinyFrames,
            Budget::StrayFrames,
            Budget::Windows,
        ] {
            let part = capacity(budget).div_ceil(REFILL_PARTS);
            self.give(budget, part.saturating_mul(ticks));
        }
    }

    /// Spends one of a budget.
    pub(super) fn spend(&mut self, budget: Budget) -> Result<(), ConnectionError> {
        let Some(left) = self.left(budget) else {
            return Err(ConnectionError::Flood(budget));
        };
        *left = left.checked_sub(1).ok_or(ConnectionError::Flood(budget))?;
        Ok(())
    }

    /// Gives back up to the budget's capacity.
    pub(super) fn give(&mut self, budget: Budget, count: u32) {
        let capacity = capacity(budget);
        if let Some(left) = self.left(budget) {
            // A budget that was extended stays so.
            *left = (*left).max(left.saturating_add(count).min(capacity));
        }
    }

    /// Adds to a budget beyond its capacity.
    pub(super) fn extend(&mut self, budget: Budget, count: u32) {
        if let Some(left) = self.left(budget) {
            *left = left.saturating_add(count);
        }
    }

    const fn left(&mut self, budget: Budget) -> Option<&mut u32> {
        match budget {
            Budget::Pings => Some(&mut self.pings),
            Budget::Resets => Some(&mut self.resets),
            Budget::Refused => Some(&mut self.refused),
            Budget::EmptyFrames => Some(&mut self.empty),
            Budget::TinyFrames => Some(&mut self.tiny),
            Budget::StrayFrames => Some(&mut self.strays),
            Budget::Windows => Some(&mut self.windows),
            Budget::MetadataFragments => None,
        }
    }
}

fn capacity(budget: Budget) -> u32 {
    match budget {
        Budget::Pings => u32::from(PING_BUDGET),
        Budget::Resets => u32::from(RESET_BUDGET),
        Budget::Refused => u32::from(REFUSED_BUDGET),
        Budget::EmptyFrames => u32::from(EMPTY_FRAME_BUDGET),
        Budget::TinyFrames => u32::from(TINY_FRAME_BUDGET),
        Budget::StrayFrames => u32::from(STRAY_FRAME_BUDGET),
        Budget::Windows => u32::from(WINDOW_BUDGET),
        Budget::MetadataFragments => u32::from(MAX_METADATA_FRAGMENTS),
    }
}
