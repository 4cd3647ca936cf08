//! What both ends of a simulation share.

use crate::check::{Calls, Ledger};
use crate::choices::Choices;
use crate::plan::Plan;
use crate::tally::Tally;
use grpc_websocket_core::Instant;
use grpc_websocket_core::mux::Side;

/// Handed to an end with every step.
pub struct World<'w> {
    /// What is to happen.
    pub plan: &'w Plan,
    /// The time.
    pub now: Instant,
    /// What both ends saw of the calls.
    pub calls: &'w mut Calls,
    /// What went over the link.
    pub ledger: &'w mut Ledger,
    /// What happened.
    pub tally: &'w mut Tally,
    /// What is not in the plan.
    pub choices: &'w mut dyn Choices,
    /// The link has had a fault.
    pub is_disturbed: bool,
    /// Every frame and event is printed.
    pub is_traced: bool,
}

impl World<'_> {
    /// Says what `side` does, if that is asked for.
    pub fn trace(&self, side: Side, what: core::fmt::Arguments<'_>) {
        if self.is_traced {
            eprintln!("{:>10} us {side:?} {what}", self.now.as_micros());
        }
    }

    /// Something happened that is not only waiting.
    pub fn progress(&mut self) {
        self.tally.progress += 1;
    }
}
