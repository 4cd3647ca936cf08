//! Offers up to a million frames to one end, and counts.

use grpc_websocket_core::mux::{
    Budget, ConnectionError, EMPTY_FRAME_BUDGET, Event, MAX_METADATA_FRAGMENTS,
    MAX_PENDING_REFUSALS, PING_BUDGET, REFUSED_BUDGET, RESET_BUDGET, STRAY_FRAME_BUDGET,
    TINY_FRAME_BUDGET, TINY_FRAME_LEN, WINDOW_BUDGET,
};
use grpc_websocket_core::{Blame, CloseCode, Code};

use crate::harness::{Endpoint, Tested, goaway};

pub(crate) const MANY: u32 = 1_000_000;

/// Whether the peer reads what the end writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Always,
    Never,
}

/// What came of a flood.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many frames were taken before the error.
    pub(crate) taken: u32,
    /// How many bytes the peer paid, those of the frame that was too much included.
    pub(crate) bytes: usize,
    pub(crate) events: usize,
    pub(crate) written: usize,
    pub(crate) error: Option<ConnectionError>,
}

impl Outcome {
    /// Whether what the end had to do is in proportion to what its peer paid, but for the GOAWAY.
    pub(crate) fn is_cheap(&self) -> bool {
        2 * (self.events + self.written) <= self.bytes + 2
    }
}

/// Offers frames up to an error, and then some more, to an application that lets go of its calls at
/// once.
pub(crate) fn offer<const N: usize>(
    end: &mut Tested<N>,
    reading: Reading,
    mut frames: impl Iterator<Item = Vec<u8>>,
) -> Outcome {
    let mut outcome = Outcome::default();
    for frame in frames.by_ref() {
        outcome.bytes += frame.len();
        match end.try_recv(&frame) {
            Ok(events) => {
                outcome.taken += 1;
                outcome.events += events.len();
                release_ended(end, &events);
            }
            Err(error) => outcome.error = Some(error),
        }
        if reading == Reading::Always {
            outcome.written += end.control().len();
        }
        if outcome.error.is_some() {
            break;
        }
    }
    for frame in frames.take(1_000) {
        assert_eq!(end.try_recv(&frame).err(), outcome.error, "it is for ever");
    }
    outcome
}

/// Lets go of the calls that ended.
pub(crate) fn release_ended<const N: usize>(end: &mut Tested<N>, events: &[Event<'_>]) {
    for event in events {
        if let Event::Ended { call, .. } = event {
            end.mux.release(*call);
        }
    }
}

/// Frames without end spend a budget: after at most so many of them the connection is over, and
/// what is left to write does not grow with them.
pub(crate) fn check<const N: usize>(
    make: impl Fn() -> Tested<N>,
    frame: impl Fn(u32) -> Vec<u8>,
    budget: Budget,
    most: impl Into<u32>,
) {
    let most = most.into();
    for reading in [Reading::Always, Reading::Never] {
        let mut end = make();
        let outcome = offer(&mut end, reading, (0..MANY).map(&frame));
        assert_eq!(outcome.error, Some(ConnectionError::Flood(budget)));
        assert!(outcome.taken <= most, "{} {reading:?}", outcome.taken);
        assert!(outcome.is_cheap(), "{outcome:?}");
        assert!(end.control().len() <= 1, "the GOAWAY");
    }
}

/// The same, and exactly so many are taken before; they leave no more to write than in proportion to
/// the calls that there may be.
pub(crate) fn check_exact<const N: usize>(
    make: impl Fn() -> Tested<N>,
    frame: impl Fn(u32) -> Vec<u8>,
    budget: Budget,
    most: impl Into<u32> + Copy,
) {
    check(&make, &frame, budget, most);
    let mut end = make();
    let frames = (0..most.into()).map(&frame);
    let outcome = offer(&mut end, Reading::Never, frames);
    assert_eq!((outcome.error, outcome.taken), (None, most.into()));
    let left = end.control().len();
    assert!(left <= 2 * end.mux.calls() + MAX_PENDING_REFUSALS, "{left}");
}

/// SPEC.md#abuse has these figures.
#[test]
fn budgets_are_as_documented() {
    assert_eq!((PING_BUDGET, RESET_BUDGET, REFUSED_BUDGET), (100, 500, 100));
    assert_eq!((EMPTY_FRAME_BUDGET, TINY_FRAME_BUDGET), (100, 1_000));
    assert_eq!((STRAY_FRAME_BUDGET, WINDOW_BUDGET), (1_000, 1_000));
    assert_eq!((MAX_METADATA_FRAGMENTS, TINY_FRAME_LEN), (512, 32));
    assert_eq!(MAX_PENDING_REFUSALS, 4);
}

/// What SPEC.md says of a budget that is spent.
#[test]
fn a_flood_ends_with_the_documented_codes() {
    let all = [
        Budget::Pings,
        Budget::Resets,
        Budget::Refused,
        Budget::EmptyFrames,
        Budget::TinyFrames,
        Budget::StrayFrames,
        Budget::Windows,
        Budget::MetadataFragments,
    ];
    for error in all.map(ConnectionError::Flood) {
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(error.close_code(), CloseCode::Policy);
        assert_eq!(error.close_code().value(), 1008);
        assert_eq!(error.blame(), Blame::Resource);
    }
    let mut end = Endpoint::acceptor(1);
    let pings = (0..101).map(|_| crate::harness::ping([0; 8]));
    offer(&mut end, Reading::Never, pings);
    let bye = goaway(0, Code::ResourceExhausted, "too many PINGs");
    assert_eq!(end.control(), [bye]);
}
