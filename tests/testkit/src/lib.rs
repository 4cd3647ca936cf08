//! A simulation of `grpc-mux.v1`: two cores over a simulated link, in virtual time.
//!
//! ```text
//!  Plan: who, which calls, what goes wrong                 Choices: a seed, or a fuzzer's input
//!        │                                                     │
//!  ┌─────▼─────────────────────────── Pair ────────────────────▼──────────┐
//!  │ End: applications ── core ══ Link: latency, cuts, stalls ══ core ──  │
//!  │        Calls: what each end saw     Ledger: what was on the wire     │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What must hold is checked with every step, and what does not hold panics: every call ends once
//! at each end and both ends agree, bytes arrive in order and unchanged, nobody sends beyond the
//! credit nor holds more than a window, no honest peer is refused, and a run gets to its end.
//!
//! A run is a function of a plan and of choices: the same seed is the same run.

pub mod app;
pub mod check;
pub mod choices;
pub mod clock;
pub mod end;
pub mod frame;
pub mod link;
pub mod pair;
pub mod plan;
pub mod stream;
pub mod table;
pub mod tally;
pub mod world;

pub use choices::Choices;
pub use pair::{Outcome, Pair};
pub use plan::Plan;
pub use tally::Tally;

/// Runs one simulation: the seed decides everything.
///
/// # Panics
/// If something is not as it must be.
#[must_use]
pub fn run_seed(seed: u64, is_traced: bool) -> Tally {
    run(&mut fastrand::Rng::with_seed(seed), is_traced)
}

/// Runs one simulation in which `choices` decides everything.
///
/// # Panics
/// If something is not as it must be.
#[must_use]
pub fn run(choices: &mut dyn Choices, is_traced: bool) -> Tally {
    let plan = plan::draw(choices);
    if is_traced {
        eprintln!("{plan:#?}");
    }
    let mut pair = Pair::new(plan, choices);
    pair.is_traced = is_traced;
    let outcome = pair.drive();
    assert_eq!(outcome, Outcome::Done, "after {:?}", pair.now());
    pair.tally()
}
