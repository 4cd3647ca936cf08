//! What credit is for, shown by taking it away.
//!
//! Eight calls, half of them in each direction, all longer than a window; applications that read
//! one call after the other. Without credit an end has to stop reading its WebSocket while an
//! application holds as much as it may, and then the bytes that the other application waits for
//! stand behind those that nobody takes.

use grpc_websocket_testkit::{Outcome, Pair, plan};

const SEEDS: u64 = 60;

fn outcome(seed: u64, has_credit: bool) -> Outcome {
    let mut choices = fastrand::Rng::with_seed(seed);
    let plan = plan::control(&mut choices, has_credit);
    Pair::new(plan, &mut choices).drive()
}

#[test]
fn with_credit_all_schedules_end() {
    for seed in 0..SEEDS {
        assert_eq!(outcome(seed, true), Outcome::Done, "seed {seed}");
    }
}

#[test]
fn without_credit_all_schedules_deadlock() {
    for seed in 0..SEEDS {
        assert_eq!(outcome(seed, false), Outcome::Stuck, "seed {seed}");
    }
}
